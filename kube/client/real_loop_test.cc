#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>

#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"
#include "kube/client/api.h"
#include "kube/client/test_server.h"

using namespace kube;

namespace {

struct Served {
  std::vector<std::string> tokens;
  int watches = 0;
};

Task<> serve(HttpExchange& exchange, Served* served) {
  served->tokens.emplace_back(exchange.request().headers.get("Authorization").value_or(""));
  if (exchange.request().target.find("watch=true") == std::string::npos) {
    co_await reply(exchange, 200, R"({"metadata":{"resourceVersion":"1"},"items":[{"a":1}]})");
    co_return;
  }
  ++served->watches;
  (void)co_await exchange.start({.status = 200});
  (void)co_await exchange.write_chunk("{\"type\":\"ADDED\",\"object\":{}}\n");
  (void)co_await exchange.finish();
}

Task<> talk(RealLoop* loop, TcpNetwork* network, std::string host, std::string token_file, Served* served) {
  auto listener = network->listen({host, 0});
  if (!listener) {
    WARN("cannot listen on " << host << ": " << listener.error().message());
    co_return;
  }
  const std::string server_url = "http://" + (*listener)->local().to_string();
  HttpServer server(*loop, {}, [served](HttpExchange& exchange) { return serve(exchange, served); });
  TaskGroup tasks(*loop);
  tasks.spawn("server", server.serve(std::move(*listener)));
  {
    auto client = Client::create(*loop, *network, {.server = server_url, .token_file = token_file});
    CHECK(client);
    Api pods(**client, kPods, "ns");
    for (int i = 0; i < 20; ++i) CHECK((co_await pods.list())->items.size() == 1);
    auto watch = co_await pods.watch();
    CHECK(watch);
    CHECK((co_await watch->next())->value().type == "ADDED");
    CHECK(!(co_await watch->next())->has_value());
  }
  server.stop();
  co_await tasks.cancel_and_join();
}

}  // namespace

TEST_CASE("calls and watches work over real sockets, IPv4 and IPv6, with tokens read on the pool") {
  const std::string token_file = "/tmp/real_loop_test." + std::to_string(::getpid()) + ".token";
  std::ofstream(token_file) << "abc";
  for (const char* host : {"127.0.0.1", "::1"}) {
    INFO(host);
    RealLoop loop;
    TcpNetwork network(loop);
    Served served;
    loop.run(talk(&loop, &network, host, token_file, &served));
    for (const std::string& token : served.tokens) CHECK(token == "Bearer abc");
    CHECK(served.watches <= 1);
  }
  std::remove(token_file.c_str());
}
