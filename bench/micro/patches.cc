#include "bench/micro/benchmarks.h"
#include "bench/micro/samples.h"
#include "kube/core/fields.h"
#include "kube/core/patch.h"

namespace bench {

using kube::Json;

void patch_benchmarks(Suite& suite) {
  // A status that moves on, and a pod that a webhook changes in a few places.
  Json before = application_json();
  Json after = before;
  after["status"] = kube::encode(running_application().status);
  const Json merge = kube::create_merge_patch(before, after);

  const Json pod = driver_pod_json();
  Json mutated = pod;
  mutated["spec"]["priorityClassName"] = "high";
  mutated["spec"]["tolerations"].push_back({{"key", "late"}, {"operator", "Exists"}});
  mutated["spec"]["containers"][0]["env"].push_back({{"name", "LATE"}, {"value", "1"}});
  mutated["metadata"]["labels"]["late"] = "1";
  const Json operations = kube::create_json_patch(pod, mutated);
  const Json ready = {{"status", {{"conditions", Json::array({{{"type", "Ready"}, {"status", "False"}}})}}}};

  suite.measure("patch: make a merge patch (status of an application)",
                [&] { return kube::create_merge_patch(before, after); });
  suite.measure("patch: apply it", [&] { return kube::apply_merge_patch(before, merge); });
  suite.measure("patch: make a JSON patch (4 changes of a driver pod)",
                [&] { return kube::create_json_patch(pod, mutated); });
  suite.measure("patch: apply it (JSON patch)", [&] { return kube::apply_json_patch(pod, operations); });
  suite.measure("patch: apply a strategic merge patch (one condition)",
                [&] { return kube::apply_strategic_merge_patch(pod, ready); });
}

}  // namespace bench
