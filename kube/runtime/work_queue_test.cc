#include "kube/runtime/work_queue.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "kube/async/sim_loop.h"
#include "kube/async/task_group.h"

using namespace kube;

namespace {

using Queue = WorkQueue<ObjectKey>;

std::string namespace_of(const ObjectKey& key) {
  return key.ns;
}

// Takes everything that is ready, one at a time, and says in which order.
std::vector<std::string> drain(Queue& queue) {
  std::vector<std::string> order;
  while (auto item = queue.try_get()) {
    order.push_back(item->key().to_string());
    item->forget();
  }
  return order;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a key that is added many times is handed out once") {
  SimLoop loop;
  Queue queue(loop, {});
  for (int i = 0; i < 5; ++i) queue.add({"ns", "a"});
  queue.add({"ns", "b"});
  CHECK(drain(queue) == Names{"ns/a", "ns/b"});
}

TEST_CASE("a key in work is not handed out again before it is done, and then once") {
  SimLoop loop;
  Queue queue(loop, {});
  queue.add({"ns", "a"});
  {
    auto first = queue.try_get();
    REQUIRE(first);
    queue.add({"ns", "a"});
    queue.add({"ns", "a"});
    CHECK(!queue.try_get());
    CHECK(queue.contains({"ns", "a"}));
  }
  CHECK(drain(queue) == Names{"ns/a"});
  CHECK(!queue.contains({"ns", "a"}));
}

TEST_CASE("a delay that passes while the key is in work counts when it is done") {
  SimLoop loop;
  Queue queue(loop, {});
  queue.add({"ns", "a"});
  {
    auto item = queue.try_get();
    queue.add_after({"ns", "a"}, 1s);
    loop.run_for(2s);
    CHECK(!queue.try_get());
  }
  CHECK(drain(queue) == Names{"ns/a"});
}

TEST_CASE("the earliest of several times counts") {
  SimLoop loop;
  Queue queue(loop, {});
  queue.add_after({"ns", "a"}, 10s);
  queue.add_after({"ns", "a"}, 2s);
  queue.add_after({"ns", "a"}, 30s);
  loop.run_for(1999ms);
  CHECK(!queue.try_get());
  loop.run_for(1ms);
  CHECK(drain(queue) == Names{"ns/a"});
  loop.run_for(1min);
  CHECK(!queue.try_get());
  queue.add_after({"ns", "b"}, 10s);
  queue.add({"ns", "b"});
  CHECK(drain(queue) == Names{"ns/b"});
  CHECK(queue.delayed() == 0);
}

TEST_CASE("known work goes before new work; new work goes round the namespaces") {
  SimLoop loop;
  Queue queue(loop, {.fair_by = namespace_of});
  for (const char* name : {"1", "2", "3"}) queue.add({"busy", name}, Lane::New);
  queue.add({"quiet", "1"}, Lane::New);
  queue.add({"busy", "known"}, Lane::Known);
  queue.add({"other", "1"}, Lane::New);
  CHECK(drain(queue) == Names{"busy/known", "busy/1", "quiet/1", "other/1", "busy/2", "busy/3"});
}

TEST_CASE("a waiting key moves up when known work asks for it, and never down") {
  SimLoop loop;
  Queue queue(loop, {.fair_by = namespace_of});
  queue.add({"ns", "a"}, Lane::New);
  queue.add({"ns", "b"}, Lane::New);
  queue.add({"ns", "b"}, Lane::Known);
  queue.add({"ns", "b"}, Lane::New);
  CHECK(drain(queue) == Names{"ns/b", "ns/a"});
  queue.add_after({"ns", "c"}, 1s, Lane::Known);
  queue.add_after({"ns", "c"}, 2s, Lane::New);
  queue.add_after({"ns", "d"}, 500ms, Lane::New);
  loop.run_for(3s);
  CHECK(drain(queue) == Names{"ns/c", "ns/d"});
}

TEST_CASE("failures double the wait up to the cap, and forget starts over") {
  SimLoop loop;
  Queue queue(loop, {.backoff_initial = 5ms, .backoff_max = 50ms});
  const ObjectKey key{"ns", "a"};
  for (Duration wait : {5ms, 10ms, 20ms, 40ms, 50ms, 50ms}) {
    queue.add_rate_limited(key);
    loop.run_for(wait - 1ns);
    CHECK(!queue.try_get());
    loop.run_for(1ns);
    CHECK(queue.try_get());
  }
  CHECK(queue.failures(key) == 6);
  queue.forget(key);
  queue.add_rate_limited(key);
  loop.run_for(5ms);
  CHECK(queue.try_get());
}

TEST_CASE("the token bucket holds back retries only, and a server's wait is kept") {
  SimLoop loop;
  Queue queue(loop, {.retry_qps = 1, .retry_burst = 2, .retry_max_delay = 10s});
  for (int i = 0; i < 5; ++i) queue.add_rate_limited({"ns", std::to_string(i)});
  for (int i = 0; i < 100; ++i) queue.add({"plain", std::to_string(i)});
  CHECK(drain(queue).size() == 100);
  loop.run_for(10ms);
  CHECK(drain(queue) == Names{"ns/0", "ns/1"});
  loop.run_for(1s);
  CHECK(drain(queue) == Names{"ns/2"});
  for (int i = 0; i < 50; ++i) queue.add_rate_limited({"ns", std::to_string(100 + i)});
  loop.run_for(10s);
  CHECK(queue.delayed() == 0);

  queue.add_rate_limited({"ns", "told"}, Lane::Known, 1min);
  loop.run_for(59s);
  CHECK(queue.contains({"ns", "told"}));
  drain(queue);
  CHECK(queue.delayed() == 1);
}

TEST_CASE("shutting down releases who waits and drops what waits") {
  SimLoop loop;
  Queue queue(loop, {});
  int released = 0;
  TaskGroup workers(loop);
  auto work = [](Queue& from, int& count) -> Task<> {
    while (auto item = co_await from.get()) {
    }
    ++count;
  };
  for (int i = 0; i < 3; ++i) workers.spawn("worker", work(queue, released));
  loop.settle();
  CHECK(released == 0);
  queue.add_after({"ns", "later"}, 1s);
  queue.shut_down();
  queue.add({"ns", "a"});
  loop.settle();
  CHECK(released == 3);
  loop.run_for(1min);
  CHECK(!queue.try_get());
}

TEST_CASE("work is not lost with a worker that is cancelled right after its wake-up") {
  SimLoop loop;
  Queue queue(loop, {});
  std::vector<std::string> done;
  auto work = [](Queue& from, std::vector<std::string>& into) -> Task<> {
    while (auto item = co_await from.get()) into.push_back(item->key().name);
  };
  TaskGroup doomed(loop);
  TaskGroup steady(loop);
  doomed.spawn("doomed", work(queue, done));
  loop.settle();
  steady.spawn("steady", work(queue, done));
  loop.settle();
  queue.add({"ns", "a"});  // wakes the doomed one
  doomed.cancel();
  loop.settle();
  queue.add({"ns", "b"});
  loop.settle();
  std::ranges::sort(done);
  CHECK(done == Names{"a", "b"});
  queue.shut_down();
  loop.run(steady.join());
  loop.run(doomed.join());
}

// The same rules, written as naively as possible: a list of what waits, looked through each time.
class Model {
 public:
  void add(const ObjectKey& key, SteadyTime at, Lane lane, SteadyTime now) {
    mature(now);
    for (Waiting& w : waiting_) {
      if (w.key != key) continue;
      w.lane = std::min(w.lane, lane);
      if (!w.ready && at < w.at) w.at = at, w.asked = next_++;
      mature(now);
      return;
    }
    waiting_.push_back({key, at, lane, false, 0, next_++});
    mature(now);
  }
  // What may be handed out now: nothing, or exactly these (New: one of the oldest of each namespace).
  std::set<ObjectKey> candidates(SteadyTime now) {
    mature(now);
    std::set<ObjectKey> known;
    std::map<std::string, std::pair<int, ObjectKey>> oldest;
    for (const Waiting& w : waiting_) {
      if (!w.ready || working_.contains(w.key)) continue;
      if (w.lane == Lane::Known) known.insert(w.key);
      auto& of_ns = oldest.try_emplace(w.key.ns, w.order, w.key).first->second;
      if (w.order < of_ns.first) of_ns = {w.order, w.key};
    }
    if (!known.empty()) return known;
    std::set<ObjectKey> all;
    for (const auto& [ns, entry] : oldest) all.insert(entry.second);
    return all;
  }
  void take(const ObjectKey& key) {
    std::erase_if(waiting_, [&](const Waiting& w) { return w.key == key; });
    working_.insert(key);
  }
  void done(const ObjectKey& key, SteadyTime now) {
    mature(now);
    working_.erase(key);
    // What became ready meanwhile joins the end.
    for (Waiting& w : waiting_)
      if (w.key == key && w.ready) w.order = next_++;
  }
  std::size_t in_work() const { return working_.size(); }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiting {
    ObjectKey key;
    SteadyTime at;
    Lane lane;
    bool ready;
    int order;  // of becoming ready
    int asked;
  };
  void mature(SteadyTime now) {
    std::vector<Waiting*> due;
    for (Waiting& w : waiting_)
      if (!w.ready && w.at <= now) due.push_back(&w);
    std::ranges::sort(due, {}, [](const Waiting* w) { return std::pair(w->at, w->asked); });
    for (Waiting* w : due) {
      w->ready = true;
      w->order = next_++;
    }
  }
  std::vector<Waiting> waiting_;
  std::set<ObjectKey> working_;
  int next_ = 0;
};

TEST_CASE("the queue does what a naive model does, over random histories") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    SimLoop loop(seed);
    Random random(seed);
    Queue queue(loop, {.fair_by = namespace_of});
    Model model;
    std::vector<Queue::Item> in_work;
    std::map<std::string, int> passed_over;  // rounds a namespace has waited since it was last served
    for (int step = 0; step < 400; ++step) {
      const ObjectKey key{"ns" + std::to_string(random.below(3)), std::to_string(random.below(6))};
      const Lane lane = random.chance(0.4) ? Lane::Known : Lane::New;
      const std::uint64_t action = random.below(10);
      if (action < 3) {
        queue.add(key, lane);
        model.add(key, loop.steady(), lane, loop.steady());
      } else if (action < 5) {
        // Odd delays, so that two never mature at the same instant and the order is defined.
        const Duration delay = std::chrono::microseconds(1 + step + 1000 * random.below(50));
        queue.add_after(key, delay, lane);
        model.add(key, loop.steady() + delay, lane, loop.steady());
      } else if (action < 7) {
        const auto allowed = model.candidates(loop.steady());
        auto item = queue.try_get();
        REQUIRE(item.has_value() == !allowed.empty());
        if (item) {
          REQUIRE(allowed.contains(item->key()));
          if (item->lane() == Lane::New && allowed.size() > 1) {
            for (const ObjectKey& waited : allowed) ++passed_over[waited.ns];
            passed_over[item->key().ns] = 0;
            for (const auto& [ns, rounds] : passed_over) REQUIRE(rounds <= 3);
          } else {
            passed_over.clear();
          }
          model.take(item->key());
          in_work.push_back(std::move(*item));
        }
      } else if (action < 9) {
        if (!in_work.empty()) {
          std::swap(in_work[random.below(in_work.size())], in_work.back());
          const ObjectKey finished = in_work.back().key();
          in_work.pop_back();
          model.done(finished, loop.steady());
        }
      } else {
        loop.run_for(std::chrono::microseconds(random.below(20'000)));
      }
      REQUIRE(queue.in_work() == model.in_work());
    }
    in_work.clear();
  }
}
