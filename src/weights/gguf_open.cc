// Opens GGUF files: one, or all parts of a split one.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/printable.h"
#include "weights/gguf.h"
#include "weights/gguf_reader.h"

namespace aloud {
namespace {

constexpr std::string_view kCountKey = "split.count";
constexpr std::string_view kNumberKey = "split.no";
constexpr std::string_view kTensorsKey = "split.tensors.count";

// name-00002-of-00003.gguf: `number` counts from 0 here and in the metadata, from 1 in the name.
std::string part_suffix(std::int64_t number, std::int64_t count) {
  return fmt::format("-{:05}-of-{:05}.gguf", number + 1, count);
}

// 1 for a file that is not split.
Result<std::int64_t> part_count(const GgufFile& file) {
  if (file.metadata().find(kCountKey) == nullptr) return 1;
  const auto count = file.metadata().require_integer(kCountKey, 0, kMaxParts);
  if (!count) return fail("{}: {}", printable(file.name()), count.error().message);
  return std::max<std::int64_t>(*count, 1);
}

Result<std::int64_t> part_number(const GgufFile& file, std::int64_t count) {
  const auto number = file.metadata().require_integer(kNumberKey, 0, count - 1);
  if (!number) return fail("{}: {}", printable(file.name()), number.error().message);
  return *number;
}

}  // namespace

Result<GgufFile> GgufFile::from_memory(std::span<const std::byte> bytes, std::string name) {
  GgufFile file;
  file.name_ = std::move(name);
  const std::string shown = printable(file.name_);
  TRY(GgufReader(bytes, shown).read(file));
  TRY_ASSIGN(const std::int64_t count, part_count(file));
  if (count > 1) return fail("{}: part of a split file, which must be opened by its path", shown);
  return file;
}

Result<GgufFile> GgufFile::open_part(const std::string& path) {
  TRY_ASSIGN(MappedFile mapping, MappedFile::open(path));
  GgufFile file;
  file.name_ = path;
  TRY(GgufReader(mapping.bytes(), printable(path)).read(file));
  file.mappings_.push_back(std::move(mapping));
  return file;
}

Result<GgufFile> GgufFile::open(const std::string& path) {
  TRY_ASSIGN(GgufFile named, open_part(path));
  TRY_ASSIGN(const std::int64_t count, part_count(named));
  if (count == 1) return named;
  TRY_ASSIGN(const std::int64_t number, part_number(named, count));
  const std::string suffix = part_suffix(number, count);
  if (!std::string_view(path).ends_with(suffix)) {
    return fail("{}: part {} of {} of a split file, so its name must end in {}", printable(path), number + 1,
                count, suffix);
  }
  const std::string prefix = path.substr(0, path.size() - suffix.size());
  GgufFile all;
  for (std::int64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(GgufFile part, open_part(prefix + part_suffix(i, count)));
    TRY_ASSIGN(const std::int64_t its_count, part_count(part));
    TRY_ASSIGN(const std::int64_t its_number, part_number(part, count));
    if (its_count != count || its_number != i) {
      return fail("{}: says it is part {} of {}, expected part {} of {}", printable(part.name_),
                  its_number + 1, its_count, i + 1, count);
    }
    TRY(all.append(std::move(part)));
  }
  TRY(GgufReader::index_tensors(all, printable(path)));
  const std::optional<std::int64_t> tensors = all.metadata_.integer(kTensorsKey);
  if (tensors && *tensors != std::ssize(all.tensors_)) {
    return fail("{}: its {} parts hold {} tensors, expected {}", printable(path), count, all.tensors_.size(),
                *tensors);
  }
  all.name_ = path;
  return all;
}

Status GgufFile::append(GgufFile part) {
  if (mappings_.empty()) {
    *this = std::move(part);
    return {};
  }
  if (tensors_.size() + part.tensors_.size() > kMaxTensors) {
    return fail("{}: more than {} tensors in all parts", printable(part.name_), kMaxTensors);
  }
  bytes_ += part.bytes_;
  parts_.insert(parts_.end(), part.parts_.begin(), part.parts_.end());
  tensors_.insert(tensors_.end(), part.tensors_.begin(), part.tensors_.end());
  std::move(part.mappings_.begin(), part.mappings_.end(), std::back_inserter(mappings_));
  return {};
}

}  // namespace aloud
