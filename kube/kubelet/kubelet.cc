#include "kube/kubelet/kubelet.h"

#include <algorithm>
#include <set>

#include "kube/client/api.h"
#include "kube/kubelet/log_server.h"
#include "kube/kubelet/pod_objects.h"
#include "kube/kubelet/pod_worker.h"
#include "kube/runtime/informer.h"

namespace kube {
namespace {

// What the names of pods need of a service.
struct NamedService {
  std::string ns, name;
  std::map<std::string, std::string> selector;

  static Result<NamedService> project(JsonView service) {
    return NamedService{std::string(service["metadata"]["namespace"].string_or()),
                        std::string(service["metadata"]["name"].string_or()),
                        service["spec"]["selector"].string_map()};
  }
};

constexpr const char* kLeaseNamespace = "kube-node-lease";

Result<Json> whole(JsonView object) {
  return object.to_json();
}

bool selects(const NamedService& service, const Json& pod) {
  if (service.selector.empty() || service.ns != string_at(pod, {"metadata", "namespace"})) return false;
  for (const auto& [label, value] : service.selector) {
    const Json* found = find_path(pod, {"metadata", "labels", label});
    if (found == nullptr || *found != value) return false;
  }
  return true;
}

}  // namespace

class Kubelet::Impl {
 public:
  Impl(Loop& loop, Network& network, Client& client, KubeletOptions options, PodRuntime& runtime)
      : loop_(loop),
        client_(client),
        options_(std::move(options)),
        runtime_(runtime),
        context_{loop, network, client, runtime, options_},
        pods_(client, {.resource = kPods,
                       .project = whole,
                       .field_selector = "spec.nodeName=" + options_.node_name,
                       .log = options_.log}),
        services_(client, {.resource = kServices, .project = NamedService::project, .log = options_.log}),
        logs_(loop, network, options_.log_listen, options_.log_tls,
              {.log = [this](const ContainerName& name) { return find_log(name); },
               .address = [this](const ContainerName& name) { return find_address(name); }},
              options_.log),
        stop_(loop),
        parts_(loop, options_.log),
        workers_running_(loop, options_.log) {
    pods_.on_change([this](const Change<Json>& change) { pod_changed(change); });
    services_.on_change([this](const Change<NamedService>& change) { service_changed(change); });
  }

  Task<Result<>> run() {
    Result<> opened = co_await runtime_.open();
    if (!opened) co_return fail(opened);
    for (std::string& uid : runtime_.left_behind()) left_behind_.insert(std::move(uid));
    if (options_.serve_logs) {
      Result<> bound = logs_.listen();
      if (!bound) co_return fail(bound);
      parts_.spawn("container logs", logs_.run());
    }
    std::exception_ptr thrown;
    try {
      parts_.spawn("node", keep_node());
      parts_.spawn("services", ignore(services_.run()));
      co_await services_.wait_synced();
      parts_.spawn("pods", ignore(pods_.run()));
      co_await pods_.wait_synced();
      co_await sweep();
      synced_ = true;
      while (!stopped_) co_await stop_.wait();
    } catch (...) {
      thrown = std::current_exception();
    }
    co_await shield();
    synced_ = false;
    if (!thrown) co_await leave();
    co_await workers_running_.cancel_and_join();
    co_await parts_.cancel_and_join();
    if (thrown) std::rethrow_exception(thrown);
    co_return Result<>{};
  }
  void stop() {
    stopped_ = true;
    stop_.wake_all();
  }
  bool is_ready() const { return synced_ && registered_; }
  std::size_t pods() const { return workers_.size(); }

 private:
  static Task<> ignore(Task<Result<>> task) { (void)co_await std::move(task); }

  void pod_changed(const Change<Json>& change) {
    const std::string uid = string_at(*change.object, {"metadata", "uid"});
    auto known = workers_.find(uid);
    if (change.type == ChangeType::Deleted) {
      if (known != workers_.end()) known->second->removed();
    } else if (known != workers_.end()) {
      known->second->update(change.object);
    } else {
      const bool left = left_behind_.erase(uid) > 0;
      auto worker = std::make_shared<PodWorker>(
          context_, change.object, left ? PodWorker::Origin::LeftBehind : PodWorker::Origin::Fresh);
      workers_[uid] = worker;
      workers_running_.spawn("pod " + change.key.to_string(), run_worker(worker));
      worker->update(change.object);  // it may be on its way out already
    }
    name_pod(uid);
    runtime_.set_host_names(host_names());
  }
  void service_changed(const Change<NamedService>& change) {
    const NamedService& service = *change.object;
    for (const auto& [uid, worker] : workers_) {
      if (worker->ns() != service.ns) continue;
      auto& services = services_of_[uid];
      std::erase(services, service.name);
      if (change.type != ChangeType::Deleted && selects(service, *worker->pod()))
        services.push_back(service.name);
    }
    runtime_.set_host_names(host_names());
  }
  Task<> run_worker(std::shared_ptr<PodWorker> worker) {
    std::exception_ptr thrown;
    try {
      co_await worker->run();
    } catch (...) {
      thrown = std::current_exception();
    }
    workers_.erase(worker->uid());
    services_of_.erase(worker->uid());
    if (thrown) std::rethrow_exception(thrown);
  }
  // Files of pods that nobody knows any more.
  Task<> sweep() {
    for (const std::string& uid : left_behind_) co_await runtime_.discard(uid);
    left_behind_.clear();
  }

  // Of one pod alone: a node of a thousand pods has thousands of services, and every pod changes often.
  void name_pod(const std::string& uid) {
    const auto known = workers_.find(uid);
    if (known == workers_.end()) {
      services_of_.erase(uid);
      return;
    }
    auto& services = services_of_[uid];
    services.clear();
    for (const auto& service : services_.store().list(known->second->ns()))
      if (selects(*service, *known->second->pod())) services.push_back(service->name);
  }
  std::vector<HostName> host_names() const {
    std::vector<HostName> names;
    for (const auto& [uid, worker] : workers_) {
      const auto services = services_of_.find(uid);
      if (services == services_of_.end() || worker->address().empty() || worker->is_over()) continue;
      for (const std::string& name : services->second)
        names.push_back({worker->ns(), name, worker->address()});
    }
    return names;
  }

  Result<std::shared_ptr<LogFile>> find_log(const ContainerName& name) {
    for (const auto& [uid, worker] : workers_) {
      if (worker->ns() != name.ns || worker->name() != name.pod) continue;
      const ContainerReport* container = worker->container(name.container);
      if (container == nullptr)
        return fail(ErrorKind::BadRequest,
                    "container " + name.container + " is not valid for pod " + name.pod);
      auto log = runtime_.log(uid, container->name, name.previous);
      if (log != nullptr) return log;
      if (name.previous)
        return fail(ErrorKind::BadRequest, "previous terminated container \"" + container->name +
                                               "\" in pod \"" + name.pod + "\" not found");
      return fail(ErrorKind::BadRequest,
                  "container \"" + container->name + "\" in pod \"" + name.pod + "\" is waiting to start: " +
                      (container->waiting_reason.empty() ? "ContainerCreating" : container->waiting_reason));
    }
    return fail(ErrorKind::NotFound, "pod " + name.ns + "/" + name.pod + " is not on this node");
  }

  Result<std::string> find_address(const ContainerName& name) {
    bool known = false;
    for (const auto& [uid, worker] : workers_) {
      if (worker->ns() != name.ns || worker->name() != name.pod) continue;
      known = true;
      if (!worker->is_over() && !worker->address().empty()) return worker->address();
    }
    if (known) return fail(ErrorKind::BadRequest, "pod " + name.ns + "/" + name.pod + " does not run");
    return fail(ErrorKind::NotFound, "pod " + name.ns + "/" + name.pod + " is not on this node");
  }

  // What an orderly stop owes a control plane that goes on: pods that have ended, and no node that does not
  // answer. Bounded, as that control plane may be gone.
  Task<> leave() {
    const SteadyTime deadline = loop_.after(options_.stop_grace);
    if (options_.stop_grace > 0s) {
      for (const auto& [uid, worker] : workers_) worker->shut_down(options_.stop_grace / 2);
      auto settled = [this] {
        return std::ranges::all_of(workers_, [](const auto& one) { return one.second->is_reported(); });
      };
      while (!settled() && loop_.steady() < deadline) co_await sleep(loop_, 50ms);
    }
    if (!options_.remove_node) co_return;
    co_await parts_.cancel_and_join();  // or the heartbeat would make the node anew
    auto node = co_await JsonApi(client_, kNodes).with_deadline(5s).remove(options_.node_name);
    if (!node && !node.error().is_not_found())
      options_.log.warn("node stays registered", {{"node", options_.node_name}, {"error", node.error()}});
    (void)co_await JsonApi(client_, kLeases, kLeaseNamespace).with_deadline(5s).remove(options_.node_name);
  }

  // Registers the node and keeps it Ready, also when somebody deletes it.
  Task<> keep_node() {
    JsonApi nodes(client_, kNodes);
    const std::string since = to_rfc3339(loop_.now());
    std::string told;
    while (true) {
      Result<Json> answer =
          co_await nodes.patch(options_.node_name, Patch::merge({{"status", node_status(since)}}), "status");
      if (!answer && answer.error().is_not_found()) {
        answer = co_await nodes.create(node_object());
        if (answer) continue;
      }
      if (answer) answer = co_await welcome(nodes, std::move(*answer));
      if (answer && options_.lease) answer = co_await renew_lease();
      if (answer) {
        registered_ = true;
        told.clear();
      } else if (answer.error().message() != told) {
        told = answer.error().message();
        options_.log.warn("node cannot be kept up to date",
                          {{"node", options_.node_name}, {"error", answer.error()}});
      }
      co_await sleep(loop_, answer ? options_.heartbeat : Duration(1s));
    }
  }
  Json node_object() const {
    std::map<std::string, std::string> labels = options_.node_labels;
    labels["kubernetes.io/hostname"] = options_.node_name;
    labels["kubernetes.io/os"] = "linux";
    Json node = {{"apiVersion", "v1"},
                 {"kind", "Node"},
                 {"metadata", {{"name", options_.node_name}, {"labels", labels}}}};
    for (const Taint& taint : options_.taints) {
      Json json = {{"key", taint.key}, {"effect", taint.effect}};
      if (!taint.value.empty()) json["value"] = taint.value;
      node["spec"]["taints"].push_back(std::move(json));
    }
    return node;
  }
  // API servers taint every new node as not ready. Who takes that away is a controller that small control
  // planes do not run; where it runs, it finds nothing left to do.
  Task<Result<Json>> welcome(JsonApi& nodes, Json node) {
    Json taints = Json::array();
    bool unwelcome = false;
    for (const Json& taint : array_at(node, {"spec", "taints"})) {
      if (string_at(taint, {"key"}) == "node.kubernetes.io/not-ready") {
        unwelcome = true;
      } else {
        taints.push_back(taint);
      }
    }
    if (!unwelcome) co_return node;
    Json body = {{"metadata", {{"resourceVersion", string_at(node, {"metadata", "resourceVersion"})}}},
                 {"spec", {{"taints", taints}}}};
    auto patched = co_await nodes.patch(options_.node_name, Patch::merge(std::move(body)));
    if (!patched && patched.error().is_conflict()) co_return node;  // the next heartbeat tries again
    co_return patched;
  }
  Task<Result<Json>> renew_lease() {
    JsonApi leases(client_, kLeases, kLeaseNamespace);
    Json lease = {{"apiVersion", "coordination.k8s.io/v1"},
                  {"kind", "Lease"},
                  {"metadata", {{"name", options_.node_name}}},
                  {"spec",
                   {{"holderIdentity", options_.node_name},
                    {"leaseDurationSeconds", 40},
                    {"renewTime", to_rfc3339_micro(loop_.now())}}}};
    auto renewed = co_await leases.patch(options_.node_name, Patch::merge(lease));
    if (!renewed && renewed.error().is_not_found()) renewed = co_await leases.create(lease);
    co_return renewed;
  }
  Json node_status(const std::string& since) const {
    const std::string now = to_rfc3339(loop_.now());
    auto condition = [&](const char* type, const char* status, const char* reason) {
      return Json{{"type", type},      {"status", status},         {"reason", reason},
                  {"message", reason}, {"lastHeartbeatTime", now}, {"lastTransitionTime", since}};
    };
    const Json room = {
        {"cpu", options_.cpu}, {"memory", options_.memory}, {"pods", std::to_string(options_.max_pods)}};
    Json conditions = Json::array();
    conditions.push_back(condition("MemoryPressure", "False", "KubeletHasSufficientMemory"));
    conditions.push_back(condition("DiskPressure", "False", "KubeletHasNoDiskPressure"));
    conditions.push_back(condition("PIDPressure", "False", "KubeletHasSufficientPID"));
    conditions.push_back(condition("Ready", "True", "KubeletReady"));
    // InternalIP alone: with a Hostname API servers ask DNS for it before they fetch logs.
    Json addresses = Json::array();
    addresses.push_back({{"type", "InternalIP"}, {"address", options_.address}});
    Json status = {{"capacity", room},
                   {"allocatable", room},
                   {"conditions", conditions},
                   {"addresses", addresses},
                   {"nodeInfo",
                    {{"kubeletVersion", "v1.35.0-process"},
                     {"containerRuntimeVersion", "process://1"},
                     {"operatingSystem", "linux"},
                     {"architecture", "amd64"},
                     {"osImage", ""},
                     {"kernelVersion", ""},
                     {"kubeProxyVersion", ""},
                     {"machineID", ""},
                     {"systemUUID", ""},
                     {"bootID", ""}}}};
    for (const auto& [name, value] : options_.node_info) status["nodeInfo"][name] = value;
    if (options_.serve_logs) status["daemonEndpoints"]["kubeletEndpoint"]["Port"] = logs_.local().port;
    return status;
  }

  Loop& loop_;
  Client& client_;
  const KubeletOptions options_;
  PodRuntime& runtime_;
  const PodContext context_;
  Informer<Json> pods_;
  Informer<NamedService> services_;
  LogServer logs_;
  WaitList stop_;
  std::set<std::string> left_behind_;
  std::map<std::string, std::shared_ptr<PodWorker>> workers_;    // by uid
  std::map<std::string, std::vector<std::string>> services_of_;  // names of those that select it, by its uid
  bool stopped_ = false, synced_ = false, registered_ = false;
  TaskGroup parts_, workers_running_;
};

Kubelet::Kubelet(Loop& loop, Network& network, Client& client, KubeletOptions options, PodRuntime& runtime)
    : impl_(std::make_unique<Impl>(loop, network, client, std::move(options), runtime)) {}
Kubelet::~Kubelet() = default;
Task<Result<>> Kubelet::run() {
  return impl_->run();
}
void Kubelet::stop() {
  impl_->stop();
}
bool Kubelet::is_ready() const {
  return impl_->is_ready();
}
std::size_t Kubelet::pods() const {
  return impl_->pods();
}

}  // namespace kube
