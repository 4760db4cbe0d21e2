// The one place that knows HTTP: requests, their errors, the login, and streams that find their way back.
import { sent_events } from "./sse";
import type {
  Conversation,
  Folder,
  Key,
  KeyChange,
  MachineState,
  Message,
  Model,
  Page,
  ResponseBody,
  ResponseEvent,
  SearchHit,
  ServerError,
  Session,
  UsageList,
  WholeConversation,
} from "./types";

// What went wrong. status 0: the server could not be reached.
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly body: ServerError,
    readonly retry_after = 0, // seconds; 0: the server did not say
  ) {
    super(body.message);
  }
  get unreachable(): boolean {
    return this.status === 0;
  }
}

let csrf_token: string | null = null;

// Called when a request is refused because nobody is logged in.
let on_logged_out: () => void = () => undefined;
export function when_logged_out(action: () => void): void {
  on_logged_out = action;
}

// Called with every answer, and when none came: whether the server itself was reached.
let on_contact: (reached: boolean) => void = () => undefined;
export function when_contacted(action: (reached: boolean) => void): void {
  on_contact = action;
}

async function failure(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  let body: ServerError = { message: text.slice(0, 500) || response.statusText || `HTTP ${response.status}` };
  try {
    const json = JSON.parse(text) as { error?: ServerError };
    if (json.error?.message) body = json.error;
  } catch {
    // Not ours: the text itself is the message.
  }
  return new ApiError(response.status, body, Number(response.headers.get("Retry-After") ?? 0) || 0);
}

async function send(method: string, path: string, body?: unknown, options: RequestInit = {}): Promise<Response> {
  const headers: Record<string, string> = { ...(options.headers as Record<string, string> | undefined) };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf_token) headers["X-CSRF-Token"] = csrf_token;
  let response: Response;
  try {
    const content = body === undefined ? null : JSON.stringify(body);
    response = await fetch(path, { ...options, method, headers, body: content, credentials: "same-origin" });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    on_contact(false);
    throw new ApiError(0, { message: String(error) });
  }
  on_contact(!response.headers.has("Aloud-Kept"));
  if (response.ok) return response;
  if (response.status === 401 && path !== "/v1/session") on_logged_out();
  throw await failure(response);
}

async function call<Answer>(method: string, path: string, body?: unknown, options?: RequestInit): Promise<Answer> {
  const response = await send(method, path, body, options);
  return (response.status === 204 ? undefined : await response.json()) as Answer;
}

function query(values: Record<string, string | number | boolean | undefined | null>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text && `?${text}`;
}

const path_of = (id: string) => `/v1/conversations/${encodeURIComponent(id)}`;

async function enter(session: Session): Promise<Session> {
  csrf_token = session.csrf_token;
  return session;
}

export const api = {
  session: async () => enter(await call<Session>("GET", "/v1/session")),
  log_in: async (key: string) => enter(await call<Session>("POST", "/v1/session", { key })),
  log_out: () => call<unknown>("DELETE", "/v1/session"),
  models: async () => (await call<{ data: Model[] }>("GET", "/v1/models")).data,

  list: (filter: { folder?: string; archived?: boolean; cursor?: string; limit?: number }) =>
    call<Page<Conversation>>("GET", `/v1/conversations${query(filter)}`),
  folders: async () => (await call<{ data: Folder[] }>("GET", "/v1/conversations/folders")).data,
  search: (words: string, cursor?: string) =>
    call<Page<SearchHit>>("GET", `/v1/conversations/search${query({ query: words, cursor, limit: 30 })}`),
  read: (id: string) => call<WholeConversation>("GET", path_of(id)),
  create: (conversation: Partial<WholeConversation>) =>
    call<WholeConversation>("POST", "/v1/conversations", conversation),
  change: (id: string, change: Partial<Conversation>) => call<Conversation>("PATCH", path_of(id), change),
  remove: (id: string) => call<unknown>("DELETE", path_of(id)),
  restore: (id: string) => call<Conversation>("POST", `${path_of(id)}/restore`, {}),
  add: async (id: string, message: Partial<Message>) =>
    (await call<{ data: Message[] }>("POST", `${path_of(id)}/messages`, { messages: [message] })).data,
  fork: (id: string, leaf: string) => call<WholeConversation>("POST", `${path_of(id)}/fork`, { leaf }),
  write_title: (id: string) => call<Conversation>("POST", `${path_of(id)}/title`, {}),
  export_one: (id: string) => call<WholeConversation>("GET", `${path_of(id)}/export`),
  export_all: () => call<{ conversations: WholeConversation[] }>("GET", "/v1/conversations/export"),
  import: (file: unknown) =>
    call<{ imported: number; present: number; data: Conversation[] }>("POST", "/v1/conversations/import", file),

  keys: async () => (await call<{ data: Key[] }>("GET", "/v1/keys")).data,
  add_key: (key: KeyChange & { name: string }) => call<Key & { key: string }>("POST", "/v1/keys", key),
  change_key: (name: string, change: KeyChange) => call<Key>("PATCH", `/v1/keys/${encodeURIComponent(name)}`, change),
  revoke_key: (name: string) => call<unknown>("DELETE", `/v1/keys/${encodeURIComponent(name)}`),
  usage: () => call<UsageList>("GET", "/v1/usage"),
  state: () => call<MachineState>("GET", "/v1/state"),

  response: (id: string) => call<ResponseBody>("GET", `/v1/responses/${encodeURIComponent(id)}`),
  control: (response: string, action: "end_thinking" | "stop") =>
    call<unknown>("POST", `/v1/responses/${encodeURIComponent(response)}/control`, { action }),
  cancel: (response: string) => call<unknown>("POST", `/v1/responses/${encodeURIComponent(response)}/cancel`, {}),
  respond: (request: object) => call<ResponseBody & { output?: OutputItem[] }>("POST", "/v1/responses", request),
};

interface OutputItem {
  type: string;
  content?: { type: string; text?: string }[];
}

// The answer in the output of a response that did not stream.
export function output_text(output: OutputItem[] | undefined): string {
  const parts = (output ?? []).filter((item) => item.type === "message").flatMap((item) => item.content ?? []);
  return parts.map((part) => part.text ?? "").join("");
}

const FINAL = new Set(["response.completed", "response.incomplete", "response.failed", "error"]);
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 10_000;

async function* parsed(response: Response): AsyncGenerator<ResponseEvent> {
  for await (const sent of sent_events(response)) {
    if (sent.data !== "[DONE]") yield JSON.parse(sent.data) as ResponseEvent;
  }
}

// Until the time is over, or the network is back, or nobody wants to know any more.
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    addEventListener("online", done);
    signal.addEventListener("abort", done);
  });
}

// Who follows a stream hears when the way to the server is lost and found.
export interface Follower {
  signal: AbortSignal;
  lost?: (lost: boolean) => void;
}

// All events of a response after `after`, up to its final one, over as many connections as it takes.
export async function* follow(id: string, after: number, follower: Follower): AsyncGenerator<ResponseEvent> {
  const { signal } = follower;
  for (let wait = FIRST_WAIT_MS; !signal.aborted; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      const path = `/v1/responses/${encodeURIComponent(id)}${query({ stream: true, starting_after: after < 0 ? undefined : after })}`;
      const response = await send("GET", path, undefined, { signal });
      follower.lost?.(false);
      for await (const event of parsed(response)) {
        wait = FIRST_WAIT_MS;
        after = event.sequence_number;
        yield event;
        if (FINAL.has(event.type)) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      const refused = error instanceof ApiError && !error.unreachable && error.status < 500;
      if (refused) throw error;
    }
    if (signal.aborted) return;
    follower.lost?.(true);
    await pause(wait, signal);
  }
}

// Asks for a response and follows it. One that the server stores outlives the connection; another ends with it.
export async function* respond(request: object, stored: boolean, follower: Follower): AsyncGenerator<ResponseEvent> {
  const body = { ...request, stream: true, store: stored };
  const response = await send("POST", "/v1/responses", body, { signal: follower.signal });
  let id = "";
  let last = -1;
  try {
    for await (const event of parsed(response)) {
      id = event.response?.id ?? id;
      last = event.sequence_number;
      yield event;
      if (FINAL.has(event.type)) return;
    }
  } catch (error) {
    if (follower.signal.aborted) return;
    if (!stored || !id) throw error instanceof ApiError ? error : new ApiError(0, { message: String(error) });
  }
  if (follower.signal.aborted) return;
  if (!stored || !id) throw new ApiError(0, { message: "the stream ended early" });
  follower.lost?.(true);
  yield* follow(id, last, follower);
}
