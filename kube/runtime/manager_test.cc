#include "kube/runtime/manager.h"

#include <catch2/catch.hpp>

#include "kube/async/timer.h"
#include "kube/runtime/controller.h"
#include "kube/runtime/informer.h"
#include "kube/runtime/test_api.h"

using namespace kube;

namespace {

using Diary = std::vector<std::string>;

// Writes down when it starts and ends.
class Part final : public Runnable {
 public:
  Part(Loop& loop, std::string name, Diary& diary)
      : loop_(loop), name_(std::move(name)), diary_(diary), woken_(loop) {}
  const std::string& name() const override { return name_; }
  bool needs_leadership() const override { return leads; }
  bool is_ready() const override { return ready; }
  Task<Result<>> run() override {
    diary_.push_back(name_ + " starts");
    try {
      while (!stopped_ && !error) co_await woken_.wait();
      co_await sleep(loop_, linger);
    } catch (...) {
      diary_.push_back(name_ + " is cancelled");
      throw;
    }
    diary_.push_back(name_ + " ends");
    if (error) co_return fail(*error);
    co_return Result<>{};
  }
  void stop() override {
    stopped_ = true;
    woken_.wake_all();
  }
  void fail_with(const std::string& message) {
    error = Error(ErrorKind::Io, message);
    woken_.wake_all();
  }

  bool leads = false;
  bool ready = true;
  Duration linger = 0s;
  std::optional<Error> error;

 private:
  Loop& loop_;
  std::string name_;
  Diary& diary_;
  WaitList woken_;
  bool stopped_ = false;
};

struct Process {
  Process(TestApi& on, const std::string& host, ManagerOptions options = {},
          ClientOptions connecting = {.default_deadline = 5s})
      : api(on) {
    client = api.client(host, std::move(connecting));
    options.log = Log(lines, LogLevel::Debug);
    manager = std::make_unique<Manager>(*client, std::move(options));
  }
  ~Process() {
    tasks.cancel();
    api.loop.run(tasks.join());
  }
  Part& part(const std::string& name) { return manager->add(std::make_unique<Part>(api.loop, name, diary)); }
  void run() {
    auto body = [](Process& self) -> Task<> {
      auto result = co_await self.manager->run();
      self.ended = result ? "ok" : result.error().message();
    };
    tasks.spawn("manager", body(*this));
  }

  TestApi& api;
  std::shared_ptr<RecordingSink> lines = std::make_shared<RecordingSink>();
  std::unique_ptr<Client> client;
  Diary diary;
  std::unique_ptr<Manager> manager;
  TaskGroup tasks{api.loop};
  std::string ended;
};

ManagerOptions elected(const std::string& identity) {
  return {.leader_election = LeaderElectionOptions{.lease = {"ns", "op"}, .identity = identity}};
}

}  // namespace

TEST_CASE("caches first, then who needs the lease; stopped the other way round") {
  TestApi api;
  Process process(api, "a", elected("a"));
  Part& controller = process.part("controller");
  controller.leads = true;
  controller.linger = 2s;
  Part& cache = process.part("cache");
  cache.ready = false;
  process.run();
  api.loop.run_for(5s);
  CHECK(process.diary == Diary{"cache starts"});
  CHECK(api.all("leases").empty());
  cache.ready = true;
  api.loop.run_for(1s);
  CHECK(process.diary == Diary{"cache starts", "controller starts"});
  CHECK(process.manager->is_started());
  CHECK(process.manager->leadership().valid_for(5s));

  process.manager->stop();
  api.loop.run_for(1s);
  CHECK(string_at(api.get("leases", "ns", "op"), {"spec", "holderIdentity"}) == "a");
  api.loop.run_for(2s);
  CHECK(process.ended == "ok");
  CHECK(process.diary == Diary{"cache starts", "controller starts", "controller ends", "cache ends"});
  CHECK(string_at(api.get("leases", "ns", "op"), {"spec", "holderIdentity"}).empty());
}

TEST_CASE("caches that do not sync in time end the process and say which") {
  TestApi api;
  Process process(api, "a", {.sync_timeout = 30s});
  process.part("pods").ready = false;
  process.part("services");
  process.run();
  api.loop.run_for(29s);
  CHECK(process.ended.empty());
  api.loop.run_for(2s);
  CHECK(process.ended == "not ready within 30s: pods");
}

TEST_CASE("a part that fails ends the process; the others are stopped in order") {
  TestApi api;
  Process process(api, "a");
  Part& controller = process.part("controller");
  controller.leads = true;
  Part& server = process.part("server");
  process.run();
  api.loop.run_for(1s);
  server.fail_with("port is gone");
  api.loop.run_for(1s);
  CHECK(process.ended == "server: port is gone");
  CHECK(process.diary == Diary{"server starts", "controller starts", "server ends", "controller ends"});
}

TEST_CASE("work that does not end within the grace is cancelled") {
  TestApi api;
  Process process(api, "a", {.grace = 5s});
  Part& controller = process.part("controller");
  controller.leads = true;
  controller.linger = 1h;
  process.run();
  api.loop.run_for(1s);
  process.manager->stop();
  api.loop.run_for(4s);
  CHECK(process.ended.empty());
  api.loop.run_for(2s);
  CHECK(process.ended == "ok");
  CHECK(process.diary.back() == "controller is cancelled");
}

TEST_CASE("a planned hand-over takes under two seconds, a crash under the lease and two") {
  TestApi api;
  auto first = std::make_unique<Process>(api, "a", elected("a"));
  first->part("controller").leads = true;
  first->run();
  api.loop.run_for(1s);
  Process second(api, "b", elected("b"));
  second.part("controller").leads = true;
  second.run();
  api.loop.run_for(5s);
  CHECK(!second.manager->is_started());
  first->manager->stop();
  CHECK(api.loop.run_until([&] { return second.manager->is_started(); }, 2s));

  Process third(api, "c", elected("c"));
  third.part("controller").leads = true;
  third.run();
  api.loop.run_for(30s);
  api.net.kill("b");
  CHECK(api.loop.run_until([&] { return third.manager->is_started(); }, 17s + 500ms));
}

TEST_CASE("a standby does not wait for what needs no lease to stop") {
  TestApi api;
  Process first(api, "a", elected("a"));
  first.part("controller").leads = true;
  first.part("slow to flush").linger = 10s;
  first.run();
  api.loop.run_for(1s);
  Process second(api, "b", elected("b"));
  second.part("controller").leads = true;
  second.run();
  api.loop.run_for(5s);
  first.manager->stop();
  CHECK(api.loop.run_until([&] { return second.manager->is_started(); }, 2s));
  CHECK(first.ended.empty());
  api.loop.run_for(15s);
  CHECK(first.ended == "ok");
}

TEST_CASE("losing the lease cancels work at once and ends the process with an error") {
  TestApi api;
  Process process(api, "a", elected("a"));
  Part& controller = process.part("controller");
  controller.leads = true;
  controller.linger = 1h;
  process.run();
  api.loop.run_for(5s);
  api.net.block("a", "api");
  api.loop.run_for(11s);
  CHECK(process.diary.back() == "controller is cancelled");
  api.loop.run_for(30s);
  CHECK(process.ended.find("was not renewed within 10s") != std::string::npos);
}

TEST_CASE("however much the operator asks, its lease is renewed and its events are written") {
  struct Row {
    const char* why;
    ClientOptions connecting;
    Fault fault;
  };
  auto row = GENERATE(values<Row>({{"more calls than requests a second", {.qps = 5, .burst = 5}, Fault::None},
                                   {"every connection hangs", {.max_connections = 4}, Fault::Hang}}));
  INFO(row.why);
  TestApi api;
  api.fault = [&](const std::string& request) {
    return request.find("configmaps") != std::string::npos ? row.fault : Fault::None;
  };
  Process process(api, "a", elected("a"), row.connecting);
  process.part("controller").leads = true;
  process.run();
  api.loop.run_for(1s);
  REQUIRE(process.manager->is_started());
  const auto ask = [](Client& client) -> Task<> {
    while (true)
      (void)co_await client.request({.path = "/api/v1/namespaces/ns/configmaps/a", .deadline = 1h});
  };
  for (int i = 0; i < 500; ++i) process.tasks.spawn("worker", ask(*process.client));
  api.loop.run_for(1min);
  process.manager->events().normal({"v1", "ConfigMap", "ns", "a", "uid-1"}, "Started", "a started");
  api.loop.run_for(1s);
  CHECK(api.all("events").size() == 1);
  CHECK(process.ended.empty());
  CHECK(process.manager->leadership().term() == 1);
  CHECK(process.manager->leadership().valid_for(5s));
  CHECK(!process.lines->contains("lease was not renewed"));
}

TEST_CASE("a lease that is lost while stopping cancels work that still has grace") {
  TestApi api;
  ManagerOptions options = elected("a");
  options.grace = 5min;
  Process process(api, "a", options);
  Part& controller = process.part("controller");
  controller.leads = true;
  controller.linger = 1h;
  process.run();
  api.loop.run_for(5s);
  api.net.block("a", "api");
  process.manager->stop();
  api.loop.run_for(11s);
  CHECK(process.diary.back() == "controller is cancelled");
}

TEST_CASE("stopping before everything has started is quick and clean") {
  TestApi api;
  Process holder(api, "a", elected("a"));
  holder.run();
  api.loop.run_for(1s);
  Process waiting(api, "b", elected("b"));
  waiting.part("controller").leads = true;
  waiting.run();
  api.loop.run_for(1s);
  waiting.manager->stop();
  api.loop.run_for(1s);
  CHECK(waiting.ended == "ok");
  CHECK(waiting.diary.empty());
}

TEST_CASE("a manager that is cancelled stops its parts") {
  TestApi api;
  Process process(api, "a", elected("a"));
  process.part("controller").leads = true;
  process.run();
  api.loop.run_for(1s);
  process.tasks.cancel();
  api.loop.run_for(1min);
  CHECK(process.tasks.empty());
  CHECK(process.diary.back() == "controller ends");
}

TEST_CASE("an object that changes is reconciled, with the cache at hand") {
  TestApi api;
  api.put("configmaps", {{"metadata", {{"namespace", "ns"}, {"name", "a"}}}, {"data", {{"x", "1"}}}});
  Process process(api, "a");
  auto& maps = process.manager->add(std::make_unique<Informer<std::string>>(
      *process.client, InformerOptions<std::string>{.resource = kConfigMaps, .project = [](JsonView object) {
                                                      return Result<std::string>(
                                                          object["data"]["x"].string_or());
                                                    }}));
  std::vector<std::string> seen;
  auto reconcile = [&](ReconcileRequest request) -> Task<Result<ReconcileResult>> {
    auto map = maps.store().get(request.key);
    seen.push_back(request.key.to_string() + "=" + (map ? *map : "gone"));
    co_return ReconcileResult::done();
  };
  auto& controller = process.manager->add(std::make_unique<Controller>(api.loop, "maps", reconcile));
  maps.on_change([&](const Change<std::string>& change) {
    controller.queue().add(change.key, change.initial ? Lane::New : Lane::Known);
  });
  process.run();
  api.loop.run_for(1s);
  api.put("configmaps", {{"metadata", {{"namespace", "ns"}, {"name", "a"}}}, {"data", {{"x", "2"}}}});
  api.loop.run_for(1s);
  api.erase("configmaps", "ns", "a");
  api.loop.run_for(1s);
  CHECK(seen == std::vector<std::string>{"ns/a=1", "ns/a=2", "ns/a=gone"});
}
