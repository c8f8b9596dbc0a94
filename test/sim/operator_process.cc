#include "test/sim/operator_process.h"

#include <stdexcept>

#include "controller/connect/connect_controller.h"
#include "controller/schedule/schedule_controller.h"

namespace sim {

using namespace std::chrono_literals;

namespace {

constexpr const char* kMasterUrl = "k8s://https://kubernetes.default.svc:443";
// Back-off beyond half a minute would only make a world take longer to come to rest.
constexpr kube::Duration kLongestBackoff = 30s;

}  // namespace

OperatorProcess::OperatorProcess(kube::Loop& world, kube::Network& host, Settings settings, kube::Log log)
    : settings_(std::move(settings)), loop_(world, host, settings_.seed), tasks_(loop_, log) {
  client_ = client(settings_.name);
  spark_submit_client_ = client(settings_.name + kSparkSubmitAgent);

  spark::SubmitOptions submit;
  submit.master_url = kMasterUrl;
  native_ = std::make_unique<controller::NativeSubmitter>(*client_, submit);
  spark_submit_process_ =
      std::make_unique<SimulatedSparkSubmit>(*spark_submit_client_, settings_.submit_dies);
  controller::SparkSubmitOptions process;
  process.program = "/opt/spark/bin/spark-submit";
  process.timeout = kSubmitTimeout;
  process.lease = settings_.lease ? 15s : 0s;
  process.log = log;
  if (settings_.submitter == controller::SubmitterMode::Rest) {
    auto service = controller::SubmissionService::create(
        loop_, loop_.network(),
        {.url = SimulatedSubmissionService::kUrl, .request_timeout = kSubmitTimeout, .log = log});
    if (!service) throw std::runtime_error(service.error().message());
    service_ = std::move(*service);
    rest_ = std::make_unique<controller::RestSubmitter>(
        *client_, *service_, submit, controller::RestOptions{.lease = process.lease, .log = log});
  }
  spark_submit_ = std::make_unique<controller::SparkSubmitSubmitter>(*client_, *spark_submit_process_,
                                                                     std::move(submit), std::move(process));
  submitter_ = std::make_unique<controller::SubmitterChoice>(settings_.submitter, *native_, *spark_submit_,
                                                             rest_.get());

  kube::ManagerOptions manager;
  manager.sync_timeout = 60s;
  manager.component = "spark-application-controller";
  manager.log = log;
  if (settings_.lease) {
    manager.leader_election = kube::LeaderElectionOptions{
        .lease = {"default", "spark-operator"}, .identity = settings_.name, .log = log};
  }
  manager_ = std::make_unique<kube::Manager>(*client_, std::move(manager));

  controller::ApplicationControllerOptions options;
  options.workers = 4;
  options.retry_max_delay = kLongestBackoff;
  // Objects around the applications are part of what a crash may leave behind.
  options.children.ui_service = true;
  options.children.driver_pdb = true;
  options.log = log;
  controller::ApplicationController::add_to(*manager_, *submitter_, std::move(options));
  if (settings_.schedules) {
    controller::ScheduleController::add_to(*manager_, {.workers = 2,
                                                       .retry_max_delay = kLongestBackoff,
                                                       .policy = {.local = *api::TimeZone::find("UTC")},
                                                       .log = log});
  }
  if (settings_.connects) {
    controller::ConnectController::add_to(
        *manager_, {.master_url = kMasterUrl, .workers = 2, .retry_max_delay = kLongestBackoff, .log = log});
  }
  tasks_.spawn(settings_.name, run());
}

OperatorProcess::~OperatorProcess() = default;

std::unique_ptr<kube::Client> OperatorProcess::client(std::string user_agent) {
  kube::ClientConfig config;
  config.server = settings_.server;
  config.token = "operator";
  auto client =
      kube::Client::create(loop_, loop_.network(), std::move(config),
                           {.user_agent = std::move(user_agent), .default_deadline = kCallDeadline});
  if (!client) throw std::runtime_error(client.error().message());
  return std::move(*client);
}

kube::Task<> OperatorProcess::run() {
  std::exception_ptr thrown;
  try {
    // Losing the lease or not getting its caches in time ends the process: the world starts another.
    (void)co_await manager_->run();
  } catch (...) {
    thrown = std::current_exception();
  }
  returned_ = true;
  settings_.on_end();
  if (thrown) std::rethrow_exception(thrown);
}

void OperatorProcess::crash() {
  crashed_ = true;
  tasks_.cancel();
  // What is left of it has to come to its end.
  loop_.thaw();
}

void OperatorProcess::stop() {
  manager_->stop();
}

}  // namespace sim
