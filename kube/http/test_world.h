// TestWorld is a simulated network with an HttpServer on "server" port 80 and room for tasks; for this room's
// tests.
//
//   TestWorld world([](HttpExchange& exchange) { return greet(exchange); });
//   std::string answer = world.talk("GET / HTTP/1.1\r\nHost: x\r\n\r\n");     // until the server closes
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/async/sim_loop.h"
#include "kube/async/sim_network.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/http/client.h"
#include "kube/http/server.h"
#include "kube/http/wire.h"

namespace kube {

inline Task<std::string> read_to_end(Stream& stream) {
  InputBuffer input;
  while (true) {
    Result<std::size_t> got = co_await input.read_from(stream);
    if (!got || *got == 0) break;
  }
  co_return std::string(input.bytes());
}

// Until `text` has come; everything that has.
inline Task<std::string> read_until_text(Stream& stream, std::string text) {
  InputBuffer input;
  while (input.bytes().find(text) == std::string_view::npos) {
    Result<std::size_t> got = co_await input.read_from(stream);
    if (!got || *got == 0) break;
  }
  co_return std::string(input.bytes());
}

struct TestWorld {
  SimLoop loop{7};
  SimNetwork net{loop};
  std::shared_ptr<RecordingSink> log_lines = std::make_shared<RecordingSink>();
  std::optional<HttpServer> server;
  TaskGroup tasks{loop};

  TestWorld() = default;
  explicit TestWorld(HttpServer::Handler handler, HttpServerOptions options = {}) {
    server.emplace(loop, std::move(options), std::move(handler), Log(log_lines, LogLevel::Debug));
    tasks.spawn("server", server->serve(std::move(*net.host("server").listen({"", 80}))));
  }
  ~TestWorld() {
    tasks.cancel();
    loop.run(tasks.join());
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

  HttpClient client(HttpClientOptions options = {}) {
    options.origin = {"server", 80};
    return HttpClient(loop, net.host("client"), std::move(options));
  }

  Task<std::unique_ptr<Stream>> connect() {
    co_return std::move(*co_await net.host("client").connect({"server", 80}, loop.after(10s)));
  }

  // Sends `bytes` in pieces (0: at once) and reads until the server closes.
  std::string talk(std::string bytes, std::size_t piece = 0) {
    auto body = [](TestWorld* world, std::string text, std::size_t size) -> Task<std::string> {
      auto stream = co_await world->connect();
      for (std::size_t at = 0; at < text.size(); at += size) {
        if (!co_await stream->write(std::string_view(text).substr(at, size))) break;
        co_await sleep(world->loop, 5ms);
      }
      co_return co_await read_to_end(*stream);
    };
    const std::size_t size = piece == 0 ? bytes.size() + 1 : piece;
    return run(body(this, std::move(bytes), size));
  }
};

// Accepts connections at "server" port 80 and gives each to the next script; none is accepted after the last.
class ScriptedServer {
 public:
  using Script = std::function<Task<>(Stream&)>;

  ScriptedServer(TestWorld& world, std::vector<Script> scripts)
      : listener_(std::move(*world.net.host("server").listen({"", 80}))),
        scripts_(std::move(scripts)),
        loop_(world.loop),
        tasks_(world.loop) {
    tasks_.spawn("accept", accept_all());
  }
  ~ScriptedServer() {
    tasks_.cancel();
    loop_.run(tasks_.join());
  }

  int accepted() const { return accepted_; }
  const std::vector<std::string>& received() const { return received_; }

  // Reads one request and remembers it as "METHOD target body".
  Task<> read_request(Stream& stream) {
    WireParser parser(WireParser::Role::Request, {});
    InputBuffer input;
    while (!parser.done()) {
      Result<std::size_t> got = co_await input.read_from(stream);
      if (!got || *got == 0) co_return;
      input.consume(parser.put(input.bytes()));
    }
    received_.push_back(parser.request().method + " " + parser.request().target + " " + parser.body());
  }

 private:
  Task<> accept_all() {
    for (const Script& script : scripts_) {
      Result<std::unique_ptr<Stream>> stream = co_await listener_->accept();
      if (!stream) break;
      ++accepted_;
      tasks_.spawn("connection", serve(script, std::move(*stream)));
    }
  }
  static Task<> serve(const Script& script, std::unique_ptr<Stream> stream) { co_await script(*stream); }

  std::unique_ptr<Listener> listener_;
  std::vector<Script> scripts_;
  SimLoop& loop_;
  TaskGroup tasks_;
  std::vector<std::string> received_;
  int accepted_ = 0;
};

}  // namespace kube
