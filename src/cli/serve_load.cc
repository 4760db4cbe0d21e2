// Draws requests, sends them, and reads the events of their streams.
#include "cli/serve_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string_view>
#include <utility>

#include "base/printable.h"
#include "http/load_client.h"

namespace aloud {
namespace {

using nlohmann::json;

constexpr double kRetrySeconds = 0.5;  // after a refusal, in the closed loop
constexpr double kTickSeconds = 0.5;

// Common words, each about one token in most vocabularies.
constexpr std::string_view kWords[] = {
    "the",   "sum",  "of",    "two",  "numbers", "is",     "what",  "a",     "train", "leaves",
    "at",    "noon", "and",   "how",  "many",    "apples", "are",   "left",  "when",  "each",
    "day",   "we",   "find",  "line", "that",    "has",    "three", "sides", "prove", "for",
    "every", "if",   "water", "runs", "into",    "an",     "empty", "room",  "in"};

// What people might ask, in an order that the seed decides.
class RequestMaker {
 public:
  explicit RequestMaker(const ServeLoadOptions& options) : options_(options), random_(options.seed) {}

  double seconds_to_next() { return std::exponential_distribution<double>(options_.rate)(random_); }

  // The body; fills in who asks for what.
  std::string make(ServedRequest& request) {
    request.user = count_++ % options_.users;
    request.asked_tokens = length(options_.output);
    std::string prompt;
    for (std::int64_t left = length(options_.prompt); left > 0; --left) {
      prompt += kWords[random_() % std::size(kWords)];
      prompt += left > 1 ? ' ' : '?';
    }
    json body = {{"messages", {{{"role", "user"}, {"content", prompt}}}},
                 {"stream", true},
                 {"stream_options", {{"include_usage", true}}},
                 {"max_tokens", request.asked_tokens},
                 {"seed", options_.seed + static_cast<std::uint64_t>(count_)},
                 {"user", fmt::format("user-{}", request.user)}};
    if (!options_.model.empty()) body["model"] = options_.model;
    return body.dump();
  }

 private:
  std::int64_t length(const LengthModel& model) {
    const double drawn = std::lognormal_distribution<double>(std::log(model.median), model.sigma)(random_);
    return std::clamp(static_cast<std::int64_t>(std::llround(drawn)), std::int64_t{1}, model.longest);
  }

  const ServeLoadOptions& options_;
  std::mt19937_64 random_;
  int count_ = 0;
};

std::int64_t integer(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

// The events of one reply, as OpenAI's chat completions have them.
class ReplyReader {
 public:
  explicit ReplyReader(ServedRequest& request) : request_(request) {}

  void take(std::string_view bytes, double now) {
    pending_ += bytes;
    std::size_t begin = 0;
    for (std::size_t end; (end = pending_.find('\n', begin)) != pending_.npos; begin = end + 1) {
      std::string_view line = std::string_view(pending_).substr(begin, end - begin);
      if (line.starts_with("data:")) take_event(line.substr(5), now);
    }
    pending_.erase(0, begin);
  }

  bool is_done() const { return done_; }

 private:
  void take_event(std::string_view data, double now) {
    if (data.find("[DONE]") != data.npos && data.size() < 10) {
      done_ = true;
      return;
    }
    const json event = json::parse(data, nullptr, false);
    if (!event.is_object() || event.contains("error")) {
      request_.error = "stream";
      return;
    }
    if (const auto usage = event.find("usage"); usage != event.end() && usage->is_object()) {
      request_.prompt_tokens = integer(*usage, "prompt_tokens");
      request_.output_tokens = integer(*usage, "completion_tokens");
    }
    const auto choices = event.find("choices");
    if (choices == event.end() || !choices->is_array() || choices->empty()) return;
    const auto delta = choices->front().find("delta");
    if (delta == choices->front().end()) return;
    for (const char* field : {"content", "reasoning_content"}) {
      const auto text = delta->find(field);
      if (text == delta->end() || !text->is_string() || text->get_ref<const std::string&>().empty()) continue;
      request_.pieces.push_back(now);
      break;
    }
  }

  ServedRequest& request_;
  std::string pending_;
  bool done_ = false;
};

class Load {
 public:
  Load(LoadClient client, const ServeLoadOptions& options, const std::atomic<bool>& cancel,
       const std::function<void(double)>& progress)
      : client_(std::move(client)),
        options_(options),
        cancel_(cancel),
        progress_(progress),
        maker_(options) {}

  std::vector<ServedRequest> run() {
    begin_ = client_.now();
    if (options_.rate > 0) {
      plan_arrival(maker_.seconds_to_next());
    } else {
      for (int i = 0; i < options_.concurrency; ++i) send();
    }
    tick();
    client_.run();
    std::vector<ServedRequest> out;
    for (auto& request : requests_) out.push_back(std::move(*request));
    return out;
  }

 private:
  double now() const { return client_.now() - begin_; }
  bool is_over() const { return now() >= options_.seconds || cancel_; }

  void plan_arrival(double seconds) {
    if (seconds >= options_.seconds) return;
    client_.at(begin_ + seconds, [this, seconds] {
      send();
      plan_arrival(seconds + maker_.seconds_to_next());
    });
  }

  void send() {
    ServedRequest& request = *requests_.emplace_back(std::make_unique<ServedRequest>());
    const std::string body = maker_.make(request);
    request.begin = now();
    HttpHeaders headers = {{"content-type", "application/json"}};
    if (!options_.keys.empty()) {
      const std::string& key = options_.keys[static_cast<std::size_t>(request.user) % options_.keys.size()];
      headers.push_back({"authorization", "Bearer " + key});
    }
    const auto reader = std::make_shared<ReplyReader>(request);
    ++under_way_;
    client_.post("/v1/chat/completions", headers, body,
                 {[&request](int status, const HttpHeaders&) {
                    if (status != 200) request.error = std::to_string(status);
                  },
                  [this, reader, &request](std::string_view bytes) {
                    if (request.error.empty()) reader->take(bytes, now());
                  },
                  [this, reader, &request](bool complete) { end(request, complete && reader->is_done()); }});
  }

  void end(ServedRequest& request, bool complete) {
    --under_way_;
    request.end = now();
    if (!complete && request.error.empty()) request.error = request.pieces.empty() ? "connection" : "stream";
    if (request.output_tokens == 0) request.output_tokens = static_cast<std::int64_t>(request.pieces.size());
    if (options_.rate > 0 || is_over()) return;
    if (request.error.empty()) return send();
    ++under_way_;
    client_.at(client_.now() + kRetrySeconds, [this] {
      --under_way_;
      if (!is_over()) send();
    });
  }

  void tick() {
    progress_(now());
    if (cancel_) return client_.stop();
    if (under_way_ == 0 && is_over()) return;
    client_.at(client_.now() + kTickSeconds, [this] { tick(); });
  }

  LoadClient client_;
  const ServeLoadOptions& options_;
  const std::atomic<bool>& cancel_;
  const std::function<void(double)>& progress_;
  RequestMaker maker_;
  double begin_ = 0;
  int under_way_ = 0;
  std::vector<std::unique_ptr<ServedRequest>> requests_;
};

bool is_good(const ServedRequest& request, const ServeGoals& goals) {
  if (!request.error.empty() || request.pieces.empty()) return false;
  const double first = request.pieces.front() - request.begin;
  const double rest = request.pieces.back() - request.pieces.front();
  const double tokens = static_cast<double>(std::max<std::int64_t>(1, request.output_tokens - 1));
  return first * 1000 <= goals.first_token_ms && rest / tokens * 1000 <= goals.between_tokens_ms;
}

}  // namespace

Result<std::vector<ServedRequest>> send_serve_load(const ServeLoadOptions& options,
                                                   const std::atomic<bool>& cancel,
                                                   const std::function<void(double)>& progress) {
  TRY_ASSIGN(LoadClient client, LoadClient::create(options.url));
  std::vector<ServedRequest> requests = Load(std::move(client), options, cancel, progress).run();
  const bool reached = std::any_of(requests.begin(), requests.end(), [](const ServedRequest& request) {
    return request.error != "connection";
  });
  if (!reached && !requests.empty()) return fail("{}: no answer from there", printable(options.url));
  return requests;
}

Percentiles percentiles(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto rank = [&](double share) {
    const double place = std::ceil(share * static_cast<double>(values.size()));
    return values[static_cast<std::size_t>(std::max(1.0, place)) - 1];
  };
  return {rank(0.50), rank(0.95), rank(0.99)};
}

double jain_index(const std::vector<double>& shares) {
  double sum = 0, squares = 0;
  for (const double share : shares) {
    sum += share;
    squares += share * share;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(shares.size()) * squares) : 1;
}

ServeSummary summarise(const std::vector<ServedRequest>& requests, double seconds, const ServeGoals& goals) {
  ServeSummary out;
  out.requests = requests.size();
  std::vector<double> first, between, whole;
  std::map<int, std::pair<double, double>> of_user;  // tokens that came, tokens asked for
  for (const ServedRequest& request : requests) {
    const auto pieces = static_cast<double>(request.pieces.size());
    const double tokens_each = pieces > 0 ? static_cast<double>(request.output_tokens) / pieces : 0;
    const auto in_time = std::upper_bound(request.pieces.begin(), request.pieces.end(), seconds);
    const double tokens = tokens_each * static_cast<double>(in_time - request.pieces.begin());
    out.output_tokens_per_second += tokens / seconds;
    of_user[request.user].first += tokens;
    of_user[request.user].second += static_cast<double>(request.asked_tokens);
    if (!request.pieces.empty()) first.push_back((request.pieces.front() - request.begin) * 1000);
    for (std::size_t i = 1; i < request.pieces.size(); ++i) {
      between.push_back((request.pieces[i] - request.pieces[i - 1]) * 1000);
    }
    if (!request.error.empty()) {
      ++out.errors[request.error];
      continue;
    }
    ++out.completed;
    whole.push_back((request.end - request.begin) * 1000);
    out.prompt_tokens_per_second += static_cast<double>(request.prompt_tokens) / seconds;
    if (is_good(request, goals)) {
      ++out.good;
      out.good_tokens_per_second += tokens / seconds;
    }
  }
  out.requests_per_second = static_cast<double>(out.completed) / seconds;
  out.first_token_ms = percentiles(std::move(first));
  out.between_tokens_ms = percentiles(std::move(between));
  out.whole_ms = percentiles(std::move(whole));
  std::vector<double> shares;
  for (const auto& [user, tokens] : of_user) shares.push_back(tokens.first / tokens.second);
  out.fairness = jain_index(shares);
  return out;
}

}  // namespace aloud
