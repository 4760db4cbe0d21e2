// Exports of others' chats (ChatGPT's and DeepSeek's conversations.json) in the form that the server imports.
import type { Message, WholeConversation } from "./types";

type Json = Record<string, unknown>;

const is_object = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const text_of = (value: unknown): string => (typeof value === "string" ? value : "");

// Seconds (ChatGPT) or an ISO date (DeepSeek) as milliseconds; 0 if it is neither.
function time_of(value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value)) return Math.round(value * 1000);
  const parsed = Date.parse(text_of(value));
  return Number.isFinite(parsed) ? parsed : 0;
}

interface Said {
  role: string;
  content: string;
  thought: string;
  model: string;
}

// ChatGPT: message {author: {role}, content: {content_type, parts | text | thoughts}, metadata: {model_slug}}.
function said_by_chatgpt(message: Json): Said | null {
  const content = is_object(message["content"]) ? message["content"] : {};
  const author = is_object(message["author"]) ? message["author"] : {};
  const metadata = is_object(message["metadata"]) ? message["metadata"] : {};
  if (metadata["is_visually_hidden_from_conversation"] === true) return null;
  const parts = Array.isArray(content["parts"]) ? content["parts"] : [];
  const thoughts = Array.isArray(content["thoughts"]) ? content["thoughts"] : [];
  return {
    role: text_of(author["role"]),
    content: parts.map(text_of).join("\n").trim() || (content["content_type"] === "code" ? "" : text_of(content["text"])),
    thought: thoughts.map((thought) => (is_object(thought) ? text_of(thought["content"]) : "")).join("\n\n"),
    model: text_of(metadata["model_slug"]),
  };
}

// DeepSeek: message {model, fragments: [{type: REQUEST | THINK | RESPONSE, content}]}, or the older {role, content, reasoning_content}.
function said_by_deepseek(message: Json): Said {
  const fragments = Array.isArray(message["fragments"]) ? message["fragments"].filter(is_object) : [];
  const of = (type: string) =>
    fragments
      .filter((fragment) => fragment["type"] === type)
      .map((fragment) => text_of(fragment["content"]))
      .join("\n\n");
  const asked = of("REQUEST");
  const role = text_of(message["role"]).toLowerCase() || (asked ? "user" : "assistant");
  return {
    role,
    content: asked || of("RESPONSE") || text_of(message["content"]),
    thought: of("THINK") || text_of(message["reasoning_content"]),
    model: text_of(message["model"]),
  };
}

// Both write a tree as "mapping": id -> {message, parent}. Nodes that say nothing are left out, and what follows them
// follows what they followed.
function messages_of(mapping: Json, said: (message: Json) => Said | null): Message[] {
  const kept = new Map<string, Message>();
  const pending_thoughts = new Map<string, string>(); // A node that only thinks: its thought belongs to its child.
  const nearest = (id: string): { parent: string; thought: string } => {
    let thought = "";
    const seen = new Set<string>();
    for (let at = id; at && !seen.has(at); ) {
      seen.add(at);
      if (kept.has(at)) return { parent: at, thought };
      thought = [pending_thoughts.get(at), thought].filter(Boolean).join("\n\n");
      const node = mapping[at];
      at = is_object(node) ? text_of(node["parent"]) : "";
    }
    return { parent: "", thought };
  };
  for (const [id, node] of in_order(mapping)) {
    const message = is_object(node["message"]) ? node["message"] : null;
    const spoken = message && said(message);
    if (!message || !spoken || (spoken.role !== "user" && spoken.role !== "assistant")) continue;
    if (!spoken.content) {
      if (spoken.thought) pending_thoughts.set(id, spoken.thought);
      continue;
    }
    const { parent, thought } = nearest(text_of(node["parent"]));
    const whole_thought = [thought, spoken.thought].filter(Boolean).join("\n\n");
    const created = time_of(message["create_time"] ?? message["inserted_at"]);
    kept.set(id, {
      id,
      role: spoken.role,
      content: spoken.content,
      status: "complete",
      ...(parent ? { parent } : {}),
      ...(spoken.role === "assistant" && whole_thought ? { thought: whole_thought } : {}),
      ...(spoken.role === "assistant" && spoken.model ? { model: spoken.model } : {}),
      ...(created > 0 ? { created_ms: created } : {}),
    });
  }
  return [...kept.values()];
}

// Parents before their children.
function in_order(mapping: Json): [string, Json][] {
  const children = new Map<string, string[]>();
  const roots: string[] = [];
  for (const [id, node] of Object.entries(mapping)) {
    if (!is_object(node)) continue;
    const parent = text_of(node["parent"]);
    if (parent && is_object(mapping[parent])) children.set(parent, [...(children.get(parent) ?? []), id]);
    else roots.push(id);
  }
  const order: [string, Json][] = [];
  for (const todo = roots; todo.length > 0; ) {
    const id = todo.shift() as string;
    order.push([id, mapping[id] as Json]);
    todo.unshift(...(children.get(id) ?? []));
  }
  return order;
}

function conversation_of(json: Json): Partial<WholeConversation> & { format: string; version: number } {
  const mapping = is_object(json["mapping"]) ? json["mapping"] : {};
  const is_deepseek = "inserted_at" in json || Object.values(mapping).some((node) => is_object(node) && is_object(node["message"]) && "fragments" in node["message"]);
  const messages = messages_of(mapping, is_deepseek ? said_by_deepseek : said_by_chatgpt);
  const current = text_of(json["current_node"]);
  const leaf = messages.some((message) => message.id === current) ? current : messages.at(-1)?.id;
  return {
    format: "aloud-conversation",
    version: 1,
    title: text_of(json["title"]),
    messages,
    ...(leaf ? { active_leaf: leaf } : {}),
    ...times("created_ms", json["create_time"] ?? json["inserted_at"]),
    ...times("updated_ms", json["update_time"] ?? json["updated_at"]),
  };
}

function times(name: string, value: unknown): Record<string, number> {
  const time = time_of(value);
  return time > 0 ? { [name]: time } : {};
}

// What to send to the server for a file's JSON; null if nobody's export is known that looks like this.
export function to_import(json: unknown): object | null {
  if (is_object(json) && text_of(json["format"]).startsWith("aloud-conversation")) return json;
  const list = Array.isArray(json) ? json : is_object(json) && "mapping" in json ? [json] : [];
  const foreign = list.filter((item): item is Json => is_object(item) && is_object(item["mapping"]));
  if (foreign.length === 0) return null;
  const conversations = foreign.map(conversation_of).filter((whole) => (whole.messages?.length ?? 0) > 0);
  return { format: "aloud-conversations", version: 1, conversations };
}
