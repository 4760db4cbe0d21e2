// The quantised matrices of a model file in the layout that they are multiplied in: see kernels/panels.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "weights/gguf.h"

namespace aloud {

// Where the panels of each matrix lie. It follows from the file's header alone, so that panels may be kept
// from one start to the next: see panel_sidecar.h.
class PanelPlan {
 public:
  // Matrices and stacks of them whose type has a panel layout; not an embedding that is only read.
  explicit PanelPlan(const GgufFile& file);

  struct Entry {
    const Tensor* tensor;  // of the file
    std::int64_t begin;    // bytes from the first panel of all; a multiple of kPanelAlignment
    std::int64_t matrix_bytes;
  };
  std::span<const Entry> entries() const { return entries_; }  // in file order
  const Entry* find(const Tensor& tensor) const;               // nullptr: stays as in the file
  std::int64_t bytes() const { return bytes_; }                // of all panels

 private:
  std::vector<Entry> entries_;
  std::int64_t bytes_ = 0;
};

// Called with the bytes that are packed and their number, from the thread that called pack().
using PackProgress = std::function<void(std::int64_t done, std::int64_t total)>;

// Panels in memory of their own, in huge pages where the system has them, or in a mapped file. Immutable; any
// thread may read it. The model's file must outlive it.
class PanelStore {
 public:
  // Packs with all threads of the pool, tensor after tensor; each part of the file is given back to the
  // system once it is packed, so that the weights are never twice in this process's memory. Errors: no
  // memory; the file could not be read.
  static Result<PanelStore> pack(const GgufFile& file, ThreadPool& pool, const PackProgress& progress = {});
  // panels: what pack() made for this file, plan.bytes() of them, in `mapping`.
  static PanelStore from_mapping(const GgufFile& file, MappedFile mapping, std::span<const std::byte> panels);

  // Nothing is packed: every matrix is read from the file.
  PanelStore() = default;

  // The panels of a tensor of the file; nullptr: it lies only in the file.
  const std::byte* find(const Tensor& tensor) const;

  std::span<const std::byte> bytes() const { return bytes_; }
  // Errors: a mapped file could no longer be read.
  Status check() const { return mapping_.check(); }

 private:
  struct Unmap {
    std::int64_t bytes;
    void operator()(std::byte* memory) const;
  };

  std::unique_ptr<PanelPlan> plan_;
  std::unique_ptr<std::byte, Unmap> memory_{nullptr, Unmap{0}};
  MappedFile mapping_;
  std::span<const std::byte> bytes_;
};

}  // namespace aloud
