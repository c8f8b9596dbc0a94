// OperatorProcess is one run of the operator on one simulated host, put together as the real binary does it:
// client, manager, submitters, controllers, on a loop of its own.
//
//   OperatorProcess process(world_loop, net.host("operator-0-1"), {.name = "operator-0-1", …}, log);
//   net.kill("operator-0-1"); process.crash();     // as a power cut: nothing it still does leaves its host
//   process.stop();                                // as SIGTERM
//   process.loop().freeze_after(3);                // as SIGSTOP, in mid-work
//   process.ended();                               // now it may be destroyed
//
// A host is used for one process only, so that what is left of a crashed one can never reach anybody again.
// Thread: the loop's only. Lifetime: destroyed only after ended().
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "controller/application/application_controller.h"
#include "controller/submit/submitter_choice.h"
#include "kube/async/task_group.h"
#include "kube/client/client.h"
#include "kube/runtime/manager.h"
#include "test/sim/process_loop.h"
#include "test/sim/simulated_spark_submit.h"
#include "test/sim/simulated_submission_service.h"

namespace sim {

// What the operator's client gives every call; also how long a driver's POST may be under way.
inline constexpr kube::Duration kCallDeadline = std::chrono::seconds(10);
// How long a spark-submit may run.
inline constexpr kube::Duration kSubmitTimeout = std::chrono::seconds(60);

class OperatorProcess {
 public:
  struct Settings {
    std::string name;  // host, identity and user agent
    std::string server = "http://apiserver";
    bool lease = false;
    std::uint64_t seed = 1;
    controller::SubmitterMode submitter = controller::SubmitterMode::Native;
    // The controllers of these kinds; their definitions are served then.
    bool schedules = false;
    bool connects = false;
    // Whether a spark-submit of it dies half-way (simulated_spark_submit.h).
    std::function<bool()> submit_dies = [] { return false; };
    std::function<void()> on_end = [] {};  // run() has returned; still not to be destroyed
  };
  OperatorProcess(kube::Loop& world, kube::Network& host, Settings settings, kube::Log log);
  ~OperatorProcess();

  const std::string& name() const { return settings_.name; }
  ProcessLoop& loop() { return loop_; }
  void crash();
  void stop();
  bool crashed() const { return crashed_; }
  // The manager's run() has come to its end, by whatever reason.
  bool has_returned() const { return returned_; }
  // … and nothing of it is left.
  bool ended() const { return tasks_.empty(); }
  // Its caches are full: it can follow a leader at once.
  bool is_ready() const { return !crashed_ && !returned_ && manager_->is_ready(); }
  // It reconciles, and would do so right now.
  bool is_working() const {
    return !crashed_ && !returned_ && !loop_.is_frozen() && manager_->is_started() &&
           manager_->leadership().term() != 0;
  }

 private:
  std::unique_ptr<kube::Client> client(std::string user_agent);
  kube::Task<> run();

  const Settings settings_;
  ProcessLoop loop_;
  std::unique_ptr<kube::Client> client_, spark_submit_client_;
  std::unique_ptr<controller::NativeSubmitter> native_;
  std::unique_ptr<SimulatedSparkSubmit> spark_submit_process_;
  std::unique_ptr<controller::SparkSubmitSubmitter> spark_submit_;
  std::unique_ptr<controller::SubmissionService> service_;
  std::unique_ptr<controller::RestSubmitter> rest_;
  std::unique_ptr<controller::SubmitterChoice> submitter_;
  std::unique_ptr<kube::Manager> manager_;
  kube::TaskGroup tasks_;
  bool crashed_ = false;
  bool returned_ = false;
};

}  // namespace sim
