#include "kube/http/client.h"

#include <catch2/catch.hpp>

#include "kube/http/test_world.h"

using namespace kube;

namespace {

Task<> say_hello(HttpExchange& exchange) {
  HttpResponse response{.status = 200, .headers = {{"X-Method", exchange.request().method}}};
  response.body = "hello " + exchange.request().target + " " + exchange.request().body;
  (void)co_await exchange.respond(std::move(response));
}

// A script that reads a request, says `answer`, and keeps the connection open.
ScriptedServer::Script answering(ScriptedServer*& server, std::string answer) {
  return [&server, answer](Stream& stream) -> Task<> {
    co_await server->read_request(stream);
    (void)co_await stream.write(answer);
    co_await read_to_end(stream);
  };
}

// As above, but closes after the answer.
ScriptedServer::Script answering_once(ScriptedServer*& server, std::string answer) {
  return [&server, answer](Stream& stream) -> Task<> {
    co_await server->read_request(stream);
    (void)co_await stream.write(answer);
  };
}

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace

TEST_CASE("a request is answered, and the connection is used again") {
  TestWorld world(say_hello);
  HttpClient client = world.client();
  for (int i = 0; i < 3; ++i) {
    HttpRequest request{.method = "POST", .target = "/x"};
    request.body = std::string(static_cast<std::size_t>(i) * 20'000, 'b');
    const std::string body = request.body;
    auto answer = world.run(client.send(std::move(request), world.loop.after(10s)));
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->headers.get("x-method") == "POST");
    CHECK(answer->body == "hello /x " + body);
    CHECK(client.connections() == 1);
    CHECK(world.server->connections() == 1);
  }
}

TEST_CASE("the Host header names origin and port, IPv6 in brackets, or what was asked for") {
  struct Row {
    Endpoint origin;
    std::string host_header;
    std::string expected;
  };
  for (const Row& row :
       {Row{{"server", 8080}, "", "server:8080"}, Row{{"server", 80}, "", "server"},
        Row{{"::1", 8080}, "", "[::1]:8080"}, Row{{"server", 80}, "api.example", "api.example"}}) {
    TestWorld world;
    auto listener = std::move(*world.net.host(row.origin.host).listen({"", row.origin.port}));
    std::string got;
    auto serve = [](Listener* l, std::string* out) -> Task<> {
      auto stream = std::move(*co_await l->accept());
      *out = co_await read_until_text(*stream, "\r\n\r\n");
    };
    world.tasks.spawn("server", serve(listener.get(), &got));
    HttpClient client(world.loop, world.net.host("client"),
                      {.origin = row.origin, .host_header = row.host_header});
    (void)world.run(client.send({}, world.loop.after(1s)));
    CHECK(got.find("\r\nHost: " + row.expected + "\r\n") != std::string::npos);
  }
}

TEST_CASE("answers come through whatever their framing") {
  struct Row {
    const char* why;
    const char* method;
    std::string answer;
    int status;
    std::string body;
    bool kept;
  };
  const Row rows[] = {
      {"length", "GET", kOk, 200, "ok", true},
      {"chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
       200, "ok", true},
      {"close", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 200, "ok",
       false},
      {"HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false},
      {"head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 200, "", true},
      {"no content", "DELETE", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
      {"continue first", "POST", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hint\r\nX: y\r\n\r\n" + kOk, 200,
       "ok", true},
      {"server error", "POST", "HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno", 503, "no", true},
      {"something behind it", "GET", kOk + "HTTP", 200, "ok", false},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    TestWorld world;
    ScriptedServer* server = nullptr;
    ScriptedServer scripted(world, {answering(server, row.answer)});
    server = &scripted;
    HttpClient client = world.client();
    auto answer = world.run(client.send({.method = row.method}, world.loop.after(10s)));
    REQUIRE(answer);
    CHECK(answer->status == row.status);
    CHECK(answer->body == row.body);
    CHECK(client.connections() == (row.kept ? 1 : 0));
  }
}

TEST_CASE("a body that ends with the connection is whole only when that ends properly") {
  TestWorld world;
  ScriptedServer* server = nullptr;
  ScriptedServer scripted(world, {answering_once(server, "HTTP/1.1 200 OK\r\n\r\nall")});
  server = &scripted;
  HttpClient client = world.client();
  auto answer = world.run(client.send({}, world.loop.after(10s)));
  REQUIRE(answer);
  CHECK(answer->body == "all");
  CHECK(client.connections() == 0);
}

TEST_CASE("an answer cut at any byte is Unavailable, and ambiguous unless the method has no effect") {
  for (const std::string& text :
       {kOk, std::string("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "2\r\nok\r\n0\r\n\r\n")}) {
    for (std::size_t size = 0; size < text.size(); ++size) {
      for (const char* method : {"GET", "POST"}) {
        INFO(method << " " << size);
        TestWorld world;
        ScriptedServer* server = nullptr;
        ScriptedServer scripted(world, {answering_once(server, text.substr(0, size))});
        server = &scripted;
        HttpClient client = world.client();
        auto answer = world.run(client.send({.method = method}, world.loop.after(10s)));
        REQUIRE_FALSE(answer);
        CHECK(answer.error().kind() == ErrorKind::Unavailable);
        CHECK(answer.error().is_ambiguous() == (std::string_view(method) == "POST"));
        CHECK(client.connections() == 0);
      }
    }
  }
}

TEST_CASE("an answer that is no HTTP is a Protocol error") {
  TestWorld world;
  ScriptedServer* server = nullptr;
  ScriptedServer scripted(world, {answering(server, "SSH-2.0-OpenSSH\r\n\r\n")});
  server = &scripted;
  HttpClient client = world.client();
  auto answer = world.run(client.send({.method = "POST"}, world.loop.after(10s)));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind() == ErrorKind::Protocol);
  CHECK(answer.error().is_ambiguous());
  CHECK(client.connections() == 0);
}

TEST_CASE("an answer over the limit is refused while it comes") {
  TestWorld world;
  ScriptedServer* server = nullptr;
  ScriptedServer scripted(world, {answering(server, "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" +
                                                        std::string(2000, 'x'))});
  server = &scripted;
  HttpClient client = world.client({.max_response_bytes = 1000});
  auto answer = world.run(client.send({}, world.loop.after(10s)));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind() == ErrorKind::Protocol);
}

TEST_CASE("what was never sent is not ambiguous") {
  TestWorld world;
  HttpClient client = world.client();
  SECTION("nobody listens") {
    auto answer = world.run(client.send({.method = "POST"}, world.loop.after(10s)));
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind() == ErrorKind::Unavailable);
    CHECK_FALSE(answer.error().is_ambiguous());
    CHECK(answer.error().message().starts_with("POST / on server:80: connect to server:80"));
  }
  SECTION("the way is blocked") {
    world.net.block("client", "server");
    const SteadyTime before = world.loop.steady();
    auto answer = world.run(client.send({.method = "POST"}, world.loop.after(10s)));
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind() == ErrorKind::Timeout);
    CHECK_FALSE(answer.error().is_ambiguous());
    CHECK(world.loop.steady() - before == 10s);
  }
  SECTION("the deadline has passed already") {
    auto answer = world.run(client.send({.method = "POST"}, world.loop.steady()));
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind() == ErrorKind::Timeout);
    CHECK_FALSE(answer.error().is_ambiguous());
  }
  SECTION("the request cannot be written") {
    auto answer = world.run(client.send({.method = "POST", .target = "/a b"}, world.loop.after(1s)));
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind() == ErrorKind::InvalidInput);
    CHECK_FALSE(answer.error().is_ambiguous());
  }
  CHECK(client.connections() == 0);
}

TEST_CASE("a server that never answers costs the deadline, and the answer is ambiguous") {
  TestWorld world;
  ScriptedServer* server = nullptr;
  ScriptedServer scripted(world, {answering(server, "HTTP/1.1 200 OK\r\n")});
  server = &scripted;
  HttpClient client = world.client();
  const SteadyTime before = world.loop.steady();
  auto answer = world.run(client.send({.method = "POST"}, world.loop.after(10s)));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind() == ErrorKind::Timeout);
  CHECK(answer.error().is_ambiguous());
  CHECK(world.loop.steady() - before == 10s);
  CHECK(client.connections() == 0);
}

TEST_CASE("a refusal that comes while the body is still being sent is heard") {
  TestWorld world;
  auto refuse = [](Stream& stream) -> Task<> {
    (void)co_await read_until_text(stream, "\r\n\r\n");
    (void)co_await stream.write("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  };
  ScriptedServer scripted(world, {refuse});
  HttpClient client = world.client();
  HttpRequest request{.method = "POST"};
  request.body = std::string(1u << 20, 'x');
  auto answer = world.run(client.send(std::move(request), world.loop.after(10s)));
  REQUIRE(answer);
  CHECK(answer->status == 413);
}

TEST_CASE("a connection that the server closed while it was idle is replaced") {
  for (const char* method : {"GET", "POST", "PUT", "DELETE", "PATCH"}) {
    INFO(method);
    TestWorld world;
    ScriptedServer* server = nullptr;
    ScriptedServer scripted(world, {answering_once(server, kOk), answering(server, kOk)});
    server = &scripted;
    HttpClient client = world.client();
    REQUIRE(world.run(client.send({}, world.loop.after(10s))));
    CHECK(client.connections() == 1);
    world.loop.run_for(1s);
    CHECK(world.run(client.send({.method = method}, world.loop.after(10s))));
    CHECK(scripted.accepted() == 2);
    CHECK(scripted.received().size() == 2);
  }
}

TEST_CASE("a connection that was idle and lives is used again, its bytes whole") {
  TestWorld world(say_hello);
  HttpClient client = world.client();
  for (int i = 0; i < 5; ++i) {
    auto answer = world.run(client.send({.method = "POST"}, world.loop.after(10s)));
    REQUIRE(answer);
    CHECK(answer->body == "hello / ");
    CHECK(world.server->connections() == 1);
    world.loop.run_for(10s);
  }
}

TEST_CASE("an idle connection cut by the request itself is replaced for reads and told of for writes") {
  for (const char* method : {"GET", "POST", "PUT", "DELETE", "PATCH"}) {
    INFO(method);
    TestWorld world;
    ScriptedServer* server = nullptr;
    auto one_answer_for_two = [&server](Stream& stream) -> Task<> {
      co_await server->read_request(stream);
      (void)co_await stream.write(kOk);
      co_await server->read_request(stream);
    };
    ScriptedServer scripted(world, {one_answer_for_two, answering(server, kOk)});
    server = &scripted;
    HttpClient client = world.client();
    REQUIRE(world.run(client.send({}, world.loop.after(10s))));
    world.loop.run_for(10s);
    auto answer = world.run(client.send({.method = method}, world.loop.after(10s)));
    if (std::string_view(method) == "GET") {
      REQUIRE(answer);
      CHECK(scripted.received().size() == 3);
    } else {
      REQUIRE_FALSE(answer);
      CHECK(answer.error().kind() == ErrorKind::Unavailable);
      CHECK(answer.error().is_ambiguous());
      CHECK(scripted.received().size() == 2);  // never sent twice
    }
  }
}

TEST_CASE("a fresh connection that is cut is not tried again") {
  TestWorld world;
  ScriptedServer* server = nullptr;
  ScriptedServer scripted(world, {answering_once(server, ""), answering(server, kOk)});
  server = &scripted;
  HttpClient client = world.client();
  CHECK_FALSE(world.run(client.send({}, world.loop.after(10s))));
  CHECK(scripted.accepted() == 1);
}

TEST_CASE("further requests wait for one of the connections, first come first served") {
  TestWorld world([](HttpExchange& exchange) -> Task<> {
    (void)co_await exchange.respond({.body = exchange.request().target});
  });
  world.net.set_delay({.min = 10ms, .max = 10ms});
  HttpClient client = world.client({.max_connections = 2});
  std::vector<std::string> answers;
  auto ask = [](HttpClient* c, Loop* loop, std::string target, std::vector<std::string>* out) -> Task<> {
    auto answer = co_await c->send({.target = target}, loop->after(10s));
    out->push_back(answer ? answer->body : answer.error().message());
  };
  TaskGroup group(world.loop);
  for (int i = 0; i < 10; ++i) {
    group.spawn("ask", ask(&client, &world.loop, "/" + std::to_string(i), &answers));
  }
  int most = 0;
  world.loop.on_step([&] { most = std::max(most, world.server->connections()); });
  world.loop.run(group.join());
  world.loop.on_step(nullptr);
  CHECK(most == 2);
  CHECK(answers == std::vector<std::string>{"/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9"});
  CHECK(client.connections() == 2);
}

TEST_CASE("waiting for a connection ends with the deadline, a cancelled call gives its place back") {
  TestWorld world([](HttpExchange& exchange) -> Task<> {
    (void)co_await exchange.start({});
    co_await exchange.wait_peer_gone();
  });
  HttpClient client = world.client({.max_connections = 1});
  TaskGroup group(world.loop);
  auto hang = [](HttpClient* c) -> Task<> { (void)co_await c->send({}, kNever); };
  group.spawn("hang", hang(&client));
  world.loop.run_for(1s);

  auto answer = world.run(client.send({.method = "POST"}, world.loop.after(10s)));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind() == ErrorKind::Timeout);
  CHECK_FALSE(answer.error().is_ambiguous());
  CHECK(answer.error().message().find("all 1 connections") != std::string::npos);

  world.loop.run(group.cancel_and_join());
  CHECK(client.connections() == 0);
  // The place is free: this one gets as far as the server.
  answer = world.run(client.send({.method = "POST"}, world.loop.after(10s)));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().is_ambiguous());
}

TEST_CASE("a call can be cancelled at any moment") {
  int answered = 0, cancelled = 0;
  for (int moment = 0; moment < 60; ++moment) {
    TestWorld world(say_hello);
    HttpClient client = world.client();
    REQUIRE(world.run(client.send({}, world.loop.after(10s))));
    world.loop.run_for(10s);
    TaskGroup group(world.loop);
    bool begun = false, done = false;
    auto ask = [](HttpClient* c, bool* start, bool* out) -> Task<> {
      *start = true;
      *out = (co_await c->send({.method = "POST"}, kNever)).has_value();
    };
    group.spawn("ask", ask(&client, &begun, &done));
    // The first moments are those between two turns of the loop, the later ones lie in simulated time.
    if (moment < 30) {
      std::function<void(int)> turn = [&](int left) {
        if (left == 0) group.cancel();
        if (left > 0) world.loop.post([&turn, left] { turn(left - 1); });
      };
      turn(moment);
      world.loop.settle();
    } else {
      world.loop.run_for((moment - 30) * 200us);
    }
    world.loop.run(group.cancel_and_join());
    ++(done ? answered : cancelled);
    world.loop.run_for(1s);
    // A call that was cancelled before it began never took the connection that rests in the pool.
    const int kept = done || !begun ? 1 : 0;
    CHECK(client.connections() == kept);
    CHECK(world.server->connections() == kept);
  }
  CHECK(answered > 0);
  CHECK(cancelled > 0);
}

TEST_CASE("idle connections are closed after a while, or when told") {
  TestWorld world(say_hello);
  HttpClient client = world.client({.idle_timeout = 60s});
  REQUIRE(world.run(client.send({}, world.loop.after(10s))));
  world.loop.run_for(59s);
  CHECK(client.connections() == 1);
  world.loop.run_for(2s);
  CHECK(client.connections() == 0);

  REQUIRE(world.run(client.send({}, world.loop.after(10s))));
  client.drop_connections();
  CHECK(client.connections() == 0);
}

TEST_CASE("a connection in use when all are dropped is not used again") {
  TestWorld world([](HttpExchange& exchange) -> Task<> {
    (void)co_await exchange.start({});
    (void)co_await exchange.write_chunk("a");
    (void)co_await exchange.finish();
  });
  HttpClient client = world.client();
  auto body = world.run(client.open({}, world.loop.after(10s)));
  REQUIRE(body);
  client.drop_connections();
  CHECK(client.connections() == 1);
  CHECK(*world.run((*body)->read_all(10, world.loop.after(1s))) == "a");
  CHECK(client.connections() == 0);
}
