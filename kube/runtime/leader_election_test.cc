#include "kube/runtime/leader_election.h"

#include <catch2/catch.hpp>

#include "kube/runtime/test_api.h"

using namespace kube;

namespace {

struct Replica {
  Replica(TestApi& api, const std::string& name, LeaderElectionOptions options = {})
      : client(api.client(name, {.default_deadline = 5s})) {
    options.lease = {"ns", "web-operator"};
    options.identity = name;
    options.metrics = &metrics;
    options.log = Log(lines, LogLevel::Debug);
    elector = std::make_unique<LeaderElector>(*client, std::move(options));
    auto run = [](Replica& self) -> Task<> {
      auto result = co_await self.elector->run();
      self.ended = result ? "stopped" : result.error().message();
    };
    tasks = std::make_unique<TaskGroup>(api.loop);
    tasks->spawn(name, run(*this));
  }
  bool leads() const { return elector->leading(); }

  MetricsRegistry metrics;
  std::shared_ptr<RecordingSink> lines = std::make_shared<RecordingSink>();
  std::unique_ptr<Client> client;
  std::unique_ptr<LeaderElector> elector;
  std::unique_ptr<TaskGroup> tasks;
  std::string ended;
};

struct World {
  explicit World(std::uint64_t seed = 1) : api(seed) {}
  ~World() {
    for (auto& replica : replicas) replica->tasks->cancel();
    for (auto& replica : replicas) api.loop.run(replica->tasks->join());
  }
  Replica& add(const std::string& name, LeaderElectionOptions options = {}) {
    return *replicas.emplace_back(std::make_unique<Replica>(api, name, std::move(options)));
  }
  int leaders() const {
    return static_cast<int>(
        std::ranges::count_if(replicas, [](const auto& replica) { return replica->leads(); }));
  }
  std::string holder() const {
    return string_at(api.get("leases", "ns", "web-operator"), {"spec", "holderIdentity"});
  }

  TestApi api;
  std::vector<std::unique_ptr<Replica>> replicas;
};

}  // namespace

TEST_CASE("the first takes the lease and keeps it; the second waits") {
  World world;
  Replica& a = world.add("a");
  world.api.loop.run_for(1s);
  Replica& b = world.add("b");
  CHECK(a.leads());
  world.api.loop.run_for(5min);
  CHECK(a.leads());
  CHECK(a.elector->term() == 1);
  CHECK(!b.leads());
  CHECK(b.elector->term() == 0);
  CHECK(b.elector->holder() == "a");
  CHECK(a.metrics.text().find("leader_election_master_status{name=\"web-operator\"} 1") != std::string::npos);
  CHECK(b.metrics.text().find("leader_election_master_status{name=\"web-operator\"} 0") != std::string::npos);
  const Json lease = world.api.get("leases", "ns", "web-operator");
  CHECK(lease["spec"]["leaseDurationSeconds"] == 15);
  CHECK(lease["spec"]["leaseTransitions"] == 0);
  CHECK(parse_rfc3339(string_at(lease, {"spec", "renewTime"})));
}

TEST_CASE("a lease that is released is taken over at once, where it can be watched") {
  World world;
  Replica& a = world.add("a");
  world.api.loop.run_for(1s);
  Replica& b = world.add("b");
  world.api.loop.run_for(1s);
  a.elector->stop();
  world.api.loop.run_for(200ms);
  CHECK(a.ended == "stopped");
  CHECK(b.leads());
  CHECK(world.api.get("leases", "ns", "web-operator")["spec"]["leaseTransitions"] == 1);
}

TEST_CASE("where watching the lease is forbidden, polling finds it released") {
  World world;
  world.api.fault = [](const std::string& request) {
    return request.find("watch=true") != std::string::npos ? Fault::Forbid : Fault::None;
  };
  Replica& a = world.add("a");
  world.api.loop.run_for(1s);
  Replica& b = world.add("b");
  world.api.loop.run_for(1s);
  a.elector->stop();
  world.api.loop.run_for(3s);
  CHECK(b.leads());
}

TEST_CASE("a dead holder is replaced after its lease, not before") {
  World world;
  Replica& a = world.add("a");
  world.api.loop.run_for(1s);
  Replica& b = world.add("b");
  world.api.loop.run_for(1min);
  world.api.net.kill("a");
  world.api.loop.run_for(10s);
  CHECK(!b.leads());
  world.api.loop.run_for(8s);
  CHECK(b.leads());
  CHECK(!a.leads());
  CHECK(a.ended.find("was not renewed within 10s") != std::string::npos);
}

TEST_CASE("the holder knows for how long it may act, and that ends before anybody may follow") {
  World world;
  Replica& a = world.add("a");
  world.api.loop.run_for(10s);
  CHECK(a.elector->valid_for(10s));
  CHECK(!a.elector->valid_for(16s));
  Replica& b = world.add("b");
  world.api.loop.run_for(10s);
  world.api.net.block("a", "api");
  bool overlap = false;
  world.api.loop.on_step([&] { overlap = overlap || (a.elector->valid_for(0s) && b.leads()); });
  world.api.loop.run_for(7s);
  CHECK(a.leads());
  CHECK(!a.elector->valid_for(10s));
  world.api.loop.run_for(20s);
  world.api.loop.on_step(nullptr);
  CHECK(!a.leads());
  CHECK(!a.elector->valid_for(0s));
  CHECK(b.leads());
  CHECK(!overlap);
}

TEST_CASE("calls that fail now and then cost no lease") {
  World world(3);
  Random random(3);
  world.api.fault = [&](const std::string&) {
    const std::uint64_t draw = random.below(10);
    return draw == 0   ? Fault::Refuse
           : draw == 1 ? Fault::LostAnswer
           : draw == 2 ? Fault::CutRequest
                       : Fault::None;
  };
  Replica& a = world.add("a");
  world.api.loop.run_for(1min);
  REQUIRE(a.leads());
  world.api.loop.run_for(10min);
  CHECK(a.leads());
  CHECK(a.elector->term() == 1);
}

TEST_CASE("a lease that is deleted under its holder is made anew or lost, never held twice") {
  World world;
  world.add("a");
  world.api.loop.run_for(1s);
  world.add("b");
  world.api.loop.run_for(5s);
  world.api.erase("leases", "ns", "web-operator");
  world.api.loop.run_for(5s);
  CHECK(world.leaders() == 1);
  CHECK(!world.holder().empty());
}

TEST_CASE("a deleted lease is not a free one to those who knew its holder") {
  World world;
  Replica& a = world.add("a");
  world.api.loop.run_for(1s);
  Replica& b = world.add("b");
  world.api.loop.run_for(1min);
  bool two = false;
  world.api.loop.on_step([&] { two = two || (a.elector->valid_for(0s) && b.leads()); });
  world.api.net.block("a", "api");
  world.api.erase("leases", "ns", "web-operator");
  world.api.loop.run_for(10s);
  CHECK(!b.leads());
  world.api.loop.run_for(8s);
  CHECK(b.leads());
  CHECK(!two);
  world.api.loop.on_step(nullptr);
}

TEST_CASE("what others have written into a lease survives its renewal, which is an update") {
  World world;
  world.add("a");
  world.api.loop.run_for(1s);
  Json lease = world.api.get("leases", "ns", "web-operator");
  lease["metadata"]["labels"]["team"] = "numbers";
  lease["spec"]["strategy"] = "OldestEmulationVersion";
  world.api.put("leases", lease);
  const auto before = world.api.requests.size();
  world.api.loop.run_for(10s);
  lease = world.api.get("leases", "ns", "web-operator");
  CHECK(lease["metadata"]["labels"]["team"] == "numbers");
  CHECK(lease["spec"]["strategy"] == "OldestEmulationVersion");
  CHECK(lease["spec"]["holderIdentity"] == "a");
  CHECK(std::any_of(world.api.requests.begin() + static_cast<std::ptrdiff_t>(before),
                    world.api.requests.end(),
                    [](const std::string& request) { return request.starts_with("PUT "); }));
  CHECK(std::none_of(world.api.requests.begin(), world.api.requests.end(),
                     [](const std::string& request) { return request.starts_with("PATCH "); }));
}

TEST_CASE("a lease made anew after it was deleted is another term") {
  World world;
  Replica& a = world.add("a");
  world.api.loop.run_for(5s);
  CHECK(a.elector->term() == 1);
  world.api.erase("leases", "ns", "web-operator");
  world.api.loop.run_for(5s);
  CHECK(a.leads());
  CHECK(a.elector->term() == 2);
}

TEST_CASE("a holder that finds another's name in the lease has lost it, even an expired one") {
  World world;
  Replica& a = world.add("a");
  world.api.loop.run_for(5s);
  Json lease = world.api.get("leases", "ns", "web-operator");
  lease["spec"]["holderIdentity"] = "";
  world.api.put("leases", lease);
  world.api.loop.run_for(5s);
  CHECK(!a.leads());
  CHECK(a.ended.find("was taken by") != std::string::npos);
}

TEST_CASE("wall clocks that jump or differ change nothing") {
  World world;
  Replica& a = world.add("a");
  world.api.loop.run_for(1s);
  Replica& b = world.add("b");
  world.api.loop.run_for(1min);
  world.api.loop.jump_wall_clock(1h);
  world.api.loop.run_for(1min);
  world.api.loop.jump_wall_clock(-2h);
  world.api.loop.run_for(1min);
  CHECK(a.leads());
  CHECK(!b.leads());
}

TEST_CASE("there are never two valid holders, whatever is cut, blocked or killed") {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    INFO("seed " << seed);
    World world(seed);
    Random random(seed);
    world.api.fault = [&](const std::string&) {
      const std::uint64_t draw = random.below(20);
      return draw == 0   ? Fault::Refuse
             : draw == 1 ? Fault::LostAnswer
             : draw == 2 ? Fault::Hang
             : draw == 3 ? Fault::Throttle
                         : Fault::None;
    };
    int lives = 0;
    for (int i = 0; i < 3; ++i) world.add("r" + std::to_string(lives++));
    bool two = false;
    world.api.loop.on_step([&] {
      int valid = 0;
      for (const auto& replica : world.replicas) valid += replica->elector->valid_for(0s) ? 1 : 0;
      two = two || valid > 1;
    });
    int led = 0;
    for (int step = 0; step < 60; ++step) {
      const std::string victim = "r" + std::to_string(random.below(static_cast<std::uint64_t>(lives)));
      switch (random.below(6)) {
        case 0:
          world.api.net.block(victim, "api");
          break;
        case 1:
          world.api.net.unblock(victim, "api");
          break;
        case 2:
          world.api.net.cut(victim, "api");
          break;
        case 3:
          world.replicas[random.below(world.replicas.size())]->elector->stop();
          break;
        case 4:
          world.api.cut_watches();
          break;
        default:
          break;
      }
      // Whoever has ended is replaced, as a deployment would.
      if (world.replicas.back()->ended != "" && lives < 20) world.add("r" + std::to_string(lives++));
      world.api.loop.run_for(std::chrono::milliseconds(random.below(10'000)));
      led += world.leaders();
    }
    CHECK(!two);
    CHECK(led > 0);
    world.api.loop.on_step(nullptr);
  }
}
