#include "kube/http/websocket.h"

#include <catch2/catch.hpp>

#include "kube/http/test_world.h"

using namespace kube;

namespace {

// A frame as a client sends it.
std::string masked(int first_byte, std::string_view payload) {
  std::string frame(1, static_cast<char>(first_byte));
  const std::size_t size = payload.size();
  if (size < 126) {
    frame += static_cast<char>(0x80 | size);
  } else if (size <= 0xffff) {
    frame += static_cast<char>(0x80 | 126);
    frame += static_cast<char>(size >> 8);
    frame += static_cast<char>(size & 0xff);
  } else {
    frame += static_cast<char>(0x80 | 127);
    for (int i = 7; i >= 0; --i) frame += static_cast<char>(static_cast<std::uint64_t>(size) >> (8 * i));
  }
  const char mask[] = {0x12, 0x34, 0x56, 0x78};
  frame.append(mask, 4);
  for (std::size_t i = 0; i < size; ++i) frame += static_cast<char>(payload[i] ^ mask[i % 4]);
  return frame;
}

std::string close_frame(int code) {
  return {static_cast<char>(0x88), 2, static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
}

std::string upgrade_request(const std::string& more = "Sec-WebSocket-Version: 13\r\n") {
  return "GET /watch HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://h\r\n" +
         more + "\r\n";
}

// Upgrades, sends two events, and waits for the end.
Task<> watch(HttpExchange& exchange, Loop& loop) {
  auto socket = co_await exchange.accept_websocket("");
  if (!socket) co_return;
  (void)co_await (*socket)->send_text("one", loop.after(10s));
  (void)co_await (*socket)->send_text("two", loop.after(10s));
  co_await (*socket)->wait_closed();
  CHECK((co_await (*socket)->send_text("late", loop.after(10s))).error().kind() == ErrorKind::Unavailable);
}

struct WebSocketWorld : TestWorld {
  WebSocketWorld() : WebSocketWorld([](HttpExchange& e, Loop& l) { return watch(e, l); }) {}
  explicit WebSocketWorld(std::function<Task<>(HttpExchange&, Loop&)> handler) {
    server.emplace(loop, HttpServerOptions{},
                   [this, handler](HttpExchange& exchange) { return handler(exchange, loop); });
    tasks.spawn("server", server->serve(std::move(*net.host("server").listen({"", 80}))));
  }
  ~WebSocketWorld() {
    tasks.cancel();
    loop.run(tasks.join());
  }
};

std::string after_head(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

// What one reader makes of `bytes` that come in pieces: "ping:payload;", or "!" for an error.
std::string read_frames(std::string_view bytes, std::size_t piece,
                        WebSocketReader reader = WebSocketReader()) {
  InputBuffer input;
  std::string seen;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    input.append(bytes.substr(at, piece));
    while (true) {
      auto control = reader.next(input);
      if (!control) return seen + "!";
      if (!*control) break;
      seen += std::to_string(static_cast<int>((*control)->opcode)) + ":" + (*control)->payload + ";";
    }
  }
  return seen;
}

}  // namespace

TEST_CASE("the accept key is that of the RFC's example") {
  CHECK(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(valid_websocket_key("dGhlIHNhbXBsZSBub25jZQ=="));
  CHECK_FALSE(valid_websocket_key("dGhlIHNhbXBsZSBub25jZQ="));
  CHECK_FALSE(valid_websocket_key("dGhlIHNhbXBs\r\nBub25jZQ=="));
}

TEST_CASE("frames of a server are whole, unmasked, and use the shortest length") {
  CHECK(websocket_frame(WebSocketOpcode::Text, "Hello") == "\x81\x05Hello");
  CHECK(websocket_frame(WebSocketOpcode::Text, std::string(126, 'x')).substr(0, 5) ==
        std::string("\x81\x7e\0\x7ex", 5));
  CHECK(websocket_frame(WebSocketOpcode::Text, std::string(65'536, 'x')).substr(0, 11) ==
        std::string("\x81\x7f\0\0\0\0\0\1\0\0x", 11));
}

TEST_CASE("control frames come out, messages of any size and fragmentation are dropped") {
  const std::string frames =
      masked(0x89, "a") + masked(0x81, std::string(5, 't')) + masked(0x82, std::string(300, 'b')) +
      masked(0x01, "begin") + masked(0x89, "between") + masked(0x00, "middle") + masked(0x80, "end") +
      masked(0x81, std::string(70'000, 'x')) + masked(0x8a, "") + masked(0x88, "\x03\xe8 bye");
  const std::string expected = "9:a;9:between;10:;8:\x03\xe8 bye;";
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 1000u, 1'000'000u}) {
    INFO("pieces of " << piece);
    CHECK(read_frames(frames, piece) == expected);
  }
}

TEST_CASE("frames that the RFC forbids are errors") {
  struct Row {
    const char* why;
    std::string frame;
  };
  std::string huge("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14);
  for (const Row& row : {Row{"unmasked", "\x81\x05Hello"}, Row{"reserved bit", masked(0xc1, "x")},
                         Row{"unknown opcode", masked(0x83, "x")}, Row{"unknown control", masked(0x8b, "x")},
                         Row{"fragmented control", masked(0x09, "x")},
                         Row{"long control", masked(0x89, std::string(126, 'x'))},
                         Row{"continuation of nothing", masked(0x80, "x")},
                         Row{"message inside a message", masked(0x01, "x") + masked(0x81, "y")},
                         Row{"length over 63 bits", huge}, Row{"close of one byte", masked(0x88, "x")},
                         Row{"close with a reserved code", masked(0x88, "\x03\xed")}}) {
    INFO(row.why);
    CHECK(read_frames(row.frame, row.frame.size()) == "!");
  }
}

TEST_CASE("an upgrade, two events, the client's goodbye and its echo, exactly") {
  const std::string bytes = upgrade_request() + masked(0x88, "\x03\xe8");
  for (std::size_t piece = 0; piece < bytes.size(); piece += 5) {
    INFO("pieces of " << piece);
    WebSocketWorld world;
    CHECK(world.talk(bytes, piece) ==
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nConnection: Upgrade\r\n\r\n"
          "\x81\x03one\x81\x03two" +
              close_frame(1000));
    CHECK(world.server->connections() == 0);
  }
}

TEST_CASE("pings are answered with their payload") {
  WebSocketWorld world;
  CHECK(after_head(world.talk(upgrade_request() + masked(0x89, "abc") + masked(0x81, "dropped") +
                              masked(0x88, ""))) == std::string("\x81\x03one\x81\x03two\x8a\x03"
                                                                "abc\x88\x00",
                                                                17));
}

TEST_CASE("a client that breaks the rules is told 1002") {
  WebSocketWorld world;
  CHECK(after_head(world.talk(upgrade_request() + "\x81\x05Hello")) ==
        "\x81\x03one\x81\x03two" + close_frame(1002));
}

TEST_CASE("a client that vanishes ends the wait") {
  WebSocketWorld world;
  auto stream = world.run(world.connect());
  auto begin = [](Stream* s) -> Task<std::string> {
    (void)co_await s->write(upgrade_request());
    co_return co_await read_until_text(*s, "two");
  };
  CHECK(world.run(begin(stream.get())).ends_with("two"));
  world.loop.run_for(1h);
  CHECK(world.server->connections() == 1);
  world.net.cut("client", "server");
  world.loop.run_for(1s);
  CHECK(world.server->connections() == 0);
}

TEST_CASE("close says goodbye and waits for the client's, but not for ever") {
  WebSocketWorld world([](HttpExchange& exchange, Loop& loop) -> Task<> {
    auto socket = co_await exchange.accept_websocket("");
    (void)co_await (*socket)->send_text("event", loop.after(1s));
    co_await (*socket)->close(1000);
  });
  SECTION("the client answers") {
    const SteadyTime before = world.loop.steady();
    CHECK(after_head(world.talk(upgrade_request() + masked(0x88, "\x03\xe8"))) ==
          "\x81\x05"
          "event" +
              close_frame(1000));
    CHECK(world.loop.steady() - before < 1s);
  }
  SECTION("the client is silent") {
    CHECK(after_head(world.talk(upgrade_request())) ==
          "\x81\x05"
          "event" +
              close_frame(1000));
    CHECK(world.server->connections() == 0);
  }
}

TEST_CASE("several senders do not mix their messages, and the reader goes on beside them") {
  struct Senders {
    static Task<> send(WebSocket* socket, Loop* loop, std::string text) {
      for (int i = 0; i < 20; ++i) CHECK(co_await socket->send_text(text, loop->after(10s)));
    }
    static Task<> run(HttpExchange& exchange, Loop& loop) {
      auto socket = co_await exchange.accept_websocket("");
      TaskGroup group(loop);
      group.spawn("read", (*socket)->wait_closed());
      for (int i = 0; i < 5; ++i) {
        group.spawn("send", send(socket->get(), &loop, std::string(100, static_cast<char>('a' + i))));
      }
      co_await group.join_or_cancel();
    }
  };
  WebSocketWorld world([](HttpExchange& e, Loop& l) { return Senders::run(e, l); });
  std::string pings;
  for (int i = 0; i < 20; ++i) pings += masked(0x89, "p");
  const std::string bytes = after_head(world.talk(upgrade_request() + pings + masked(0x88, "\x03\xe8"), 60));
  std::size_t at = 0;
  int texts = 0, pongs = 0, closes = 0;
  while (at + 2 <= bytes.size()) {
    const int opcode = bytes[at] & 0x0f;
    const std::size_t size = static_cast<unsigned char>(bytes[at + 1]);
    const std::string payload = bytes.substr(at + 2, size);
    at += 2 + size;
    if (opcode == 1) {
      ++texts;
      CHECK(payload == std::string(100, payload[0]));
    } else if (opcode == 10) {
      ++pongs;
      CHECK(payload == "p");
    } else {
      ++closes;
    }
  }
  CHECK(at == bytes.size());
  CHECK(texts == 100);
  CHECK(pongs == 20);
  CHECK(closes == 1);
}

TEST_CASE("a protocol is named when the handler chose one") {
  WebSocketWorld world([](HttpExchange& exchange, Loop&) -> Task<> {
    CHECK(exchange.wants_websocket());
    auto socket = co_await exchange.accept_websocket("v4.channel.k8s.io");
    co_await (*socket)->wait_closed();
  });
  CHECK(world.talk(upgrade_request() + masked(0x88, ""))
            .find("Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n") != std::string::npos);
}

TEST_CASE("upgrades that are none are answered by HTTP") {
  WebSocketWorld world;
  CHECK(world.talk(upgrade_request("Sec-WebSocket-Version: 8\r\nConnection: close\r\n"))
            .starts_with("HTTP/1.1 426 "));
  CHECK(world.talk("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nSec-WebSocket-Version: 13\r\n\r\n")
            .starts_with("HTTP/1.1 400 "));
  CHECK(world
            .talk("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n")
            .starts_with("HTTP/1.1 400 "));
}

TEST_CASE("random frames never bring the server down") {
  WebSocketWorld world;
  Random random(7);
  for (int round = 0; round < 200; ++round) {
    std::string bytes = upgrade_request();
    for (std::uint64_t frames = random.below(6); frames > 0; --frames) {
      std::string frame = masked(static_cast<int>(random.below(256)), std::string(random.below(200), 'x'));
      if (random.chance(0.3)) frame[random.below(frame.size())] = static_cast<char>(random.next());
      bytes += frame;
    }
    auto run = [](TestWorld* w, std::string text) -> Task<> {
      auto stream = co_await w->connect();
      (void)co_await stream->write(text);
      co_await sleep(w->loop, 100ms);
    };
    world.loop.run(run(&world, std::move(bytes)));
  }
  world.loop.run_for(10s);
  CHECK(world.server->connections() == 0);
}

TEST_CASE("messages come out whole where they are kept, fragments joined, control frames between them") {
  const std::string frames = masked(0x82, "") + masked(0x81, std::string(300, 't')) + masked(0x02, "begin ") +
                             masked(0x89, "between") + masked(0x00, "middle ") + masked(0x80, "end");
  const std::string expected = "2:;1:" + std::string(300, 't') + ";9:between;2:begin middle end;";
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 1000u}) {
    INFO("pieces of " << piece);
    CHECK(read_frames(frames, piece, WebSocketReader(WebSocketReader::From::Client, 300)) == expected);
  }
}

TEST_CASE("a message that is too long is an error, as a whole or in fragments") {
  const WebSocketReader short_messages(WebSocketReader::From::Client, 10);
  CHECK(read_frames(masked(0x82, "0123456789"), 1, short_messages) == "2:0123456789;");
  CHECK(read_frames(masked(0x82, "0123456789x"), 1, short_messages) == "!");
  CHECK(read_frames(masked(0x02, "01234") + masked(0x80, "56789x"), 100, short_messages) == "!");
}

TEST_CASE("a client masks what it sends, a server does not") {
  CHECK(websocket_frame(WebSocketOpcode::Binary, "Hello", 0x78563412) == masked(0x82, "Hello"));
  CHECK(websocket_frame(WebSocketOpcode::Binary, std::string(70'000, 'x'), 0x78563412) ==
        masked(0x82, std::string(70'000, 'x')));
  const WebSocketReader of_a_server(WebSocketReader::From::Server, 100);
  CHECK(read_frames("\x82\x05Hello", 1, of_a_server) == "2:Hello;");
  CHECK(read_frames(masked(0x82, "Hello"), 100, of_a_server) == "!");
}

namespace {

constexpr std::size_t kLongest = 1u << 20;

// Says every message back, until the client closes.
Task<> echo(HttpExchange& exchange, Loop& loop) {
  auto socket = co_await exchange.accept_websocket("two.example", kLongest);
  if (!socket) co_return;
  while (true) {
    auto message = co_await (*socket)->receive();
    if (!message || !*message) co_return;
    CHECK(co_await (*socket)->send_binary(**message, loop.after(10s)));
  }
}

HttpRequest wish(std::string protocols = "one.example, two.example") {
  return {.target = "/watch?a=b", .headers = {{"Sec-WebSocket-Protocol", std::move(protocols)}}};
}

std::string said_back(TestWorld& world, WebSocket& socket, std::string text) {
  auto talk = [](Loop* loop, WebSocket* s, std::string what) -> Task<std::string> {
    if (!co_await s->send_binary(what, loop->after(10s))) co_return "not sent";
    auto message = co_await s->receive();
    co_return message ? message->value_or("closed") : message.error().message();
  };
  return world.run(talk(&world.loop, &socket, std::move(text)));
}

}  // namespace

TEST_CASE("a client's websocket carries messages of all lengths both ways, and outlives its client") {
  WebSocketWorld world([](HttpExchange& e, Loop& l) { return echo(e, l); });
  std::unique_ptr<WebSocket> socket;
  {
    HttpClient client = world.client();
    auto answer = world.run(client.open_websocket(wish(), kLongest, world.loop.after(10s)));
    REQUIRE(answer);
    CHECK(answer->head.status == 101);
    CHECK(answer->head.headers.get("Sec-WebSocket-Protocol") == "two.example");
    socket = std::move(answer->socket);
    REQUIRE(socket);
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{125}, std::size_t{126}, std::size_t{65'535},
                                 std::size_t{65'536}, kLongest}) {
    INFO(size);
    const std::string text(size, static_cast<char>(size % 251));
    CHECK((said_back(world, *socket, text) == text));
  }
  world.run([](WebSocket* s) -> Task<int> {
    co_await s->close(1000);
    co_return 0;
  }(socket.get()));
  world.loop.run_for(1s);
  CHECK(world.server->connections() == 0);
}

TEST_CASE("a message beyond the server's longest ends the websocket") {
  WebSocketWorld world([](HttpExchange& e, Loop& l) { return echo(e, l); });
  HttpClient client = world.client();
  auto answer = world.run(client.open_websocket(wish(), kLongest, world.loop.after(10s)));
  REQUIRE(answer);
  CHECK(said_back(world, *answer->socket, std::string(kLongest + 1, 'x')) == "closed");
  CHECK(client.connections() == 1);
  answer->socket.reset();
  CHECK(client.connections() == 0);
}

TEST_CASE("an upgrade that is refused brings status and body, and the connection is used again") {
  TestWorld world([](HttpExchange& exchange) -> Task<> {
    CHECK(exchange.wants_websocket());
    (void)co_await exchange.respond({.status = 403, .body = "not you"});
  });
  HttpClient client = world.client();
  for (int i = 0; i < 2; ++i) {
    auto answer = world.run(client.open_websocket(wish(), kLongest, world.loop.after(10s)));
    REQUIRE(answer);
    CHECK(answer->head.status == 403);
    CHECK(answer->head.body == "not you");
    CHECK_FALSE(answer->socket);
    CHECK(client.connections() == 1);
  }
}

TEST_CASE("a server that switches to something else is not believed") {
  struct Row {
    const char* why;
    std::string fields;
  };
  for (const Row& row : {Row{"no key", "Upgrade: websocket\r\n"},
                         Row{"the key of another",
                             "Upgrade: websocket\r\nSec-WebSocket-Accept: "
                             "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"},
                         Row{"another upgrade", "Upgrade: SPDY/3.1\r\n"}}) {
    INFO(row.why);
    TestWorld world;
    ScriptedServer* known = nullptr;
    ScriptedServer server(world, {[&known, &row](Stream& stream) -> Task<> {
                            co_await known->read_request(stream);
                            (void)co_await stream.write(
                                "HTTP/1.1 101 Switching Protocols\r\nConnection: "
                                "Upgrade\r\n" +
                                row.fields + "\r\n");
                            co_await read_to_end(stream);
                          }});
    known = &server;
    HttpClient client = world.client();
    auto answer = world.run(client.open_websocket(wish(), kLongest, world.loop.after(10s)));
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind() == ErrorKind::Protocol);
    CHECK(client.connections() == 0);
  }
}

TEST_CASE("a protocol that was not offered is not taken") {
  WebSocketWorld world([](HttpExchange& e, Loop& l) { return echo(e, l); });
  HttpClient client = world.client();
  auto answer = world.run(client.open_websocket(wish("other.example"), kLongest, world.loop.after(10s)));
  REQUIRE_FALSE(answer);
  CHECK_THAT(answer.error().message(), Catch::Contains("not offered"));
}

TEST_CASE("a socket's deadline cuts it, also when messages were sent meanwhile") {
  WebSocketWorld world([](HttpExchange& exchange, Loop&) -> Task<> {
    auto socket = co_await exchange.accept_websocket("", kLongest);
    co_await (*socket)->wait_closed();
  });
  HttpClient client = world.client();
  auto answer = world.run(client.open_websocket({}, kLongest, world.loop.after(10s)));
  REQUIRE(answer);
  const SteadyTime before = world.loop.steady();
  answer->socket->set_deadline(world.loop.after(5s));
  CHECK_THAT(said_back(world, *answer->socket, "unanswered"), Catch::Contains("deadline"));
  CHECK(world.loop.steady() - before == 5s);
}
