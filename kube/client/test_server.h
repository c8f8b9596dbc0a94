// TestServer is a scripted API server on a simulated network; for tests of this room.
//
//   TestServer server([](HttpExchange& exchange) { return reply(exchange, 200, R"({"kind":"Pod"})"); });
//   auto client = server.client();
//   Result<Json> answer = server.run(client->request({.path = "/api/v1/pods"}));
//
// Requests are recorded as "METHOD target". Thread: one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/async/sim_loop.h"
#include "kube/async/sim_network.h"
#include "kube/async/task_group.h"
#include "kube/client/client.h"
#include "kube/http/server.h"

namespace kube {

inline Task<> reply(HttpExchange& exchange, int status, std::string body, Headers headers = {}) {
  headers.set("Content-Type", "application/json");
  (void)co_await exchange.respond({.status = status, .headers = std::move(headers), .body = std::move(body)});
}

class TestServer {
 public:
  using Script = std::function<Task<>(HttpExchange&)>;

  explicit TestServer(Script script, std::uint64_t seed = 1) : loop(seed), script_(std::move(script)) {
    server_.emplace(loop, HttpServerOptions{}, [this](HttpExchange& exchange) -> Task<> {
      requests.push_back(exchange.request().method + " " + exchange.request().target);
      return script_(exchange);
    });
    tasks.spawn("server", server_->serve(std::move(*net.host("server").listen({"", 80}))));
  }
  ~TestServer() {
    tasks.cancel();
    loop.run(tasks.join());
  }

  std::unique_ptr<Client> client(ClientOptions options = {}, ClientConfig config = {}) {
    if (config.server.empty()) config.server = "http://server";
    auto made = Client::create(loop, net.host("client"), std::move(config), std::move(options));
    return std::move(made.value());
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

  SimLoop loop;
  SimNetwork net{loop};
  TaskGroup tasks{loop};
  std::vector<std::string> requests;

 private:
  Script script_;
  std::optional<HttpServer> server_;
};

}  // namespace kube
