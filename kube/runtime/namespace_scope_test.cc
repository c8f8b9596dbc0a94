#include "kube/runtime/namespace_scope.h"

#include <catch2/catch.hpp>

#include "kube/runtime/manager.h"
#include "kube/runtime/test_api.h"

using namespace kube;

namespace {

struct Thing {
  std::string name;
};

InformerOptions<Thing> things(const Resource& resource, std::vector<std::string> always) {
  InformerOptions<Thing> options;
  options.resource = resource;
  options.project = [](JsonView object) -> Result<Thing> {
    return Thing{std::string(object["metadata"]["name"].string_or())};
  };
  options.namespaces = std::move(always);
  options.more_namespaces = true;
  return options;
}

// Two informers in the scope of namespaces labelled team=data.
struct World {
  TestApi api;
  std::unique_ptr<Client> client = api.client("operator");
  std::vector<std::string> always;
  Informer<Thing> pods{*client, things(kPods, {"always"})};
  Informer<Thing> maps{*client, things(kConfigMaps, {"always"})};
  NamespaceScope scope{*client, {.selector = "team=data", .always = {"always"}, .log = {}}};
  std::vector<std::string> told;
  TaskGroup tasks{api.loop};

  World() {
    scope.follow(pods);
    scope.follow(maps);
    maps.on_change([this](const Change<Thing>& change) {
      const char* const names[] = {"+", "~", "-"};
      // Those that are named at the start are listed side by side.
      const bool early =
          change.type == ChangeType::Added && change.key.ns != "always" && !pods.has_synced(change.key.ns);
      told.push_back(names[static_cast<int>(change.type)] + change.key.to_string() +
                     (early ? " too early" : ""));
    });
    for (const char* ns : {"always", "a", "b", "c"}) {
      put("pods", ns, "p");
      put("configmaps", ns, "m");
    }
  }
  ~World() {
    for (Runnable* part : std::vector<Runnable*>{&scope, &maps, &pods}) part->stop();
    api.loop.run(tasks.join());
  }
  void put(const char* resource, const std::string& ns, const std::string& name) {
    api.put(resource, {{"metadata", {{"namespace", ns}, {"name", name}}}});
  }
  void label(const std::string& ns) {
    api.put("namespaces", {{"metadata", {{"name", ns}, {"labels", {{"team", "data"}}}}}});
  }
  // What the watch of a server says of one that its selector matches no more.
  void unlabel(const std::string& ns) { api.erase("namespaces", "", ns); }
  void start() {
    auto run = [](Runnable& part) -> Task<> { (void)co_await part.run(); };
    for (Runnable* part : std::vector<Runnable*>{&pods, &maps, &scope}) tasks.spawn("part", run(*part));
    pass();
  }
  void pass() { api.loop.run_for(1s); }
  std::vector<std::string> known() const {
    std::vector<std::string> keys;
    for (const ObjectKey& key : maps.store().keys()) keys.push_back(key.to_string());
    return keys;
  }
  using Names = std::vector<std::string>;
};

}  // namespace

TEST_CASE("informers see the namespaces that match and the ones that are named, and no others", "[scope]") {
  World world;
  world.label("a");
  world.start();
  CHECK(world.known() == World::Names{"a/m", "always/m"});
  CHECK(world.pods.has_synced());
  CHECK(world.maps.has_synced());
  CHECK(world.scope.is_ready());
  CHECK(world.scope.matching() == World::Names{"a"});
}

TEST_CASE("a namespace that is labelled later is brought in, kind by kind", "[scope]") {
  World world;
  world.start();
  CHECK(world.scope.is_ready());
  CHECK(world.known() == World::Names{"always/m"});
  world.label("b");
  world.pass();
  CHECK(world.known() == World::Names{"always/m", "b/m"});
  world.put("configmaps", "b", "later");
  world.pass();
  CHECK(world.told == World::Names{"+always/m", "+b/m", "+b/later"});
  CHECK(world.maps.has_synced());
}

TEST_CASE("a namespace that matches no more goes with all that is in it, and may come back", "[scope]") {
  World world;
  world.label("a");
  world.start();
  world.unlabel("a");
  world.pass();
  CHECK(world.known() == World::Names{"always/m"});
  CHECK(world.told.back() == "-a/m");
  world.put("configmaps", "a", "unseen");
  world.pass();
  CHECK(world.known() == World::Names{"always/m"});
  world.label("a");
  world.pass();
  CHECK(world.known() == World::Names{"a/m", "a/unseen", "always/m"});
}

TEST_CASE("labels on a namespace that is named change nothing", "[scope]") {
  World world;
  world.start();
  world.label("always");
  world.pass();
  world.unlabel("always");
  world.pass();
  CHECK(world.known() == World::Names{"always/m"});
  CHECK(world.told == World::Names{"+always/m"});
}

TEST_CASE("a namespace that comes and goes while it is listed leaves nothing behind", "[scope]") {
  World world;
  world.start();
  for (int i = 0; i < 5; ++i) {
    world.label("c");
    world.api.loop.run_for(std::chrono::milliseconds(i));
    world.unlabel("c");
  }
  world.pass();
  CHECK(world.known() == World::Names{"always/m"});
  world.label("c");
  world.pass();
  CHECK(world.known() == World::Names{"always/m", "c/m"});
}

TEST_CASE("no namespace is watched as a whole cluster", "[scope]") {
  World world;
  std::vector<std::string> asked;
  world.api.fault = [&](const std::string& request) {
    asked.push_back(request);
    return Fault::None;
  };
  world.label("a");
  world.start();
  for (const std::string& request : asked) {
    INFO(request);
    CHECK((request.find("namespaces") != std::string::npos));
  }
}
