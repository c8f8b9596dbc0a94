#include "kube/client/status_api.h"

#include <catch2/catch.hpp>

#include "kube/client/test_server.h"

using namespace kube;

namespace {

// Answers by method; what was asked.
struct World {
  std::map<std::string, int> codes;
  std::vector<std::string> asked;
  std::string body;
  TestServer server{[this](HttpExchange& exchange) {
    asked.push_back(exchange.request().method + " " + exchange.request().target);
    body = exchange.request().body;
    const auto code = codes.find(exchange.request().method);
    if (code == codes.end()) return reply(exchange, 200, R"({"metadata":{"resourceVersion":"8"}})");
    return reply(exchange, code->second,
                 R"({"kind":"Status","status":"Failure","reason":")" +
                     std::string(code->second == 403 ? "Forbidden" : "Conflict") + R"("})");
  }};
  std::unique_ptr<Client> client = server.client();
  StatusApi statuses{*client, kPods};

  Result<Json> write() { return server.run(statuses.write({"ns", "a"}, "7", {{"phase", "Running"}})); }
};

const std::string kPath = "/api/v1/namespaces/ns/pods/a/status";

}  // namespace

TEST_CASE("a status is patched under the version that it was decided on") {
  World world;
  REQUIRE(world.write());
  CHECK(world.asked == std::vector<std::string>{"PATCH " + kPath});
  CHECK(*parse_json(world.body) ==
        Json::parse(R"([{"op":"replace","path":"/metadata/resourceVersion","value":"7"},
                        {"op":"add","path":"/status","value":{"phase":"Running"}}])"));
}

TEST_CASE("where a role allows update alone, a status is put, and the patch is not tried again") {
  World world;
  world.codes["PATCH"] = 403;
  auto written = world.write();
  REQUIRE(written);
  CHECK((*written)["metadata"]["resourceVersion"] == "8");
  CHECK(*parse_json(world.body) ==
        Json::parse(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"ns",
                        "resourceVersion":"7"},"status":{"phase":"Running"}})"));
  REQUIRE(world.write());
  CHECK(world.asked == std::vector<std::string>{"PATCH " + kPath, "PUT " + kPath, "PUT " + kPath});
}

TEST_CASE("a conflict is no reason to put, and a put may conflict too") {
  World world;
  world.codes["PATCH"] = 409;
  CHECK(world.write().error().is_conflict());
  CHECK(world.asked.size() == 1);
  world.codes = {{"PATCH", 403}, {"PUT", 409}};
  CHECK(world.write().error().is_conflict());
}

TEST_CASE("when both are refused the error says so, and the next write tries both again") {
  World world;
  world.codes = {{"PATCH", 403}, {"PUT", 403}};
  CHECK(world.write().error().kind() == ErrorKind::Forbidden);
  world.codes.clear();
  REQUIRE(world.write());
  CHECK(world.asked.back() == "PATCH " + kPath);
}
