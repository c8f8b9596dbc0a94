#include "kube/client/client.h"

#include <unistd.h>
#include <catch2/catch.hpp>

#include <fstream>

#include "kube/client/api.h"
#include "kube/client/test_server.h"

using namespace kube;

namespace {

const char* const kStatus409 =
    R"({"kind":"Status","status":"Failure","reason":"AlreadyExists","message":"pods \"a\" already exists","code":409})";

}  // namespace

TEST_CASE("a server's refusal becomes an error by its reason") {
  TestServer server([](HttpExchange& exchange) { return reply(exchange, 409, kStatus409); });
  auto client = server.client();
  auto answer =
      server.run(client->request({.method = "POST", .path = "/api/v1/namespaces/ns/pods", .body = "{}"}));
  REQUIRE(!answer);
  CHECK(answer.error().is_already_exists());
  CHECK(answer.error().http_status() == 409);
  CHECK(!answer.error().is_ambiguous());
  CHECK(answer.error().message().find("POST /api/v1/namespaces/ns/pods: 409") == 0);
}

TEST_CASE("headers say who asks and what is sent") {
  Headers seen;
  std::string target;
  TestServer server([&](HttpExchange& exchange) {
    seen = exchange.request().headers;
    target = exchange.request().target;
    return reply(exchange, 200, "{}");
  });
  auto client =
      server.client({.user_agent = "web/1"}, {.server = "http://server/clusters/a/", .token = "abc"});
  CHECK(server.run(client->request({.method = "PATCH",
                                    .path = "/api",
                                    .query = {{"labelSelector", "a=b,c in (d)"}},
                                    .body = "{}",
                                    .content_type = "application/merge-patch+json"})));
  CHECK(seen.get("Authorization") == "Bearer abc");
  CHECK(seen.get("User-Agent") == "web/1");
  CHECK(seen.get("Content-Type") == "application/merge-patch+json");
  CHECK(seen.get("Accept") == "application/json");
  CHECK(target == "/clusters/a/api?labelSelector=a%3Db%2Cc%20in%20%28d%29");
}

TEST_CASE("a server that does not answer in time is an ambiguous time-out for writes only") {
  TestServer server([](HttpExchange& exchange) -> Task<> { co_await exchange.wait_peer_gone(); });
  auto client = server.client({.default_deadline = 5s});
  const SteadyTime start = server.loop.steady();
  auto read = server.run(client->request({.path = "/x"}));
  REQUIRE(!read);
  CHECK(read.error().kind() == ErrorKind::Timeout);
  CHECK(!read.error().is_ambiguous());
  CHECK(server.loop.steady() - start < 6s);
  auto written = server.run(client->request({.method = "POST", .path = "/x", .body = "{}", .deadline = 1s}));
  REQUIRE(!written);
  CHECK(written.error().is_ambiguous());
}

TEST_CASE("a lost answer is ambiguous and not repeated") {
  TestServer server([](HttpExchange& exchange) -> Task<> {
    exchange.abort();
    co_return;
  });
  auto client = server.client();
  auto answer = server.run(client->request({.method = "POST", .path = "/x", .body = "{}"}));
  REQUIRE(!answer);
  CHECK(answer.error().kind() == ErrorKind::Unavailable);
  CHECK(answer.error().is_ambiguous());
  CHECK(server.requests.size() == 1);
}

TEST_CASE("a server that is down is unavailable, and nothing was done") {
  TestServer server([](HttpExchange& exchange) { return reply(exchange, 200, "{}"); });
  auto client = server.client({.default_deadline = 5s}, {.server = "http://server:81"});
  auto answer = server.run(client->request({.method = "POST", .path = "/x", .body = "{}"}));
  REQUIRE(!answer);
  CHECK(!answer.error().is_ambiguous());
  CHECK(answer.error().retry() == Retry::Backoff);
}

TEST_CASE("a 429 is sent again after the wait the server asked for, within the deadline") {
  int refusals = 2;
  TestServer server([&](HttpExchange& exchange) {
    return refusals-- > 0 ? reply(exchange, 429, "{}", {{"Retry-After", "3"}})
                          : reply(exchange, 200, R"({"a":1})");
  });
  auto client = server.client();
  const SteadyTime start = server.loop.steady();
  auto answer = server.run(client->request({.method = "POST", .path = "/x", .body = "{}"}));
  REQUIRE(answer);
  CHECK(answer->at("a") == 1);
  CHECK(server.requests.size() == 3);
  CHECK(server.loop.steady() - start >= 6s);
}

TEST_CASE("a 429 that outlasts the deadline or the tries comes back with its wait") {
  TestServer server(
      [&](HttpExchange& exchange) { return reply(exchange, 429, "{}", {{"Retry-After", "10"}}); });
  auto client = server.client({.throttle_retries = 2});
  auto answer = server.run(client->request({.path = "/x", .deadline = 5s}));
  REQUIRE(!answer);
  CHECK(answer.error().retry() == Retry::After);
  CHECK(answer.error().retry_after() == 10s);
  CHECK(server.requests.size() == 1);

  CHECK(!server.run(client->request({.path = "/y", .deadline = 10min})));
  CHECK(server.requests.size() == 4);
}

TEST_CASE("a 401 reads the token file again and tries once more") {
  const std::string path = "/tmp/client_test." + std::to_string(::getpid()) + ".token";
  std::ofstream(path) << "old";
  std::vector<std::string> tokens;
  TestServer server([&](HttpExchange& exchange) {
    tokens.emplace_back(exchange.request().headers.get("Authorization").value_or(""));
    return tokens.back() == "Bearer new" ? reply(exchange, 200, "{}") : reply(exchange, 401, "{}");
  });
  auto client = server.client({}, {.server = "http://server", .token_file = path});
  CHECK(server.run(client->request({.path = "/x"})).error().http_status() == 401);
  CHECK(tokens == std::vector<std::string>{"Bearer old", "Bearer old"});
  std::ofstream(path, std::ios::trunc) << "new";
  CHECK(server.run(client->request({.path = "/x"})));
  std::remove(path.c_str());
}

TEST_CASE("qps and burst hold requests back when they are set") {
  TestServer server([](HttpExchange& exchange) { return reply(exchange, 200, "{}"); });
  server.net.set_delay({0s, 0s});
  auto client = server.client({.qps = 2, .burst = 3});
  const SteadyTime start = server.loop.steady();
  for (int i = 0; i < 3; ++i) CHECK(server.run(client->request({.path = "/x"})));
  CHECK(server.loop.steady() - start < 100ms);
  for (int i = 0; i < 4; ++i) CHECK(server.run(client->request({.path = "/x"})));
  CHECK(server.loop.steady() - start >= 1900ms);
}

TEST_CASE("a call whose deadline does not last until its turn leaves that to others") {
  TestServer server([](HttpExchange& exchange) { return reply(exchange, 200, "{}"); });
  server.net.set_delay({0s, 0s});
  auto client = server.client({.qps = 1, .burst = 1});
  CHECK(server.run(client->request({.path = "/first"})));
  for (int i = 0; i < 100; ++i) {
    auto refused =
        server.run(client->request({.method = "POST", .path = "/x", .body = "{}", .deadline = 500ms}));
    REQUIRE(!refused);
    CHECK(refused.error().kind() == ErrorKind::Timeout);
    CHECK(!refused.error().is_ambiguous());
  }
  CHECK(server.run(client->request({.path = "/second", .deadline = 2s})));
  CHECK(server.requests == std::vector<std::string>{"GET /first", "GET /second"});
}

TEST_CASE("a sibling has connections and a rate limit of its own, but is the same user to the same server") {
  const std::string path = "/tmp/client_test." + std::to_string(::getpid()) + ".sibling";
  std::ofstream(path) << "old";
  TestServer server([](HttpExchange& exchange) -> Task<> {
    if (exchange.request().target == "/hang") co_return co_await exchange.wait_peer_gone();
    const bool known = exchange.request().headers.get("Authorization") == "Bearer new" &&
                       exchange.request().headers.get("User-Agent") == "web/1";
    co_await reply(exchange, known ? 200 : 401, "{}");
  });
  int seen = 0;
  auto client = server.client({.user_agent = "web/1",
                               .qps = 1,
                               .burst = 2,
                               .max_connections = 1,
                               .on_request = [&](std::string_view, int) { ++seen; }},
                              {.server = "http://server", .token_file = path});
  auto sibling = client->sibling(1);
  // What one finds out about the credentials counts for both.
  CHECK(server.run(client->request({.path = "/x"})).error().http_status() == 401);
  std::ofstream(path, std::ios::trunc) << "new";
  CHECK(server.run(client->request({.path = "/x"})));
  auto hang = [](Client& of) -> Task<> { (void)co_await of.request({.path = "/hang"}); };
  server.tasks.spawn("hang", hang(*client));
  server.loop.run_for(1500ms);
  server.requests.clear();
  seen = 0;
  for (int i = 0; i < 2; ++i) CHECK(server.run(sibling->request({.path = "/y", .deadline = 500ms})));
  CHECK(server.requests == std::vector<std::string>{"GET /y", "GET /y"});
  CHECK(seen == 2);
  // The token of now is used by a sibling that is made now, without asking for it.
  std::remove(path.c_str());
  CHECK(server.run(client->sibling(1)->request({.path = "/z"})));
}

TEST_CASE("every exchange is reported by method and code") {
  TestServer server([](HttpExchange& exchange) -> Task<> {
    if (exchange.request().target == "/cut") {
      exchange.abort();
      co_return;
    }
    co_await reply(exchange, exchange.request().target == "/missing" ? 404 : 200, "{}");
  });
  std::vector<std::string> seen;
  auto client = server.client({.on_request = [&](std::string_view method, int code) {
    seen.push_back(std::string(method) + " " + std::to_string(code));
  }});
  (void)server.run(client->request({.path = "/x"}));
  (void)server.run(client->request({.path = "/missing"}));
  (void)server.run(client->request({.method = "DELETE", .path = "/cut"}));
  CHECK(seen == std::vector<std::string>{"GET 200", "GET 404", "DELETE 0"});
}

TEST_CASE("an answer that is no JSON is a protocol error") {
  TestServer server([](HttpExchange& exchange) { return reply(exchange, 200, "<html>"); });
  auto client = server.client();
  CHECK(server.run(client->request({.path = "/x"})).error().kind() == ErrorKind::Protocol);
}

TEST_CASE("server addresses may be IPv6, have a path, or leave the port out; nonsense is refused") {
  TestServer server([](HttpExchange& exchange) { return reply(exchange, 200, "{}"); });
  const auto host = [&](const std::string& url) {
    auto client = Client::create(server.loop, server.net.host("client"), {.server = url});
    return client ? (*client)->host() : "error";
  };
  CHECK(host("https://[fd00::1]:6443") == "[fd00::1]:6443");
  CHECK(host("http://[::1]") == "[::1]:80");
  CHECK(host("https://example.org/prefix/") == "example.org:443");
  CHECK(host("example.org:6443") == "example.org:6443");
  for (const char* bad :
       {"", "ftp://x", "https://", "https://h:0", "https://h:70000", "https://h:x", "https://[::1"})
    CHECK(host(bad) == "error");
  auto bad_ca = Client::create(server.loop, server.net.host("client"),
                               {.server = "https://h", .certificate_authorities = "no certificate"});
  CHECK(!bad_ca);
}
