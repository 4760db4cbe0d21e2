// A total, and a total for each client.
#include "http/admissions.h"

#include <arpa/inet.h>

#include <chrono>

namespace aloud {
namespace {

constexpr std::size_t kNetworkBytes = 8;  // of an IPv6 address

std::string client_of(const std::string& address) {
  char bytes[sizeof(in6_addr)];
  const std::string without_zone = address.substr(0, address.find('%'));
  if (inet_pton(AF_INET6, without_zone.c_str(), bytes) == 1) return std::string(bytes, kNetworkBytes);
  return address;
}

}  // namespace

Admission::~Admission() { admissions_.release(client_); }

std::shared_ptr<Admission> Admissions::admit(const std::string& address) {
  const std::string client = client_of(address);
  const std::lock_guard lock(mutex_);
  if (count_ >= limit_) return nullptr;
  std::size_t& of_client = of_client_[client];
  if (of_client >= limit_per_address_) return nullptr;
  ++of_client;
  ++count_;
  return std::make_shared<Admission>(*this, client);
}

void Admissions::release(const std::string& client) {
  const std::lock_guard lock(mutex_);
  const auto found = of_client_.find(client);
  if (--found->second == 0) of_client_.erase(found);
  if (--count_ == 0) none_.notify_all();
}

std::size_t Admissions::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

std::size_t Admissions::wait_until_none(double seconds) {
  std::unique_lock lock(mutex_);
  none_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return count_ == 0; });
  return count_;
}

}  // namespace aloud
