#include <catch2/catch.hpp>

#include "kube/http/test_world.h"

using namespace kube;

namespace {

using Line = std::optional<std::string>;

// A server that answers with `pieces`, one write each with a pause between, and then keeps quiet or closes.
enum class Then { Close, KeepQuiet };

ScriptedServer::Script saying(TestWorld& world, std::vector<std::string> pieces, Then then) {
  return [&world, pieces, then](Stream& stream) -> Task<> {
    (void)co_await read_until_text(stream, "\r\n\r\n");
    for (const std::string& piece : pieces) {
      (void)co_await stream.write(piece);
      co_await sleep(world.loop, 10ms);
    }
    if (then == Then::KeepQuiet) (void)co_await read_to_end(stream);
  };
}

Task<std::vector<std::string>> all_lines(HttpBody* body, std::optional<Error>* failed) {
  std::vector<std::string> lines;
  while (true) {
    Result<Line> line = co_await body->read_line();
    if (!line) {
      *failed = line.error();
      break;
    }
    if (!*line) break;
    lines.push_back(**line);
  }
  co_return lines;
}

const std::string kHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n";

}  // namespace

TEST_CASE("lines come out whole wherever chunks and packets are cut") {
  std::string text = "one\n\ntwo\r\nthree is longer\nno end";
  for (std::size_t chunk = 1; chunk <= text.size(); ++chunk) {
    std::string stream = kHead;
    for (std::size_t at = 0; at < text.size(); at += chunk) stream += chunk_text(text.substr(at, chunk));
    stream += "0\r\n\r\n";
    for (const std::size_t packet : {1u, 3u, 1000u}) {
      INFO("chunks of " << chunk << ", packets of " << packet);
      std::vector<std::string> pieces;
      for (std::size_t at = 0; at < stream.size(); at += packet) pieces.push_back(stream.substr(at, packet));
      TestWorld world;
      ScriptedServer server(world, {saying(world, pieces, Then::KeepQuiet)});
      HttpClient client = world.client();
      auto body = world.run(client.open({}, world.loop.after(10s)));
      REQUIRE(body);
      CHECK((*body)->head().headers.get("x-a") == "b");
      std::optional<Error> failed;
      CHECK(world.run(all_lines(body->get(), &failed)) ==
            std::vector<std::string>{"one", "", "two", "three is longer", "no end"});
      CHECK_FALSE(failed);
      CHECK(client.connections() == 1);  // read to its end: kept
    }
  }
}

TEST_CASE("a body that ends too early is broken, not ended") {
  TestWorld world;
  ScriptedServer server(world, {saying(world, {kHead + chunk_text("one\ntw")}, Then::Close)});
  HttpClient client = world.client();
  auto body = world.run(client.open({}, world.loop.after(10s)));
  REQUIRE(body);
  std::optional<Error> failed;
  CHECK(world.run(all_lines(body->get(), &failed)) == std::vector<std::string>{"one"});
  REQUIRE(failed);
  CHECK(failed->kind() == ErrorKind::Unavailable);
  CHECK(client.connections() == 0);
  // It stays broken.
  CHECK(world.run((*body)->read_line()).error().kind() == ErrorKind::Unavailable);
}

TEST_CASE("a connection reset in the middle of a watch is told at once") {
  TestWorld world;
  ScriptedServer server(world, {saying(world, {kHead + chunk_text("one\n")}, Then::KeepQuiet)});
  HttpClient client = world.client();
  auto body = world.run(client.open({}, world.loop.after(10s)));
  REQUIRE(body);
  CHECK(*world.run((*body)->read_line()) == "one");
  Timer cut(world.loop, [&] { world.net.cut("client", "server"); });
  cut.set(world.loop.after(1h));
  const SteadyTime before = world.loop.steady();
  CHECK(world.run((*body)->read_line()).error().kind() == ErrorKind::Unavailable);
  CHECK(world.loop.steady() - before == 1h);
}

TEST_CASE("each line has its own deadline") {
  TestWorld world;
  ScriptedServer server(world, {saying(world, {kHead + chunk_text("one\ntwo\n")}, Then::KeepQuiet)});
  HttpClient client = world.client();
  auto body = world.run(client.open({}, world.loop.after(1s)));
  REQUIRE(body);
  world.loop.run_for(1h);  // the deadline was that of the head
  CHECK(*world.run((*body)->read_line(world.loop.after(1s))) == "one");
  CHECK(*world.run((*body)->read_line(world.loop.after(1s))) == "two");
  const SteadyTime before = world.loop.steady();
  auto line = world.run((*body)->read_line(world.loop.after(5min)));
  REQUIRE_FALSE(line);
  CHECK(line.error().kind() == ErrorKind::Timeout);
  CHECK(world.loop.steady() - before == 5min);
  CHECK(client.connections() == 0);
}

TEST_CASE("a line in the buffer is given out although its deadline has passed") {
  TestWorld world;
  ScriptedServer server(world, {saying(world, {kHead + chunk_text("one\ntwo\n")}, Then::KeepQuiet)});
  HttpClient client = world.client();
  auto body = world.run(client.open({}, world.loop.after(1s)));
  CHECK(*world.run((*body)->read_line()) == "one");
  CHECK(*world.run((*body)->read_line(world.loop.steady())) == "two");
  CHECK(world.run((*body)->read_line(world.loop.steady())).error().kind() == ErrorKind::Timeout);
}

TEST_CASE("a body destroyed before its end closes its connection") {
  TestWorld world;
  ScriptedServer server(world, {saying(world, {kHead + chunk_text("one\ntwo\n")}, Then::KeepQuiet)});
  HttpClient client = world.client();
  auto body = world.run(client.open({}, world.loop.after(1s)));
  CHECK(*world.run((*body)->read_line()) == "one");
  CHECK(client.connections() == 1);
  body->reset();
  CHECK(client.connections() == 0);
}

TEST_CASE("watches do not take the places of calls") {
  TestWorld world([](HttpExchange& exchange) -> Task<> {
    if (exchange.request().target == "/watch") {
      (void)co_await exchange.start({});
      co_await exchange.wait_peer_gone();
    } else {
      (void)co_await exchange.respond({});
    }
  });
  HttpClient client = world.client({.max_connections = 1});
  std::vector<std::unique_ptr<HttpBody>> watches;
  for (int i = 0; i < 5; ++i) {
    auto body = world.run(client.open({.target = "/watch"}, world.loop.after(1s)));
    REQUIRE(body);
    watches.push_back(std::move(*body));
  }
  CHECK(world.run(client.send({}, world.loop.after(1s))));
  CHECK(client.connections() == 6);
}

TEST_CASE("read_some and read_all give what lines have left") {
  TestWorld world;
  ScriptedServer server(
      world,
      {saying(world, {kHead + chunk_text("one\nrest"), chunk_text(" of it"), "0\r\n\r\n"}, Then::KeepQuiet),
       saying(world, {kHead + chunk_text("0123456789"), "0\r\n\r\n"}, Then::KeepQuiet)});
  HttpClient client = world.client({.max_connections = 1});
  auto body = world.run(client.open({}, world.loop.after(1s)));
  REQUIRE(body);
  CHECK(*world.run((*body)->read_line()) == "one");
  CHECK(*world.run((*body)->read_some()) == "rest");
  CHECK(*world.run((*body)->read_all(100, kNever)) == " of it");
  CHECK(*world.run((*body)->read_all(100, kNever)) == "");
  CHECK_FALSE(*world.run((*body)->read_line()));
  client.drop_connections();

  body = world.run(client.open({}, world.loop.after(1s)));
  REQUIRE(body);
  CHECK(world.run((*body)->read_all(9, kNever)).error().kind() == ErrorKind::Protocol);
}

TEST_CASE("a large body arrives whole") {
  std::string sent;
  for (int i = 0; i < 200'000; ++i) sent += std::to_string(i) + "\n";
  struct Text {
    static Task<> serve(HttpExchange& exchange, const std::string& text) {
      (void)co_await exchange.start({});
      for (std::size_t at = 0; at < text.size(); at += 100'000) {
        (void)co_await exchange.write_chunk(std::string_view(text).substr(at, 100'000));
      }
      (void)co_await exchange.finish();
    }
  };
  TestWorld world([&sent](HttpExchange& exchange) { return Text::serve(exchange, sent); });
  HttpClient client = world.client();
  auto answer = world.run(client.send({}, world.loop.after(10s)));
  REQUIRE(answer);
  CHECK((answer->body == sent));
  auto body = world.run(client.open({}, world.loop.after(1s)));
  std::optional<Error> failed;
  const auto lines = world.run(all_lines(body->get(), &failed));
  CHECK(lines.size() == 200'000);
  CHECK(lines.back() == "199999");
}
