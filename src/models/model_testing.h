// Helpers of tests that run whole models.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/model.h"

namespace aloud {

inline std::string data_path(const std::string& name) {
  return std::string(ALOUD_TEST_DATA) + "/logits/" + name;
}

// One of the reference models, with threads of its own.
struct Loaded {
  GgufFile file;
  ThreadPool pool;
  PanelStore panels;
  std::unique_ptr<Model> model;

  Loaded(const std::string& name, Isa isa, int threads) : pool(threads) {
    auto opened = GgufFile::open(data_path(name));
    if (!opened) throw std::runtime_error(opened.error().message);
    file = std::move(*opened);
    auto packed = PanelStore::pack(file, pool);
    if (!packed) throw std::runtime_error(packed.error().message);
    panels = std::move(*packed);
    auto loaded = load_model(file, panels, isa, pool);
    if (!loaded) throw std::runtime_error(loaded.error().message);
    model = std::move(*loaded);
  }
  std::int64_t vocabulary() const { return model->shape().vocabulary; }
};

// The pages of one sequence.
struct Timeline {
  std::vector<KvPage> memory;
  std::vector<std::byte*> pages;
  std::int64_t length = 0;

  Timeline(const KvLayout& layout, std::int64_t tokens) {
    for (std::int64_t t = 0; t < tokens; t += kPageTokens) {
      memory.push_back(make_kv_page(layout));
      pages.push_back(memory.back().get());
    }
  }
  KvView view() const { return {pages, length}; }
};

}  // namespace aloud
