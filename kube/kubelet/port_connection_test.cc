#include "kube/kubelet/port_connection.h"

#include <catch2/catch.hpp>

#include "kube/async/sim_loop.h"
#include "kube/async/sim_network.h"
#include "kube/async/task_group.h"
#include "kube/http/client.h"

using namespace kube;
using namespace std::string_literals;

namespace {

// A pod at 10.0.0.2 that says every byte back, and a kubelet that leads to it.
struct World {
  World() {
    server.emplace(loop, HttpServerOptions{}, [this](HttpExchange& exchange) {
      return join_port(exchange, loop, net.host("node"), {"10.0.0.2", 4040}, "ns/web");
    });
    tasks.spawn("kubelet", server->serve(std::move(*net.host("node").listen({"", 10250}))));
  }
  ~World() { loop.run(tasks.cancel_and_join()); }

  void start_pod() {
    tasks.spawn("pod", serve_pod(&loop, std::move(*net.host("10.0.0.2").listen({"", 4040}))));
  }
  static Task<> serve_pod(Loop* loop, std::unique_ptr<Listener> listener) {
    TaskGroup connections(*loop);
    std::exception_ptr thrown;
    try {
      while (auto stream = co_await listener->accept()) connections.spawn("echo", echo(std::move(*stream)));
    } catch (...) {
      thrown = std::current_exception();
    }
    co_await shield();
    co_await connections.cancel_and_join();
    if (thrown) std::rethrow_exception(thrown);
  }
  static Task<> echo(std::unique_ptr<Stream> stream) {
    char buffer[1000];
    while (true) {
      auto count = co_await stream->read_some(buffer);
      if (!count || *count == 0 || std::string_view(buffer, *count) == "quit") break;
      if (!co_await stream->write({buffer, *count})) break;
    }
  }

  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    auto body = [](Task<T> inner, std::optional<T>* out) -> Task<> {
      out->emplace(co_await std::move(inner));
    };
    loop.run(body(std::move(task), &value));
    return std::move(*value);
  }
  WebSocketAnswer open(Headers headers = {{"Sec-WebSocket-Protocol", "v4.channel.k8s.io"}}) {
    HttpClient client(loop, net.host("api"), {.origin = {"node", 10250}});
    return std::move(*run(client.open_websocket({.headers = std::move(headers)}, 1u << 20, loop.after(10s))));
  }
  std::string next(WebSocket& socket) {
    auto message = run(socket.receive());
    return message ? message->value_or("<closed>") : "<" + message.error().message() + ">";
  }

  SimLoop loop{3};
  SimNetwork net{loop};
  std::optional<HttpServer> server;
  TaskGroup tasks{loop};
};

}  // namespace

TEST_CASE("a port is joined: told on both channels, then bytes on channel 0, exactly") {
  World world;
  world.start_pod();
  auto answer = world.open();
  REQUIRE(answer.socket);
  CHECK(answer.head.headers.get("Sec-WebSocket-Protocol") == "v4.channel.k8s.io");
  CHECK(world.next(*answer.socket) == "\0\xc8\x0f"s);
  CHECK(world.next(*answer.socket) == "\1\xc8\x0f"s);
  for (const std::string& message : {""s, "\1no data"s, "\0hello"s})
    CHECK(world.run(answer.socket->send_binary(message, world.loop.after(1s))));
  CHECK(world.next(*answer.socket) == "\0hello"s);
  SECTION("the pod's end ends the websocket") {
    CHECK(world.run(answer.socket->send_binary("\0quit"s, world.loop.after(1s))));
    CHECK(world.next(*answer.socket) == "<closed>");
    world.loop.run_for(1s);
    CHECK(world.server->connections() == 0);
  }
  SECTION("the websocket's end, polite or not, ends the connection to the pod") {
    answer.socket.reset();
    world.loop.run_for(10s);
    CHECK(world.server->connections() == 0);
  }
}

TEST_CASE("a port where nobody listens is told on channel 1") {
  World world;
  auto answer = world.open({});
  REQUIRE(answer.socket);
  CHECK(world.next(*answer.socket) == "\0\xc8\x0f"s);
  CHECK(world.next(*answer.socket) == "\1\xc8\x0f"s);
  CHECK(world.next(*answer.socket) ==
        "\1"
        "error forwarding port 4040 to pod ns/web: connect to 10.0.0.2:4040: connection refused");
  CHECK(world.next(*answer.socket) == "<closed>");
}

TEST_CASE("a protocol that is not spoken is refused") {
  World world;
  auto answer = world.open({{"Sec-WebSocket-Protocol", "SPDY/3.1+portforward.k8s.io"}});
  CHECK_FALSE(answer.socket);
  CHECK(answer.head.status == 403);
  CHECK_THAT(answer.head.body, Catch::Contains("only v4.channel.k8s.io"));
}

TEST_CASE("a query names exactly one port") {
  CHECK(parse_port_query("port=4040").value_or(0) == 4040);
  for (const char* query :
       {"", "port=", "port=0", "port=65536", "port=-1", "port=x", "port=80,81", "port=80&port=81"}) {
    INFO(query);
    auto port = parse_port_query(query);
    REQUIRE_FALSE(port);
    CHECK(port.error().kind() == ErrorKind::BadRequest);
  }
}
