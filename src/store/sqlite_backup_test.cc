// Backups, restores, and files that are not what they should be.
#include "store/sqlite_backup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "store/sqlite_database.h"
#include "store/store_testing.h"

namespace aloud {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

class BackupTest : public StoreTest {
 protected:
  std::string backup_file() const { return folder_.path() + "/backup.db"; }

  // Restores into the folder, whose store is closed meanwhile.
  Result<std::string> restore(const std::string& file) {
    store_ = nullptr;
    return restore_store(folder(), file);
  }
};

TEST_F(BackupTest, BringsBackWhatWasThereWhileItWasInUse) {
  const Conversation kept = chat("alice", "kept", "question", "answer");
  ASSERT_TRUE(backup_store(folder(), backup_file()).has_value());
  struct stat status {};
  ASSERT_EQ(::stat(backup_file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  chat("alice", "later", "question", "answer");
  const auto aside = restore(backup_file());
  ASSERT_TRUE(aside.has_value()) << aside.error().message;
  open();
  EXPECT_EQ(store_->conversations("alice", {})->conversations.size(), 1u);
  EXPECT_EQ(store_->conversation("alice", kept.id).value().title, "kept");
  EXPECT_EQ(store_->search("alice", "question")->hits.size(), 1u);
  chat("alice", "goes on", "question", "answer");
  // What stood there is kept, and is a backup like any other.
  ASSERT_TRUE(restore(*aside).has_value());
  open();
  EXPECT_EQ(store_->conversations("alice", {})->conversations.size(), 2u);
}

TEST_F(BackupTest, RestoresIntoAFolderThatIsNotThere) {
  chat("alice", "t", "question", "answer");
  ASSERT_TRUE(backup_store(folder(), backup_file()).has_value());
  const std::string other = folder_.path() + "/new/folder";
  const auto aside = restore_store(other, backup_file());
  ASSERT_TRUE(aside.has_value()) << aside.error().message;
  EXPECT_EQ(*aside, "");
  const auto store = open_sqlite_store({.folder = other});
  ASSERT_TRUE(store.has_value());
  EXPECT_EQ((*store)->conversations("alice", {})->conversations.size(), 1u);
}

TEST_F(BackupTest, NothingIsOverwritten) {
  write_file(backup_file(), "precious");
  const Status refused = backup_store(folder(), backup_file());
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("is there already"), std::string::npos);
  EXPECT_EQ(read_file(backup_file()), "precious");
  EXPECT_FALSE(backup_store(folder_.path() + "/nowhere", folder_.path() + "/b.db").has_value());
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/b.db"));
}

TEST_F(BackupTest, RestoreNeedsTheFolderForItself) {
  ASSERT_TRUE(backup_store(folder(), backup_file()).has_value());
  const auto refused = restore_store(folder(), backup_file());
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("uses this folder"), std::string::npos) << refused.error().message;
}

TEST_F(BackupTest, WhatIsNoBackupChangesNothing) {
  for (int i = 0; i < 50; ++i) chat("alice", "t", std::string(500, 'x'), "answer");
  ASSERT_TRUE(backup_store(folder(), backup_file()).has_value());
  const std::string good = read_file(backup_file());
  const auto refused = [&](const std::string& bytes) {
    const std::string file = folder_.path() + "/bad.db";
    write_file(file, bytes);
    const auto restored = restore(file);
    return restored ? std::string("restored") : restored.error().message;
  };
  EXPECT_NE(refused("").find("an empty database"), std::string::npos);
  EXPECT_NE(refused("not a database, but long enough to be looked at").find("not a database"),
            std::string::npos);
  EXPECT_NE(refused(good.substr(0, good.size() / 2)), "restored");
  std::string damaged = good;
  for (std::size_t at = 3 * 4096; at < damaged.size(); at += 4096) damaged.replace(at, 64, 64, '\x5A');
  EXPECT_NE(refused(damaged), "restored");
  std::string newer = good;
  newer[63] = 99;  // the last byte of user_version, in the header of the file
  EXPECT_NE(refused(newer).find("newer"), std::string::npos);
  std::string foreign = good;
  foreign[68] = 0;  // of application_id
  EXPECT_NE(refused(foreign).find("another program"), std::string::npos);
  EXPECT_FALSE(restore(folder_.path() + "/missing.db").has_value());
  open();
  EXPECT_EQ(store_->conversations("alice", {})->conversations.size(), 50u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder()), {}),
            4);  // database, two of its log, lock
}

TEST_F(StoreTest, RefusesAFileOfANewerProgramOrOfAnother) {
  store_ = nullptr;
  const auto refused = [&] {
    const auto opened = open_sqlite_store({.folder = folder()});
    return opened ? std::string("opened") : opened.error().message;
  };
  {
    SQLite::Database database = open_database(database_path(), DatabaseUse::kWrite, "");
    database.exec("PRAGMA user_version = 99");
  }
  EXPECT_NE(refused().find("version 99"), std::string::npos) << refused();
  {
    SQLite::Database database = open_database(database_path(), DatabaseUse::kWrite, "");
    database.exec("PRAGMA user_version = 1; PRAGMA application_id = 1");
  }
  EXPECT_NE(refused().find("another program"), std::string::npos) << refused();
}

TEST_F(StoreTest, OneServesAndToolsWorkBesideIt) {
  const auto second = open_sqlite_store({.folder = folder(), .use = FolderUse::kServe});
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find("another aloud serves"), std::string::npos) << second.error().message;
  auto tool = open_sqlite_store({.folder = folder(), .use = FolderUse::kTool});
  ASSERT_TRUE(tool.has_value()) << tool.error().message;
  ASSERT_TRUE((*tool)->add_key({.name = "alice"}, SecretHash{}).has_value());
  EXPECT_EQ(store_->find_key(SecretHash{}).value().name, "alice");
}

}  // namespace
}  // namespace aloud
