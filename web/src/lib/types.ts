// What the server tells: conversations, messages, models, replies. Names are those of its JSON.
export type ReplyStatus = "running" | "complete" | "failed" | "cancelled" | "interrupted";
export type Effort = "low" | "medium" | "high";

// What a chat remembers of how its replies are to be made.
export interface ChatSettings {
  model?: string;
  think?: boolean; // absent: true
  effort?: Effort;
  budget?: number; // most tokens of a thought
  system_prompt?: string;
  temperature?: number;
  language?: string; // of the thought
}

export interface Usage {
  input_tokens?: number;
  input_tokens_details?: { cached_tokens?: number };
  output_tokens?: number;
  output_tokens_details?: { reasoning_tokens?: number };
  total_tokens?: number;
}

export interface Timings {
  prefill_tokens_per_second?: number;
  decode_tokens_per_second?: number;
  time_to_first_token_ms?: number;
}

export type ThoughtEndReason = "model" | "budget" | "loop" | "asked" | "unfinished";

export interface ThoughtEnd {
  reason: ThoughtEndReason;
  seconds: number;
  tokens: number;
}

export interface AttachedFile {
  name: string;
  characters: number;
}

export interface MessageExtra {
  text?: string; // what was typed, where the content has files after it
  files?: AttachedFile[];
  thought_end?: ThoughtEnd;
  error?: string;
}

export interface Message {
  id: string;
  parent?: string;
  role: "system" | "user" | "assistant" | "tool";
  thought?: string;
  content: string;
  model?: string;
  status: ReplyStatus;
  saved?: false; // it has ended, but the server cannot save that now
  finish_reason?: string;
  usage?: Usage;
  timings?: Timings;
  extra?: MessageExtra;
  created_ms?: number;
}

export interface Conversation {
  id: string;
  title: string;
  folder?: string;
  pinned: boolean;
  archived: boolean;
  active_leaf?: string;
  settings?: ChatSettings;
  created_ms?: number;
  updated_ms?: number;
}

export interface WholeConversation extends Conversation {
  messages: Message[];
}

export interface Page<Item> {
  data: Item[];
  next_cursor?: string | null;
}

export interface Folder {
  name: string;
  conversations: number;
}

export interface TextPiece {
  text: string;
  matches: boolean;
}

export interface SearchHit {
  conversation: Conversation;
  title: TextPiece[];
  messages: { message: string; role: string; in_thought: boolean; excerpt: TextPiece[] }[];
}

export interface Model {
  id: string;
  status: "unloaded" | "loading" | "loaded" | "failed";
  size_bytes?: number;
  max_model_len?: number;
  parameters?: number;
  error?: string;
}

export interface Session {
  owner: string;
  may_chat: boolean;
  is_operator: boolean;
  needs_key: boolean;
  csrf_token: string | null;
}

export type Scopes = "chat" | "admin" | "chat,admin";

// What a key allows; null: no limit, or never.
export interface Key {
  name: string;
  scopes: Scopes;
  requests_per_minute: number | null;
  tokens_per_day: number | null;
  created_ms: number;
  last_used_ms: number | null;
}

export type KeyChange = Partial<Pick<Key, "scopes" | "requests_per_minute" | "tokens_per_day">>;

export interface DailyUsage {
  day: string; // "2026-01-31", UTC
  owner: string;
  requests: number;
  prompt_tokens: number;
  cached_tokens: number;
  completion_tokens: number;
  reasoning_tokens: number;
}

export interface UsageList {
  first_day: string;
  last_day: string;
  data: DailyUsage[];
}

export interface ModelState {
  id: string;
  status: Model["status"];
  error?: string;
  sequences?: { waiting: number; reading: number; generating: number };
  pages?: { total: number; used: number; idle: number };
  tokens?: { prompt: number; cached: number; generated: number }; // since it was loaded
}

export interface MachineState {
  version: string;
  is_draining: boolean;
  models: ModelState[];
}

// What a reply waits for: its place in the queue, or the part of the prompt that is read.
export interface Progress {
  position?: number;
  seconds?: number;
  done?: number;
  total?: number;
}

export interface ServerError {
  message: string;
  type?: string;
  code?: string | null;
  param?: string | null;
}

export interface ResponseBody {
  id: string;
  status: "queued" | "in_progress" | "completed" | "incomplete" | "failed" | "cancelled";
  saved?: false; // as of messages
  model?: string;
  error?: ServerError | null;
  incomplete_details?: { reason?: string } | null;
  finish_reason?: string;
  usage?: Usage | null;
  timings?: Timings | null;
}

// One event of a response's stream; which fields there are depends on its type.
export interface ResponseEvent {
  type: string;
  sequence_number: number;
  response?: ResponseBody;
  delta?: string;
  text?: string;
  thought_end?: ThoughtEnd;
  progress?: Progress;
  message?: string;
  code?: string | null;
}
