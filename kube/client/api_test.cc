#include "kube/client/api.h"

#include <catch2/catch.hpp>

#include "kube/client/test_server.h"

using namespace kube;

namespace {

struct Web {
  std::string name;
  int replicas = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("name", self.name);
    field("replicas", self.replicas);
  }
};

// What was sent, and "{}" as the answer.
struct Recorder {
  std::string request;
  std::string body;
  std::string content_type;
  TestServer server{[this](HttpExchange& exchange) {
    request = exchange.request().method + " " + exchange.request().target;
    body = exchange.request().body;
    content_type = exchange.request().headers.get("Content-Type").value_or("");
    return reply(exchange, 200, "{}");
  }};
  std::unique_ptr<Client> client = server.client();
};

Json parsed(const std::string& text) {
  return *parse_json(text);
}

}  // namespace

TEST_CASE("each verb asks with its method, path and body") {
  Recorder r;
  Api pods(*r.client, kPods, "ns");
  CHECK(r.server.run(pods.get("a")));
  CHECK(r.request == "GET /api/v1/namespaces/ns/pods/a");
  CHECK(r.server.run(pods.create({{"kind", "Pod"}})));
  CHECK(r.request == "POST /api/v1/namespaces/ns/pods");
  CHECK(r.body == R"({"kind":"Pod"})");
  CHECK(r.server.run(pods.create("a", "binding", Json::object())));
  CHECK(r.request == "POST /api/v1/namespaces/ns/pods/a/binding");
  CHECK(r.server.run(pods.replace("a", {{"x", 1}}, "status")));
  CHECK(r.request == "PUT /api/v1/namespaces/ns/pods/a/status");
  CHECK(r.server.run(pods.patch("a", Patch::merge({{"x", 1}}).resource_version("7"), "status")));
  CHECK(r.request == "PATCH /api/v1/namespaces/ns/pods/a/status");
  CHECK(r.content_type == "application/merge-patch+json");
  CHECK(parsed(r.body) == Json{{"x", 1}, {"metadata", {{"resourceVersion", "7"}}}});
  CHECK(r.server.run(pods.patch("a", Patch::json(Json::array()))));
  CHECK(r.content_type == "application/json-patch+json");
  CHECK(r.server.run(pods.patch("a", Patch::apply({{"x", 1}}, "me"))));
  CHECK(r.request == "PATCH /api/v1/namespaces/ns/pods/a?fieldManager=me&force=true");
  CHECK(r.content_type == "application/apply-patch+yaml");
  CHECK(r.server.run(pods.remove(
      "a", DeleteOptions().uid("u").resource_version("7").grace(0s).propagation(Propagation::Foreground))));
  CHECK(r.request == "DELETE /api/v1/namespaces/ns/pods/a");
  CHECK(parsed(r.body) == Json{{"kind", "DeleteOptions"},
                               {"apiVersion", "v1"},
                               {"gracePeriodSeconds", 0},
                               {"propagationPolicy", "Foreground"},
                               {"preconditions", {{"uid", "u"}, {"resourceVersion", "7"}}}});
  CHECK(r.server.run(pods.remove_collection(ListOptions().labels("a=b"))));
  CHECK(r.request == "DELETE /api/v1/namespaces/ns/pods?labelSelector=a%3Db");
  CHECK(r.server.run(Api(*r.client, kNodes).get("n")));
  CHECK(r.request == "GET /api/v1/nodes/n");
}

TEST_CASE("a namespaced object without a namespace, or without a name, is never asked for") {
  Recorder r;
  Api pods(*r.client, kPods);
  for (auto& answer : {r.server.run(pods.get("a")), r.server.run(pods.create(Json::object())),
                       r.server.run(pods.remove("a")), r.server.run(pods.remove_collection({})),
                       r.server.run(Api(*r.client, kPods, "ns").get(""))})
    CHECK(answer.error().kind() == ErrorKind::InvalidInput);
  CHECK(r.server.requests.empty());
}

TEST_CASE("a list follows its pages and keeps the version of the first") {
  TestServer server([](HttpExchange& exchange) {
    const std::string& target = exchange.request().target;
    if (target.find("continue=two") != std::string::npos)
      return reply(exchange, 200,
                   R"({"metadata":{"resourceVersion":"9"},"items":[{"name":"c","replicas":3}]})");
    return reply(
        exchange, 200,
        R"({"metadata":{"resourceVersion":"7","continue":"two"},"items":[{"name":"a"},{"name":"b"}]})");
  });
  auto client = server.client();
  auto list = server.run(Api<Web>(*client, kPods).list(ListOptions().labels("app=web").limit(2).at("5")));
  REQUIRE(list);
  CHECK(list->resource_version == "7");
  REQUIRE(list->items.size() == 3);
  CHECK(list->items[2].replicas == 3);
  CHECK(server.requests ==
        std::vector<std::string>{"GET /api/v1/pods?labelSelector=app%3Dweb&limit=2&resourceVersion=5",
                                 "GET /api/v1/pods?labelSelector=app%3Dweb&limit=2&continue=two"});
}

TEST_CASE("a typed answer that does not fit names the field") {
  TestServer server([](HttpExchange& exchange) { return reply(exchange, 200, R"({"replicas":"two"})"); });
  auto client = server.client();
  auto web = server.run(Api<Web>(*client, kPods, "ns").get("a"));
  REQUIRE(!web);
  CHECK(web.error().message().find("replicas: expected integer, got \"two\"") != std::string::npos);
}

TEST_CASE("a token is asked for by audience and lifetime") {
  std::string body;
  TestServer server([&](HttpExchange& exchange) {
    body = exchange.request().body;
    return reply(exchange, 201, R"({"status":{"token":"abc"}})");
  });
  auto client = server.client();
  auto token = server.run(Api(*client, kServiceAccounts, "ns").create_token("robot", {"vault"}, 10min));
  REQUIRE(token);
  CHECK(*token == "abc");
  CHECK(server.requests.back() == "POST /api/v1/namespaces/ns/serviceaccounts/robot/token");
  CHECK(parsed(body)["spec"] == Json{{"expirationSeconds", 600}, {"audiences", {"vault"}}});
}

namespace {

Task<> stream(HttpExchange& exchange, std::vector<std::string> lines, bool hang) {
  (void)co_await exchange.start({.status = 200, .headers = {{"Content-Type", "application/json"}}});
  for (const std::string& line : lines) (void)co_await exchange.write_chunk(line);
  if (hang) co_await exchange.wait_peer_gone();
  (void)co_await exchange.finish();
}

// The types of all events, then how the watch ended.
Task<std::vector<std::string>> follow(Client& client, WatchOptions options = {}) {
  std::vector<std::string> seen;
  auto watch = co_await JsonApi(client, kPods, "ns").watch(std::move(options));
  if (!watch) co_return std::vector{"refused: " + std::string(to_string(watch.error().kind()))};
  while (true) {
    auto event = co_await watch->next();
    if (!event) seen.emplace_back("error: " + std::string(to_string(event.error().kind())));
    if (event && !*event) seen.emplace_back("end");
    if (!event || !*event) co_return seen;
    seen.push_back((*event)->type);
  }
}

}  // namespace

TEST_CASE("a watch gives events and bookmarks in order, whatever the chunks, and ends") {
  TestServer server([](HttpExchange& exchange) {
    return stream(exchange,
                  {"{\"type\":\"ADDED\",\"object\":{}}\n{\"type\":\"MODI", "FIED\",\"object\":{}}\n\n",
                   "{\"type\":\"BOOKMARK\",\"object\":{}}\n"},
                  false);
  });
  auto client = server.client();
  CHECK(server.run(follow(*client, WatchOptions().from("7").labels("a=b"))) ==
        std::vector<std::string>{"ADDED", "MODIFIED", "BOOKMARK", "end"});
  CHECK(server.requests.back() ==
        "GET "
        "/api/v1/namespaces/ns/pods?watch=true&labelSelector=a%3Db&resourceVersion=7&allowWatchBookmarks=true"
        "&timeoutSeconds=300");
}

TEST_CASE("a version that is too old is Gone, as a status and inside the stream") {
  const std::string gone =
      R"({"kind":"Status","code":410,"reason":"Expired","message":"too old resource version"})";
  TestServer as_status([&](HttpExchange& exchange) { return reply(exchange, 410, gone); });
  CHECK(as_status.run(follow(*as_status.client())) == std::vector<std::string>{"refused: Gone"});
  TestServer in_stream([&](HttpExchange& exchange) {
    return stream(exchange, {R"({"type":"ERROR","object":)" + gone + "}\n"}, true);
  });
  CHECK(in_stream.run(follow(*in_stream.client())) == std::vector<std::string>{"error: Gone"});
}

TEST_CASE("a watch that falls silent is given up, and one that never ends, too") {
  TestServer silent([](HttpExchange& exchange) {
    return stream(exchange, {"{\"type\":\"ADDED\",\"object\":{}}\n"}, true);
  });
  SteadyTime start = silent.loop.steady();
  auto client = silent.client();
  CHECK(silent.run(follow(*client)) == std::vector<std::string>{"ADDED", "error: Timeout"});
  CHECK(silent.loop.steady() - start < 91s);
  CHECK(silent.loop.steady() - start >= 90s);

  start = silent.loop.steady();
  WatchOptions patient;
  patient.idle_timeout = 1h;
  CHECK(silent.run(follow(*client, patient)).back() == "error: Timeout");
  CHECK(silent.loop.steady() - start < 306s);
  CHECK(silent.loop.steady() - start >= 305s);
}

TEST_CASE("a watch that is cut in the middle of a line is unavailable, not an event") {
  TestServer server([](HttpExchange& exchange) -> Task<> {
    (void)co_await exchange.start({.status = 200});
    (void)co_await exchange.write_chunk("{\"type\":\"ADDED\",\"object\":{}}\n{\"type\":\"DELE");
    exchange.abort();
  });
  auto client = server.client();
  auto seen = server.run(follow(*client));
  REQUIRE(!seen.empty());
  CHECK(seen.back() == "error: Unavailable");
  CHECK(seen.size() <= 2);
}
