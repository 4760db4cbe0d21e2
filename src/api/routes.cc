// The visible table of routes.
#include "api/routes.h"

namespace aloud {
namespace {

constexpr ApiRoute kRoutes[] = {
    {"POST", "/v1/chat/completions", Authority::kUser, kPromptBody, answer_openai_chat},
    {"POST", "/v1/chat/completions/{id}/control", Authority::kUser, kSmallBody, answer_control},
    {"POST", "/v1/completions", Authority::kUser, kPromptBody, answer_openai_completions},
    {"POST", "/v1/responses", Authority::kUser, kPromptBody, answer_create_response},
    {"GET", "/v1/responses/{id}", Authority::kUser, kNoBody, answer_response},
    {"DELETE", "/v1/responses/{id}", Authority::kUser, kNoBody, answer_delete_response},
    {"POST", "/v1/responses/{id}/cancel", Authority::kUser, kSmallBody, answer_cancel_response},
    {"POST", "/v1/responses/{id}/control", Authority::kUser, kSmallBody, answer_control},
    {"GET", "/v1/responses/{id}/input_items", Authority::kUser, kNoBody, answer_response_input},
    {"GET", "/v1/models", Authority::kUser, kNoBody, answer_openai_models},
    {"GET", "/v1/models/{id...}", Authority::kUser, kNoBody, answer_openai_model},
    {"POST", "/v1/messages", Authority::kUser, kPromptBody, answer_anthropic_messages},
    {"POST", "/v1/messages/count_tokens", Authority::kUser, kPromptBody, answer_anthropic_count_tokens},
    {"POST", "/api/chat", Authority::kUser, kPromptBody, answer_ollama_chat},
    {"POST", "/api/generate", Authority::kUser, kPromptBody, answer_ollama_generate},
    {"POST", "/api/show", Authority::kUser, kSmallBody, answer_ollama_show},
    {"GET", "/api/tags", Authority::kUser, kNoBody, answer_ollama_tags},
    {"GET", "/api/ps", Authority::kUser, kNoBody, answer_ollama_running},
    {"GET", "/api/version", Authority::kUser, kNoBody, answer_ollama_version},
    {"POST", "/tokenize", Authority::kUser, kPromptBody, answer_tokenize},
    {"POST", "/detokenize", Authority::kUser, kPromptBody, answer_detokenize},
    {"POST", "/apply-template", Authority::kUser, kPromptBody, answer_apply_template},
    {"GET", "/v1/conversations", Authority::kUser, kNoBody, answer_conversations},
    {"POST", "/v1/conversations", Authority::kUser, kPromptBody, answer_create_conversation},
    {"GET", "/v1/conversations/search", Authority::kUser, kNoBody, answer_search_conversations},
    {"GET", "/v1/conversations/folders", Authority::kUser, kNoBody, answer_folders},
    {"GET", "/v1/conversations/export", Authority::kUser, kNoBody, answer_export_conversations},
    {"POST", "/v1/conversations/import", Authority::kUser, kPromptBody, answer_import_conversations},
    {"GET", "/v1/conversations/{id}", Authority::kUser, kNoBody, answer_conversation},
    {"PATCH", "/v1/conversations/{id}", Authority::kUser, kPromptBody, answer_change_conversation},
    {"DELETE", "/v1/conversations/{id}", Authority::kUser, kNoBody, answer_delete_conversation},
    {"POST", "/v1/conversations/{id}/restore", Authority::kUser, kSmallBody, answer_restore_conversation},
    {"POST", "/v1/conversations/{id}/messages", Authority::kUser, kPromptBody, answer_add_messages},
    {"POST", "/v1/conversations/{id}/fork", Authority::kUser, kSmallBody, answer_fork_conversation},
    {"POST", "/v1/conversations/{id}/title", Authority::kUser, kSmallBody, answer_title_conversation},
    {"GET", "/v1/conversations/{id}/export", Authority::kUser, kNoBody, answer_export_conversation},
    {"POST", "/v1/session", Authority::kAnyone, kSmallBody, answer_log_in},
    {"GET", "/v1/session", Authority::kKey, kNoBody, answer_session},
    {"DELETE", "/v1/session", Authority::kKey, kNoBody, answer_log_out},
    {"GET", "/v1/keys", Authority::kOperator, kNoBody, answer_keys},
    {"POST", "/v1/keys", Authority::kOperator, kSmallBody, answer_add_key},
    {"PATCH", "/v1/keys/{name}", Authority::kOperator, kSmallBody, answer_change_key},
    {"DELETE", "/v1/keys/{name}", Authority::kOperator, kNoBody, answer_revoke_key},
    {"GET", "/v1/usage", Authority::kOperator, kNoBody, answer_usage},
    {"GET", "/v1/state", Authority::kOperator, kNoBody, answer_state},
    {"GET", "/", Authority::kAnyone, kNoBody, answer_web_page},
    {"GET", "/assets/{file}", Authority::kAnyone, kNoBody, answer_web_page},
    {"GET", "/icon.svg", Authority::kAnyone, kNoBody, answer_web_page},
    {"GET", "/manifest.webmanifest", Authority::kAnyone, kNoBody, answer_web_page},
    {"GET", "/sw.js", Authority::kAnyone, kNoBody, answer_web_page},
    {"GET", "/health", Authority::kAnyone, kNoBody, answer_health},
    {"GET", "/ready", Authority::kAnyone, kNoBody, answer_ready},
    {"GET", "/metrics", Authority::kOperator, kNoBody, answer_metrics},
};

}  // namespace

std::span<const ApiRoute> api_routes() { return kRoutes; }

}  // namespace aloud
