#include "kube/runtime/informer.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "kube/runtime/test_api.h"

using namespace kube;

namespace {

struct Pod {
  std::string name;
  std::string phase;
  std::string owner;
  Json spec;
};

Result<Pod> project_pod(JsonView object) {
  std::string phase(object["status"]["phase"].string_or());
  if (phase == "unreadable") return fail(ErrorKind::InvalidInput, "status.phase: unreadable");
  return Pod{std::string(object["metadata"]["name"].string_or()), std::move(phase),
             std::string(object["metadata"]["labels"]["owner"].string_or()), object["spec"].to_json()};
}

Json pod(const std::string& ns, const std::string& name, const std::string& phase,
         const std::string& owner = "x") {
  return {{"metadata", {{"namespace", ns}, {"name", name}, {"labels", {{"owner", owner}}}}},
          {"status", {{"phase", phase}}}};
}

// A pod with more levels than a cache keeps, which an API server lets through.
Json deep_pod(const std::string& name, const std::string& phase) {
  Json nested = 1;
  for (int level = 0; level < kMaxJsonDepth + 100; ++level) nested = Json{{"a", std::move(nested)}};
  Json object = pod("ns", name, phase);
  object["spec"] = std::move(nested);
  return object;
}

struct World {
  explicit World(std::uint64_t seed = 1, InformerOptions<Pod> options = {}, ClientOptions connecting = {})
      : api(seed) {
    options.resource = kPods;
    options.project = project_pod;
    options.log = Log(lines, LogLevel::Debug);
    client = api.client("operator", std::move(connecting));
    informer = std::make_unique<Informer<Pod>>(*client, std::move(options));
    informer->add_index("owner", [](const Pod& p) { return std::vector{p.owner}; });
    informer->on_change([this](const Change<Pod>& change) {
      const char* const names[] = {"+", "~", "-"};
      told.push_back(names[static_cast<int>(change.type)] + change.key.to_string() +
                     (change.initial ? "!" : ""));
    });
  }
  ~World() {
    informer->stop();
    tasks.cancel();
    api.loop.run(tasks.join());
  }
  void start() {
    auto run = [](Runnable& part) -> Task<> { (void)co_await part.run(); };
    tasks.spawn("informer", run(*informer));
  }
  bool sync(Duration limit = 1min) {
    return api.loop.run_until([this] { return informer->has_synced(); }, limit);
  }
  std::string phase(const std::string& key) {
    auto found = informer->store().get(ObjectKey::parse(key));
    return found ? found->phase : "none";
  }
  // The cache holds what the server has: keys, versions and contents.
  bool equal_to_server() {
    const auto all = api.all("pods");
    if (all.size() != informer->store().size()) return false;
    for (const Json& object : all) {
      const ObjectKey key{string_at(object, {"metadata", "namespace"}),
                          string_at(object, {"metadata", "name"})};
      auto cached = informer->store().get(key);
      if (!cached || cached->phase != string_at(object, {"status", "phase"}) ||
          informer->store().resource_version(key) != string_at(object, {"metadata", "resourceVersion"}))
        return false;
    }
    return true;
  }

  std::shared_ptr<RecordingSink> lines = std::make_shared<RecordingSink>();
  TestApi api;
  std::unique_ptr<Client> client;
  std::unique_ptr<Informer<Pod>> informer;
  TaskGroup tasks{api.loop};
  std::vector<std::string> told;
};

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("an informer lists page by page, then follows the watch") {
  World world(1, {.page_size = 2});
  for (const char* name : {"a", "b", "c", "d", "e"}) world.api.put("pods", pod("ns", name, "Pending"));
  world.start();
  REQUIRE(world.sync());
  CHECK(world.told == Told{"+ns/a!", "+ns/b!", "+ns/c!", "+ns/d!", "+ns/e!"});
  CHECK(std::ranges::count_if(world.api.requests, [](auto& r) { return r.find("limit=2") != r.npos; }) == 3);
  world.told.clear();

  world.api.loop.run_for(1s);
  world.api.put("pods", pod("ns", "a", "Running"));
  world.api.put("pods", pod("ns", "f", "Pending"));
  world.api.erase("pods", "ns", "b");
  world.api.loop.run_for(1s);
  CHECK(world.told == Told{"~ns/a", "+ns/f", "-ns/b"});
  CHECK(world.phase("ns/a") == "Running");
  CHECK(world.phase("ns/b") == "none");
}

TEST_CASE("a snapshot that somebody holds does not change") {
  World world;
  world.api.put("pods", pod("ns", "a", "Pending"));
  world.start();
  REQUIRE(world.sync());
  auto before = world.informer->store().get({"ns", "a"});
  world.api.put("pods", pod("ns", "a", "Running"));
  world.api.loop.run_for(1s);
  CHECK(before->phase == "Pending");
  CHECK(world.phase("ns/a") == "Running");
}

TEST_CASE("an index follows the objects") {
  World world;
  world.api.put("pods", pod("ns", "a", "Pending", "one"));
  world.api.put("pods", pod("ns", "b", "Pending", "two"));
  world.start();
  REQUIRE(world.sync());
  const auto owned = [&](const std::string& owner) {
    std::string names;
    for (const auto& p : world.informer->store().by_index("owner", owner)) names += p->name;
    return names;
  };
  CHECK(owned("one") == "a");
  world.api.put("pods", pod("ns", "a", "Pending", "two"));
  world.api.loop.run_for(1s);
  CHECK(owned("one").empty());
  CHECK(owned("two") == "ab");
  world.api.erase("pods", "ns", "b");
  world.api.loop.run_for(1s);
  CHECK(owned("two") == "a");
  CHECK(owned("three").empty());
}

TEST_CASE("each named namespace has a list and watch of its own; others are not seen") {
  World world(1, {.namespaces = {"one", "two"}, .label_selector = "owner=x"});
  world.api.put("pods", pod("one", "a", "Pending"));
  world.api.put("pods", pod("two", "a", "Pending"));
  world.api.put("pods", pod("two", "other", "Pending", "y"));
  world.api.put("pods", pod("three", "a", "Pending"));
  world.api.fault = [](const std::string& request) {
    return request.find("/namespaces/two/") != std::string::npos ? Fault::Refuse : Fault::None;
  };
  world.start();
  world.api.loop.run_for(10s);
  CHECK(!world.informer->has_synced());
  world.api.fault = nullptr;
  REQUIRE(world.sync());
  CHECK(world.informer->store().size() == 2);
  CHECK(world.informer->store().list("two").size() == 1);
}

TEST_CASE("a watch that is cut in the middle goes on from the last version, without a new list") {
  World world;
  world.api.put("pods", pod("ns", "a", "Pending"));
  world.start();
  REQUIRE(world.sync());
  world.api.loop.run_for(1s);
  world.api.put("pods", pod("ns", "b", "Pending"));
  world.api.loop.run_for(1s);
  const auto lists =
      std::ranges::count_if(world.api.requests, [](auto& r) { return r.find("limit=") != r.npos; });
  world.api.cut_watches();
  world.api.put("pods", pod("ns", "a", "Running"));
  world.api.loop.run_for(5s);
  CHECK(world.phase("ns/a") == "Running");
  CHECK(lists ==
        std::ranges::count_if(world.api.requests, [](auto& r) { return r.find("limit=") != r.npos; }));
  CHECK(world.told == Told{"+ns/a!", "+ns/b", "~ns/a"});
}

TEST_CASE("410 makes the informer list again and tell only what differs") {
  for (const bool in_stream : {false, true}) {
    INFO("in stream: " << in_stream);
    World world;
    world.api.gone_in_stream = in_stream;
    world.api.put("pods", pod("ns", "a", "Pending"));
    world.api.put("pods", pod("ns", "b", "Pending"));
    world.start();
    REQUIRE(world.sync());
    world.api.loop.run_for(1s);
    world.told.clear();
    world.api.cut_watches();
    world.api.erase("pods", "ns", "a");
    world.api.put("pods", pod("ns", "c", "Pending"));
    world.api.compact();
    world.api.loop.run_for(10s);
    CHECK(world.told == Told{"+ns/c", "-ns/a"});
    CHECK(world.equal_to_server());
  }
}

TEST_CASE("an object made anew under its name is a deletion and an addition") {
  World world;
  world.api.put("pods", pod("ns", "a", "Pending"));
  world.start();
  REQUIRE(world.sync());
  world.api.loop.run_for(1s);
  world.told.clear();
  world.api.cut_watches();
  world.api.erase("pods", "ns", "a");
  world.api.put("pods", pod("ns", "a", "Pending"));
  world.api.compact();
  world.api.loop.run_for(10s);
  CHECK(world.told == Told{"-ns/a", "+ns/a"});
}

TEST_CASE("a stalled watch is given up, and what happened meanwhile is seen") {
  World world;
  world.start();
  REQUIRE(world.sync());
  world.api.loop.run_for(1s);
  world.api.stall_watches();
  world.api.put("pods", pod("ns", "a", "Running"));
  world.api.loop.run_for(60s);
  CHECK(world.phase("ns/a") == "none");
  CHECK(*world.informer->silent_for() >= 60s);
  world.api.loop.run_for(40s);
  CHECK(world.phase("ns/a") == "Running");
  CHECK(*world.informer->silent_for() < 30s);
}

TEST_CASE("bookmarks keep the version young, so that a cut after a compaction needs no new list") {
  World world;
  world.start();
  REQUIRE(world.sync());
  world.api.loop.run_for(1s);
  world.api.put("services", pod("ns", "unrelated", ""));
  world.api.send_bookmarks();
  world.api.loop.run_for(1s);
  world.api.compact();
  world.api.cut_watches();
  world.api.loop.run_for(10s);
  CHECK(std::ranges::count_if(world.api.requests, [](auto& r) { return r.find("limit=") != r.npos; }) == 1);
}

TEST_CASE("a continue token that expires starts the list over, and nothing is lost or kept too long") {
  World world(1, {.page_size = 2});
  for (const char* name : {"a", "b", "c", "d", "e"}) world.api.put("pods", pod("ns", name, "Pending"));
  int pages = 0;
  world.api.fault = [&](const std::string& request) {
    if (request.find("continue=") != std::string::npos && ++pages == 2) {
      world.api.erase("pods", "ns", "a");
      world.api.compact();
    }
    return Fault::None;
  };
  world.start();
  REQUIRE(world.sync());
  CHECK(world.equal_to_server());
}

TEST_CASE("an object that cannot be read stays as it was known, and is logged") {
  World world;
  world.api.put("pods", pod("ns", "a", "Pending"));
  world.api.put("pods", pod("ns", "b", "unreadable"));
  world.start();
  REQUIRE(world.sync());
  CHECK(world.phase("ns/b") == "none");
  world.api.loop.run_for(1s);
  world.api.put("pods", pod("ns", "a", "unreadable"));
  world.api.loop.run_for(1s);
  CHECK(world.phase("ns/a") == "Pending");
  CHECK(world.lines->contains("object cannot be read and is left out"));
  world.api.put("pods", pod("ns", "a", "Running"));
  world.api.loop.run_for(1s);
  CHECK(world.phase("ns/a") == "Running");
}

TEST_CASE("an object that nests too deep is left out, at the start and later; all others are followed") {
  World world;
  world.api.put("pods", pod("ns", "a", "Pending"));
  world.api.put("pods", deep_pod("deep", "Pending"));
  world.start();
  REQUIRE(world.sync());
  CHECK(world.told == Told{"+ns/a!"});
  const auto named = [](const RecordingSink::Line& line) {
    const LogValue* object = line.find("object");
    return line.level >= LogLevel::Warn && object != nullptr && *object == LogValue(std::string("ns/deep"));
  };
  CHECK(std::ranges::count_if(world.lines->lines, named) == 1);
  world.api.loop.run_for(1s);
  world.told.clear();

  world.api.put("pods", deep_pod("deep", "Running"));
  world.api.put("pods", pod("ns", "b", "Pending"));
  world.api.put("pods", deep_pod("a", "Running"));
  world.api.loop.run_for(1s);
  CHECK(world.told == Told{"+ns/b"});
  CHECK(world.phase("ns/a") == "Pending");
  world.told.clear();

  world.api.erase("pods", "ns", "deep");
  world.api.erase("pods", "ns", "a");
  world.api.put("pods", pod("ns", "c", "Pending"));
  world.api.loop.run_for(1s);
  CHECK(world.told == Told{"-ns/a", "+ns/c"});
  CHECK(world.equal_to_server());
  CHECK(std::ranges::count_if(world.api.requests, [](auto& r) { return r.find("limit=") != r.npos; }) == 1);
}

TEST_CASE("an event that cannot be understood is passed over by a new list, with a pause") {
  World world;
  world.api.put("pods", pod("ns", "a", "Pending"));
  world.start();
  REQUIRE(world.sync());
  world.api.loop.run_for(1s);
  world.api.spoil = [](std::string& line) {
    if (line.find("garbled") != std::string::npos) line = "nonsense\n";
  };
  world.api.put("pods", pod("ns", "garbled", "Pending"));
  world.api.put("pods", pod("ns", "b", "Pending"));
  world.api.loop.run_for(10s);
  CHECK(world.told == Told{"+ns/a!", "+ns/b", "+ns/garbled"});
  CHECK(world.equal_to_server());

  world.api.spoil = [](std::string& line) { line = "nonsense\n"; };
  world.api.requests.clear();
  for (int i = 0; i < 300; ++i) {
    world.api.put("pods", pod("ns", "a", "phase" + std::to_string(i)));
    world.api.loop.run_for(1s);
  }
  CHECK(world.api.requests.size() < 100);
}

TEST_CASE("a server that ends or refuses every watch is not asked in a tight circle") {
  for (const Fault refusal :
       {Fault::Refuse, Fault::CutRequest, Fault::Gone, Fault::Throttle, Fault::EmptyBody, Fault::GaveUp}) {
    INFO("fault " << static_cast<int>(refusal));
    World world;
    world.start();
    REQUIRE(world.sync());
    world.api.fault = [&](const std::string& request) {
      return request.find("watch=true") != std::string::npos ? refusal : Fault::None;
    };
    world.api.cut_watches();
    world.api.requests.clear();
    world.api.loop.run_for(5min);
    CHECK(world.api.requests.size() < 100);
    world.api.fault = nullptr;
    world.api.put("pods", pod("ns", "a", "Running"));
    world.api.loop.run_for(1min);
    CHECK(world.phase("ns/a") == "Running");
  }
}

TEST_CASE("far more namespaces than requests a second are all followed, one after another") {
  std::vector<std::string> namespaces;
  for (int i = 0; i < 40; ++i) namespaces.push_back("ns" + std::to_string(i));
  // All of them ask at once: the wait for the last is longer than the deadline of its call.
  World world(1, {.namespaces = namespaces}, {.default_deadline = 30s, .qps = 1, .burst = 3});
  world.start();
  REQUIRE(world.sync(5min));
  for (const std::string& ns : namespaces) world.api.put("pods", pod(ns, "a", "Running"));
  world.api.loop.run_for(5min);
  CHECK(world.equal_to_server());
}

TEST_CASE("a quiet collection is followed without pause or complaint, for hours") {
  World world;
  world.start();
  REQUIRE(world.sync());
  world.api.requests.clear();
  for (int i = 0; i < 50; ++i) {
    world.api.loop.run_for(7min);
    CHECK(world.api.open_watches() >= 1);
    if (i % 10 != 9) continue;
    world.api.put("pods", pod("ns", "a", "phase" + std::to_string(i)));
    world.api.loop.run_for(100ms);
    CHECK(world.phase("ns/a") == "phase" + std::to_string(i));
  }
  CHECK(std::ranges::none_of(world.api.requests, [](auto& r) { return r.find("limit=") != r.npos; }));
  CHECK(!world.lines->contains("cache cannot follow the server"));
}

TEST_CASE("a handler that throws stops neither the cache nor the handlers after it") {
  World world;
  Told after;
  world.informer->on_change([](const Change<Pod>& change) {
    if (change.key.name == "bad") throw std::runtime_error("oops");
  });
  world.informer->on_change([&](const Change<Pod>& change) { after.push_back(change.key.name); });
  world.api.put("pods", pod("ns", "bad", "Pending"));
  world.api.put("pods", pod("ns", "good", "Pending"));
  world.start();
  REQUIRE(world.sync());
  CHECK(after == Told{"bad", "good"});
  CHECK(world.lines->contains("informer met an exception"));
}

TEST_CASE("a handler that comes late is told of everything there") {
  World world;
  world.api.put("pods", pod("ns", "a", "Pending"));
  world.start();
  REQUIRE(world.sync());
  Told late;
  world.informer->on_change([&](const Change<Pod>& change) { late.push_back(change.key.to_string()); });
  CHECK(late == Told{"ns/a"});
}

TEST_CASE("whatever is cut, refused, stalled or forgotten, the cache ends up equal to the server") {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    INFO("seed " << seed);
    World world(seed,
                {.namespaces = seed % 2 ? std::vector<std::string>{} : std::vector<std::string>{"ns0", "ns1"},
                 .page_size = 3});
    Random random(seed);
    // What handlers were told must add up to the same world.
    std::map<ObjectKey, std::string> told;
    world.informer->on_change([&](const Change<Pod>& change) {
      if (change.type == ChangeType::Deleted) {
        REQUIRE(told.erase(change.key) == 1);
      } else {
        REQUIRE(told.contains(change.key) == (change.type == ChangeType::Updated));
        told[change.key] = change.object->phase;
      }
    });
    world.api.fault = [&](const std::string&) {
      if (!random.chance(0.2)) return Fault::None;
      constexpr Fault kFaults[] = {Fault::Refuse,     Fault::Throttle,   Fault::Gone,
                                   Fault::LostAnswer, Fault::CutRequest, Fault::Hang};
      return kFaults[random.below(std::size(kFaults))];
    };
    world.start();
    for (int step = 0; step < 300; ++step) {
      const std::string ns = "ns" + std::to_string(random.below(2));
      const std::string name = std::to_string(random.below(8));
      switch (random.below(12)) {
        case 0:
          world.api.cut_watches();
          break;
        case 1:
          world.api.stall_watches();
          break;
        case 2:
          world.api.compact();
          break;
        case 3:
          world.api.send_bookmarks();
          break;
        case 4:
          world.api.gone_in_stream = random.chance(0.5);
          break;
        case 5:
        case 6:
          world.api.erase("pods", ns, name);
          break;
        default:
          world.api.put("pods", pod(ns, name, "phase" + std::to_string(step)));
          break;
      }
      world.api.loop.run_for(std::chrono::milliseconds(random.below(3000)));
    }
    world.api.fault = nullptr;
    world.api.loop.run_for(5min);
    REQUIRE(world.informer->has_synced());
    REQUIRE(world.equal_to_server());
    REQUIRE(told.size() == world.api.all("pods").size());
    for (const auto& [key, phase] : told) REQUIRE(world.phase(key.to_string()) == phase);
  }
}
