// An operator, from flags to exit code: mirror_operator [KUBECONFIG]. It serves /healthz, /readyz, /metrics
// on :8081.
#include "kube/examples/mirror.h"
#include "kube/runtime/health_server.h"
#include "kube/runtime/process.h"
#include "kube/runtime/rest_client_metrics.h"

using namespace kube;

int main(int argc, char** argv) {
  RealLoop loop;
  TcpNetwork network(loop);
  MetricsRegistry metrics;
  const Log log = Log::to_stderr(LogLevel::Info, LogFormat::Console, loop.clock());
  auto config = load_config({.kubeconfig = argc > 1 ? argv[1] : ""});
  if (!config) return log.error("no cluster", {{"error", config.error()}}), 1;
  auto client =
      Client::create(loop, network, *config, {.on_request = rest_client_observer(metrics, config->server)});
  if (!client) return log.error("cannot start", {{"error", client.error()}}), 1;

  Manager manager(**client, {.component = "mirror", .log = log, .metrics = &metrics});
  const HealthServerOptions probes{.at = {"", 8081}, .metrics = &metrics, .log = log};
  manager.add(std::make_unique<HealthServer>(loop, network, probes));
  example::Mirror mirror(manager);
  return run_until_signal(loop, manager, log);
}
