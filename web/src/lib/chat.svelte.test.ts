// @vitest-environment jsdom
// A chat before a server that answers when the test says so: what waits for what, and what is kept when the server fails.
import { beforeEach, expect, test, vi } from "vitest";
import { api, respond } from "./api";
import { Chat } from "./chat.svelte";
import type { ChatSettings, Message, ResponseBody, ResponseEvent, WholeConversation } from "./types";

vi.mock(import("./api"), async (original) => ({ ...(await original()), respond: vi.fn() }));

// What was asked of the server, in its order; and what it has.
let asked: string[];
let settings: ChatSettings | undefined;
let messages: Message[];
let answers: number; // to requests for replies
let slow: Promise<void>; // changes of the conversation wait for it
let go_on: () => void;

const whole = (): WholeConversation => ({ id: "c", title: "", pinned: false, archived: false, settings: settings ?? {}, messages: [...messages] });
const settled = () => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => {
  asked = [];
  settings = undefined;
  messages = [];
  answers = 0;
  slow = new Promise((resolve) => (go_on = resolve));
  vi.spyOn(api, "create").mockImplementation(async (made) => {
    await slow;
    asked.push("create");
    settings = made.settings;
    messages.push(...(made.messages ?? []));
    return whole();
  });
  vi.spyOn(api, "change").mockImplementation(async (_, change) => {
    await slow;
    asked.push(`change ${Object.keys(change).join()}`);
    if (change.settings) settings = change.settings;
    return whole();
  });
  vi.spyOn(api, "add").mockImplementation(async (_, message) => {
    asked.push("add");
    messages.push(message as Message);
    return [message as Message];
  });
  vi.spyOn(api, "read").mockImplementation(async () => whole());
  vi.mocked(respond).mockImplementation(async function* () {
    asked.push(`respond ${settings?.system_prompt ?? ""}`);
    const response: ResponseBody = { id: `r${++answers}`, status: "completed" };
    yield { type: "response.created", sequence_number: 0, response };
    messages.push({ id: response.id, parent: messages.at(-1)?.id ?? "", role: "assistant", content: "Yes.", status: "complete" });
    yield { type: "response.completed", sequence_number: 1, response };
  });
});

const new_chat = () => new Chat({ temporary: false, settings: {}, changed: () => undefined });
const say = (text: string) => ({ text, files: [] });

// A chat with a question and an answer.
async function open_chat(): Promise<Chat> {
  messages = [
    { id: "q", role: "user", content: "?", status: "complete" },
    { id: "a", parent: "q", role: "assistant", content: "Whole.", status: "complete" },
  ];
  const chat = new_chat();
  chat.load(whole());
  return chat;
}

test("a message waits for settings that were changed before it", async () => {
  const chat = await open_chat();
  const changing = chat.change_settings({ system_prompt: "Rhyme." });
  const sending = chat.send(say("Hello"));
  await settled();
  expect(asked).toEqual([]);
  expect(chat.reply).not.toBeNull();
  go_on();
  await Promise.all([changing, sending]);
  expect(asked).toEqual(["change settings", "add", "respond Rhyme."]);
  expect(chat.path.map(({ content }) => content)).toEqual(["?", "Whole.", "Hello", "Yes."]);
});

test("another answer waits for them as well", async () => {
  const chat = await open_chat();
  const answer = chat.messages.get("a") as Message;
  void chat.change_settings({ system_prompt: "Rhyme." });
  const again = chat.regenerate(answer);
  go_on();
  await again;
  expect(asked).toEqual(["change settings", "respond Rhyme."]);
});

test("settings that change while the conversation is made are stored too, and stay", async () => {
  const chat = new_chat();
  const sending = chat.send(say("Hello"));
  await settled();
  const changing = chat.change_settings({ system_prompt: "Rhyme." });
  go_on();
  await Promise.all([sending, changing]);
  expect(settings).toEqual({ system_prompt: "Rhyme." });
  await chat.refresh();
  expect(chat.settings).toEqual({ system_prompt: "Rhyme." });
});

test("settings that could not be stored go before the next message", async () => {
  const chat = await open_chat();
  go_on();
  vi.mocked(api.change).mockRejectedValueOnce(new Error("full")).mockRejectedValueOnce(new Error("full"));
  await expect(chat.change_settings({ system_prompt: "Rhyme." })).rejects.toThrow("full");
  await chat.refresh();
  expect(chat.settings.system_prompt).toBe("Rhyme.");
  await chat.send(say("Hello"));
  expect(chat.trouble?.error.message).toBe("full");
  expect(chat.path.at(-1)?.content).toBe("Hello");
  expect(asked).toEqual([]);
  chat.trouble?.retry();
  await vi.waitFor(() => expect(chat.path.at(-1)?.content).toBe("Yes."));
  expect(asked).toEqual(["change settings", "add", "respond Rhyme."]);
});

test("of two messages sent at once the second waits for the reply to the first", async () => {
  const chat = new_chat();
  const sending = chat.send(say("One"));
  await chat.send(say("Two"));
  expect(chat.queue.length).toBe(1);
  go_on();
  await sending;
  expect(chat.path.map(({ content }) => content)).toEqual(["One", "Yes.", "Two", "Yes."]);
});

test("who leaves while a question is stored has asked it", async () => {
  const chat = new_chat();
  const sending = chat.send(say("Hello"));
  await settled();
  chat.leave();
  go_on();
  await sending;
  expect(asked).toEqual(["create", "respond "]);
});

test("a conversation whose making was not answered is made once", async () => {
  const chat = new_chat();
  vi.mocked(api.create).mockRejectedValueOnce(new Error("lost"));
  await chat.send(say("Hello"));
  go_on();
  chat.trouble?.retry();
  await vi.waitFor(() => expect(chat.path.at(-1)?.content).toBe("Yes."));
  const [first, second] = vi.mocked(api.create).mock.calls.slice(-2);
  expect(first?.[0].id).toBe(second?.[0].id);
});

test("a reply that is not saved says so until it is", async () => {
  const chat = await open_chat();
  go_on();
  const events: ResponseEvent = {
    type: "response.failed",
    sequence_number: 1,
    response: { id: "r", status: "failed", saved: false, error: { code: "not_stored", message: "no space" } },
  };
  vi.mocked(respond).mockImplementationOnce(async function* () {
    messages.push({ id: "r", parent: messages.at(-1)?.id ?? "", role: "assistant", content: "Whole.", status: "cancelled", saved: false });
    yield events;
  });
  vi.mocked(api.read).mockRejectedValueOnce(new Error("gone"));
  await chat.send(say("Hello"));
  const shown = () => chat.messages.get("r") as Message;
  expect([shown().saved, shown().status, shown().extra]).toEqual([false, "complete", undefined]);
  await chat.refresh();
  expect([shown().saved, shown().status]).toEqual([false, "cancelled"]);

  const told = vi.spyOn(api, "response").mockResolvedValueOnce({ id: "r", status: "cancelled", saved: false });
  await chat.look_after(shown());
  expect(shown().saved).toBe(false);
  delete messages.at(-1)?.saved;
  told.mockResolvedValueOnce({ id: "r", status: "cancelled" });
  await chat.look_after(shown());
  expect(shown().saved).toBeUndefined();
});

test("a reply that the server lost before it was saved stays as it is", async () => {
  const chat = await open_chat();
  chat.load({ ...whole(), messages: messages.map((message) => (message.id === "a" ? { ...message, saved: false } : message)) });
  messages = messages.map((message) => (message.id === "a" ? { ...message, content: "Wh", status: "interrupted" } : message));
  vi.spyOn(api, "response").mockResolvedValueOnce({ id: "a", status: "failed", error: { code: "interrupted", message: "" } });
  await chat.look_after(chat.messages.get("a") as Message);
  await chat.refresh();
  expect([chat.messages.get("a")?.content, chat.messages.get("a")?.saved]).toEqual(["Whole.", false]);
});
