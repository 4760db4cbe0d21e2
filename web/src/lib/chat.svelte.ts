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

// Whether the server has ended before it could save a reply: what stands here is all there is of it.
const is_lost = (shown: Message, is_interrupted: boolean) => shown.saved === false && shown.status !== "interrupted" && is_interrupted;

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
  #told: ChatSettings | null = null; // The settings that the server has.
  #new_id = random_id();
  #turn: Promise<unknown> = Promise.resolve(); // When what was asked of the server last is answered.
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
    if (!this.#stored || this.settings === this.#told) {
      this.settings = { ...conversation.settings };
      this.#told = this.settings;
    }
    this.#stored = true;
    for (const message of messages) {
      if (message.id === this.reply?.message.id) continue;
      const known = this.messages.get(message.id);
      if (message.status === "running" && known && known.status !== "running") continue;
      if (known && is_lost(known, message.status === "interrupted")) continue;
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
    const whole = await this.#in_turn(() => api.read(this.id));
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
    const active_leaf = (this.leaf = newest_leaf(this.messages, message.id));
    if (this.#stored) void this.#in_turn(() => api.change(this.id, { active_leaf })).catch(() => undefined);
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
    await this.#store();
  }

  // Looks whether the server has saved a reply meanwhile that it could not save when that ended.
  async look_after(message: Message): Promise<void> {
    const { saved, error } = await api.response(message.id);
    if (saved === false || is_lost(message, error?.code === "interrupted")) return;
    delete message.saved;
    await this.refresh();
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
    this.sought = null;
    await this.#answer(message.id, {}, message);
  }

  // Brings the server what it lacks: settings that have changed, and a message. The first message brings the conversation
  // into being. What is there already may be brought again.
  async #store(message?: Message): Promise<void> {
    if (this.temporary) return;
    await this.#in_turn(async () => {
      const settings = this.settings;
      if (this.#stored && settings !== this.#told) await api.change(this.id, { settings: $state.snapshot(settings) });
      if (!this.#stored && message) await this.#create(message);
      else if (message) await api.add(this.id, message);
      if (this.#stored) this.#told = settings;
    });
    if (message) this.#changed(this);
  }

  async #create(message: Message): Promise<void> {
    const title = first_words(message.extra?.text ?? message.content);
    const settings = $state.snapshot(this.settings);
    const { messages, ...made } = await api.create({ id: this.#new_id, title, settings, messages: [message] });
    this.conversation = made;
    this.#stored = true;
    // It was made before, and only the answer was lost.
    if (!messages.some(({ id }) => id === message.id)) await api.add(this.id, message);
  }

  // What is asked of the server for this chat comes one after the other, in the order in which it was said.
  #in_turn<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    const answer = this.#turn.then(ask);
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  // question: the parent, where the server does not have it yet.
  async #answer(parent: string, otherwise: ChatSettings, question?: Message): Promise<void> {
    await this.#attempt(() => {
      const message = this.#put({ id: PENDING, parent, role: "assistant", content: "", status: "running", created_ms: Date.now() });
      this.leaf = PENDING;
      const reply = new RunningReply(message, { stored: !this.temporary, known: false });
      return this.#follow(reply, this.#ask_for(reply, parent, otherwise, question));
    });
  }

  async *#ask_for(reply: RunningReply, parent: string, otherwise: ChatSettings, question?: Message): AsyncGenerator<ResponseEvent> {
    await this.#store(question);
    const settings = { ...this.settings, ...otherwise };
    const stored = !this.temporary;
    const where = stored
      ? { conversation: { id: this.id, parent } }
      : { input: input_items(path_to(this.messages, parent)), instructions: settings.system_prompt };
    yield* respond({ ...request_fields(settings), ...where }, stored, this.#follower(reply));
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
