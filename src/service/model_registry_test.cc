// Tests of models by name: unknown ones, loading once for many, failing and trying again.
#include "service/model_registry.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace aloud {
namespace {

using Outcome = RequestResult<std::shared_ptr<ServedModel>>;

RequestError error_of(ModelRegistry& registry, std::string_view name) {
  std::promise<RequestError> promise;
  registry.use(name,
               [&](const Outcome& model) { promise.set_value(model ? RequestError{} : model.error()); });
  return promise.get_future().get();
}

OfferedModel failing(std::string name, std::atomic<int>& loads) {
  OfferedModel model{.name = std::move(name)};
  model.load = [&loads]() -> Result<std::unique_ptr<ServedModel>> { return fail("load {} failed", ++loads); };
  return model;
}

TEST(ModelRegistryThread, KnowsWhatItOffers) {
  std::atomic<int> loads = 0;
  ModelRegistry registry({failing("a", loads), failing("b", loads)}, 0);
  EXPECT_EQ(registry.default_name(), "a");
  EXPECT_TRUE(registry.offers("b"));
  EXPECT_FALSE(registry.offers("c"));
  const RequestError error = error_of(registry, "c");
  EXPECT_EQ(error.kind, RequestErrorKind::kNotFound);
  EXPECT_EQ(error.code, "model_not_found");
  EXPECT_EQ(error.param, "model");
  EXPECT_EQ(loads, 0);
  EXPECT_EQ(registry.list()[1].state, LoadState::kUnloaded);
}

TEST(ModelRegistryThread, AFailedLoadIsToldAndTriedAgain) {
  std::atomic<int> loads = 0;
  ModelRegistry registry({failing("a", loads)}, 0);
  EXPECT_EQ(error_of(registry, "").message, "the model a cannot be loaded: load 1 failed");
  EXPECT_EQ(registry.list()[0].state, LoadState::kFailed);
  EXPECT_EQ(registry.list()[0].error, "load 1 failed");
  EXPECT_EQ(error_of(registry, "a").message, "the model a cannot be loaded: load 2 failed");
  EXPECT_EQ(registry.status("a")->served, nullptr);
  EXPECT_EQ(registry.status("b").error().code, "model_not_found");
}

TEST(ModelRegistryThread, ManyWaitForOneLoad) {
  std::promise<void> gate;
  std::atomic<int> loads = 0, told = 0;
  OfferedModel model{.name = "a"};
  model.load = [&]() -> Result<std::unique_ptr<ServedModel>> {
    ++loads;
    gate.get_future().wait();
    return fail("no");
  };
  {
    ModelRegistry registry({model}, 0);
    std::promise<void> last;
    for (int i = 0; i < 10; ++i) {
      registry.use("a", [&](const Outcome&) {
        if (++told == 10) last.set_value();
      });
    }
    gate.set_value();
    last.get_future().wait();
  }
  EXPECT_EQ(loads, 1);
}

}  // namespace
}  // namespace aloud
