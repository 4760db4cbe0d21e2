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
  is_operator: boolean;
  needs_key: boolean;
  csrf_token: string | null;
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
