#include "kube/examples/mirror.h"

#include <catch2/catch.hpp>

#include "kube/runtime/test_api.h"

using namespace kube;

TEST_CASE("a labelled config map is copied, and the copy follows it, although calls fail") {
  TestApi api;
  auto client = api.client("operator");
  Manager manager(*client, {.component = "mirror"});
  example::Mirror mirror(manager);
  TaskGroup tasks(api.loop);
  auto run = [](Manager& running) -> Task<> { (void)co_await running.run(); };
  tasks.spawn("manager", run(manager));

  int calls = 0;
  api.fault = [&](const std::string&) { return ++calls % 3 == 0 ? Fault::LostAnswer : Fault::None; };
  const Json labels{{"example.org/mirror-to", "two"}};
  api.put("configmaps",
          {{"metadata", {{"namespace", "one"}, {"name", "a"}, {"labels", labels}}}, {"data", {{"x", "1"}}}});
  api.put("configmaps", {{"metadata", {{"namespace", "one"}, {"name", "b"}}}, {"data", {{"x", "1"}}}});
  api.loop.run_for(10s);
  CHECK(api.get("configmaps", "two", "a")["data"] == Json{{"x", "1"}});
  CHECK(api.get("configmaps", "two", "b").is_null());

  api.put("configmaps",
          {{"metadata", {{"namespace", "one"}, {"name", "a"}, {"labels", labels}}}, {"data", {{"x", "2"}}}});
  api.loop.run_for(10s);
  CHECK(api.get("configmaps", "two", "a")["data"] == Json{{"x", "2"}});
  api.fault = nullptr;
  manager.stop();
  api.loop.run(tasks.join());
  CHECK(!api.all("events").empty());
}
