// A load of chat completions for a server, and what became of each: what `aloud bench serve` measures.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace aloud {

// Lengths in tokens are log-normal, as people's are: many short, few long.
struct LengthModel {
  double median;
  double sigma;  // of the logarithm
  std::int64_t longest;
};

struct ServeLoadOptions {
  std::string url;
  std::string model;              // empty: the server's own choice
  std::vector<std::string> keys;  // user i has key i % size; empty: none
  int users = 8;                  // requests are dealt out to them in turn
  double rate = 0;                // requests per second, Poisson arrivals; 0: closed loop
  int concurrency = 8;  // of the closed loop: each answer that ends makes place for the next request
  double seconds = 30;  // for which requests are begun and tokens counted; what runs then may end
  LengthModel prompt = {200, 1.0, 2000};
  LengthModel output = {150, 0.8, 1000};
  std::uint64_t seed = 1;
};

// One request. Times in seconds since the load began.
struct ServedRequest {
  int user = 0;
  std::int64_t asked_tokens = 0;   // the most it may generate
  std::int64_t prompt_tokens = 0;  // 0: the server did not say
  std::int64_t output_tokens = 0;  // as the server says, else as many as there were pieces
  double begin = 0;
  double end = 0;
  std::vector<double> pieces;  // when each piece of the reply came
  std::string error;           // "429", "connection", "stream"; empty: a complete reply
};

// Sends the load and waits for its end. progress is told the seconds that passed, about every second; cancel
// ends it early. The same options give the same requests; without a rate, when they are sent depends on the
// answers. Errors: the server cannot be reached.
Result<std::vector<ServedRequest>> send_serve_load(const ServeLoadOptions& options,
                                                   const std::atomic<bool>& cancel,
                                                   const std::function<void(double)>& progress);

struct Percentiles {
  double p50 = 0, p95 = 0, p99 = 0;
};
// Nearest rank; zeros without values.
Percentiles percentiles(std::vector<double> values);

// Jain's index: 1 when all shares are the same, 1/n when one has everything. 1 without shares.
double jain_index(const std::vector<double>& shares);

struct ServeSummary {
  std::size_t requests = 0;
  std::size_t completed = 0;
  std::map<std::string, std::size_t> errors;
  double requests_per_second = 0;       // completed
  double output_tokens_per_second = 0;  // that came while requests were begun, of all replies
  double prompt_tokens_per_second = 0;  // of replies that completed
  double good_tokens_per_second = 0;    // of output_tokens_per_second: of replies that met the goals
  std::size_t good = 0;                 // replies that met the goals
  Percentiles first_token_ms;
  Percentiles between_tokens_ms;
  Percentiles whole_ms;
  double fairness = 1;  // Jain's index of what users got of the tokens that they asked for
};

// A reply is good when it is complete and met both.
struct ServeGoals {
  double first_token_ms = 5000;
  double between_tokens_ms = 250;  // on average
};

ServeSummary summarise(const std::vector<ServedRequest>& requests, double seconds, const ServeGoals& goals);

}  // namespace aloud
