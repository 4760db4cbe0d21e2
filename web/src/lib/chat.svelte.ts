// One open chat: its tree of messages, the branch that is shown, the reply that is written, and what waits for it.
import { SvelteMap } from "svelte/reactivity";
import { api, ApiError, follow, respond } from "./api";
import { first_words } from "./format";
import { t } from "./i18n";
import { RunningReply } from "./reply.svelte";
import { input_items, request_fields } from "./request";
import { newest_leaf, path_to, siblings } from "./tree";
import type { AttachedFile, ChatSettings, Conversation, Message, ResponseEvent, WholeConversation } from "./types";

// What a reader sends: the text typed, and what stands in files.
export interface Outgoing {
  text: string;
  files: (AttachedFile & { text: string })[];
}

// What went wrong last, and how to try it again.
export interface Trouble {
  error: Error;
  retry: () => void;
}

const PENDING = "pending"; // Id of a reply that the server has not named yet.

export const random_id = (): string => crypto.randomUUID?.() ?? Math.random().toString(36).slice(2) + Date.now().toString(36);

// The files follow the text, each under its name.
export function content_of(outgoing: Outgoing): string {
  const files = outgoing.files.map((file) => `\n\n[${file.name}]\n${file.text}`);
  return outgoing.text + files.join("");
}

export class Chat {
  conversation = $state<Conversation>({ id: "", title: "", pinned: false, archived: false });
  readonly messages = new SvelteMap<string, Message>();
  leaf = $state<string | undefined>(undefined);
  reply = $state<RunningReply | null>(null);
  queue = $state<Outgoing[]>([]);
  sought = $state<string | null>(null); // the message that a search found, to be scrolled to
  trouble = $state<Trouble | null>(null);
  settings = $state<ChatSettings>({});
  readonly temporary: boolean;

  path = $derived(path_to(this.messages, this.leaf));
  #stored = false; // The server has the conversation.
  #changed: (chat: Chat) => void;

  // changed: something of it was stored.
  constructor(options: { temporary: boolean; settings: ChatSettings; changed: (chat: Chat) => void }) {
    this.temporary = options.temporary;
    this.settings = { ...options.settings };
    this.#changed = options.changed;
  }

  get id(): string {
    return this.conversation.id;
  }
  get is_new(): boolean {
    return this.messages.size === 0;
  }

  // Takes over what the server has, and goes on with a reply that is written there.
  load(whole: WholeConversation): void {
    const { messages, ...conversation } = whole;
    this.conversation = conversation;
    this.#stored = true;
    this.settings = { ...conversation.settings };
    for (const message of messages) {
      if (message.id === this.reply?.message.id) continue;
      const known = this.messages.get(message.id);
      if (message.status === "running" && known && known.status !== "running") continue;
      this.#put(message);
    }
    if (this.reply) return;
    const last = messages.at(-1);
    this.leaf = conversation.active_leaf ?? (last ? newest_leaf(this.messages, last.id) : undefined);
    const running = messages.findLast((message) => this.messages.get(message.id)?.status === "running");
    if (running) void this.#reattach(running.id);
  }

  async refresh(): Promise<void> {
    if (!this.#stored) return;
    const before = this.leaf;
    const whole = await api.read(this.id);
    const leaf = this.leaf;
    this.load(whole);
    if (leaf !== before) this.leaf = leaf; // The reader has gone on, or to another branch, while it was read.
  }

  async send(outgoing: Outgoing): Promise<void> {
    if (this.reply) {
      this.queue.push(outgoing);
      return;
    }
    await this.#ask(outgoing, this.leaf);
  }

  // Another version of a message of the user's: a branch beside it.
  async edit(message: Message, text: string): Promise<void> {
    const typed = message.extra?.text;
    const content = typed === undefined ? text : text + message.content.slice(typed.length);
    const extra = typed === undefined ? message.extra : { ...message.extra, text };
    await this.#ask_with({ content, ...(extra ? { extra } : {}) }, message.parent);
  }

  // Another reply to the same message, perhaps made otherwise.
  async regenerate(message: Message, otherwise: ChatSettings = {}): Promise<void> {
    if (message.parent) await this.#answer(message.parent, otherwise);
  }

  async go_on(): Promise<void> {
    await this.send({ text: t("message.continue_prompt"), files: [] });
  }

  siblings(message: Message): Message[] {
    return siblings(this.messages, message);
  }

  show_branch(message: Message): void {
    if (this.reply) return;
    this.leaf = newest_leaf(this.messages, message.id);
    if (this.#stored) void api.change(this.id, { active_leaf: this.leaf }).catch(() => undefined);
  }

  // Shows the branch with a message, and the message.
  seek(id: string): void {
    const message = this.messages.get(id);
    if (!message) return;
    if (!this.path.includes(message)) this.show_branch(message);
    this.sought = id;
  }

  async change_settings(change: Partial<ChatSettings>): Promise<void> {
    this.settings = { ...this.settings, ...change };
    if (this.#stored) await api.change(this.id, { settings: $state.snapshot(this.settings) });
  }

  leave(): void {
    this.reply?.leave();
  }

  async #ask(outgoing: Outgoing, parent: string | undefined): Promise<void> {
    const files = outgoing.files.map(({ name, characters }) => ({ name, characters }));
    const extra = files.length > 0 ? { text: outgoing.text, files } : undefined;
    await this.#ask_with({ content: content_of(outgoing), ...(extra ? { extra } : {}) }, parent);
  }

  async #ask_with(said: Pick<Message, "content" | "extra">, parent: string | undefined): Promise<void> {
    const message: Message = {
      id: random_id(),
      role: "user",
      status: "complete",
      created_ms: Date.now(),
      ...said,
      ...(parent ? { parent } : {}),
    };
    this.#put(message);
    this.leaf = message.id;
    this.sought = null;
    await this.#attempt(async () => {
      await this.#store(message);
      await this.#answer(message.id, {});
    });
  }

  // The first message brings the conversation into being.
  async #store(message: Message): Promise<void> {
    if (this.temporary) return;
    if (this.#stored) {
      await api.add(this.id, message);
    } else {
      const title = first_words(message.extra?.text ?? message.content);
      const settings = $state.snapshot(this.settings);
      const { messages: _, ...made } = await api.create({ id: random_id(), title, settings, messages: [message] });
      this.conversation = made;
      this.#stored = true;
    }
    this.#changed(this);
  }

  async #answer(parent: string, otherwise: ChatSettings): Promise<void> {
    await this.#attempt(() => {
      const settings = { ...this.settings, ...otherwise };
      const stored = !this.temporary;
      const message = this.#put({ id: PENDING, parent, role: "assistant", content: "", status: "running", created_ms: Date.now() });
      this.leaf = PENDING;
      const reply = new RunningReply(message, { stored, known: false });
      const where = stored
        ? { conversation: { id: this.id, parent } }
        : { input: input_items(path_to(this.messages, parent)), instructions: settings.system_prompt };
      const request = { ...request_fields(settings), ...where };
      return this.#follow(reply, respond(request, stored, this.#follower(reply)));
    });
  }

  async #reattach(id: string): Promise<void> {
    await this.#attempt(() => {
      const message = this.messages.get(id);
      if (!message) return Promise.resolve();
      const reply = new RunningReply(message, { stored: true, known: true });
      return this.#follow(reply, follow(id, -1, this.#follower(reply)));
    });
  }

  #follower(reply: RunningReply) {
    return { signal: reply.signal, lost: (lost: boolean) => (reply.lost = lost) };
  }

  async #follow(reply: RunningReply, events: AsyncGenerator<ResponseEvent>): Promise<void> {
    this.reply = reply;
    try {
      await reply.run(events, (id) => this.#name(reply.message, id));
    } catch (error) {
      if (reply.message.id === PENDING) this.messages.delete(PENDING);
      else reply.message.status = "interrupted";
      this.leaf = reply.message.id === PENDING ? reply.message.parent : reply.message.id;
      throw error;
    } finally {
      this.reply = null;
      if (reply.signal.aborted && reply.message.id === PENDING) this.#name(reply.message, random_id());
    }
    if (reply.signal.aborted && !this.temporary) return;
    if (!this.temporary) await this.refresh().catch(() => undefined);
    this.#changed(this);
    await this.#send_next(reply.message);
  }

  async #send_next(ended: Message): Promise<void> {
    if (ended.status !== "complete") return;
    const next = this.queue.shift();
    if (next) await this.send(next);
  }

  // The server has said what the reply is called.
  #name(message: Message, id: string): void {
    this.messages.delete(message.id);
    const was_leaf = this.leaf === message.id;
    message.id = id;
    this.messages.set(id, message);
    if (was_leaf) this.leaf = id;
    this.#changed(this);
  }

  #put(message: Message): Message {
    const reactive = $state(message);
    this.messages.set(message.id, reactive);
    return reactive;
  }

  // Runs something that may fail; its failure is shown with a way to try again.
  async #attempt(action: () => Promise<void>): Promise<void> {
    this.trouble = null;
    try {
      await action();
    } catch (error) {
      const shown = error instanceof Error ? error : new ApiError(0, { message: String(error) });
      this.trouble = { error: shown, retry: () => void this.#attempt(action) };
    }
  }
}
