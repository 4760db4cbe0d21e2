// Sidecars: written once, taken when they fit, and never trusted further than that.
#include "weights/panel_sidecar.h"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "weights/gguf_writer.h"

namespace aloud {
namespace {

namespace fs = std::filesystem;

class PanelSidecarTest : public testing::Test {
 protected:
  PanelSidecarTest() {
    fs::create_directories(folder_);
    write_model(1);
  }
  ~PanelSidecarTest() override { fs::remove_all(folder_); }

  void write_model(unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::byte> bytes(static_cast<std::size_t>(40 * row_bytes(DType::kQ4_K, 512)));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    const std::vector<std::int64_t> lengths{512, 40};
    GgufWriter writer;
    writer.add_tensor("output.weight", DType::kQ4_K, lengths, bytes);
    ASSERT_TRUE(writer.write(model_));
  }

  // What a start finds; it waits for what it writes.
  struct Start {
    std::vector<std::byte> panels;
    bool mapped = false;
    bool wrote = false;
    std::string notice;
  };
  Start start(bool sidecar = true) {
    Start result;
    const auto file = GgufFile::open(model_);
    EXPECT_TRUE(file) << file.error().message;
    ThreadPool pool(2);
    bool packed = false;
    auto panels = open_panels(
        *file, pool,
        {.sidecar = sidecar, .least_bytes = 0, .folder = cache_, .progress = [&](std::int64_t, std::int64_t) {
           packed = true;
         }});
    EXPECT_TRUE(panels) << panels.error().message;
    result.mapped = !packed;
    panels->settle();
    result.panels.assign(panels->store.bytes().begin(), panels->store.bytes().end());
    result.wrote = panels->writer != nullptr;
    result.notice = panels->notice;
    const auto fresh = PanelStore::pack(*file, pool);
    EXPECT_TRUE(
        std::equal(result.panels.begin(), result.panels.end(), fresh->bytes().begin(), fresh->bytes().end()));
    return result;
  }

  std::vector<fs::path> cached() const {
    std::vector<fs::path> files;
    if (fs::exists(cache_)) {
      for (const auto& entry : fs::directory_iterator(cache_)) files.push_back(entry.path());
    }
    return files;
  }

  const std::string folder_ =
      testing::TempDir() + "panel_sidecar_" + testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string model_ = folder_ + "/small.gguf";
  const std::string cache_ = folder_ + "/cache/aloud";
};

TEST_F(PanelSidecarTest, TheSecondStartMapsWhatTheFirstWrote) {
  const Start first = start();
  EXPECT_FALSE(first.mapped);
  EXPECT_TRUE(first.wrote);
  const auto files = cached();
  ASSERT_EQ(files.size(), 1U);
  EXPECT_TRUE(files[0].filename().string().starts_with("small-")) << files[0];
  EXPECT_EQ(files[0].extension(), ".panels");
  struct stat file {
  }, folder{};
  ASSERT_EQ(::stat(files[0].c_str(), &file), 0);
  ASSERT_EQ(::stat(cache_.c_str(), &folder), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
  EXPECT_EQ(folder.st_mode & 0777, 0700U);

  const Start second = start();
  EXPECT_TRUE(second.mapped);
  EXPECT_FALSE(second.wrote);
  EXPECT_EQ(second.notice, "");
}

TEST_F(PanelSidecarTest, WithoutSidecarNothingIsReadOrWritten) {
  EXPECT_FALSE(start(false).wrote);
  EXPECT_TRUE(cached().empty());
  start();
  EXPECT_FALSE(start(false).mapped);
}

TEST_F(PanelSidecarTest, OneBesideTheModelIsTaken) {
  start();
  fs::rename(cached().at(0), model_ + ".panels");
  const Start second = start();
  EXPECT_TRUE(second.mapped);
  EXPECT_TRUE(cached().empty());
}

TEST_F(PanelSidecarTest, AChangedModelIsPackedAgain) {
  start();
  write_model(2);  // as large as before
  const Start changed = start();
  EXPECT_FALSE(changed.mapped);
  EXPECT_TRUE(changed.wrote);
  EXPECT_EQ(changed.notice, "");
  EXPECT_TRUE(start().mapped);
  EXPECT_EQ(cached().size(), 1U);
}

TEST_F(PanelSidecarTest, AFileOfAnotherSizeOrHeaderIsWrittenAgain) {
  start();
  const fs::path sidecar = cached().at(0);
  for (const char* damage : {"short", "long", "empty", "header"}) {
    SCOPED_TRACE(damage);
    const auto size = fs::file_size(sidecar);
    const std::string what = damage;
    if (what == "short") fs::resize_file(sidecar, size - 1);
    if (what == "long") fs::resize_file(sidecar, size + 1);
    if (what == "empty") fs::resize_file(sidecar, 0);
    if (what == "header") {
      std::fstream file(sidecar, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(8);
      file.put('\x7F');
    }
    const Start again = start();
    EXPECT_FALSE(again.mapped);
    EXPECT_TRUE(again.wrote);
    EXPECT_TRUE(start().mapped);
  }
}

TEST_F(PanelSidecarTest, WhatOthersMayWriteIsNotUsed) {
  start();
  const fs::path sidecar = cached().at(0);
  fs::permissions(sidecar, fs::perms::group_write, fs::perm_options::add);
  const Start open = start();
  EXPECT_FALSE(open.mapped);
  EXPECT_FALSE(open.wrote);
  EXPECT_EQ(open.notice, sidecar.string() + ": others may write it, expected a file of yours alone");

  fs::permissions(sidecar, fs::perms::group_write, fs::perm_options::remove);
  fs::rename(sidecar, folder_ + "/elsewhere");
  fs::create_symlink(folder_ + "/elsewhere", sidecar);
  EXPECT_FALSE(start().mapped);
  fs::remove(sidecar);
  ASSERT_EQ(::mkfifo(sidecar.c_str(), 0600), 0);
  const Start pipe = start();
  EXPECT_FALSE(pipe.mapped);
  EXPECT_EQ(pipe.notice, sidecar.string() + ": not a regular file");
}

TEST_F(PanelSidecarTest, OneProcessWritesAndLeftoversAreTakenOver) {
  start();
  const fs::path sidecar = cached().at(0);
  fs::remove(sidecar);
  const std::string partial = sidecar.string() + ".partial";
  std::ofstream(partial) << "left by a process that was killed";
  fs::permissions(partial, fs::perms(0600));
  const int other = ::open(partial.c_str(), O_RDWR);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);
  EXPECT_FALSE(start().wrote);
  ::close(other);
  EXPECT_TRUE(start().wrote);
  EXPECT_TRUE(start().mapped);
  EXPECT_FALSE(fs::exists(partial));
}

TEST_F(PanelSidecarTest, AFolderThatCannotBeMadeIsNamed) {
  fs::create_directories(fs::path(cache_).parent_path());
  std::ofstream file(cache_);  // a file where the folder should be
  const Start first = start();
  EXPECT_FALSE(first.wrote);
  EXPECT_NE(first.notice, "");
}

TEST_F(PanelSidecarTest, ASidecarThatIsCutWhileMappedIsAnError) {
  start();
  const auto file = GgufFile::open(model_);
  ThreadPool pool(1);
  auto panels = open_panels(*file, pool, {.least_bytes = 0, .folder = cache_});
  ASSERT_TRUE(panels);
  panels->settle();
  EXPECT_TRUE(panels->store.check());
  fs::resize_file(cached().at(0), 4096);
  const auto bytes = panels->store.bytes();
  EXPECT_EQ(std::count(bytes.end() - 4096, bytes.end(), std::byte{0}), 4096);
  EXPECT_FALSE(panels->store.check());
}

}  // namespace
}  // namespace aloud
