// Exports of others become conversations of ours.
import { expect, test } from "vitest";
import { to_import } from "./import";
import type { WholeConversation } from "./types";

const imported = (json: unknown) => (to_import(json) as { conversations: WholeConversation[] }).conversations;

const chatgpt_node = (id: string, parent: string, role: string, content: object) => ({
  id,
  parent,
  message: { author: { role }, content, create_time: 1700000000.5, metadata: { model_slug: "o3" } },
});

test("ChatGPT: the hidden root and thinking nodes are skipped, thoughts go to the reply", () => {
  const [whole] = imported([
    {
      title: "Sums",
      create_time: 1700000000,
      current_node: "a",
      mapping: {
        a: chatgpt_node("a", "t", "assistant", { content_type: "text", parts: ["4"] }),
        t: chatgpt_node("t", "u", "assistant", { content_type: "thoughts", thoughts: [{ content: "two and two" }] }),
        u: chatgpt_node("u", "s", "user", { content_type: "text", parts: ["2+2?"] }),
        s: chatgpt_node("s", "r", "system", { content_type: "text", parts: [""] }),
        r: { id: "r", message: null },
      },
    },
  ]);
  expect(whole?.title).toBe("Sums");
  expect(whole?.active_leaf).toBe("a");
  expect(whole?.messages).toEqual([
    { id: "u", role: "user", content: "2+2?", status: "complete", created_ms: 1700000000500 },
    { id: "a", parent: "u", role: "assistant", content: "4", thought: "two and two", model: "o3", status: "complete", created_ms: 1700000000500 },
  ]);
});

test("DeepSeek: fragments", () => {
  const message = (fragments: object[]) => ({ model: "deepseek-reasoner", inserted_at: "2025-01-20T08:00:00Z", fragments });
  const [whole] = imported([
    {
      title: "你好",
      inserted_at: "2025-01-20T08:00:00Z",
      mapping: {
        root: { id: "root", parent: null, message: null },
        "1": { id: "1", parent: "root", message: message([{ type: "REQUEST", content: "2+2?" }]) },
        "2": { id: "2", parent: "1", message: message([{ type: "THINK", content: "hm" }, { type: "RESPONSE", content: "4" }]) },
      },
    },
  ]);
  expect(whole?.messages.map(({ role, content, thought, parent }) => ({ role, content, thought, parent }))).toEqual([
    { role: "user", content: "2+2?", thought: undefined, parent: undefined },
    { role: "assistant", content: "4", thought: "hm", parent: "1" },
  ]);
  expect(whole?.created_ms).toBe(Date.UTC(2025, 0, 20, 8));
});

test("ours goes as it is, what is unknown does not go", () => {
  const own = { format: "aloud-conversation", version: 1, messages: [] };
  expect(to_import(own)).toBe(own);
  for (const other of [null, 1, [], {}, { mapping: 1 }, "x"]) expect(to_import(other)).toBeNull();
});

test("a mapping that goes in circles ends", () => {
  const node = (id: string, parent: string) => ({ id, parent, message: { author: { role: "user" }, content: { parts: ["x"] } } });
  expect(imported([{ mapping: { a: node("a", "b"), b: node("b", "a") } }])).toEqual([]);
});
