// When a context is nearly full: a summary of the chat, as the beginning of a new one.
import { api, ApiError, output_text } from "./api";
import type { Chat } from "./chat.svelte";
import { chats } from "./chats.svelte";
import { keep_draft, read_draft } from "./drafts";
import { first_words } from "./format";
import { t } from "./i18n";
import { input_items, request_fields } from "./request";
import { show_toast } from "./toasts.svelte";
import { focus_composer } from "./ui.svelte";

const MOST_TOKENS = 600;
const MOST_MESSAGES = 8;

// Asks the model, without thinking and without storing; then opens a new chat like this one, with the summary in its composer.
export async function hand_off(chat: Chat): Promise<void> {
  const title = chat.conversation.title || first_words(chat.path[0]?.content ?? "");
  const draft = t("handoff.draft", { title, summary: await summary_of(chat, MOST_MESSAGES) });
  const key = chat.temporary ? "temporary" : "new";
  keep_draft(key, draft + (chat.temporary ? "" : read_draft(key)));
  chats.start_new(chat.temporary);
  chats.current.settings = { ...chat.settings };
  show_toast(t("handoff.done"));
  focus_composer();
}

// Of the last messages; of fewer where the model has no room for so many.
async function summary_of(chat: Chat, messages: number): Promise<string> {
  const input = [...input_items(chat.path.slice(-messages)), { type: "message", role: "user", content: t("handoff.prompt") }];
  const fields = request_fields({ ...chat.settings, think: false });
  try {
    const response = await api.respond({ ...fields, input, store: false, max_output_tokens: MOST_TOKENS });
    return output_text(response.output);
  } catch (error) {
    const too_long = error instanceof ApiError && error.body.code === "context_length_exceeded";
    if (!too_long || messages === 1) throw error;
    return summary_of(chat, messages / 2);
  }
}
