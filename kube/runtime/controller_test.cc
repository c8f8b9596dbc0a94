#include "kube/runtime/controller.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <stdexcept>

#include "kube/async/sim_loop.h"
#include "kube/async/timer.h"

using namespace kube;

namespace {

using Outcome = Result<ReconcileResult>;

struct World {
  using Script = std::function<Outcome(const ReconcileRequest&)>;

  explicit World(Script script, ControllerOptions options = {}, Duration each = 10ms)
      : outcome(std::move(script)), duration(each) {
    options.log = Log(lines, LogLevel::Debug);
    options.metrics = &metrics;
    controller = std::make_unique<Controller>(
        loop, "web", [this](ReconcileRequest request) { return reconcile(std::move(request)); },
        std::move(options));
    auto run = [](World& world) -> Task<> {
      (void)co_await world.controller->run();
      world.ended = true;
    };
    tasks.spawn("controller", run(*this));
  }
  ~World() {
    controller->abort();
    loop.run(tasks.join());
  }
  Task<Outcome> reconcile(ReconcileRequest request) {
    struct Active {
      World& world;
      ObjectKey key;
      Active(World& w, ObjectKey k) : world(w), key(std::move(k)) {
        if (!world.active.insert(key).second) world.two_on_one_key = true;
        world.most_active = std::max(world.most_active, world.active.size());
      }
      ~Active() { world.active.erase(key); }
    } now(*this, request.key);
    started.push_back(loop.steady());
    co_await sleep(loop, duration);
    finished.push_back(request.key.name);
    co_return outcome(request);
  }
  bool has_metric(const std::string& line) const {
    return metrics.text().find(line + "\n") != std::string::npos;
  }

  SimLoop loop;
  MetricsRegistry metrics;
  std::shared_ptr<RecordingSink> lines = std::make_shared<RecordingSink>();
  Script outcome;
  Duration duration;
  std::set<ObjectKey> active;
  std::size_t most_active = 0;
  bool two_on_one_key = false;
  bool ended = false;
  std::vector<SteadyTime> started;
  std::vector<std::string> finished;
  std::unique_ptr<Controller> controller;
  TaskGroup tasks{loop};
};

Outcome done(const ReconcileRequest&) {
  return ReconcileResult::done();
}

}  // namespace

TEST_CASE("N workers reconcile N keys at once and never one key twice at once") {
  World world(done, {.workers = 3}, 1s);
  Random random(5);
  for (int i = 0; i < 200; ++i) {
    world.controller->queue().add({"ns", std::to_string(random.below(6))});
    world.loop.run_for(std::chrono::milliseconds(random.below(400)));
  }
  CHECK(world.most_active == 3);
  CHECK(!world.two_on_one_key);
}

TEST_CASE("a change during a reconcile brings the key back once more") {
  World world(done, {}, 1s);
  world.controller->queue().add({"ns", "a"});
  world.loop.run_for(500ms);
  for (int i = 0; i < 3; ++i) world.controller->queue().add({"ns", "a"});
  world.loop.run_for(10s);
  CHECK(world.finished == std::vector<std::string>{"a", "a"});
}

TEST_CASE("errors come back with growing waits, success starts over, results say when to come back") {
  int failures_left = 3;
  World world(
      [&](const ReconcileRequest& request) -> Outcome {
        CHECK(request.failures == 3 - failures_left);
        if (failures_left > 0) {
          --failures_left;
          return fail(ErrorKind::Unavailable, "down");
        }
        return ReconcileResult::done();
      },
      {.backoff_initial = 1s}, 0ms);
  world.controller->queue().add({"ns", "a"});
  world.loop.run_for(1h);
  REQUIRE(world.started.size() == 4);
  CHECK(world.started[1] - world.started[0] == 1s);
  CHECK(world.started[2] - world.started[1] == 2s);
  CHECK(world.started[3] - world.started[2] == 4s);
  CHECK(world.controller->queue().failures({"ns", "a"}) == 0);
  CHECK(world.has_metric(R"(controller_runtime_reconcile_errors_total{controller="web"} 3)"));
  CHECK(world.has_metric(R"(controller_runtime_reconcile_total{controller="web",result="success"} 1)"));

  world.outcome = [](const ReconcileRequest&) -> Outcome { return ReconcileResult::after(1min); };
  world.started.clear();
  world.controller->queue().add({"ns", "b"});
  world.loop.run_for(150s);
  REQUIRE(world.started.size() == 3);
  CHECK(world.started[1] - world.started[0] == 1min);
}

TEST_CASE("an error that names its wait is not repeated before that; a refusal that may heal comes back") {
  World world([](const ReconcileRequest&) -> Outcome {
    return fail(Error(ErrorKind::TooManyRequests, "later").with_retry_after(30s));
  });
  world.controller->queue().add({"ns", "a"});
  world.loop.run_for(29s);
  CHECK(world.finished.size() == 1);
  world.loop.run_for(2s);
  CHECK(world.finished.size() == 2);

  World forbidden([](const ReconcileRequest&) -> Outcome { return fail(ErrorKind::Forbidden, "no"); });
  forbidden.controller->queue().add({"ns", "a"});
  forbidden.loop.run_for(1min);
  CHECK(forbidden.finished.size() > 5);
}

TEST_CASE("conflicts and regular repetitions come back by their own back-off, however many there are") {
  World world(
      [](const ReconcileRequest& request) -> Outcome {
        if (request.failures == 0) return fail(ErrorKind::Conflict, "changed");
        if (request.failures == 1) return ReconcileResult::again();
        return ReconcileResult::done();
      },
      {.workers = 10, .retry_qps = 1, .retry_burst = 1}, 0ms);
  for (int i = 0; i < 100; ++i) world.controller->queue().add({"ns", std::to_string(i)});
  world.loop.run_for(1s);
  CHECK(world.finished.size() == 300);
}

TEST_CASE("an object that cannot be used waits for its next change") {
  World world(
      [](const ReconcileRequest&) -> Outcome { return fail(ErrorKind::InvalidInput, "spec: nonsense"); });
  world.controller->queue().add({"ns", "a"});
  world.loop.run_for(1h);
  CHECK(world.finished.size() == 1);
  CHECK(world.has_metric(R"(controller_runtime_terminal_reconcile_errors_total{controller="web"} 1)"));
  world.controller->queue().add({"ns", "a"});
  world.loop.run_for(1s);
  CHECK(world.finished.size() == 2);
}

TEST_CASE("an exception is counted as a panic, tried again, and harms no other key") {
  World world(
      [](const ReconcileRequest& request) -> Outcome {
        if (request.key.name == "bad" && request.failures == 0) throw std::runtime_error("oops");
        return ReconcileResult::done();
      },
      {.workers = 1});
  world.controller->queue().add({"ns", "bad"});
  world.controller->queue().add({"ns", "good"});
  world.loop.run_for(10s);
  CHECK(world.finished == std::vector<std::string>{"bad", "good", "bad"});
  CHECK(world.has_metric(R"(controller_runtime_reconcile_panics_total{controller="web"} 1)"));
  CHECK(world.lines->contains("reconcile failed"));
}

TEST_CASE("stop lets work in flight finish, and cancels what takes longer than the grace") {
  {
    World world(done, {.grace = 5s}, 3s);
    world.controller->queue().add({"ns", "a"});
    world.loop.run_for(1s);
    world.controller->queue().add({"ns", "b"});
    world.controller->stop();
    world.loop.run_for(2100ms);
    CHECK(world.ended);
    CHECK(world.finished.size() >= 1);
  }
  World world(done, {.workers = 1, .grace = 5s}, 1h);
  world.controller->queue().add({"ns", "a"});
  world.controller->queue().add({"ns", "b"});
  world.loop.run_for(1s);
  world.controller->stop();
  world.loop.run_for(4s);
  CHECK(!world.ended);
  world.loop.run_for(2s);
  CHECK(world.ended);
  CHECK(world.finished.empty());
  CHECK(world.active.empty());
}

TEST_CASE("abort cancels at once") {
  World world(done, {.grace = 1h}, 1h);
  world.controller->queue().add({"ns", "a"});
  world.loop.run_for(1s);
  world.controller->abort();
  world.loop.settle();
  CHECK(world.ended);
}

TEST_CASE("log lines carry controller, object and an id of this reconcile") {
  World world(
      [](const ReconcileRequest& request) -> Outcome {
        request.log.info("seen");
        return ReconcileResult::done();
      },
      {.kind = "Web"});
  world.controller->queue().add({"ns", "a"});
  world.loop.run_for(1s);
  for (const auto& line : world.lines->lines) {
    if (line.sentence != "seen") continue;
    CHECK(std::get<std::string>(*line.find("controller")) == "web");
    CHECK(std::get<std::string>(*line.find("Web")) == "ns/a");
    CHECK(std::get<std::string>(*line.find("reconcileID")).size() == 36);
    return;
  }
  FAIL("no line");
}
