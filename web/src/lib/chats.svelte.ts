// The list of conversations, the models, and which chat is open; several tabs of one browser are kept in step.
import { api, ApiError } from "./api";
import { Chat } from "./chat.svelte";
import { t } from "./i18n";
import { settings } from "./settings.svelte";
import { show_error, show_toast } from "./toasts.svelte";
import type { Conversation, Folder, Model, SearchHit, WholeConversation } from "./types";

const PAGE = 60;
const MOST_LISTED = 200; // The server gives no more at once.
const TINY_BYTES = 100e6;

// The address of the operator's page.
export const OPERATOR = "#/operator";

// The chat that an address names, and perhaps a message in it.
function named_by(address: string): { id?: string; message?: string } {
  const [, id, message] = /^#\/c\/([^/]+)(?:\/(.+))?$/.exec(address) ?? [];
  return { ...(id && { id: decodeURIComponent(id) }), ...(message && { message: decodeURIComponent(message) }) };
}

export type View = { kind: "all" } | { kind: "archived" } | { kind: "folder"; name: string };

class Chats {
  list = $state<Conversation[]>([]);
  next_cursor = $state<string | null>(null);
  folders = $state<Folder[]>([]);
  view = $state<View>({ kind: "all" });
  models = $state<Model[]>([]);
  search_words = $state("");
  hits = $state<SearchHit[] | null>(null); // null: nothing is searched for
  current = $state.raw<Chat>(this.#new_chat(false));

  model = $derived(this.models.find((model) => model.id === this.current.settings.model) ?? this.models[0]);

  // It knows too little for titles, summaries and all but sums: the model that is part of the program.
  is_tiny = $derived(this.model?.size_bytes !== undefined && this.model.size_bytes < TINY_BYTES);

  #channel = new BroadcastChannel("aloud");
  #search_timer: ReturnType<typeof setTimeout> | undefined;
  #titled = new Set<string>();
  #lists = 0; // that were asked for

  constructor() {
    this.#channel.onmessage = (event: MessageEvent<{ id: string }>) => void this.#changed_elsewhere(event.data.id).catch(show_error);
  }

  async start(): Promise<void> {
    await Promise.all([this.load_models(), this.load_list(), this.load_folders()]);
    await this.open_address();
  }

  async load_models(): Promise<void> {
    this.models = await api.models();
    // What new chats begin with may be gone since.
    if (!this.models.some((model) => model.id === settings.new_chat.model)) delete settings.new_chat.model;
  }

  // The next portion, or what is listed anew. Of several at once the last counts.
  async load_list(more = false): Promise<void> {
    const number = ++this.#lists;
    const limit = more ? PAGE : Math.min(MOST_LISTED, Math.max(PAGE, this.list.length));
    const filter: Parameters<typeof api.list>[0] = { limit, archived: this.view.kind === "archived" };
    if (this.view.kind === "folder") filter.folder = this.view.name;
    if (more && this.next_cursor) filter.cursor = this.next_cursor;
    const page = await api.list(filter);
    if (number !== this.#lists) return;
    this.list = more ? [...this.list, ...page.data] : page.data;
    this.next_cursor = page.next_cursor ?? null;
  }

  async load_folders(): Promise<void> {
    this.folders = await api.folders();
  }

  async show(view: View): Promise<void> {
    this.view = view;
    await this.load_list();
  }

  search(words: string): void {
    this.search_words = words;
    clearTimeout(this.#search_timer);
    if (!words.trim()) {
      this.hits = null;
      return;
    }
    this.#search_timer = setTimeout(() => {
      api.search(words).then((page) => {
        if (this.search_words === words) this.hits = page.data;
      }, show_error);
    }, 150);
  }

  // The open chat's.
  get address(): string {
    if (this.current.temporary) return "#/temporary";
    return this.current.id && !this.current.is_new ? `#/c/${encodeURIComponent(this.current.id)}` : "#/";
  }

  // The part of the address behind # names the open chat, and perhaps a message in it.
  async open_address(): Promise<void> {
    const hash = location.hash || "#/"; // What names nothing is the address of a chat that the server does not have yet.
    const { id, message } = named_by(hash);
    if (hash === OPERATOR || hash === this.address) return;
    if (!id) {
      if (!this.current.is_new) this.start_new(hash === "#/temporary");
      return;
    }
    if (id !== this.current.id) await this.#open(id);
    if (message && id === this.current.id) this.current.seek(message);
  }

  start_new(temporary = false): void {
    this.current.leave();
    this.current = this.#new_chat(temporary);
    const address = temporary ? "#/temporary" : "#/";
    if (location.hash !== address) history.pushState(null, "", address);
  }

  async rename(conversation: Conversation, title: string): Promise<void> {
    await this.#change(conversation.id, { title });
  }
  async pin(conversation: Conversation): Promise<void> {
    await this.#change(conversation.id, { pinned: !conversation.pinned });
  }
  async move(conversation: Conversation, folder: string): Promise<void> {
    await this.#change(conversation.id, { folder });
    await this.load_folders();
  }
  async archive(conversation: Conversation): Promise<void> {
    const archived = !conversation.archived;
    await this.#change(conversation.id, { archived });
    show_toast(t(archived ? "chat.archived" : "chat.unarchived"), {
      action: { label: t("undo"), run: () => void this.#change(conversation.id, { archived: !archived }) },
    });
  }

  async remove(conversation: Conversation): Promise<void> {
    await api.remove(conversation.id);
    if (this.current.id === conversation.id) this.start_new();
    await this.#tell(conversation.id);
    const undo = async () => {
      await api.restore(conversation.id);
      await this.#tell(conversation.id);
    };
    show_toast(t("chat.deleted", { title: conversation.title }), {
      action: { label: t("undo"), run: () => void undo().catch(show_error) },
    });
  }

  async fork(leaf: string): Promise<void> {
    const made = await api.fork(this.current.id, leaf);
    await this.load_list();
    location.hash = `#/c/${made.id}`;
    show_toast(t("chat.forked"));
  }

  // Several conversations came or went: imports.
  async reload(): Promise<void> {
    await Promise.all([this.load_list(), this.load_folders()]);
  }

  #new_chat(temporary: boolean): Chat {
    return new Chat({ temporary, settings: settings.new_chat, changed: (chat) => void this.#changed_here(chat) });
  }

  async #open(id: string): Promise<void> {
    const chat = this.#new_chat(false);
    const is_wanted = () => named_by(location.hash).id === id;  // The reader may go on while it is read.
    let whole: WholeConversation;
    try {
      whole = await api.read(id);
    } catch (error) {
      if (is_wanted()) this.start_new();
      throw error;
    }
    if (!is_wanted()) return;
    this.current.leave();
    this.current = chat;
    chat.load(whole);
  }

  async #change(id: string, change: Partial<Conversation>): Promise<void> {
    const changed = await api.change(id, change);
    if (this.current.id === id) this.current.conversation = { ...this.current.conversation, ...changed };
    await this.#tell(id);
  }

  async #changed_here(chat: Chat): Promise<void> {
    if (chat.temporary || !chat.id) return;
    // An address that names another chat is where the reader is going just now.
    const { id = chat.id } = named_by(location.hash);
    const is_here = id === chat.id && location.hash !== OPERATOR;
    // Browsers limit how often an address is set, and take a second one for the end of a visit that has just begun.
    if (this.current === chat && is_here && location.hash !== this.address) history.replaceState(null, "", this.address);
    await this.#tell(chat.id).catch(show_error);
    if (!chat.reply && this.models.some((model) => model.status !== "loaded")) await this.load_models();
    await this.#write_title(chat);
  }

  // Once, after the first reply of a conversation that was begun here.
  async #write_title(chat: Chat): Promise<void> {
    const first = chat.path.length === 2 && chat.path[1]?.status === "complete";
    if (!first || this.is_tiny || this.#titled.has(chat.id)) return;
    this.#titled.add(chat.id);
    const titled = await api.write_title(chat.id).catch(() => null);
    if (!titled?.title) return;
    chat.conversation.title = titled.title;
    await this.#tell(chat.id);
  }

  async #tell(id: string): Promise<void> {
    this.#channel.postMessage({ id });
    await this.load_list();
  }

  async #changed_elsewhere(id: string): Promise<void> {
    await this.reload();
    if (this.current.id !== id || this.current.reply) return;
    try {
      await this.current.refresh();
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
      this.start_new(); // It was deleted there.
    }
  }
}

export const chats = new Chats();
