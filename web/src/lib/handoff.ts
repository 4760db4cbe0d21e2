// When a context is nearly full: a summary of the chat, as the beginning of a new one.
import { api, output_text } from "./api";
import type { Chat } from "./chat.svelte";
import { chats } from "./chats.svelte";
import { keep_draft } from "./drafts";
import { t } from "./i18n";
import { input_items, request_fields } from "./request";

const MOST_TOKENS = 600;

// Asks the model, without thinking and without storing; then opens a new chat with the summary in its composer.
export async function hand_off(chat: Chat): Promise<void> {
  const input = [...input_items(chat.path.slice(-8)), { type: "message", role: "user", content: t("handoff.prompt") }];
  const fields = request_fields({ ...chat.settings, think: false });
  const response = await api.respond({ ...fields, input, store: false, max_output_tokens: MOST_TOKENS });
  keep_draft("new", t("handoff.draft", { title: chat.conversation.title, summary: output_text(response.output) }));
  chats.start_new();
}
