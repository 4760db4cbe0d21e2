// Counts connections, of all clients and of each.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace aloud {

class Admissions;

// One connection counts while this lives.
class Admission {
 public:
  Admission(Admissions& admissions, std::string client)
      : admissions_(admissions), client_(std::move(client)) {}
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

 private:
  Admissions& admissions_;
  const std::string client_;
};

// Any thread. Outlives the admissions it gave.
class Admissions {
 public:
  Admissions(std::size_t limit, std::size_t limit_per_address)
      : limit_(limit), limit_per_address_(limit_per_address) {}

  // Null: too many. An IPv6 address counts as its /64, which is one customer.
  std::shared_ptr<Admission> admit(const std::string& address);
  std::size_t count() const;
  // Blocks until there are none, or for so long. Returns how many are left.
  std::size_t wait_until_none(double seconds);

 private:
  friend class Admission;
  void release(const std::string& client);

  const std::size_t limit_;
  const std::size_t limit_per_address_;
  mutable std::mutex mutex_;
  std::condition_variable none_;
  std::size_t count_ = 0;
  std::unordered_map<std::string, std::size_t> of_client_;
};

}  // namespace aloud
