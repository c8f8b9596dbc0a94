#include "test/sim/operator_process.h"

#include <stdexcept>

namespace sim {

using namespace std::chrono_literals;

OperatorProcess::OperatorProcess(kube::Loop& world, kube::Network& host, Settings settings, kube::Log log)
    : settings_(std::move(settings)), loop_(world, host, settings_.seed), tasks_(loop_, log) {
  kube::ClientConfig config;
  config.server = settings_.server;
  config.token = "operator";
  auto client = kube::Client::create(loop_, loop_.network(), std::move(config),
                                     {.user_agent = settings_.name, .default_deadline = kCallDeadline});
  if (!client) throw std::runtime_error(client.error().message());
  client_ = std::move(*client);

  spark::SubmitOptions submit;
  submit.master_url = "k8s://https://kubernetes.default.svc:443";
  submitter_ = std::make_unique<controller::NativeSubmitter>(*client_, std::move(submit));

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
  // Back-off beyond half a minute would only make a world take longer to come to rest.
  options.retry_max_delay = 30s;
  options.log = log;
  controller::ApplicationController::add_to(*manager_, *submitter_, std::move(options));
  tasks_.spawn(settings_.name, run());
}

OperatorProcess::~OperatorProcess() = default;

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
