// PretendRuntime runs nothing: containers "start" after a drawn delay and "end" as a plan says. For load
// (thousands of pods on one machine) and for simulations (SimLoop).
//
//   PretendRuntime runtime(loop, {.plan = [](const Json& pod, const std::string& container) {
//     return PretendedRun{.lasts = 30s, .exit = {0, "", ""}};
//   }});
//   Kubelet kubelet(loop, network, client, {.serve_logs = false}, runtime);
//
// Without a plan a container lasts and ends as the annotations of its pod say: `pretend.kubelet/lasts`
// ("30s", default for ever) and `pretend.kubelet/exit-code`. terminate() ends it after `stop_delay` with 143.
// Addresses are 10.x.y.z and lead nowhere. Thread: the loop's only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "kube/kubelet/pod_runtime.h"

namespace kube {

struct PretendedRun {
  Duration lasts = Duration::max();  // max: until it is told to end
  ContainerExit exit;
};

struct PretendOptions {
  Duration start_min = 50ms;
  Duration start_max = 500ms;
  Duration stop_delay = 100ms;
  std::function<PretendedRun(const Json& pod, const std::string& container)> plan = {};
};

class PretendRuntime final : public PodRuntime {
 public:
  explicit PretendRuntime(Loop& loop, PretendOptions options = {});

  Result<std::string> assign_address(const Json& pod) override;
  Task<Result<>> prepare(std::shared_ptr<const Json> pod, std::string address) override;
  Task<Result<std::unique_ptr<RunningContainer>>> start(StartContainer request) override;
  Task<> discard(std::string uid) override;

 private:
  Loop& loop_;
  const PretendOptions options_;
  std::map<std::string, std::string> addresses_;
  std::uint32_t next_ = 2;
};

}  // namespace kube
