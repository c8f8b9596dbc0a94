#include "kube/async/retry.h"

#include <catch2/catch.hpp>

#include "kube/async/sim_loop.h"

using namespace kube;

namespace {

Task<Result<int>> fail_times(int* calls, int failures, ErrorKind kind) {
  if (++*calls <= failures) co_return fail(kind, "try " + std::to_string(*calls));
  co_return *calls;
}

}  // namespace

TEST_CASE("retry tries again until success and waits by the policy") {
  SimLoop loop;
  int calls = 0;
  auto run = [](Loop& l, int* count) -> Task<> {
    auto op = [count] { return fail_times(count, 3, ErrorKind::Unavailable); };
    Result<int> result = co_await retry(l, Backoff{.initial = 1s, .jitter = 0}, l.after(1min), op);
    CHECK(result.value() == 4);
  };
  const SteadyTime start = loop.steady();
  loop.run(run(loop, &calls));
  CHECK(loop.steady() - start == 7s);  // 1 + 2 + 4
}

TEST_CASE("retry gives up at once on what a person must change") {
  SimLoop loop;
  int calls = 0;
  auto run = [](Loop& l, int* count) -> Task<> {
    auto op = [count] { return fail_times(count, 3, ErrorKind::Invalid); };
    Result<int> result = co_await retry(l, Backoff{}, l.after(1min), op);
    CHECK(result.error().kind() == ErrorKind::Invalid);
  };
  loop.run(run(loop, &calls));
  CHECK(calls == 1);
}

TEST_CASE("retry ends before its deadline and says how often it tried") {
  SimLoop loop;
  int calls = 0;
  auto run = [](Loop& l, int* count) -> Task<> {
    auto op = [count] { return fail_times(count, 1000, ErrorKind::Unavailable); };
    const SteadyTime deadline = l.after(10s);
    Result<int> result = co_await retry(l, Backoff{.initial = 1s, .jitter = 0}, deadline, op);
    CHECK(result.error().message() == "gave up after try 4: try 4");
    CHECK(l.steady() < deadline);
  };
  loop.run(run(loop, &calls));
}

TEST_CASE("backoff grows to its maximum") {
  Random random(1);
  const Backoff backoff{.initial = 100ms, .factor = 2, .max = 1s, .jitter = 0};
  CHECK(backoff.delay(1, random) == 100ms);
  CHECK(backoff.delay(3, random) == 400ms);
  CHECK(backoff.delay(50, random) == 1s);
}
