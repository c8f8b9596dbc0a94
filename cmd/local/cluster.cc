#include "cmd/local/cluster.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "cmd/controller_process.h"
#include "cmd/crds.h"
#include "cmd/local/lifetime.h"
#include "cmd/local/spark_runtime.h"
#include "kube/apiserver/api_server.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/client/api.h"
#include "kube/core/yaml.h"
#include "kube/kubelet/address_block.h"
#include "kube/kubelet/file_tree.h"
#include "kube/kubelet/kubelet.h"
#include "kube/kubelet/pod_process.h"
#include "kube/kubelet/scheduler.h"

namespace cmd {

using kube::ErrorKind;
using kube::fail;
using kube::Result;
using kube::Task;

namespace {

namespace fs = std::filesystem;

// Spark's drivers look for https://kubernetes.default.svc, and that is port 443; who may not listen there
// takes another one, and drivers are told (spark_runtime.h).
constexpr std::uint16_t kApiPort = 443, kOrdinaryApiPort = 6443;

kube::Endpoint api_endpoint(kube::Network& network, const std::string& address) {
  const kube::Endpoint usual{address, kApiPort};
  return network.listen(usual) ? usual : kube::Endpoint{address, kOrdinaryApiPort};
}

constexpr const char* kServiceAccount = "spark-operator-spark";  // the chart's; the examples name it

Result<> write_private(const std::string& path, const std::string& text) {
  const std::string made = path + ".new";
  {
    std::ofstream out(made, std::ios::trunc);
    std::error_code error;
    fs::permissions(made, fs::perms::owner_read | fs::perms::owner_write, error);
    out << text;
    if (!out || error) return fail(ErrorKind::Io, "cannot write " + made);
  }
  std::error_code error;
  fs::rename(made, path, error);
  if (error) return fail(ErrorKind::Io, "cannot write " + path + ": " + error.message());
  return {};
}

Task<Result<>> make_service_account(kube::Client& client) {
  auto made = co_await kube::JsonApi(client, kube::kServiceAccounts, "default")
                  .create({{"apiVersion", "v1"},
                           {"kind", "ServiceAccount"},
                           {"metadata", {{"name", kServiceAccount}, {"namespace", "default"}}}});
  if (!made && !made.error().is_already_exists()) {
    co_return fail(std::move(made).error().while_doing("make the service account of drivers"));
  }
  co_return Result<>{};
}

std::string submit_kubeconfig(const StateFolder& folder) {
  return folder.kubeconfig() + ".spark-submit";
}

// $SPARK_OPERATOR_LOCAL_FLAGS, in the words of `spark-operator controller start`.
Result<ControllerFlags> operator_flags(const StateFolder& folder) {
  const char* text = std::getenv("SPARK_OPERATOR_LOCAL_FLAGS");
  std::istringstream words(text == nullptr ? "" : text);
  const std::vector<std::string> given{std::istream_iterator<std::string>(words),
                                       std::istream_iterator<std::string>()};
  auto flags = parse_controller_flags(given);
  if (!flags) return fail(std::move(flags).error().while_doing("SPARK_OPERATOR_LOCAL_FLAGS"));
  flags->health_probe_bind_address = "0";
  flags->kubeconfig = submit_kubeconfig(folder);
  return flags;
}

// For spark-submit, whose client cannot read the administrator's key (it is none of RSA), a token.
Result<> write_submit_kubeconfig(const std::string& path, const std::string& kubeconfig, std::string token) {
  auto config = kube::parse_yaml_document(kubeconfig, "kubeconfig");
  if (!config) return fail(std::move(config));
  (*config)["users"] = kube::Json::array({{{"name", "admin"}, {"user", {{"token", std::move(token)}}}}});
  return write_private(path, kube::to_yaml(*config));
}

// The parts in the order in which they start; each ends before those above it.
class LocalCluster {
 public:
  LocalCluster(kube::Loop& loop, kube::Network& network, StateFolder folder, kube::Log log)
      : loop_(loop),
        network_(network),
        folder_(std::move(folder)),
        log_(std::move(log)),
        api_(loop, log_),
        nodes_(loop, log_),
        operator_(loop, log_) {}

  Task<Result<>> start() {
    if (auto able = kube::probe_namespaces(); !able) co_return able;
    auto block = kube::AddressBlock::claim(network_);
    if (!block) co_return fail(std::move(block));
    block_.emplace(std::move(*block));
    const std::string address = block_->node_address();
    server_.emplace(loop_, network_,
                    kube::ApiServerOptions{.listen = api_endpoint(network_, address),
                                           .certificate_names = {"127.0.0.1", "localhost"},
                                           .kubelet_plain_http = true},
                    log_.named("apiserver"));
    if (auto started = server_->start(); !started) {
      co_return fail(std::move(started).error().while_doing("start the API server"));
    }
    const std::string kubeconfig = server_->admin_kubeconfig();
    api_.spawn("apiserver", server_->run());
    auto config = kube::parse_kubeconfig(kubeconfig, folder_.kubeconfig());
    if (!config) co_return fail(std::move(config));
    auto client = kube::Client::create(loop_, network_, *config, {.user_agent = "sparkctl-local"});
    if (!client) co_return fail(std::move(client));
    client_ = std::move(*client);

    const auto say = [this](const std::string& line) { log_.info(line); };
    if (auto applied = co_await apply_crds(*client_, say); !applied) co_return applied;
    if (auto made = co_await make_service_account(*client_); !made) co_return made;

    const kube::Log kubelet_log = log_.named("kubelet");
    runtime_ = std::make_unique<kube::ProcessRuntime>(
        *client_, spark_runtime_options({.folder = folder_.pods(),
                                         .node_address = address,
                                         .address_prefix = block_->prefix(),
                                         .api_server = server_->endpoint(),
                                         .log = kubelet_log}));
    kube::KubeletOptions kubelet;
    kubelet.address = address;
    kubelet.log_listen = {address, 0};
    kubelet.log = kubelet_log;
    kubelet_ = std::make_unique<kube::Kubelet>(loop_, network_, *client_, kubelet, *runtime_);
    scheduler_ =
        std::make_unique<kube::Scheduler>(*client_, kube::SchedulerOptions{.log = log_.named("scheduler")});
    nodes_.spawn("kubelet", run_part(kubelet_->run(), "kubelet"));
    nodes_.spawn("scheduler", run_part(scheduler_->run(), "scheduler"));

    auto flags = operator_flags(folder_);
    if (!flags) co_return fail(std::move(flags));
    auto written = write_submit_kubeconfig(
        flags->kubeconfig, kubeconfig,
        server_->service_account_token("default", kServiceAccount, std::chrono::hours(24 * 365)));
    if (!written) co_return written;
    auto controller = ControllerProcess::create(loop_, network_, *flags, *config, log_.named("controller"));
    if (!controller) co_return fail(std::move(controller));
    controller_ = std::move(*controller);
    operator_.spawn("controller", run_part(controller_->run(), "controller"));

    const kube::SteadyTime deadline = loop_.after(std::chrono::seconds(30));
    while (!failed_ && !(kubelet_->is_ready() && controller_->started())) {
      if (loop_.steady() > deadline)
        co_return fail(ErrorKind::Timeout, "kubelet or controller not ready after 30 s");
      co_await kube::sleep(loop_, std::chrono::milliseconds(10));
    }
    if (failed_) co_return fail(*failed_);
    co_return write_private(folder_.kubeconfig(), kubeconfig);
  }

  // Whatever has been started, in the opposite order.
  Task<> stop() {
    if (controller_) controller_->stop();
    co_await operator_.stop(std::chrono::seconds(10));
    if (scheduler_) scheduler_->stop();
    if (kubelet_) kubelet_->stop();
    co_await nodes_.stop(std::chrono::seconds(10));
    if (runtime_) co_await runtime_->close();
    if (server_) server_->stop();
    co_await api_.stop(std::chrono::seconds(3));
    std::error_code ignored;
    fs::remove(folder_.kubeconfig(), ignored);
    fs::remove(submit_kubeconfig(folder_), ignored);
    if (auto removed = kube::remove_tree(folder_.pods()); !removed)
      log_.warn("files of pods stay", {{"error", removed.error()}});
  }

 private:
  // A part that ends with an error before the start is complete fails the start.
  Task<> run_part(Task<Result<>> part, std::string name) {
    auto ended = co_await std::move(part);
    if (ended) co_return;
    log_.error("part of the local cluster ended", {{"part", name}, {"error", ended.error()}});
    failed_ = std::move(ended).error().while_doing(name);
  }

  kube::Loop& loop_;
  kube::Network& network_;
  const StateFolder folder_;
  const kube::Log log_;
  std::optional<kube::AddressBlock> block_;
  std::optional<kube::ApiServer> server_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<kube::ProcessRuntime> runtime_;
  std::unique_ptr<kube::Kubelet> kubelet_;
  std::unique_ptr<kube::Scheduler> scheduler_;
  std::unique_ptr<ControllerProcess> controller_;
  kube::TaskGroup api_, nodes_, operator_;
  std::optional<kube::Error> failed_;
};

}  // namespace

Task<> run_local_cluster(kube::Loop& loop, kube::Network& network, StateFolder folder, kube::Log log,
                         std::function<Task<>()> stopped, std::function<void(Result<>)> ready) {
  LocalCluster cluster(loop, network, std::move(folder), log);
  co_await run_until_stopped(cluster, log, std::move(stopped), std::move(ready));
}

}  // namespace cmd
