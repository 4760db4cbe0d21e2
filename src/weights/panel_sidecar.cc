// Finds, checks and writes sidecars.
//
// A sidecar is a page with the header, then the panels as PanelPlan places them. Only the header needs to be
// believed: whatever stands in panels is multiplied, never followed.
#include "weights/panel_sidecar.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/atomic_file.h"
#include "base/huge_pages.h"
#include "base/printable.h"

namespace aloud {
namespace {

// Rises when the layout of panels or of this file changes.
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 4096;
constexpr std::int64_t kWriteBytes = 16 << 20;  // between two looks at whether to stop
// Left free on the disk for everybody else.
constexpr std::int64_t kSpareDiskBytes = std::int64_t{1} << 30;

// Little-endian, as all machines that this runs on.
struct Header {
  std::array<char, 8> magic{'A', 'L', 'O', 'U', 'D', 'P', 'N', 'L'};
  std::uint32_t version = kVersion;
  std::uint32_t parts = 0;         // files of the model
  std::uint64_t source_bytes = 0;  // of all parts
  std::uint64_t source_hash = 0;   // of each part's size, time of change and header
  std::uint64_t panel_bytes = 0;
};

class Hash {  // FNV-1a over words of 8 bytes
 public:
  void add(std::uint64_t word) { value_ = (value_ ^ word) * 0x100000001B3u; }
  void add(std::span<const std::byte> bytes) {
    add(bytes.size());
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i, std::min<std::size_t>(8, bytes.size() - i));
      add(word);
    }
  }
  std::uint64_t value() const { return value_ ^ value_ >> 32; }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325u;
};

Header header_for(const GgufFile& file, std::int64_t panel_bytes) {
  Header header;
  header.parts = static_cast<std::uint32_t>(file.mappings().size());
  header.source_bytes = file.bytes();
  header.panel_bytes = static_cast<std::uint64_t>(panel_bytes);
  // A part's header reaches to its first tensor.
  std::vector<std::size_t> header_bytes;
  for (const MappedFile& part : file.mappings()) header_bytes.push_back(part.bytes().size());
  for (const Tensor& tensor : file.tensors()) {
    std::size_t& bytes = header_bytes[file.part_of(tensor)];
    bytes = std::min<std::size_t>(bytes, file.offset(tensor));
  }
  Hash hash;
  for (std::size_t i = 0; i < header_bytes.size(); ++i) {
    const MappedFile& part = file.mappings()[i];
    hash.add(part.bytes().size());
    hash.add(static_cast<std::uint64_t>(part.modified()));
    hash.add(part.bytes().first(header_bytes[i]));
  }
  header.source_hash = hash.value();
  return header;
}

std::vector<std::byte> header_page(const Header& header) {
  std::vector<std::byte> page(kHeaderBytes);
  std::memcpy(page.data(), &header, sizeof header);
  return page;
}

class Descriptor {
 public:
  explicit Descriptor(int file) : file_(file) {}
  ~Descriptor() {
    if (file_ >= 0) ::close(file_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return file_; }
  int take() { return std::exchange(file_, -1); }

 private:
  int file_;
};

// nullopt: there is none, or it was made of another file. Errors: it is there and must not be used.
Result<std::optional<PanelStore>> open_sidecar(const std::string& path, const GgufFile& file,
                                               const Header& expected) {
  const Descriptor sidecar(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (sidecar.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return fail("{}: {}", printable(path), std::strerror(errno));
  }
  struct stat status {};
  if (::fstat(sidecar.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return fail("{}: not a regular file", printable(path));
  if ((status.st_uid != ::geteuid() && status.st_uid != 0) || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail("{}: others may write it, expected a file of yours alone", printable(path));
  if (static_cast<std::uint64_t>(status.st_size) != kHeaderBytes + expected.panel_bytes) return std::nullopt;
  TRY_ASSIGN(MappedFile mapping, MappedFile::map(sidecar.get(), path));
  const std::span<const std::byte> bytes = mapping.bytes();
  if (bytes.size() != kHeaderBytes + expected.panel_bytes) return std::nullopt;
  if (std::memcmp(bytes.data(), header_page(expected).data(), kHeaderBytes) != 0) return std::nullopt;
  TRY(mapping.check());
  return PanelStore::from_mapping(file, std::move(mapping), bytes.subspan(kHeaderBytes));
}

// Empty: there is none.
std::string cache_folder() {
  // The XDG specification: paths that are not absolute do not count.
  for (const auto& [variable, below] : {std::pair{"XDG_CACHE_HOME", "/aloud"}, {"HOME", "/.cache/aloud"}}) {
    const char* value = std::getenv(variable);
    if (value != nullptr && value[0] == '/') return std::string(value) + below;
  }
  return "";
}

// NAME-HASH.panels: the hash tells models of one name in different folders apart.
std::string sidecar_name(const std::string& model_path) {
  Hash hash;
  hash.add(std::as_bytes(std::span(model_path)));
  const std::string stem = std::filesystem::path(model_path).stem().string().substr(0, 200);
  return fmt::format("{}-{:016x}.panels", stem, hash.value());
}

// Errors: the folder is not there and cannot be made, the disk is full, the file cannot be written. nullptr:
// another process writes it.
Result<std::unique_ptr<SidecarWriter>> begin_writing(const std::string& path, const Header& header,
                                                     std::span<const std::byte> panels) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  std::filesystem::create_directories(folder.parent_path(), error);
  if (error || (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST))
    return fail("{}: {}", printable(folder.string()), error ? error.message() : std::strerror(errno));
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) == 0) {
    const auto free = static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize);
    const std::int64_t needed = std::ssize(panels) + kSpareDiskBytes;
    if (free < needed) {
      return fail("{}: {} bytes are free, {} would be needed to keep the packed weights",
                  printable(folder.string()), free, needed);
    }
  }
  const std::string partial = path + ".partial";
  Descriptor file(
      ::open(partial.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (file.get() < 0) return fail("{}: {}", printable(partial), std::strerror(errno));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return nullptr;
  // Who held the lock until now may have finished: then this is the sidecar that others map.
  struct stat locked {
  }, named{};
  if (::fstat(file.get(), &locked) != 0 || ::lstat(partial.c_str(), &named) != 0 ||
      locked.st_ino != named.st_ino || locked.st_dev != named.st_dev) {
    return nullptr;
  }
  if (::ftruncate(file.get(), 0) != 0) return fail("{}: {}", printable(partial), std::strerror(errno));
  return std::make_unique<SidecarWriter>(file.take(), path, header_page(header), panels);
}

}  // namespace

SidecarWriter::SidecarWriter(int file, std::string path, std::vector<std::byte> header,
                             std::span<const std::byte> panels)
    : file_(file),
      path_(std::move(path)),
      thread_([this, header = std::move(header), panels] { write(header, panels); }) {}

SidecarWriter::~SidecarWriter() {
  stop_ = true;
  wait();
}

void SidecarWriter::wait() {
  if (thread_.joinable()) thread_.join();
}

void OpenPanels::settle() {
  if (writer) writer->wait();
  if (mover.joinable()) mover.join();
}

void SidecarWriter::write(std::span<const std::byte> header, std::span<const std::byte> panels) {
  const std::string partial = path_ + ".partial";
  const auto put = [&](std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      if (stop_) return false;
      const auto part = bytes.first(std::min<std::size_t>(bytes.size(), kWriteBytes));
      // On disk part by part, so that the end does not have to wait for all of it.
      if (write_all(file_, part) != 0 || ::fdatasync(file_) != 0) return false;
      bytes = bytes.subspan(part.size());
    }
    return true;
  };
  if (put(header) && put(panels) && ::fsync(file_) == 0 && ::rename(partial.c_str(), path_.c_str()) == 0) {
    ::close(file_);
    return;
  }
  ::unlink(partial.c_str());
  ::close(file_);
}

Result<OpenPanels> open_panels(const GgufFile& file, ThreadPool& pool, const PanelOptions& options) {
  OpenPanels panels;
  const std::int64_t size = PanelPlan(file).bytes();
  const std::string folder = options.folder.empty() ? cache_folder() : options.folder;
  if (!options.sidecar || file.mappings().empty() || size < options.least_bytes) {
    TRY_ASSIGN(panels.store, PanelStore::pack(file, pool, options.progress));
    return panels;
  }
  const Header header = header_for(file, size);
  std::error_code error;
  const std::filesystem::path model = std::filesystem::canonical(file.name(), error);
  const std::string in_folder = folder.empty() || error ? "" : folder + "/" + sidecar_name(model.string());
  for (const std::string& path : {error ? "" : model.string() + ".panels", in_folder}) {
    if (path.empty()) continue;
    auto opened = open_sidecar(path, file, header);
    if (!opened) {
      panels.notice = opened.error().message;
    } else if (*opened) {
      panels.store = std::move(**opened);
      panels.mover = std::jthread(
          [bytes = panels.store.bytes()](const std::stop_token& stop) { move_into_huge_pages(bytes, stop); });
      return panels;
    }
  }
  TRY_ASSIGN(panels.store, PanelStore::pack(file, pool, options.progress));
  if (in_folder.empty() || !panels.notice.empty()) return panels;
  auto writer = begin_writing(in_folder, header, panels.store.bytes());
  if (writer) {
    panels.writer = std::move(*writer);
  } else {
    panels.notice = writer.error().message;
  }
  return panels;
}

}  // namespace aloud
