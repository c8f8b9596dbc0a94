// A node that only pretends to run its pods, and a scheduler that binds every pod to it, as a process: for
// suites that want many drivers and no Spark.
//
//   pretend_kubelet --kubeconfig FILE [--node NAME]
//
// Containers last and end as annotations of their pods say (kube/kubelet/pretend_runtime.h). Says "ready" on
// stdout when the node is. Ends at SIGTERM or SIGINT.
#include <signal.h>

#include <cstdio>
#include <string>
#include <vector>

#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/client/config.h"
#include "kube/kubelet/kubelet.h"
#include "kube/kubelet/pretend_runtime.h"
#include "kube/kubelet/scheduler.h"

namespace {

using namespace std::chrono_literals;

kube::Task<> run_part(kube::Task<kube::Result<>> part, std::string name, bool* failed) {
  auto ended = co_await std::move(part);
  if (ended) co_return;
  std::fprintf(stderr, "%s: %s\n", name.c_str(), ended.error().message().c_str());
  *failed = true;
}

kube::Task<> say_ready(kube::Loop& loop, kube::Kubelet& kubelet) {
  while (!kubelet.is_ready()) co_await kube::sleep(loop, 20ms);
  std::puts("ready");
  std::fflush(stdout);
}

kube::Task<> run_node(kube::Loop& loop, kube::Kubelet& kubelet, kube::Scheduler& scheduler, bool* failed) {
  kube::TaskGroup parts(loop);
  parts.spawn("kubelet", run_part(kubelet.run(), "kubelet", failed));
  parts.spawn("scheduler", run_part(scheduler.run(), "scheduler", failed));
  parts.spawn("ready", say_ready(loop, kubelet));
  co_await kube::wait_for_signal(loop, {SIGTERM, SIGINT});
  scheduler.stop();
  kubelet.stop();
  co_await parts.stop(5s);
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  std::string kubeconfig, node = "pretended";
  const std::vector<std::string> words(argv + 1, argv + argc);
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    if (words[i] == "--kubeconfig") kubeconfig = words[i + 1];
    if (words[i] == "--node") node = words[i + 1];
  }
  if (kubeconfig.empty() || words.size() % 2 != 0) {
    std::fputs("usage: pretend_kubelet --kubeconfig FILE [--node NAME]\n", stderr);
    return 2;
  }
  kube::RealLoop loop;
  kube::TcpNetwork network(loop);
  auto config = kube::load_config({.kubeconfig = kubeconfig});
  auto client = config ? kube::Client::create(loop, network, *config) : kube::fail(config);
  if (!client) {
    std::fprintf(stderr, "pretend_kubelet: %s\n", client.error().message().c_str());
    return 1;
  }
  kube::PretendRuntime runtime(loop, {.start_min = 20ms, .start_max = 200ms});
  kube::KubeletOptions options;
  options.node_name = node;
  options.cpu = "10k";
  options.memory = "10Ti";
  options.max_pods = 100'000;
  options.serve_logs = false;
  kube::Kubelet kubelet(loop, network, **client, options, runtime);
  kube::Scheduler scheduler(**client, {});
  bool failed = false;
  loop.run(run_node(loop, kubelet, scheduler, &failed));
  return failed ? 1 : 0;
}
