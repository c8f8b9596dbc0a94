// HealthServer answers /healthz, /readyz and /metrics over plain HTTP (or TLS when given a context).
//
//   HealthServer probes(loop, network, {.at = {"", 8081}});
//   probes.add_readyz("informers", [&]() -> Result<> {
//     if (!synced()) return fail(ErrorKind::Unavailable, "not synced");
//     return {};
//   });
//   HealthServer metrics_server(loop, network, {.at = {"", 8080}, .metrics = &metrics});
//
// /healthz and /readyz answer 200 "ok" when every check passes, else 500 with a line a check; "?verbose"
// lists all, "?exclude=<check>" leaves one out. Paths below name one check (/readyz/informers). Checks run on
// the loop at each probe and must not block. Thread: the loop's only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "kube/base/log.h"
#include "kube/http/server.h"
#include "kube/runtime/metrics.h"
#include "kube/runtime/runnable.h"

namespace kube {

using HealthCheck = std::function<Result<>()>;

struct HealthServerOptions {
  Endpoint at = {};
  MetricsRegistry* metrics = nullptr;  // null: /metrics answers 404
  std::string metrics_path = "";       // another path that answers as /metrics does
  bool probes = true;                  // false: /healthz and /readyz answer 404
  std::shared_ptr<TlsServerContext> tls = nullptr;
  Log log = {};
};

class HealthServer final : public Runnable {
 public:
  HealthServer(Loop& loop, Network& network, HealthServerOptions options);
  ~HealthServer() override;

  void add_healthz(std::string name, HealthCheck check);
  void add_readyz(std::string name, HealthCheck check);

  // Takes the port now, so that "address already in use" is found before anything starts. run() does it
  // otherwise.
  Result<> listen();
  Endpoint local() const;  // with the real port; after listen()

  const std::string& name() const override { return name_; }
  Task<Result<>> run() override;
  void stop() override;

 private:
  using Checks = std::map<std::string, HealthCheck>;
  Task<> answer(HttpExchange& exchange);
  HttpResponse answer_to(const HttpRequest& request) const;
  static HttpResponse run_checks(const Checks& checks, std::string_view only, std::string_view query);

  Network& network_;
  const HealthServerOptions options_;
  const std::string name_ = "health server";
  Checks healthz_;
  Checks readyz_;
  std::unique_ptr<Listener> listener_;
  Endpoint local_;
  HttpServer server_;
};

}  // namespace kube
