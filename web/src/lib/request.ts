// What a chat's settings say in the fields of POST /v1/responses.
import type { ChatSettings, Message } from "./types";

export function request_fields(settings: ChatSettings): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  if (settings.model) fields["model"] = settings.model;
  if (settings.temperature !== undefined) fields["temperature"] = settings.temperature;
  if (settings.think === false) {
    fields["thinking"] = { type: "disabled" };
    return fields;
  }
  const thinking: Record<string, unknown> = { type: "enabled" };
  if (settings.budget) thinking["budget_tokens"] = settings.budget;
  if (settings.language) thinking["language"] = settings.language;
  fields["thinking"] = thinking;
  if (settings.effort) fields["reasoning"] = { effort: settings.effort };
  return fields;
}

// A branch as input items, for replies that the server does not store.
export function input_items(path: Message[]): object[] {
  return path
    .filter((message) => message.role !== "tool" && message.content !== "")
    .map(({ role, content }) => ({ type: "message", role, content }));
}
