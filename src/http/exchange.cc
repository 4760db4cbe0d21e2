// One lock. Callbacks are called and destroyed without it: what they hold may be the last pointer to the
// reply.
#include "http/exchange.h"

#include <utility>

#include "base/check.h"
#include "http/reply.h"

namespace aloud {

Exchange::Exchange(Terms terms, std::function<void()> wake)
    : terms_(std::move(terms)), wake_(std::move(wake)) {}

void Exchange::wake() {
  if (awake_ || !wake_) return;
  awake_ = true;
  wake_();
}

void Exchange::start(int status, const HttpHeaders& headers, BodyFraming framing) {
  CHECK(stage_ == Stage::kUnanswered || stage_ == Stage::kAbandoned);
  if (!may_have_body(status)) framing = {};
  status_ = status;
  is_chunked_ = framing.kind == BodyFraming::Kind::kChunked;
  if (framing.kind == BodyFraming::Kind::kUntilClose) terms_.keep_alive = false;
  waiting_ = response_head(status, headers, terms_.headers, framing, terms_.keep_alive);
}

void Exchange::add(std::string_view bytes) {
  if (!bytes.empty()) waiting_ += is_chunked_ ? chunk(bytes) : std::string(bytes);
  last_write_ = std::chrono::steady_clock::now();
}

void Exchange::send(int status, const HttpHeaders& headers, std::string_view body) {
  std::function<void()> dropped;
  const std::lock_guard lock(mutex_);
  if (stage_ == Stage::kLost) return;
  start(status, headers, {BodyFraming::Kind::kLength, body.size()});
  if (!terms_.head_only && may_have_body(status)) waiting_ += body;
  stage_ = Stage::kComplete;
  dropped.swap(on_gone_);
  wake();
}

void Exchange::begin(int status, const HttpHeaders& headers, std::string keep_alive) {
  std::function<void()> dropped;
  const std::lock_guard lock(mutex_);
  if (stage_ == Stage::kLost) return;
  start(status, headers, {terms_.http_1_0 ? BodyFraming::Kind::kUntilClose : BodyFraming::Kind::kChunked});
  stage_ = Stage::kStreaming;
  if (terms_.head_only || !may_have_body(status)) {
    stage_ = Stage::kComplete;
    dropped.swap(on_gone_);
  }
  sign_of_life_ = std::move(keep_alive);
  last_write_ = std::chrono::steady_clock::now();
  wake();
}

bool Exchange::write(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  CHECK(stage_ != Stage::kUnanswered);
  if (stage_ != Stage::kStreaming) return false;
  if (waiting_.size() + taken_ > terms_.max_unsent) {
    stage_ = Stage::kOverrun;
    waiting_.clear();
    awake_ = false;  // whoever was woken may have come and gone while a slice was being sent
    wake();
    return false;
  }
  add(bytes);
  wake();
  return true;
}

void Exchange::finish() {
  std::function<void()> dropped;
  const std::lock_guard lock(mutex_);
  CHECK(stage_ != Stage::kUnanswered);
  if (stage_ != Stage::kStreaming) return;
  if (is_chunked_) waiting_ += kLastChunk;
  stage_ = Stage::kComplete;
  dropped.swap(on_gone_);
  wake();
}

void Exchange::on_gone(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (stage_ == Stage::kComplete) return;
    if (stage_ != Stage::kLost) return on_gone_.swap(callback);
  }
  callback();
}

void Exchange::abandon() {
  std::function<void()> dropped;
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::kUnanswered && stage_ != Stage::kStreaming) return;
  stage_ = stage_ == Stage::kUnanswered ? Stage::kAbandoned : Stage::kCut;
  dropped.swap(on_gone_);
  wake();
}

Exchange::Output Exchange::take() {
  const std::lock_guard lock(mutex_);
  awake_ = false;
  taken_ = waiting_.size();
  Progress progress = Progress::kOpen;
  if (stage_ == Stage::kComplete) progress = Progress::kComplete;
  if (stage_ == Stage::kAbandoned) progress = Progress::kAbandoned;
  if (stage_ == Stage::kCut) progress = Progress::kCut;
  return {std::exchange(waiting_, {}), progress};
}

bool Exchange::is_overrun() const {
  const std::lock_guard lock(mutex_);
  return stage_ == Stage::kOverrun;
}

bool Exchange::is_complete() const {
  const std::lock_guard lock(mutex_);
  return stage_ == Stage::kComplete;
}

int Exchange::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

bool Exchange::keep_alive() const {
  const std::lock_guard lock(mutex_);
  return terms_.keep_alive;
}

void Exchange::close_after() {
  const std::lock_guard lock(mutex_);
  if (stage_ == Stage::kUnanswered || stage_ == Stage::kAbandoned) terms_.keep_alive = false;
}

void Exchange::break_silence(std::chrono::duration<double> silence) {
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::kStreaming || sign_of_life_.empty() || !waiting_.empty() || taken_ > 0) return;
  if (std::chrono::steady_clock::now() - last_write_ < silence) return;
  add(sign_of_life_);
  wake();
}

void Exchange::leave() {
  std::function<void()> gone;
  {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
    waiting_.clear();
    if (stage_ != Stage::kComplete) {
      stage_ = Stage::kLost;
      gone.swap(on_gone_);
    }
  }
  if (gone) gone();
}

HttpReply::HttpReply(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
HttpReply::~HttpReply() { exchange_->abandon(); }

void HttpReply::send(int status, const HttpHeaders& headers, std::string_view body) {
  exchange_->send(status, headers, body);
}
void HttpReply::begin(int status, const HttpHeaders& headers, std::string keep_alive) {
  exchange_->begin(status, headers, std::move(keep_alive));
}
bool HttpReply::write(std::string_view bytes) { return exchange_->write(bytes); }
void HttpReply::finish() { exchange_->finish(); }
void HttpReply::on_gone(std::function<void()> callback) { exchange_->on_gone(std::move(callback)); }

}  // namespace aloud
