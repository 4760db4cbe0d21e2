// The functions that answer routes, one declaration each; which route is whose says routes.cc.
#pragma once

#include "api/route.h"

namespace aloud {

void answer_openai_chat(const ApiCall& call);
void answer_control(const ApiCall& call);
void answer_openai_completions(const ApiCall& call);
void answer_openai_models(const ApiCall& call);
void answer_openai_model(const ApiCall& call);

void answer_create_response(const ApiCall& call);
void answer_response(const ApiCall& call);
void answer_delete_response(const ApiCall& call);
void answer_cancel_response(const ApiCall& call);
void answer_response_input(const ApiCall& call);

void answer_anthropic_messages(const ApiCall& call);
void answer_anthropic_count_tokens(const ApiCall& call);

void answer_ollama_chat(const ApiCall& call);
void answer_ollama_generate(const ApiCall& call);
void answer_ollama_tags(const ApiCall& call);
void answer_ollama_running(const ApiCall& call);
void answer_ollama_version(const ApiCall& call);
void answer_ollama_show(const ApiCall& call);

void answer_tokenize(const ApiCall& call);
void answer_detokenize(const ApiCall& call);
void answer_apply_template(const ApiCall& call);

void answer_conversations(const ApiCall& call);
void answer_create_conversation(const ApiCall& call);
void answer_conversation(const ApiCall& call);
void answer_change_conversation(const ApiCall& call);
void answer_delete_conversation(const ApiCall& call);
void answer_restore_conversation(const ApiCall& call);
void answer_add_messages(const ApiCall& call);
void answer_fork_conversation(const ApiCall& call);
void answer_title_conversation(const ApiCall& call);
void answer_search_conversations(const ApiCall& call);
void answer_folders(const ApiCall& call);
void answer_export_conversation(const ApiCall& call);
void answer_export_conversations(const ApiCall& call);
void answer_import_conversations(const ApiCall& call);

void answer_keys(const ApiCall& call);
void answer_add_key(const ApiCall& call);
void answer_change_key(const ApiCall& call);
void answer_revoke_key(const ApiCall& call);
void answer_usage(const ApiCall& call);

void answer_log_in(const ApiCall& call);
void answer_session(const ApiCall& call);
void answer_log_out(const ApiCall& call);

// The files of the page in the browser.
void answer_web_page(const ApiCall& call);

void answer_health(const ApiCall& call);
void answer_ready(const ApiCall& call);
void answer_metrics(const ApiCall& call);
void answer_state(const ApiCall& call);

}  // namespace aloud
