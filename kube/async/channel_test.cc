#include "kube/async/channel.h"

#include <catch2/catch.hpp>

#include "kube/async/sim_loop.h"
#include "kube/async/task_group.h"

using namespace kube;

namespace {

Task<> produce(Channel<int>* channel, int count) {
  for (int i = 0; i < count; ++i) co_await channel->send(i);
  channel->close();
}

Task<> consume(Channel<int>* channel, std::vector<int>* got) {
  while (auto value = co_await channel->receive()) got->push_back(*value);
}

}  // namespace

TEST_CASE("values arrive in order through a channel smaller than their number") {
  SimLoop loop;
  Channel<int> channel(loop, 3);
  std::vector<int> got;
  TaskGroup group(loop);
  group.spawn("consumer", consume(&channel, &got));
  group.spawn("producer", produce(&channel, 100));
  loop.run(group.join());
  REQUIRE(got.size() == 100);
  CHECK(std::is_sorted(got.begin(), got.end()));
}

TEST_CASE("try_send refuses what does not fit and what comes after close") {
  SimLoop loop;
  Channel<int> channel(loop, 1);
  CHECK(channel.try_send(1));
  CHECK_FALSE(channel.try_send(2));
  channel.close();
  std::vector<int> got;
  loop.run(consume(&channel, &got));
  CHECK(got == std::vector{1});
  CHECK_FALSE(channel.try_send(3));
}

TEST_CASE("a receiver that is cancelled loses no value") {
  SimLoop loop;
  Channel<int> channel(loop, 10);
  std::vector<int> lost, got;
  TaskGroup cancelled(loop), kept(loop);
  cancelled.spawn("cancelled", consume(&channel, &lost));
  kept.spawn("kept", consume(&channel, &got));
  loop.settle();
  channel.try_send(1);  // wakes the first receiver, which is cancelled before it runs
  cancelled.cancel();
  channel.try_send(2);
  channel.close();
  loop.settle();
  loop.run(kept.join());
  loop.run(cancelled.join());
  lost.insert(lost.end(), got.begin(), got.end());
  std::sort(lost.begin(), lost.end());
  CHECK(lost == std::vector{1, 2});
}
