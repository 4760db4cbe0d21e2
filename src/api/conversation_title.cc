// POST /v1/conversations/{id}/title: the model that holds a conversation finds its title.
#include <algorithm>
#include <utility>

#include "api/conversation_json.h"
#include "api/reply_group.h"
#include "api/routes.h"
#include "api/services.h"
#include "chat/title.h"

namespace aloud {
namespace {

// Models below this many parameters write no titles; what was asked first is the title then.
constexpr std::int64_t kSmallestTitleWriter = 100'000'000;

void store_title(const ApiCall& call, const std::string& title) {
  const auto changed = call.services.store.change_conversation(
      call.caller.owner, call.request->parameters.front(), {.title = title});
  if (!changed) return call.send(from_store(changed.error()));
  call.send(to_json(*changed));
}

// Takes the model's title, or the question where it has none to offer.
class TitleAnswer : public ReplyListener {
 public:
  TitleAnswer(const ApiCall& call, std::string question) : call_(call), question_(std::move(question)) {}

  void started(const RunningReply::Identity&, std::size_t) override {}
  void finished(const std::vector<Reply>& replies) override {
    std::string title = clean_title(replies.front().message.content);
    if (title.empty()) title = clean_title(question_);
    // The store waits for the disk; the delivery thread must not.
    call_.services.background.post([call = call_, title = std::move(title)] { store_title(call, title); });
  }
  void failed(const RequestError& error) override { call_.send(error); }

 private:
  const ApiCall call_;
  const std::string question_;
};

std::vector<Message> messages_of(const std::vector<StoredMessage>& stored) {
  std::vector<Message> messages;
  for (const StoredMessage& message : stored) {
    const bool is_asked = message.role == name(Role::kUser);
    if (!is_asked && message.role != name(Role::kAssistant)) continue;
    messages.push_back({.role = is_asked ? Role::kUser : Role::kAssistant, .content = message.content});
  }
  return messages;
}

void ask(const ApiCall& call, std::string model, const std::vector<Message>& messages, std::string question) {
  ReplyRequest request{.id = random_id("title-"),
                       .owner = {},
                       .model = std::move(model),
                       .prompt = title_prompt(messages),
                       .sampling = {},
                       .options = {}};
  request.options.thinking.enabled = false;
  request.options.max_tokens = kMostTitleTokens;
  ReplyGroup::start(call, std::move(request), 1, std::make_unique<TitleAnswer>(call, std::move(question)));
}

}  // namespace

void answer_title_conversation(const ApiCall& call) {
  const std::string& id = call.request->parameters.front();
  const auto conversation = call.services.store.conversation(call.caller.owner, id);
  if (!conversation) return call.send(from_store(conversation.error()));
  const auto stored = call.services.keeper.messages(call.caller.owner, id);
  if (!stored) return call.send(from_store(stored.error()));
  const std::vector<StoredMessage> path = path_to(*stored, conversation->active_leaf);
  std::vector<Message> messages = messages_of(path);
  const auto question = std::ranges::find(messages, Role::kUser, &Message::role);
  if (question == messages.end()) {
    return call.send(RequestError{
        RequestErrorKind::kInvalid, "the conversation has no question yet, and so no title", "id", {}, 0});
  }
  std::string model = path.back().model;
  call.services.models.use(
      model, [call, model, messages = std::move(messages), asked = question->content](auto served) {
        if (!served) return call.send(served.error());
        if ((*served)->loaded().model().shape().parameters < kSmallestTitleWriter) {
          return store_title(call, clean_title(asked));
        }
        ask(call, model, messages, asked);
      });
}

}  // namespace aloud
