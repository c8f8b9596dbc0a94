#include "cmd/local/join.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <charconv>

#include "cmd/local/lifetime.h"
#include "cmd/local/spark_runtime.h"
#include "cmd/local/state_folder.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/client/config.h"
#include "kube/http/certificate.h"
#include "kube/http/url.h"
#include "kube/kubelet/address_block.h"
#include "kube/kubelet/pod_process.h"
#include "kube/kubelet/scheduler.h"

namespace cmd {

using kube::ErrorKind;
using kube::fail;
using kube::Result;
using kube::Task;

namespace {

// One that the API server finds in the node's status; the usual one of kubelets.
constexpr std::uint16_t kKubeletPort = 10250;

// The server's address as pods' hosts files can name it.
Result<kube::Endpoint> resolve_server(const std::string& url) {
  auto parsed = kube::parse_http_url(url, "API server", kube::UrlScheme::HttpsUnlessSaid);
  if (!parsed) return fail(std::move(parsed));
  kube::Endpoint server = std::move(parsed->origin);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(server.host.c_str(), nullptr, &wanted, &found); error != 0) {
    return fail(ErrorKind::Unavailable, "API server " + url + ": " + gai_strerror(error));
  }
  char text[NI_MAXHOST] = "";
  const int error =
      getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  freeaddrinfo(found);
  if (error != 0) return fail(ErrorKind::Unavailable, "API server " + url + ": " + gai_strerror(error));
  server.host = text;
  return server;
}

// API servers ask for logs over TLS and, unless told an authority, take any certificate.
Result<std::shared_ptr<kube::TlsServerContext>> log_certificate(const std::string& node,
                                                                const std::string& address,
                                                                kube::TimePoint now) {
  const kube::CertificateValidity validity{now - std::chrono::hours(1), now + std::chrono::hours(24 * 365)};
  auto authority = kube::make_certificate_authority("kubelet-" + node, validity);
  if (!authority) return fail(authority);
  auto made = kube::sign_certificate(*authority, {.common_name = "system:node:" + node,
                                                  .organizations = {"system:nodes"},
                                                  .dns_names = {node},
                                                  .ip_addresses = {address},
                                                  .validity = validity});
  if (!made) return fail(made);
  return kube::TlsServerContext::create(
      {.certificate_chain = made->certificate, .private_key = made->private_key});
}

std::map<std::string, std::string> machine_info() {
  utsname machine{};
  if (uname(&machine) != 0) return {};
  const std::string architecture = machine.machine;
  return {{"kernelVersion", machine.release},
          {"architecture", architecture == "x86_64"    ? "amd64"
                           : architecture == "aarch64" ? "arm64"
                                                       : architecture}};
}

Result<std::pair<std::string, std::string>> parse_label(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos)
    return fail(ErrorKind::InvalidInput, "--label: expected KEY=VALUE, got \"" + text + "\"");
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

}  // namespace

std::string join_usage() {
  return "sparkctl local kubelet joins this machine to an API server, as a node that runs pods as "
         "processes,\n"
         "until it is told to stop (SIGTERM, Ctrl-C). It says `node NAME is ready` when it is.\n"
         "\n"
         "  --kubeconfig FILE    which API server, as whom; else $KUBECONFIG, in-cluster, ~/.kube/config\n"
         "  --context NAME       of the kubeconfig\n"
         "  --node NAME          name of the node (default: local)\n"
         "  --label KEY=VALUE    of the node, for nodeSelector; may be repeated\n"
         "  --taint KEY=VALUE:EFFECT\n"
         "                       keeps the pods of others away; may be repeated\n"
         "  --scheduler NAME     binds pods whose schedulerName is NAME to this node, whatever its taints; "
         "may be\n"
         "                       repeated. `default-scheduler` where the control plane runs none\n"
         "  --data FOLDER        files of the pods (default: beside the local cluster's)\n"
         "  --cpu N --memory N --max-pods N\n"
         "                       capacity that schedulers see (64, 256Gi, 1000); nothing is limited\n";
}

Result<JoinOptions> parse_join_flags(const std::vector<std::string>& arguments) {
  JoinOptions options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i], value;
    if (const std::size_t equals = name.find('='); name.starts_with("--") && equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    } else {
      return fail(ErrorKind::InvalidInput, name + ": no such flag, or its value is missing");
    }
    if (name == "--kubeconfig") {
      options.kubeconfig = value;
    } else if (name == "--context") {
      options.context = value;
    } else if (name == "--node") {
      options.node = value;
    } else if (name == "--data") {
      options.folder = value;
    } else if (name == "--cpu") {
      options.cpu = value;
    } else if (name == "--memory") {
      options.memory = value;
    } else if (name == "--scheduler") {
      options.schedulers.insert(value);
    } else if (name == "--label") {
      auto label = parse_label(value);
      if (!label) return fail(label);
      options.labels.insert(*label);
    } else if (name == "--taint") {
      auto taint = kube::parse_taint(value);
      if (!taint) return fail(taint);
      options.taints.push_back(*taint);
    } else if (name == "--max-pods") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), options.max_pods);
      if (error != std::errc() || *end != '\0' || options.max_pods < 1)
        return fail(ErrorKind::InvalidInput, "--max-pods: expected a number, got \"" + value + "\"");
    } else {
      return fail(ErrorKind::InvalidInput, name + ": no such flag");
    }
  }
  if (options.node.empty()) return fail(ErrorKind::InvalidInput, "--node: expected a name");
  return options;
}

namespace {

class JoinedNode {
 public:
  JoinedNode(kube::Loop& loop, kube::Network& network, JoinOptions options, kube::Log log)
      : loop_(loop),
        network_(network),
        options_(std::move(options)),
        log_(std::move(log)),
        parts_(loop, log_) {}

  Task<Result<std::string>> start() {
    if (auto able = kube::probe_namespaces(); !able) co_return fail(able);
    const StateFolder folder(options_.folder.empty()
                                 ? StateFolder::from_environment().path() + "/kubelet-" + options_.node
                                 : options_.folder);
    if (auto made = folder.create(); !made) co_return fail(made);
    if (auto locked = folder.lock(); !locked) co_return fail(locked);
    auto config = kube::load_config({.kubeconfig = options_.kubeconfig, .context = options_.context});
    if (!config) co_return fail(config);
    auto server = resolve_server(config->server);
    if (!server) co_return fail(server);
    auto client = kube::Client::create(loop_, network_, *config, {.user_agent = "sparkctl-kubelet"});
    if (!client) co_return fail(client);
    client_ = std::move(*client);
    auto block = kube::AddressBlock::claim(network_);
    if (!block) co_return fail(block);
    block_.emplace(std::move(*block));
    const std::string address = block_->node_address();
    auto certificate = log_certificate(options_.node, address, loop_.now());
    if (!certificate) co_return fail(certificate);

    runtime_ = std::make_unique<kube::ProcessRuntime>(
        *client_, spark_runtime_options({.folder = folder.pods(),
                                         .node_name = options_.node,
                                         .node_address = address,
                                         .address_prefix = block_->prefix(),
                                         .api_server = *server,
                                         .log = log_}));
    kube::KubeletOptions kubelet;
    kubelet.node_name = options_.node;
    kubelet.address = address;
    kubelet.node_labels = options_.labels;
    kubelet.node_info = machine_info();
    kubelet.taints = options_.taints;
    kubelet.cpu = options_.cpu;
    kubelet.memory = options_.memory;
    kubelet.max_pods = options_.max_pods;
    kubelet.log_listen = {address, kKubeletPort};
    kubelet.log_tls = *certificate;
    kubelet.lease = true;
    kubelet.stop_grace = std::chrono::seconds(10);
    kubelet.remove_node = true;
    kubelet.log = log_;
    kubelet_ = std::make_unique<kube::Kubelet>(loop_, network_, *client_, kubelet, *runtime_);
    parts_.spawn("kubelet", run_part(kubelet_->run(), "kubelet"));
    if (!options_.schedulers.empty()) {
      scheduler_ =
          std::make_unique<kube::Scheduler>(*client_, kube::SchedulerOptions{.names = options_.schedulers,
                                                                             .any_name = false,
                                                                             .nodes = {options_.node},
                                                                             .tolerated = options_.taints,
                                                                             .log = log_.named("scheduler")});
      parts_.spawn("scheduler", run_part(scheduler_->run(), "scheduler"));
    }
    const kube::SteadyTime deadline = loop_.after(std::chrono::seconds(30));
    while (!failed_ && !kubelet_->is_ready()) {
      if (loop_.steady() > deadline)
        co_return fail(ErrorKind::Timeout, "the node is not registered after 30 s; is " + config->server +
                                               " there, and may we register nodes?");
      co_await kube::sleep(loop_, std::chrono::milliseconds(20));
    }
    if (failed_) co_return fail(*failed_);
    co_return "node " + options_.node + " is ready at " + address + " (API server " + config->server + ")";
  }

  Task<> stop() {
    if (scheduler_) scheduler_->stop();
    if (kubelet_) kubelet_->stop();
    co_await parts_.stop(std::chrono::seconds(25));
    if (runtime_) co_await runtime_->close();
  }

 private:
  // A part that ends with an error before the start is complete fails the start.
  Task<> run_part(Task<Result<>> part, std::string name) {
    auto ended = co_await std::move(part);
    if (ended) co_return;
    log_.error("part of the node ended", {{"part", name}, {"error", ended.error()}});
    failed_ = std::move(ended).error().while_doing(name);
  }

  kube::Loop& loop_;
  kube::Network& network_;
  const JoinOptions options_;
  const kube::Log log_;
  std::unique_ptr<kube::Client> client_;
  std::optional<kube::AddressBlock> block_;
  std::unique_ptr<kube::ProcessRuntime> runtime_;
  std::unique_ptr<kube::Kubelet> kubelet_;
  std::unique_ptr<kube::Scheduler> scheduler_;
  std::optional<kube::Error> failed_;
  kube::TaskGroup parts_;
};

}  // namespace

Task<> join_cluster(kube::Loop& loop, kube::Network& network, JoinOptions options, kube::Log log,
                    std::function<Task<>()> stopped, std::function<void(Result<std::string>)> ready) {
  JoinedNode node(loop, network, std::move(options), log);
  co_await run_until_stopped(node, log, std::move(stopped), std::move(ready));
}

}  // namespace cmd
