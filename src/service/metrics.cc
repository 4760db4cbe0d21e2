// The families of metrics, kept by prometheus-cpp.
#include "service/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace aloud {
namespace {

using Labels = std::map<std::string, std::string>;

// Seconds.
const prometheus::Histogram::BucketBoundaries kFirstTokenBuckets = {0.05, 0.1, 0.25, 0.5, 1,  2.5,
                                                                    5,    10,  30,   60,  120};
const prometheus::Histogram::BucketBoundaries kTokenBuckets = {0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2};

constexpr std::string_view kErrorNames[] = {"invalid",      "unauthorized", "forbidden", "not_found",
                                            "conflict",     "too_large",    "quota",     "capacity",
                                            "storage_full", "internal"};

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;

  prometheus::Family<prometheus::Counter>& counter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  prometheus::Family<prometheus::Gauge>& gauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  prometheus::Family<prometheus::Histogram>& histogram(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }

  prometheus::Family<prometheus::Counter>& requests =
      counter("aloud_http_requests_total", "HTTP requests by route and status");
  prometheus::Family<prometheus::Counter>& replies =
      counter("aloud_replies_total", "replies by model and why they ended");
  prometheus::Family<prometheus::Counter>& errors =
      counter("aloud_errors_total", "requests that got no reply, by kind");
  prometheus::Family<prometheus::Counter>& store_failures = counter(
      "aloud_store_failures_total", "writes that the store refused and that are tried again: reply, purge");
  prometheus::Family<prometheus::Counter>& tokens = counter(
      "aloud_tokens_total", "tokens of finished replies: prompt, cached (of the prompt), thought, answer");
  prometheus::Family<prometheus::Histogram>& first_token =
      histogram("aloud_time_to_first_token_seconds", "from the acceptance of a request to its first token");
  prometheus::Family<prometheus::Histogram>& per_token =
      histogram("aloud_time_per_token_seconds", "mean time between the tokens of a reply");
  prometheus::Family<prometheus::Gauge>& sequences =
      gauge("aloud_sequences", "sequences: waiting, reading their prompt, generating");
  prometheus::Family<prometheus::Gauge>& pages = gauge("aloud_kv_pages", "pages of the cache by state");
  prometheus::Family<prometheus::Gauge>& loaded = gauge("aloud_model_loaded", "1 if the model is in memory");
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::count_reply(std::string_view model_name, const Reply& reply) {
  const std::string model(model_name);
  const ReplyUsage& usage = reply.usage;
  families_->replies.Add({{"model", model}, {"finish", std::string(name(reply.finish))}}).Increment();
  const auto count = [&](const char* kind, std::int64_t tokens) {
    families_->tokens.Add({{"model", model}, {"kind", kind}}).Increment(static_cast<double>(tokens));
  };
  count("prompt", usage.prompt_tokens);
  count("cached", usage.kept_tokens);
  count("thought", usage.reasoning_tokens);
  count("answer", usage.completion_tokens - usage.reasoning_tokens);
  if (reply.timings.time_to_first_token_ms > 0) {
    families_->first_token.Add(Labels{{"model", model}}, kFirstTokenBuckets)
        .Observe(reply.timings.time_to_first_token_ms / 1000);
  }
  if (reply.timings.decode_tokens_per_second > 0) {
    families_->per_token.Add(Labels{{"model", model}}, kTokenBuckets)
        .Observe(1 / reply.timings.decode_tokens_per_second);
  }
}

void Metrics::count_error(std::string_view model, RequestErrorKind kind) {
  families_->errors
      .Add(
          {{"model", std::string(model)}, {"kind", std::string(kErrorNames[static_cast<std::size_t>(kind)])}})
      .Increment();
}

void Metrics::count_request(std::string_view route, int status) {
  families_->requests.Add({{"route", std::string(route)}, {"status", std::to_string(status)}}).Increment();
}

void Metrics::count_store_failure(std::string_view what) {
  families_->store_failures.Add({{"what", std::string(what)}}).Increment();
}

std::string Metrics::text(const std::vector<ModelStatus>& models) {
  for (const ModelStatus& model : models) {
    families_->loaded.Add({{"model", model.name}}).Set(model.served ? 1 : 0);
    const SchedulerStats stats = model.served ? model.served->scheduler().stats() : SchedulerStats{};
    const auto set = [&](prometheus::Family<prometheus::Gauge>& family, const char* state,
                         std::int64_t value) {
      family.Add({{"model", model.name}, {"state", state}}).Set(static_cast<double>(value));
    };
    set(families_->sequences, "waiting", stats.waiting);
    set(families_->sequences, "reading", stats.reading);
    set(families_->sequences, "generating", stats.generating);
    set(families_->pages, "total", stats.pages_total);
    set(families_->pages, "used", stats.pages_used);
    set(families_->pages, "idle", stats.pages_idle);
  }
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace aloud
