// A client for measurements: any number of requests at once from one thread, each over a connection of its
// own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/request.h"

namespace aloud {

// Everything, callbacks too, is on the thread that calls run().
class LoadClient {
 public:
  // "http://host[:port]", resolved once. Errors: another scheme (there is no TLS here), no such host.
  static Result<LoadClient> create(const std::string& url);
  LoadClient(LoadClient&&) noexcept;
  ~LoadClient();

  struct Callbacks {
    std::function<void(int status, const HttpHeaders& headers)> on_head;
    std::function<void(std::string_view bytes)> on_body;  // as it comes, without its framing
    // The last call, always. complete: the whole answer came.
    std::function<void(bool complete)> on_end;
  };
  void post(std::string_view path, const HttpHeaders& headers, std::string_view body, Callbacks callbacks);

  double now() const;  // seconds since create()
  void at(double seconds, std::function<void()> task);
  // Until nothing is under way and no task is left.
  void run();
  // Ends what is under way (on_end follows) and drops the tasks; from a callback or a task.
  void stop();

 private:
  struct Implementation;
  explicit LoadClient(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace aloud
