// Responses in the store: what a request goes on from, and what is left of it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "api/response_request.h"
#include "service/reply_keeper.h"
#include "store/store.h"

namespace aloud {

// Everything that the model reads, the request's own input last. A request in a conversation gets its parent,
// and its instructions from the conversation's settings where it has none. Blocks. Errors: there is no such
// response, conversation or parent; nothing to answer.
RequestResult<std::vector<Message>> read_context(Store& store, ReplyKeeper& keeper, const std::string& owner,
                                                 ResponseRequest& request);

// One response in the store, from its beginning to its end. No two calls at once.
class ResponseRecord {
 public:
  // retention: after its creation the response is no longer found, and erased; 0: never.
  ResponseRecord(Store& store, std::string owner, const ResponseRequest& request,
                 std::chrono::milliseconds retention);

  // Stores the response, the input and a running reply; blocks. Sets where the reply is in the conversation:
  // response["conversation"] = {"id", "parent"}. After an error a part of it may be there, which needs an
  // end.
  StoreStatus begin(Json& response);
  // The end, for ReplyKeeper: response as ResponseEvents made it.
  ReplyEnd end(const Json& response, std::int64_t next_sequence) const;

  bool is_in_conversation() const { return !conversation_.empty(); }
  const std::string& conversation() const { return conversation_; }

 private:
  StoreStatus add_messages(Json& response);
  StoredResponse stored_response(const Json& response, ReplyStatus status, std::int64_t next_sequence) const;

  Store& store_;
  const std::string owner_;
  const std::chrono::milliseconds retention_;
  const std::string conversation_;
  std::string parent_;
  const std::vector<Message> input_;
  const Json items_;
};

// The response of a stored one. One that a crash interrupted says so, with what its conversation has of it;
// one whose end the store does not have yet has "saved": false.
Json settled_response(Store& store, const std::string& owner, const StoredResponse& stored);

}  // namespace aloud
