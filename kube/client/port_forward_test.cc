#include "kube/client/port_forward.h"

#include <catch2/catch.hpp>

#include "kube/async/timer.h"
#include "kube/client/test_server.h"

using namespace kube;
using namespace std::string_literals;

namespace {

constexpr std::size_t kLongest = 1u << 20;
const std::string kPort = "\x90\x1f";  // 8080, little-endian

Task<> say(WebSocket& socket, Loop& loop, std::string message) {
  CHECK(co_await socket.send_binary(message, loop.after(10s)));
}

// What a kubelet does: tells the port on both channels, then goes on as `then` says.
class Kubelet {
 public:
  using Then = std::function<Task<>(WebSocket&, Loop&)>;
  explicit Kubelet(Then then) : then_(std::move(then)) {}

  ObjectKey pod{"ns", "web"};
  std::string protocols;
  int open = 0;
  TestServer server{[this](HttpExchange& exchange) { return serve(this, &exchange); }};
  std::unique_ptr<Client> client = server.client();

  Result<std::unique_ptr<Stream>> connect() { return server.run(connect_to_pod(*client, pod, 8080)); }

 private:
  static Task<> serve(Kubelet* self, HttpExchange* exchange) {
    self->protocols = exchange->request().headers.get("Sec-WebSocket-Protocol").value_or("");
    auto socket = co_await exchange->accept_websocket("v4.channel.k8s.io", kLongest);
    if (!socket) co_return;
    Loop& loop = self->server.loop;
    co_await say(**socket, loop, "\0"s + kPort);
    co_await say(**socket, loop, "\1"s + kPort);
    ++self->open;
    co_await self->then_(**socket, loop);
    --self->open;
    co_await (*socket)->close(1000);
  }

  Then then_;
};

// Of a pod that says everything back.
Task<> echo(WebSocket& socket, Loop& loop) {
  while (true) {
    auto message = co_await socket.receive();
    if (!message || !*message) co_return;
    CHECK(((**message).size() <= (32u << 10) + 1 && (**message)[0] == 0));
    co_await say(socket, loop, **message);
  }
}

Task<> nothing_more(WebSocket& socket, Loop&) {
  co_await socket.wait_closed();
}

Task<std::string> read_to(Stream& stream, std::size_t size) {
  std::string all(size, ' ');
  std::size_t have = 0;
  while (have < size) {
    auto count = co_await stream.read_some(std::span(all).subspan(have));
    if (!count) co_return "<" + count.error().message() + ">";
    if (*count == 0) co_return all.substr(0, have) + "<end>";
    have += *count;
  }
  co_return all;
}

Task<std::string> exchange(Stream& stream, std::string text) {
  if (auto written = co_await stream.write(text); !written) co_return "<" + written.error().message() + ">";
  co_return co_await read_to(stream, text.size());
}

}  // namespace

TEST_CASE("a stream to a pod's port asks for it by name, and carries bytes both ways") {
  Kubelet kubelet(echo);
  auto stream = kubelet.connect();
  REQUIRE(stream);
  CHECK(kubelet.server.requests ==
        std::vector<std::string>{"GET /api/v1/namespaces/ns/pods/web/portforward?ports=8080"});
  CHECK(kubelet.protocols == "v4.channel.k8s.io");
  CHECK((*stream)->peer().to_string() == "ns/web:8080");
  for (const std::size_t size : {1u, 5u, 100'000u}) {
    const std::string text(size, static_cast<char>('a' + size % 7));
    CHECK((kubelet.server.run(exchange(**stream, text)) == text));
  }
}

TEST_CASE("the port that each channel tells may come in pieces, or with the first bytes") {
  Kubelet kubelet([](WebSocket& socket, Loop& loop) -> Task<> {
    co_await say(socket, loop, "\0hello"s);
    co_await say(socket, loop, "\1"s);
    co_await say(socket, loop, "\2of nobody"s);
    co_await say(socket, loop, "");
    co_await say(socket, loop, "\0 world"s);
  });
  auto stream = kubelet.connect();
  REQUIRE(stream);
  CHECK(kubelet.server.run(read_to(**stream, 100)) == "hello world<end>");

  TestServer server([&server](HttpExchange& exchange) -> Task<> {
    auto socket = co_await exchange.accept_websocket("v4.channel.k8s.io", kLongest);
    for (const std::string& message : {"\0\x90"s, "\1\x90\x1f"s, "\0\x1fjoined"s}) {
      CHECK(co_await (*socket)->send_binary(message, server.loop.after(10s)));
    }
    co_await (*socket)->close(1000);
  });
  auto client = server.client();
  auto other = server.run(connect_to_pod(*client, {"ns", "web"}, 8080));
  REQUIRE(other);
  CHECK(server.run(read_to(**other, 100)) == "joined<end>");
}

TEST_CASE("that nobody listens is the error of a read, in the kubelet's words") {
  Kubelet kubelet([](WebSocket& socket, Loop& loop) {
    return say(socket, loop, "\1error forwarding port 8080: connection refused"s);
  });
  auto stream = kubelet.connect();
  REQUIRE(stream);
  CHECK(kubelet.server.run(read_to(**stream, 1)) == "<error forwarding port 8080: connection refused>");
}

TEST_CASE("a refusal is the API server's, and another protocol is none that we speak") {
  TestServer server([](HttpExchange& exchange) -> Task<> {
    if (exchange.request().target.find("/free/") != std::string::npos) {
      auto socket = co_await exchange.accept_websocket("", kLongest);
      co_await (*socket)->wait_closed();
      co_return;
    }
    co_await reply(exchange, 403, R"({"kind":"Status","reason":"Forbidden","code":403,"message":"not you"})");
  });
  auto client = server.client();
  auto refused = server.run(connect_to_pod(*client, {"ns", "web"}, 80));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind() == ErrorKind::Forbidden);
  CHECK_THAT(refused.error().message(), Catch::Contains("not you"));
  auto other = server.run(connect_to_pod(*client, {"ns", "free"}, 80));
  REQUIRE_FALSE(other);
  CHECK(other.error().kind() == ErrorKind::Protocol);
}

TEST_CASE("after shutdown ten seconds of the pod's silence are the end") {
  Kubelet kubelet(nothing_more);
  auto stream = kubelet.connect();
  REQUIRE(stream);
  const SteadyTime before = kubelet.server.loop.steady();
  CHECK(kubelet.server.run((*stream)->shutdown()));
  CHECK_THAT(kubelet.server.run(read_to(**stream, 1)), Catch::Contains("deadline"));
  const Duration took = kubelet.server.loop.steady() - before;
  CHECK((took >= 10s && took < 11s));
  kubelet.server.loop.run_for(1s);
  CHECK(kubelet.open == 0);
}

TEST_CASE("after shutdown a pod that goes on talking is heard to its end") {
  Kubelet kubelet([](WebSocket& socket, Loop& loop) -> Task<> {
    for (const char* word : {"one ", "two ", "three ", "four"}) {
      co_await sleep(loop, 8s);
      co_await say(socket, loop, "\0"s + word);
    }
  });
  auto stream = kubelet.connect();
  REQUIRE(stream);
  CHECK(kubelet.server.run((*stream)->shutdown()));
  CHECK(kubelet.server.run(read_to(**stream, 18)) == "one two three four");
}

namespace {

struct ForwardWorld {
  explicit ForwardWorld(Kubelet::Then then, PortForwarderOptions options = {})
      : kubelet(std::move(then)),
        forwarder(*kubelet.client, desk(), with(this, std::move(options))),
        tasks(kubelet.server.loop) {
    REQUIRE(forwarder.listen());
    tasks.spawn("forwarder", forwarder.run());
  }
  ~ForwardWorld() { kubelet.server.loop.run(tasks.cancel_and_join()); }

  static PortForwarderOptions with(ForwardWorld* world, PortForwarderOptions options) {
    options.listen = {"", 4040};
    options.pod = world->kubelet.pod;
    options.port = 8080;
    options.on_error = [world](const Error& error) { world->errors.push_back(error.message()); };
    return options;
  }
  Network& desk() { return kubelet.server.net.host("desk"); }
  std::unique_ptr<Stream> connect() {
    return std::move(*kubelet.server.run(desk().connect({"desk", 4040}, kubelet.server.loop.after(1s))));
  }

  Kubelet kubelet;
  std::vector<std::string> errors;
  PortForwarder forwarder;
  TaskGroup tasks;
};

}  // namespace

TEST_CASE("a forwarder gives each connection one of its own") {
  ForwardWorld world(echo);
  auto first = world.connect(), second = world.connect();
  for (int i = 0; i < 3; ++i) {
    CHECK(world.kubelet.server.run(exchange(*first, "one")) == "one");
    CHECK(world.kubelet.server.run(exchange(*second, "two")) == "two");
  }
  CHECK(world.kubelet.open == 2);
  first->close();
  world.kubelet.server.loop.run_for(11s);
  CHECK(world.kubelet.open == 1);
  CHECK(world.kubelet.server.run(exchange(*second, "still")) == "still");
  CHECK(world.errors.empty());
}

TEST_CASE("a forwarder serves so many at once; the next one waits for a place") {
  ForwardWorld world(echo, {.max_connections = 2});
  auto first = world.connect(), second = world.connect(), third = world.connect();
  CHECK(world.kubelet.server.run(exchange(*first, "one")) == "one");
  CHECK(world.kubelet.server.run(third->write("three")));
  world.kubelet.server.loop.run_for(1h);
  CHECK(world.kubelet.open == 2);
  second->close();
  CHECK(world.kubelet.server.run(read_to(*third, 5)) == "three");
}

TEST_CASE("the pod's end is the client's, and a client that then says nothing loses its place") {
  ForwardWorld world([](WebSocket& socket, Loop& loop) { return say(socket, loop, "\0bye"s); },
                     {.max_connections = 1});
  auto first = world.connect();
  CHECK(world.kubelet.server.run(read_to(*first, 100)) == "bye<end>");
  auto second = world.connect();
  CHECK(world.kubelet.server.run(read_to(*second, 100)) == "bye<end>");
  CHECK(world.errors.empty());
}

TEST_CASE("what goes wrong on the pod's side is told") {
  ForwardWorld world([](WebSocket& socket, Loop& loop) { return say(socket, loop, "\1nobody listens"s); });
  auto client = world.connect();
  CHECK(world.kubelet.server.run(read_to(*client, 100)) == "<end>");
  CHECK(world.errors == std::vector<std::string>{"nobody listens"});
}
