// Cuts attention into tiles of query rows and hands them to the threads.
#include "kernels/attention.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/attention_tile.h"

namespace aloud {

extern const AttendTile kAttendTileScalar;
extern const AttendTile kAttendTileAvx2;
extern const AttendTile kAttendTileAvx512;

namespace {

AttendTile attend_tile(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return kAttendTileAvx512;
    case Isa::kAvx2:
      return kAttendTileAvx2;
    case Isa::kScalar:
      break;
  }
  return kAttendTileScalar;
}

struct Item {
  const AttentionJob* job;
  AttentionTile tile;
};

}  // namespace

void attend(Isa isa, const AttentionShape& shape, std::span<const AttentionJob> jobs, ThreadPool& pool,
            std::vector<float>& scratch) {
  CHECK(shape.heads % shape.kv_heads == 0);
  const std::int64_t group = shape.heads / shape.kv_heads;
  std::int64_t all_rows = 0;
  for (const AttentionJob& job : jobs) all_rows += job.tokens * group * shape.kv_heads;
  // Smaller tiles when there are too few rows to keep every thread busy.
  const std::int64_t rows = std::clamp<std::int64_t>(all_rows / (2 * pool.size()) / 4 * 4, 4, kAttentionRows);

  std::vector<Item> items;
  for (const AttentionJob& job : jobs) {
    const std::int64_t job_rows = job.tokens * group;
    for (std::int64_t head = 0; head < shape.kv_heads; ++head) {
      for (std::int64_t row = 0; row < job_rows; row += rows) {
        items.push_back({&job, {head, row, std::min(rows, job_rows - row)}});
      }
    }
  }
  const std::int64_t per_worker = attention_scratch(shape);
  const auto needed = static_cast<std::size_t>(per_worker * pool.size());
  if (scratch.size() < needed) scratch.resize(needed);
  const AttendTile tile = attend_tile(isa);
  // The longest rows come last in a job; handed out first, they do not make the others wait.
  pool.run(static_cast<std::int64_t>(items.size()), [&](std::int64_t i, int worker) {
    const Item& item = items[items.size() - 1 - static_cast<std::size_t>(i)];
    tile(shape, *item.job, item.tile, scratch.data() + worker * per_worker);
  });
}

}  // namespace aloud
