// What the tests of the store share: a folder that goes when the test ends, a store in it, and messages.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "store/sqlite_store.h"

namespace aloud {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "aloud-store-XXXXXX").string();
    CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline StoredMessage message_of(std::string id, std::string parent, std::string role, std::string content) {
  StoredMessage message;
  message.id = std::move(id);
  message.parent = std::move(parent);
  message.role = std::move(role);
  message.content = std::move(content);
  return message;
}

inline StoredMessage running_reply(std::string id, std::string parent) {
  StoredMessage message = message_of(std::move(id), std::move(parent), "assistant", "");
  message.status = ReplyStatus::kRunning;
  return message;
}

// A store in a folder of its own, whose clock stands still until a test moves it.
class StoreTest : public testing::Test {
 protected:
  StoreTest() { open(); }

  // Closes the store and opens it again.
  void open(FolderUse use = FolderUse::kServe) {
    store_ = nullptr;
    auto opened = open_sqlite_store({.folder = folder(), .use = use, .now_ms = [this] { return now_ms_; }});
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    store_ = *std::move(opened);
  }
  std::string folder() const { return folder_.path() + "/data"; }
  std::string database_path() const { return folder() + "/" + kDatabaseName; }

  // A conversation with a question and a complete answer.
  Conversation chat(const std::string& owner, const std::string& title, const std::string& question,
                    const std::string& answer) {
    const auto made = store_->create_conversation(
        owner, {.title = title},
        {message_of("q", "", "user", question), message_of("a", "q", "assistant", answer)});
    CHECK(made.has_value());
    return *made;
  }

  TemporaryFolder folder_;
  std::int64_t now_ms_ = 1'700'000'000'000;
  std::unique_ptr<Store> store_;
};

}  // namespace aloud
