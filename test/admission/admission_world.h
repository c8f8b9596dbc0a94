// AdmissionWorld is an embedded API server and some webhook replicas' ways to it, in one simulated world.
//
//   AdmissionWorld world;
//   auto client = world.client("replica-0");
//   Background background(world);
//   background.spawn("keeper", keeper.run());
//   world.loop.run_for(1min);
//
// Thread: one.
#pragma once

#include <catch2/catch.hpp>

#include <memory>
#include <optional>
#include <string>

#include "kube/admission/ca_bundle_injector.h"
#include "kube/admission/certificate_keeper.h"
#include "kube/admission/review_server.h"
#include "kube/apiserver/api_server.h"
#include "kube/async/sim_loop.h"
#include "kube/async/sim_network.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/core/base64.h"
#include "kube/http/certificate.h"

namespace kube {

struct AdmissionWorld {
  AdmissionWorld() : server(loop, net.host("api"), options()) { tasks.spawn("apiserver", server.run()); }
  ~AdmissionWorld() {
    tasks.cancel();
    loop.run(tasks.join());
  }

  static ApiServerOptions options() {
    ApiServerOptions plain;
    plain.tls = false;
    plain.token_key = "test";
    plain.listen = {"api", 8080};
    apiserver::StaticToken hook;
    hook.token = "hook";
    hook.user = {"hook", "", {"system:masters", "system:authenticated"}, {}};
    plain.static_tokens = {std::move(hook)};
    return plain;
  }

  std::unique_ptr<Client> client(const std::string& host) {
    ClientConfig config;
    config.server = "http://api:8080";
    config.token = "hook";
    return std::move(Client::create(loop, net.host(host), std::move(config)).value());
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

  apiserver::ApiAnswer ask(std::string method, std::string target, const Json& body = nullptr,
                           const std::string& type = "application/json") {
    apiserver::ApiRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    if (!body.is_null()) request.body = body.dump();
    request.headers.set("Content-Type", type);
    return run(server.handle(std::move(request)));
  }
  // Null when there is none.
  Json secret() const {
    const auto found = const_cast<ApiServer&>(server).store().get("secrets", {"default", "hook-certs"});
    return found ? found->json() : Json();
  }

  SimLoop loop{5};
  SimNetwork net{loop};
  ApiServer server;
  TaskGroup tasks{loop};
};

inline const std::string kSecretPath = "/api/v1/namespaces/default/secrets/hook-certs";

inline CertificateKeeperOptions keeper_options() {
  CertificateKeeperOptions options;
  options.secret = {"default", "hook-certs"};
  options.names = {.common_name = "hook.default.svc", .organization = "test"};
  return options;
}

// What runs beside a test's own steps; declared after all that its tasks use, so that they end first.
class Background {
 public:
  explicit Background(AdmissionWorld& world) : loop_(world.loop), tasks_(world.loop) {}
  ~Background() {
    tasks_.cancel();
    loop_.run(tasks_.join());
  }
  void spawn(std::string name, Task<> task) { tasks_.spawn(std::move(name), std::move(task)); }

 private:
  SimLoop& loop_;
  TaskGroup tasks_;
};

// One replica of a webhook: its keeper, and what it was told.
struct Replica {
  Replica(AdmissionWorld& world, const std::string& host, CertificateKeeperOptions options = keeper_options())
      : client(world.client(host)), keeper(*client, std::move(options)) {
    keeper.on_serving([this](const ServingCertificate& now) { served.push_back(now); });
    keeper.on_authorities([this](const std::string& pem) { authorities.push_back(pem); });
  }
  std::unique_ptr<Client> client;
  CertificateKeeper keeper;
  std::vector<ServingCertificate> served;
  std::vector<std::string> authorities;
};

}  // namespace kube
