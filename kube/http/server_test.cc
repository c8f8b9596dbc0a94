#include "kube/http/server.h"

#include <catch2/catch.hpp>

#include "kube/http/test_world.h"

using namespace kube;

namespace {

Task<> echo(HttpExchange& exchange) {
  HttpResponse response{.status = 200};
  response.body = exchange.request().method + " " + exchange.request().target + " " + exchange.request().body;
  (void)co_await exchange.respond(std::move(response));
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find("\r\n"));
}

std::string last_request(std::string target) {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
}

}  // namespace

TEST_CASE("an answer on the wire, exactly") {
  TestWorld world(echo);
  CHECK(world.talk(last_request("/x")) ==
        "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 7\r\nConnection: "
        "close\r\n\r\n"
        "GET /x ");
  CHECK(world.talk("GET / HTTP/1.0\r\n\r\n")
            .ends_with("\r\nContent-Length: 6\r\nConnection: close\r\n\r\nGET / "));
}

TEST_CASE("requests of one connection are answered one after another, however they are cut") {
  const std::string requests =
      "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
      "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n" +
      last_request("/c");
  for (std::size_t piece = 0; piece < requests.size(); ++piece) {
    INFO("pieces of " << piece);
    TestWorld world(echo);
    const std::string answers = world.talk(requests, piece);
    CHECK(answers.find("POST /a abc") != std::string::npos);
    CHECK(answers.find("POST /b def") != std::string::npos);
    CHECK(answers.ends_with("GET /c "));
  }
}

TEST_CASE("what must not reach the handler is refused") {
  struct Row {
    const char* why;
    std::string request;
    std::string answer;
  };
  const Row rows[] = {
      {"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 400 Bad Request"},
      {"no host", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request"},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400 Bad Request"},
      {"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "HTTP/1.1 400 Bad Request"},
      {"body too large", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n",
       "HTTP/1.1 413 Payload Too Large"},
      {"chunks too large", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n",
       "HTTP/1.1 413 Payload Too Large"},
      {"header too large", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(3000, 'x') + "\r\n\r\n",
       "HTTP/1.1 431 Request Header Fields Too Large"},
      {"expectation", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: tea\r\n\r\n",
       "HTTP/1.1 417 Expectation Failed"},
      {"large and expecting",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n",
       "HTTP/1.1 413 Payload Too Large"},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    int handled = 0;
    TestWorld world(
        [&handled](HttpExchange& exchange) {
          ++handled;
          return echo(exchange);
        },
        {.max_body_bytes = 1000, .max_header_bytes = 2000});
    const std::string answer = world.talk(row.request);
    CHECK(first_line(answer) == row.answer);
    CHECK(answer.find("Connection: close") != std::string::npos);
    CHECK(handled == 0);
    world.loop.run_for(1s);
    CHECK(world.server->connections() == 0);
  }
}

TEST_CASE("a client that waits for 100 Continue gets it") {
  TestWorld world(echo);
  auto body = [](TestWorld* w) -> Task<std::string> {
    auto stream = co_await w->connect();
    (void)co_await stream->write(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: "
        "close\r\n\r\n");
    const std::string first = co_await read_until_text(*stream, "\r\n\r\n");
    (void)co_await stream->write("abc");
    co_return first + co_await read_to_end(*stream);
  };
  const std::string answer = world.run(body(&world));
  CHECK(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  CHECK(answer.ends_with("POST / abc"));
}

TEST_CASE("HEAD gets the head of what GET would get") {
  TestWorld world(echo);
  const std::string answer = world.talk("HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  CHECK(answer.find("Content-Length: 8\r\n") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE("a target with scheme and host is a path") {
  TestWorld world(echo);
  CHECK(world.talk(last_request("http://h:1/x?y")).ends_with("GET /x?y "));
  CHECK(world.talk(last_request("http://h")).ends_with("GET / "));
  CHECK(world.talk(last_request("https://h?y")).ends_with("GET /?y "));
}

TEST_CASE("a chunked answer ends with its last chunk; HTTP/1.0 gets it without chunks") {
  TestWorld world([](HttpExchange& exchange) -> Task<> {
    (void)co_await exchange.start({.headers = {{"Content-Type", "application/json"}}});
    (void)co_await exchange.write_chunk("one");
    (void)co_await exchange.write_chunk("");
    (void)co_await exchange.write_chunk("two");
    (void)co_await exchange.finish();
  });
  const std::string answer = world.talk(last_request("/"));
  CHECK(answer.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"));
  const std::string old = world.talk("GET / HTTP/1.0\r\n\r\n");
  CHECK(old.find("Transfer-Encoding") == std::string::npos);
  CHECK(old.ends_with("\r\n\r\nonetwo"));
}

TEST_CASE("a handler that does not answer, or breaks, yields 500; in the middle of an answer a cut") {
  struct Row {
    const char* target;
    std::string line;
  };
  TestWorld world([](HttpExchange& exchange) -> Task<> {
    const std::string& target = exchange.request().target;
    if (target == "/throw") throw std::runtime_error("boom");
    if (target == "/start") (void)co_await exchange.start({});
    if (target == "/start-throw") {
      (void)co_await exchange.start({});
      throw std::runtime_error("boom");
    }
    if (target == "/abort") exchange.abort();
  });
  for (const Row& row :
       {Row{"/none", "HTTP/1.1 500 Internal Server Error"},
        Row{"/throw", "HTTP/1.1 500 Internal Server Error"}, Row{"/start", "HTTP/1.1 200 OK"},
        Row{"/start-throw", "HTTP/1.1 200 OK"}, Row{"/abort", ""}}) {
    INFO(row.target);
    const std::string answer = world.talk(last_request(row.target));
    CHECK(first_line(answer) == row.line);
    CHECK(answer.find("0\r\n\r\n") == std::string::npos);  // no last chunk
    CHECK(world.server->connections() == 0);
  }
  CHECK(world.log_lines->contains("request handler ended by an exception"));
}

TEST_CASE("answers out of order and headers that break the framing are errors, not bytes") {
  TestWorld world([](HttpExchange& exchange) -> Task<> {
    CHECK((co_await exchange.write_chunk("x")).error().kind() == ErrorKind::InternalError);
    CHECK((co_await exchange.finish()).error().kind() == ErrorKind::InternalError);
    CHECK((co_await exchange.respond({.headers = {{"X", "a\r\nY: b"}}})).error().kind() ==
          ErrorKind::InvalidInput);
    CHECK(co_await exchange.respond({.body = "once"}));
    CHECK((co_await exchange.respond({.body = "twice"})).error().kind() == ErrorKind::InternalError);
    CHECK((co_await exchange.start({})).error().kind() == ErrorKind::InternalError);
  });
  CHECK(world.talk(last_request("/")).ends_with("\r\n\r\nonce"));
}

TEST_CASE("a watcher that goes away is noticed while nothing is written") {
  bool gone = false;
  TestWorld world([&gone](HttpExchange& exchange) -> Task<> {
    return [](HttpExchange& e, bool* out) -> Task<> {
      (void)co_await e.start({});
      (void)co_await e.write_chunk("event\n");
      co_await e.wait_peer_gone();
      *out = true;
    }(exchange, &gone);
  });
  HttpClient client = world.client();
  auto body = world.run(client.open({}, world.loop.after(1s)));
  CHECK(*world.run((*body)->read_line()) == "event");
  world.loop.run_for(1h);
  CHECK_FALSE(gone);
  body->reset();
  world.loop.run_for(1s);
  CHECK(gone);
  CHECK(world.server->connections() == 0);
}

TEST_CASE("a cancelled wait for the watcher's end loses no bytes of its next request") {
  TestWorld watched;
  auto handler = [&watched](HttpExchange& exchange) {
    return [](TestWorld& w, HttpExchange& e) -> Task<> {
      if (e.request().target != "/watch") co_return co_await echo(e);
      (void)co_await e.start({});
      TaskGroup group(w.loop);
      group.spawn("gone", e.wait_peer_gone());
      co_await sleep(w.loop, 1s);
      co_await group.cancel_and_join();
      (void)co_await e.finish();
    }(watched, exchange);
  };
  watched.server.emplace(watched.loop, HttpServerOptions{}, handler);
  watched.tasks.spawn("server",
                      watched.server->serve(std::move(*watched.net.host("server").listen({"", 80}))));
  SECTION("sent while it waits") {
    CHECK(watched.talk("GET /watch HTTP/1.1\r\nHost: h\r\n\r\n" + last_request("/next"), 7)
              .ends_with("GET /next "));
  }
  SECTION("sent at once") {
    CHECK(watched.talk("GET /watch HTTP/1.1\r\nHost: h\r\n\r\n" + last_request("/next"))
              .ends_with("GET /next "));
  }
  watched.tasks.cancel();
  watched.loop.run(watched.tasks.join());
}

TEST_CASE("connections that say nothing, or not enough, are closed") {
  struct Row {
    const char* why;
    std::string text;
    Duration after;
  };
  for (const Row& row : {Row{"idle", "", 180s}, Row{"half a head", "GET / HT", 60s},
                         Row{"half a body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab", 60s},
                         Row{"idle after an answer", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 180s}}) {
    INFO(row.why);
    TestWorld world(echo);
    const SteadyTime before = world.loop.steady();
    (void)world.talk(row.text);
    CHECK(world.loop.steady() - before >= row.after);
    CHECK(world.loop.steady() - before < row.after + 1s);
    CHECK(world.server->connections() == 0);
  }
}

TEST_CASE("a request that trickles in is bounded as a whole") {
  TestWorld world(echo);
  const SteadyTime before = world.loop.steady();
  // A byte every 5 ms would take 65 s.
  CHECK(world.talk("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 13000\r\n\r\n" + std::string(13'000, 'x'),
                   1) == "");
  CHECK(world.loop.steady() - before >= 60s);
}

TEST_CASE("no more connections are accepted than allowed, until one ends") {
  TestWorld world(echo, {.max_connections = 2, .idle_timeout = 10s});
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 3; ++i) streams.push_back(world.run(world.connect()));
  world.loop.run_for(1s);
  CHECK(world.server->connections() == 2);
  streams[0].reset();
  world.loop.run_for(1s);
  CHECK(world.server->connections() == 2);
  auto ask = [](Stream* stream) -> Task<std::string> {
    (void)co_await stream->write(last_request("/third"));
    co_return co_await read_to_end(*stream);
  };
  CHECK(world.run(ask(streams[2].get())).ends_with("GET /third "));
}

TEST_CASE("a new connection gets the place of the client that has been silent for longest") {
  TestWorld world(echo, {.max_connections = 3, .replace_after = 1s});
  std::vector<std::unique_ptr<Stream>> silent;
  for (int i = 0; i < 3; ++i) {
    silent.push_back(world.run(world.connect()));
    world.loop.run_for(100ms);
  }
  // Half a request is silence too; the second one has just been answered.
  auto write = [](Stream* stream, std::string text) -> Task<bool> {
    co_return (co_await stream->write(text)).has_value();
  };
  world.loop.run_for(2s);
  CHECK(world.run(write(silent[0].get(), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\na")));
  world.loop.run_for(10ms);
  CHECK(world.run(write(silent[1].get(), "GET /busy HTTP/1.1\r\nHost: h\r\n\r\n")));
  world.loop.run_for(10ms);
  const SteadyTime before = world.loop.steady();
  CHECK(world.talk(last_request("/one")).ends_with("GET /one "));  // the third went
  world.loop.run_for(2s);
  std::vector<std::unique_ptr<Stream>> more;
  for (int i = 0; i < 2; ++i) more.push_back(world.run(world.connect()));
  world.loop.run_for(10ms);
  CHECK(world.server->connections() == 3);
  CHECK(world.run(read_to_end(*silent[0])).empty());  // so did the half request
  CHECK(world.loop.steady() - before < 10s);
  CHECK(world.run(write(silent[1].get(), last_request("/still"))));
  CHECK(world.run(read_to_end(*silent[1])).ends_with("GET /still "));
}

TEST_CASE("who was answered before keeps its place as long as there are strangers to go") {
  TestWorld world(echo, {.max_connections = 10, .replace_after = 1s});
  auto ask = [](Stream* stream, std::string target) -> Task<std::string> {
    (void)co_await stream->write("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
    co_return co_await read_until_text(*stream, "GET " + target);
  };
  auto kept = world.run(world.connect());
  CHECK(world.run(ask(kept.get(), "/first")).ends_with("GET /first "));
  world.loop.run_for(10s);
  // Each has been silent for a shorter time than the one that is kept.
  std::vector<std::unique_ptr<Stream>> strangers;
  for (int i = 0; i < 200; ++i) {
    strangers.push_back(world.run(world.connect()));
    world.loop.run_for(150ms);
  }
  CHECK(world.server->connections() == 10);
  CHECK(world.run(ask(kept.get(), "/second")).ends_with("GET /second "));
  CHECK(world.run(read_to_end(*strangers[0])).empty());
}

TEST_CASE("bodies of all requests together are bounded, and small ones get through") {
  TestWorld world(echo, {.max_buffered_bytes = 100'000});
  std::vector<std::unique_ptr<Stream>> slow;
  auto write = [](Stream* stream, std::string text) -> Task<bool> {
    co_return (co_await stream->write(text)).has_value();
  };
  const std::string part =
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n" + std::string(45'000, 'x');
  for (int i = 0; i < 2; ++i) {
    slow.push_back(world.run(world.connect()));
    CHECK(world.run(write(slow.back().get(), part)));
    world.loop.run_for(10ms);
  }
  CHECK(first_line(world.talk(part)) == "HTTP/1.1 503 Service Unavailable");
  CHECK(world.talk(last_request("/small")).ends_with("GET /small "));
  slow.clear();
  world.loop.run_for(10ms);
  CHECK(world
            .talk("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 60000\r\n\r\n" +
                  std::string(60'000, 'x'))
            .starts_with("HTTP/1.1 200"));
}

TEST_CASE("a draining server answers all who ask, and ends each connection with its answer") {
  TestWorld world(echo);
  auto kept = world.run(world.connect());
  auto ask = [](Stream* stream, std::string target) -> Task<std::string> {
    (void)co_await stream->write("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
    co_return co_await read_until_text(*stream, "GET " + target);
  };
  CHECK(world.run(ask(kept.get(), "/a")).find("Connection: close") == std::string::npos);
  world.server->drain();
  world.loop.run_for(1s);
  CHECK(world.run(ask(kept.get(), "/b")).find("Connection: close") != std::string::npos);
  CHECK(world.run(read_to_end(*kept)).empty());
  CHECK(world.talk("GET /new HTTP/1.1\r\nHost: h\r\n\r\n").ends_with("GET /new "));
}

TEST_CASE("a request that was sent before its client saw the server stop is answered, as the last one") {
  TestWorld world(echo);
  auto ask = [](Stream* stream, std::string target) -> Task<std::string> {
    (void)co_await stream->write("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
    co_return co_await read_until_text(*stream, "GET " + target);
  };
  auto kept = world.run(world.connect());
  CHECK(world.run(ask(kept.get(), "/a")).ends_with("GET /a "));
  auto unused = world.run(world.connect());
  auto silent = world.run(world.connect());
  world.loop.run_for(10ms);
  world.server->stop(5s);
  CHECK(world.run(ask(kept.get(), "/b")).find("Connection: close") != std::string::npos);
  CHECK(world.run(read_to_end(*kept)).empty());
  CHECK(world.run(ask(unused.get(), "/c")).find("Connection: close") != std::string::npos);
  const SteadyTime before = world.loop.steady();
  CHECK(world.run(read_to_end(*silent)).empty());
  CHECK(world.loop.steady() - before < 1s);
}

TEST_CASE("stop lets answers under way finish, closes idle connections, and ends") {
  struct Slow {
    static Task<> serve(TestWorld& world, HttpExchange& exchange) {
      co_await sleep(world.loop, exchange.request().target == "/slow" ? 3s : 100s);
      (void)co_await exchange.respond({.body = "done"});
    }
  };
  TestWorld world;
  world.server.emplace(world.loop, HttpServerOptions{},
                       [&world](HttpExchange& exchange) { return Slow::serve(world, exchange); });
  bool served = false;
  auto serve = [](TestWorld* w, bool* out) -> Task<> {
    co_await w->server->serve(std::move(*w->net.host("server").listen({"", 80})));
    *out = true;
  };
  world.tasks.spawn("server", serve(&world, &served));
  auto idle = world.run(world.connect());
  HttpClient client = world.client();
  std::vector<std::string> answers;
  auto ask = [](HttpClient* c, std::string target, std::vector<std::string>* out) -> Task<> {
    auto answer = co_await c->send({.target = std::move(target)}, kNever);
    out->push_back(answer ? answer->body + std::string(answer->headers.get("Connection").value_or(""))
                          : std::string(to_string(answer.error().kind())));
  };
  world.tasks.spawn("slow", ask(&client, "/slow", &answers));
  world.tasks.spawn("too slow", ask(&client, "/too-slow", &answers));
  world.loop.run_for(1s);
  CHECK(world.server->connections() == 3);

  world.server->stop(5s);
  world.loop.run_for(1s);
  CHECK(world.server->connections() == 2);  // the idle one is gone
  CHECK_FALSE(world.run(world.net.host("client").connect({"server", 80}, world.loop.after(1s))));
  world.loop.run_for(3s);
  CHECK(answers == std::vector<std::string>{"doneclose"});
  world.loop.run_for(2s);
  CHECK(answers == std::vector<std::string>{"doneclose", "Unavailable"});
  CHECK(served);
  CHECK(world.server->connections() == 0);
  world.tasks.cancel();
  world.loop.run(world.tasks.join());
}

TEST_CASE("cancelling serve() ends every connection at once") {
  TestWorld world([](HttpExchange& exchange) -> Task<> {
    (void)co_await exchange.start({});
    co_await exchange.wait_peer_gone();
  });
  HttpClient client = world.client();
  auto body = world.run(client.open({}, world.loop.after(1s)));
  REQUIRE(body);
  const SteadyTime before = world.loop.steady();
  world.loop.run(world.tasks.cancel_and_join());
  CHECK(world.loop.steady() == before);
  CHECK(world.server->connections() == 0);
  CHECK_FALSE(world.run((*body)->read_line()));
}

TEST_CASE("garbage never brings the server down") {
  TestWorld world(echo, {.max_body_bytes = 5000, .max_header_bytes = 2000, .idle_timeout = 1s});
  Random random(42);
  const std::vector<std::string> parts = {"GET ",
                                          "POST ",
                                          "/",
                                          " HTTP/1.1",
                                          "\r\n",
                                          "\r\n\r\n",
                                          "Host: h\r\n",
                                          "Content-Length: ",
                                          "5\r\n",
                                          "Transfer-Encoding: chunked\r\n",
                                          "0\r\n\r\n",
                                          "ffffffffffffffff\r\n",
                                          ";x=",
                                          "\"",
                                          "Expect: 100-continue\r\n",
                                          "Connection: Upgrade\r\n",
                                          "Upgrade: websocket\r\n",
                                          "-1",
                                          ",",
                                          "\n",
                                          "\t",
                                          std::string(1, '\0'),
                                          "\xff"};
  for (int round = 0; round < 500; ++round) {
    std::string text;
    if (random.chance(0.5)) text = "POST / HTTP/1.1\r\nHost: h\r\n";
    for (std::uint64_t n = random.below(12); n > 0; --n) {
      if (random.chance(0.8)) {
        text += parts[random.below(parts.size())];
      } else {
        for (std::uint64_t bytes = random.below(40); bytes > 0; --bytes)
          text += static_cast<char>(random.next());
      }
    }
    (void)world.talk(text, random.below(20));
  }
  CHECK(world.talk(last_request("/alive")).ends_with("GET /alive "));
  CHECK(world.server->connections() == 0);
}
