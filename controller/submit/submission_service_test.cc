#include "controller/submit/submission_service.h"

#include <catch2/catch.hpp>

#include "kube/async/timer.h"
#include "kube/client/test_server.h"

using namespace controller;
using namespace std::chrono_literals;
using kube::ErrorKind;
using kube::Json;

namespace {

struct Answer {
  int status = 201;
  std::string body = R"({"message":"submitted","submission_id":"id"})";
  bool cut = false;
  bool hang = false;
};

Answer refusing(int status, const std::string& code, const std::string& message = "no") {
  return {.status = status, .body = kube::dump_json({{"error_code", code}, {"message", message}})};
}

struct World {
  std::vector<Answer> answers{{}};  // one a request; the last for all further ones
  std::vector<std::string> bodies;
  int looks = 0;
  bool permit = true;
  std::string content_type;
  kube::TestServer server{[this](kube::HttpExchange& exchange) { return answer(exchange); }};
  SubmissionServiceOptions options{.url = "http://server:80/api/v1/spark-submit"};
  std::unique_ptr<SubmissionService> service;

  kube::Task<> answer(kube::HttpExchange& exchange) {
    if (exchange.request().method == "GET") {
      ++looks;
      co_return co_await kube::reply(exchange, 404, "nothing to see");
    }
    content_type = exchange.request().headers.get("Content-Type").value_or("");
    bodies.push_back(exchange.request().body);
    const Answer said = answers[std::min(bodies.size(), answers.size()) - 1];
    if (said.hang) co_await kube::sleep(server.loop, 1h);
    if (said.cut) co_return exchange.abort();
    co_await kube::reply(exchange, said.status, said.body);
  }
  SubmissionService& start() {
    service = SubmissionService::create(server.loop, server.net.host("operator"), options).value();
    return *service;
  }
  kube::Result<> submit() {
    return server.run(
        start().submit({.submission_id = "id",
                        .arguments = {"--conf", "spark.hadoop.fs.s3a.secret.key=hunter22", "local:///a.py"},
                        .driver_template = {{"spec", {{"nodeName", "d"}}}},
                        .executor_template = {{"spec", {{"nodeName", "e"}}}}},
                       [this] { return permit; }));
  }
};

}  // namespace

TEST_CASE("a submission service gets upstream's body", "[rest]") {
  World world;
  REQUIRE(world.submit());
  CHECK(world.content_type == "application/json");
  REQUIRE(world.bodies.size() == 1);
  CHECK(world.bodies[0] ==
        R"({"submission_id":"id","spark_submit_args":["--conf","spark.hadoop.fs.s3a.secret.key=hunter22",)"
        R"("local:///a.py"],"driver_pod_template":{"spec":{"nodeName":"d"}},)"
        R"("executor_pod_template":{"spec":{"nodeName":"e"}}})");
  CHECK(world.server.requests == std::vector<std::string>{"POST /api/v1/spark-submit"});
}

TEST_CASE("what a service answers decides about another try, and about what is known at the end", "[rest]") {
  struct Row {
    const char* fact;
    std::vector<Answer> answers;
    std::size_t tries;
    std::optional<ErrorKind> error;
    std::string message;
  };
  const Answer page{.status = 404, .body = "<html>not here</html>"};
  const Answer cut{.cut = true};
  const auto row = GENERATE_COPY(values<Row>({
      {"created", {{}}, 1, std::nullopt, ""},
      {"known already", {{.status = 200, .body = R"({"duplicate_submission":true})"}}, 1, std::nullopt, ""},
      {"arguments refused",
       {refusing(400, "INVALID_SPARK_SUBMIT_ARGS")},
       1,
       ErrorKind::InvalidInput,
       "submitter service returned error: no (HTTP 400, error code: INVALID_SPARK_SUBMIT_ARGS)"},
      {"a template refused",
       {refusing(422, "INVALID_POD_TEMPLATE")},
       1,
       ErrorKind::InvalidInput,
       "submitter service returned error: no (HTTP 422, error code: INVALID_POD_TEMPLATE)"},
      {"a code that nobody knows",
       {refusing(500, "TEAPOT")},
       1,
       ErrorKind::InvalidInput,
       "submitter service returned error: no (HTTP 500, error code: TEAPOT)"},
      {"the pod exists",
       {refusing(409, "DRIVER_POD_ALREADY_EXISTS")},
       1,
       ErrorKind::AlreadyExists,
       "submitter service returned error: no (HTTP 409, error code: DRIVER_POD_ALREADY_EXISTS)"},
      {"overloaded, then not", {refusing(503, "SUBMITTER_OVERLOADED"), {}}, 2, std::nullopt, ""},
      {"its own fault each time",
       {refusing(500, "INTERNAL_SERVER_ERROR")},
       3,
       ErrorKind::InvalidInput,
       "submitter service returned error: no (HTTP 500, error code: INTERNAL_SERVER_ERROR)"},
      {"another service's page",
       {page},
       3,
       ErrorKind::InvalidInput,
       "submitter service returned unexpected response (HTTP 404): <html>not here</html>"},
      {"a redirect is not followed",
       {{.status = 307, .body = ""}},
       3,
       ErrorKind::InvalidInput,
       "submitter service returned unexpected response (HTTP 307): "},
      {"a success that is no JSON",
       {{.status = 201, .body = "fine"}},
       3,
       ErrorKind::Unavailable,
       "submitter service returned unexpected response (HTTP 201): fine (try 3; what became of it is not "
       "known)"},
      {"a proxy's error",
       {{.status = 502, .body = "bad gateway"}},
       3,
       ErrorKind::Unavailable,
       "submitter service returned unexpected response (HTTP 502): bad gateway (try 3; what became of it is "
       "not known)"},
      {"cut once, then overloaded: the first may have been carried out",
       {cut, refusing(503, "SUBMITTER_OVERLOADED")},
       3,
       ErrorKind::Unavailable,
       "submitter service returned error: no (HTTP 503, error code: SUBMITTER_OVERLOADED) (try 3; what "
       "became of it is not known)"},
      {"cut once, then refused for what it says: the first was refused, too",
       {cut, refusing(400, "BAD_REQUEST")},
       2,
       ErrorKind::InvalidInput,
       "submitter service returned error: no (HTTP 400, error code: BAD_REQUEST)"},
      {"cut once, then known", {cut, {.status = 200, .body = "{}"}}, 2, std::nullopt, ""},
  }));
  INFO(row.fact);
  World world;
  world.answers = row.answers;
  const auto asked = world.submit();
  CHECK(world.bodies.size() == row.tries);
  REQUIRE(asked.has_value() == !row.error);
  if (asked) return;
  CHECK(asked.error().kind() == *row.error);
  CHECK(asked.error().message() == row.message);
  CHECK(asked.error().is_ambiguous() == (row.error == ErrorKind::Unavailable));
}

TEST_CASE("between tries there are two seconds, then four; a try has its time", "[rest]") {
  World world;
  world.options.request_timeout = 10s;
  world.answers = {{.hang = true}};
  const kube::SteadyTime begin = world.server.loop.steady();
  const auto asked = world.submit();
  const kube::Duration took = world.server.loop.steady() - begin;
  REQUIRE_FALSE(asked);
  CHECK(asked.error().is_ambiguous());
  CHECK(world.bodies.size() == 3);
  CHECK(took >= 36s);
  CHECK(took < 37s);
}

TEST_CASE("a service that is not there has carried out nothing", "[rest]") {
  World world;
  world.options.url = "http://nowhere:80/";
  world.options.tries = 2;
  const auto asked = world.submit();
  REQUIRE_FALSE(asked);
  CHECK(asked.error().kind() == ErrorKind::InvalidInput);
  CHECK_FALSE(asked.error().is_ambiguous());
}

TEST_CASE("an answer longer than a mebibyte is none", "[rest]") {
  World world;
  world.options.tries = 1;
  world.answers = {{.status = 201, .body = "{\"message\":\"" + std::string(1u << 20, 'a') + "\"}"}};
  const auto asked = world.submit();
  REQUIRE_FALSE(asked);
  CHECK(asked.error().is_ambiguous());
}

TEST_CASE("messages of a service are short, and without secrets", "[rest]") {
  World world;
  world.options.tries = 1;
  SECTION("its own words") {
    world.answers = {refusing(500, "INTERNAL_SERVER_ERROR", "hunter22 " + std::string(9000, '.'))};
    const std::string text = world.submit().error().message();
    CHECK(text.find("hunter22") == std::string::npos);
    CHECK(text.find("(hidden)") != std::string::npos);
    CHECK(text.size() <= 3600);
  }
  SECTION("words of somebody else, cut in the middle of a secret") {
    world.answers = {{.status = 404, .body = std::string(196, 'a') + "hunter22"}};
    CHECK(world.submit().error().message() ==
          "submitter service returned unexpected response (HTTP 404): " + std::string(196, 'a') + "(hid...");
  }
  SECTION("words of somebody else") {
    world.answers = {{.status = 404, .body = std::string(201, 'a')}};
    CHECK(world.submit().error().message() ==
          "submitter service returned unexpected response (HTTP 404): " + std::string(200, 'a') + "...");
  }
}

TEST_CASE("without a permit nobody is asked, and what is under way is waited for", "[rest]") {
  World world;
  world.options.request_timeout = 10s;
  world.answers = {{.hang = true}};
  SECTION("from the beginning") {
    world.permit = false;
    const auto asked = world.submit();
    REQUIRE_FALSE(asked);
    CHECK(asked.error().kind() == ErrorKind::ShuttingDown);
    CHECK(world.bodies.empty());
  }
  SECTION("later") {
    const kube::SteadyTime begin = world.server.loop.steady();
    world.server.tasks.spawn("revoke", [](World* w) -> kube::Task<> {
      co_await kube::sleep(w->server.loop, 3s);
      w->permit = false;
    }(&world));
    const auto asked = world.submit();
    REQUIRE_FALSE(asked);
    CHECK(asked.error().kind() == ErrorKind::ShuttingDown);
    CHECK(world.bodies.size() == 1);
    CHECK(world.server.loop.steady() - begin >= 10s);
  }
}

TEST_CASE("at the start any answer of the service will do", "[rest]") {
  World world;
  SECTION("there") {
    REQUIRE(world.server.run(world.start().wait_until_there()));
    CHECK(world.looks == 1);
    CHECK(world.server.requests == std::vector<std::string>{"GET /api/v1/spark-submit"});
  }
  world.server.net.block("operator", "server");
  world.options.request_timeout = 2s;
  world.options.startup_timeout = 30s;
  SECTION("there a little later") {
    world.server.tasks.spawn("unblock", [](World* w) -> kube::Task<> {
      co_await kube::sleep(w->server.loop, 20s);
      w->server.net.unblock("operator", "server");
    }(&world));
    REQUIRE(world.server.run(world.start().wait_until_there()));
    CHECK(world.looks == 1);
  }
  SECTION("never there") {
    const auto there = world.server.run(world.start().wait_until_there());
    REQUIRE_FALSE(there);
    CHECK_THAT(there.error().message(), Catch::Contains("the submission service server:80 does not answer"));
    CHECK_THAT(there.error().message(), Catch::Contains("gave up after try"));
    CHECK(world.looks == 0);
  }
}

TEST_CASE("the URL of a service names scheme, host and port", "[rest]") {
  struct Row {
    const char* url;
    const char* host;  // "": refused
    int port;
    bool tls;
    const char* target;  // or the message
  };
  const auto row = GENERATE(values<Row>({
      {"http://s:8080/api/v1/spark-submit", "s", 8080, false, "/api/v1/spark-submit"},
      {" https://s.ns.svc:443 ", "s.ns.svc", 443, true, "/"},
      {"http://[::1]:80/a?b=c#d", "::1", 80, false, "/a?b=c"},
      {"http://s:80?b=c", "s", 80, false, "/?b=c"},
      {"", "", 0, false, "submitter URL \"\" must begin with http:// or https://"},
      {"s:80", "", 0, false, "submitter URL \"s:80\" must begin with http:// or https://"},
      {"http://s/x", "", 0, false, "submitter URL \"http://s/x\" must include an explicit port"},
      {"http://[::1]/x", "", 0, false, "submitter URL \"http://[::1]/x\" must include an explicit port"},
      {"http://[::1", "", 0, false, "submitter URL \"http://[::1\" has a '[' without its ']'"},
      {"http://:80/", "", 0, false, "submitter URL \"http://:80/\" has no host"},
      {"http://s:80x/", "", 0, false, "submitter URL \"http://s:80x/\" must have a port from 1 to 65535"},
      {"http://s:0/", "", 0, false, "submitter URL \"http://s:0/\" must have a port from 1 to 65535"},
      {"http://me:secret@s:80/", "", 0, false, "submitter URL must not carry a user or a password"},
  }));
  INFO(row.url);
  const auto url = parse_service_url(row.url);
  REQUIRE(url.has_value() == (*row.host != '\0'));
  if (!url) {
    CHECK(url.error().message() == row.target);
    return;
  }
  CHECK(url->origin.host == row.host);
  CHECK(url->origin.port == row.port);
  CHECK(url->tls == row.tls);
  CHECK(url->target == row.target);
}
