// PretendKubelet plays scheduler, kubelet and Spark: pods are bound, run once the config maps they mount
// exist, and end; a running driver creates its executors and takes them away when it ends; a deleted pod goes
// after a while. Where the plan says that drivers are told, a driver runs until an annotation ends it. A
// Connect server is ready once it runs, and ends only as evicted pods do.
//
//   PretendKubelet kubelet(loop, server, plan);
//   kubelet.run_pod(object);                // for every new pod
//   kubelet.be_brisk();                     // from now on drivers end soon
//
// Thread: the loop's only. Lifetime: the server outlives it; cancel its tasks first.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "kube/async/task_group.h"
#include "test/sim/direct_client.h"
#include "test/sim/plan.h"

namespace sim {

// Of a driver that is told when to end.
inline constexpr int kExecutors = 2;

class PretendKubelet {
 public:
  PretendKubelet(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan,
                 kube::TaskGroup& tasks);

  void run_pod(const kube::apiserver::ObjectRef& pod);
  // … and servers are not taken away any more.
  void be_brisk() {
    evicts_ = false;
    longest_run_ = std::min<kube::Duration>(longest_run_, std::chrono::seconds(3));
  }

 private:
  kube::Task<> live(kube::ObjectKey key, std::string uid, kube::Random random);
  kube::apiserver::ObjectRef find(const kube::ObjectKey& key, const std::string& uid) const;
  kube::Task<> set_phase(kube::apiserver::ObjectRef pod, std::string phase, int exit_code);
  kube::Task<> create_executors(kube::apiserver::ObjectRef driver, int count);
  kube::Task<> remove_executors(kube::apiserver::ObjectRef driver);

  kube::Loop& loop_;
  kube::apiserver::ApiServer& server_;
  const Plan& plan_;
  kube::TaskGroup& tasks_;
  DirectClient api_;
  kube::Duration longest_run_;
  bool evicts_;
  std::uint64_t pods_ = 0;
};

// What invariants and kubelet read of a pod.
bool is_driver(const kube::Json& pod);
bool is_connect_server(const kube::Json& pod);
std::string phase_of(const kube::Json& pod);
bool has_ended(const kube::Json& pod);  // Succeeded or Failed
// What its annotation kExitCode says; nullopt: nothing yet.
std::optional<int> told_exit_code(const kube::Json& pod);
// Every config map it mounts is there: the pod can run.
bool volumes_exist(kube::apiserver::ApiServer& server, const kube::Json& pod);
std::string name_of(const kube::Json& object);
std::string label_of(const kube::Json& object, const std::string& name);
// Its deletion was asked for.
bool is_deleting(const kube::Json& object);
// UID of the reference of that kind; "" when there is none.
std::string owner_uid(const kube::Json& object, const std::string& kind);

}  // namespace sim
