// A reply while it is written: its events become text in a message, its state what the page shows beside it.
import { api, ApiError } from "./api";
import type { Message, Progress, ReplyStatus, ResponseBody, ResponseEvent } from "./types";

export type Phase = "waiting" | "reading" | "thinking" | "answering";

const FLUSH_MS = 40; // Text is shown in portions, so that a fast model does not mean a render per token.

const ended_as: Record<ResponseBody["status"], ReplyStatus> = {
  queued: "running",
  in_progress: "running",
  completed: "complete",
  incomplete: "complete",
  failed: "failed",
  cancelled: "cancelled",
};

export class RunningReply {
  phase = $state<Phase>("waiting");
  progress = $state<Progress | null>(null);
  thinking_since = $state<number>(); // Milliseconds; unknown where the page came back to a thought.
  lost = $state(false); // The way to the server is lost; the reply goes on there.
  readonly message: Message;

  #stored: boolean;
  #leaving = new AbortController();
  #stop_wanted = false;
  #leave_wanted = false;
  #known = false; // The server has said what the reply's id is.
  #fresh = false; // The replay has begun: what was there before is written anew.
  #thought = "";
  #content = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  // message: reactive; known: its id is the response's already, and its events are replayed from the first on.
  constructor(message: Message, options: { stored: boolean; known: boolean }) {
    this.message = message;
    this.#stored = options.stored;
    this.#known = options.known;
    this.#fresh = !options.known;
  }

  get signal(): AbortSignal {
    return this.#leaving.signal;
  }

  // Applies events up to the last. Throws what the connection throws.
  async run(events: AsyncGenerator<ResponseEvent>, identified: (id: string) => void): Promise<void> {
    try {
      for await (const event of events) {
        if (!this.#known && event.response?.id) {
          this.#known = true;
          identified(event.response.id);
          if (this.#stop_wanted) void this.stop();
          if (this.#leave_wanted) this.leave();
        }
        this.#apply(event);
      }
    } finally {
      this.#flush();
    }
  }

  // The page goes elsewhere; a stored reply is written on without it, when it has been asked for.
  leave(): void {
    this.#leave_wanted = true;
    if (this.#known || !this.#stored) this.#leaving.abort();
  }

  async stop(): Promise<void> {
    if (!this.#stored) {
      this.message.status = "cancelled";
      return this.leave();
    }
    this.#stop_wanted = true;
    if (this.#known) await this.#control("stop");
  }

  async answer_now(): Promise<void> {
    if (this.#known) await this.#control("end_thinking");
  }

  async #control(action: "stop" | "end_thinking"): Promise<void> {
    try {
      await api.control(this.message.id, action);
    } catch (error) {
      const over = error instanceof ApiError && (error.status === 404 || error.status === 409);
      if (!over) throw error;
    }
  }

  #apply(event: ResponseEvent): void {
    if (event.progress) this.progress = event.progress;
    switch (event.type) {
      case "response.in_progress":
        if (this.phase === "waiting") this.phase = "reading";
        break;
      case "response.reasoning_text.delta":
        if (this.phase !== "thinking" && this.#fresh) this.thinking_since = Date.now();
        this.phase = "thinking";
        this.#write(event.delta ?? "", "");
        break;
      case "response.reasoning_text.done":
        if (event.thought_end) this.message.extra = { ...this.message.extra, thought_end: event.thought_end };
        break;
      case "response.output_text.delta":
        this.phase = "answering";
        this.#write("", event.delta ?? "");
        break;
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
        if (event.response) this.#finish(event.response);
        break;
      case "error":
        throw new ApiError(500, { message: event.message ?? "error", code: event.code ?? null });
    }
  }

  #write(thought: string, content: string): void {
    if (!this.#fresh) {
      this.#fresh = true;
      this.message.thought = this.message.content = "";
    }
    this.#thought += thought;
    this.#content += content;
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#thought) this.message.thought = (this.message.thought ?? "") + this.#thought;
    if (this.#content) this.message.content += this.#content;
    this.#thought = this.#content = "";
  }

  #finish(response: ResponseBody): void {
    this.#flush();
    // What the store refuses is whole nevertheless.
    const is_refused = response.error?.code === "not_stored";
    this.message.status = is_refused ? "complete" : ended_as[response.status];
    if (response.saved === false) this.message.saved = false;
    if (response.model) this.message.model = response.model;
    if (response.usage) this.message.usage = response.usage;
    if (response.timings) this.message.timings = response.timings;
    const reason = response.finish_reason ?? response.incomplete_details?.reason;
    if (reason) this.message.finish_reason = reason;
    if (response.error && !is_refused) this.message.extra = { ...this.message.extra, error: response.error.message };
  }
}
