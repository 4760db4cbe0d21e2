// Reads a request of OpenAI's Responses API.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/json_fields.h"
#include "engine/grammar_cache.h"
#include "service/reply_service.h"

namespace aloud {

struct ResponseRequest {
  ReplyRequest reply;                 // without its prompt
  std::vector<Message> input;         // of this request alone
  Json items = Json::array();         // the same as it was given: what input_items tells
  Json echo;                          // the fields that a response repeats
  std::string instructions;           // empty: none
  std::string previous;               // id of the response that it follows; empty: none
  std::string conversation;           // its id; empty: none
  std::optional<std::string> parent;  // in the conversation; absent: its active leaf
  bool stream = false;
  bool background = false;
  bool store = true;
};

// Errors name the field.
RequestResult<ResponseRequest> read_response_request(const Json& json, GrammarSource grammars);

// Items of an input or an output as messages: reasoning and calls belong to the assistant's message that they
// stand beside. `name` is the field that they are in.
std::vector<Message> read_items(JsonFields& fields, std::string_view name);

}  // namespace aloud
