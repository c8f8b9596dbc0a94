#include "kube/kubelet/kubelet.h"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "kube/async/timer.h"
#include "kube/client/api.h"
#include "kube/core/label_selector.h"
#include "kube/kubelet/file_tree.h"

namespace kube {

namespace fs = std::filesystem;

namespace {

constexpr Duration kFollowPeriod = 100ms;
constexpr const char* kHostAddress = "127.0.0.1";

std::string text_of(const Json& holder, const char* field) {
  const auto found = holder.find(field);
  return found != holder.end() && found->is_string() ? found->get<std::string>() : "";
}

bool matches(const Json& selector, const Json& labels) {
  for (const auto& [key, value] : selector.items()) {
    if (!value.is_string() || text_of(labels, key.c_str()) != value.get<std::string>()) return false;
  }
  return true;
}

// The last `count` lines.
std::string tail(const std::string& text, std::size_t count) {
  std::size_t at = text.size();
  if (at > 0 && text.back() == '\n') --at;
  for (; at > 0; --at) {
    if (text[at - 1] == '\n' && --count == 0) break;
  }
  return count == 0 || at == 0 ? text.substr(at) : text;
}

}  // namespace

struct Kubelet::Slot {
  Slot(const PodWorkerContext& context, Json pod, std::string ip)
      : worker(context, std::move(pod), std::move(ip)) {}
  PodWorker worker;
};

Kubelet::Kubelet(Client& client, Network& network, KubeletOptions options)
    : client_(client),
      network_(network),
      loop_(client.loop()),
      options_(std::move(options)),
      images_(options_.images),
      pods_(client, {.resource = kPods,
                     .project = project_whole,
                     .field_selector = "spec.nodeName=" + options_.node,
                     .log = options_.log}),
      services_(client, {.resource = kServices, .project = project_whole, .log = options_.log}),
      parts_(loop_, options_.log),
      workers_(loop_, options_.log),
      stopping_(loop_) {
  const std::string port = std::to_string(options_.api_address.port);
  Variables service{{"KUBERNETES_SERVICE_HOST", options_.api_address.host},
                    {"KUBERNETES_SERVICE_PORT", port},
                    {"KUBERNETES_SERVICE_PORT_HTTPS", port},
                    {"KUBERNETES_PORT", "tcp://" + options_.api_address.to_string()}};
  context_ = std::make_unique<PodWorkerContext>(PodWorkerContext{
      .client = client_,
      .network = network_,
      .images = images_,
      .pods_folder = options_.folder / "pods",
      .claims_folder = options_.folder / "claims",
      .node_name = options_.node,
      .host_ip = kHostAddress,
      .service_environment = std::move(service),
      .extra_environment = options_.extra_environment,
      .host_folders = options_.host_folders,
      .hosts = [this](const Json& pod, const std::string& ip) { return hosts_file(pod, ip); },
      .log = options_.log});
  pods_.on_change([this](const Change<WholeObject>& change) { pod_changed(change); });
  services_.on_change([this](const Change<WholeObject>&) { refresh_hosts(); });
}

Kubelet::~Kubelet() = default;

std::size_t Kubelet::running_pods() const {
  return static_cast<std::size_t>(std::count_if(
      slots_.begin(), slots_.end(), [](const auto& slot) { return !slot.second->worker.over(); }));
}

void Kubelet::stop() {
  stopped_ = true;
  stopping_.wake_all();
}

Task<Result<>> Kubelet::run() {
  if (auto able = probe_namespaces(); !able) co_return able;
  for (const char* folder : {"pods", "claims"}) {
    if (auto made = make_folders(options_.folder / folder); !made) co_return made;
  }
  auto listener = network_.listen(options_.listen);
  if (!listener) co_return fail(std::move(listener));
  log_port_ = (*listener)->local().port;
  if (auto registered = co_await register_node(); !registered) co_return registered;

  HttpServer log_server(
      loop_, {.tls = options_.tls}, [this](HttpExchange& exchange) { return serve_log(exchange); },
      options_.log);
  auto run_informer = [](InformerBase* informer) -> Task<> { (void)co_await informer->run(); };
  parts_.spawn("log server", log_server.serve(std::move(*listener)));
  parts_.spawn("services", run_informer(&services_));
  co_await services_.wait_synced();
  parts_.spawn("pods", run_informer(&pods_));
  parts_.spawn("heartbeat", heartbeat());
  ready_ = true;
  std::exception_ptr thrown;
  try {
    while (!stopped_) co_await stopping_.wait();
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await shield();
  stopped_ = true;
  for (auto& [uid, slot] : slots_) slot->worker.abandon();
  co_await workers_.stop(5s);
  pods_.stop();
  services_.stop();
  log_server.stop(0s);
  co_await parts_.stop(1s);
  if (thrown) std::rethrow_exception(thrown);
  co_return Result<>{};
}

Json Kubelet::node_status() const {
  struct sysinfo machine{};
  sysinfo(&machine);
  const std::string memory =
      std::to_string(static_cast<std::uint64_t>(machine.totalram) * machine.mem_unit / 1024) + "Ki";
  const Json amounts{{"cpu", std::to_string(sysconf(_SC_NPROCESSORS_ONLN))},
                     {"memory", memory},
                     {"pods", std::to_string(options_.max_pods)}};
  const std::string now = to_rfc3339(loop_.now());
  return {{"capacity", amounts},
          {"allocatable", amounts},
          // An InternalIP only: with a Hostname the API server would look that up when it fetches logs.
          {"addresses", Json::array({{{"type", "InternalIP"}, {"address", kHostAddress}}})},
          {"daemonEndpoints", {{"kubeletEndpoint", {{"Port", log_port_}}}}},
          {"conditions", Json::array({{{"type", "Ready"},
                                       {"status", "True"},
                                       {"reason", "KubeletReady"},
                                       {"message", "pods run as processes"},
                                       {"lastHeartbeatTime", now},
                                       {"lastTransitionTime", now}}})},
          {"nodeInfo",
           {{"operatingSystem", "linux"},
            {"architecture", "amd64"},
            {"kubeletVersion", "v1.35.4"},
            {"kubeProxyVersion", ""},
            {"containerRuntimeVersion", "process://1"},
            {"osImage", "this machine"},
            {"kernelVersion", ""},
            {"machineID", ""},
            {"systemUUID", ""},
            {"bootID", ""}}}};
}

Task<Result<>> Kubelet::register_node() {
  JsonApi nodes(client_, kNodes);
  Json node{{"apiVersion", "v1"},
            {"kind", "Node"},
            {"metadata",
             {{"name", options_.node},
              {"labels",
               {{"kubernetes.io/hostname", options_.node},
                {"kubernetes.io/os", "linux"},
                {"kubernetes.io/arch", "amd64"}}}}},
            {"spec", Json::object()}};
  auto created = co_await nodes.create(std::move(node));
  if (!created && !created.error().is_already_exists()) {
    co_return fail(std::move(created).error().while_doing("register node " + options_.node));
  }
  auto patched = co_await nodes.patch(options_.node, Patch::merge({{"status", node_status()}}), "status");
  if (!patched) co_return fail(std::move(patched).error().while_doing("report node " + options_.node));
  co_return Result<>{};
}

Task<> Kubelet::heartbeat() {
  for (;;) {
    co_await sleep(loop_, options_.heartbeat);
    auto patched = co_await JsonApi(client_, kNodes)
                       .patch(options_.node, Patch::merge({{"status", node_status()}}), "status");
    if (!patched) options_.log.warn("heartbeat failed", {{"error", patched.error()}});
  }
}

void Kubelet::pod_changed(const Change<WholeObject>& change) {
  const Json& pod = change.object->json;
  const std::string uid = text_of(pod["metadata"], "uid");
  const auto known = slots_.find(uid);
  if (change.type == ChangeType::Deleted) {
    if (known != slots_.end()) known->second->worker.gone();
    slots_.erase(uid);
  } else if (known != slots_.end()) {
    known->second->worker.update(pod);
  } else if (!stopped_) {
    start_pod(pod);
  }
  refresh_hosts();
}

void Kubelet::start_pod(const Json& pod) {
  const std::string phase = text_of(pod.value("status", Json::object()), "phase");
  if (phase == "Succeeded" || phase == "Failed") return;
  const Json statuses = pod.value("status", Json::object()).value("containerStatuses", Json::array());
  if (phase == "Running" || !statuses.empty()) {
    // Started by an earlier kubelet; its processes ended with that.
    workers_.spawn("left over " + text_of(pod["metadata"], "name"), fail_left_over(pod));
    return;
  }
  auto slot = std::make_shared<Slot>(*context_, pod, next_address());
  slots_[slot->worker.uid()] = slot;
  workers_.spawn("pod " + text_of(pod["metadata"], "name"), run_pod(slot));
}

Task<> Kubelet::run_pod(std::shared_ptr<Slot> slot) {
  co_await slot->worker.run();
}

Task<> Kubelet::fail_left_over(Json pod) {
  const std::string name = text_of(pod["metadata"], "name");
  const std::string uid = text_of(pod["metadata"], "uid");
  JsonApi pods(client_, kPods, text_of(pod["metadata"], "namespace"));
  Json patch{{"metadata", {{"uid", uid}}},
             {"status",
              {{"phase", "Failed"}, {"reason", "NodeLost"}, {"message", "the kubelet that ran it ended"}}}};
  auto failed = co_await pods.patch(name, Patch::merge(std::move(patch)), "status");
  if (!failed)
    options_.log.warn("left-over pod cannot be failed", {{"pod", name}, {"error", failed.error()}});
  if (pod["metadata"].contains("deletionTimestamp")) {
    (void)co_await pods.remove(name, DeleteOptions().uid(uid).grace(0s));
  }
}

std::string Kubelet::next_address() {
  // Persisted: a pod of a kubelet that was killed a moment ago may still hold its address.
  const fs::path file = options_.folder / "last-address";
  if (last_address_ == 1) {
    if (auto text = read_file(file, 32))
      std::from_chars(text->data(), text->data() + text->size(), last_address_);
  }
  last_address_ = last_address_ >= 65'000 ? 2 : last_address_ + 1;
  (void)write_file(file, std::to_string(last_address_), 0644);
  return options_.address_prefix + "." + std::to_string(last_address_ >> 8) + "." +
         std::to_string(last_address_ & 255);
}

std::string Kubelet::hosts_file(const Json& pod, const std::string& pod_ip) const {
  const std::string ns = text_of(pod["metadata"], "namespace");
  const std::string host = text_of(pod["spec"], "hostname");
  std::string text = "127.0.0.1 localhost\n::1 localhost\n";
  text += options_.api_address.host +
          " kubernetes.default.svc.cluster.local kubernetes.default.svc kubernetes.default";
  text += ns == "default" ? " kubernetes\n" : "\n";
  text += pod_ip + " " + (host.empty() ? text_of(pod["metadata"], "name") : host) + "\n";
  for (const Json& alias : pod["spec"].value("hostAliases", Json::array())) {
    text += text_of(alias, "ip");
    for (const Json& name : alias.value("hostnames", Json::array())) text += " " + name.get<std::string>();
    text += "\n";
  }
  for (const auto& service : services_.store().list()) {
    const Json& object = service->json;
    const Json selector = object["spec"].value("selector", Json::object());
    if (selector.empty()) continue;
    const std::string name = text_of(object["metadata"], "name");
    const std::string service_ns = text_of(object["metadata"], "namespace");
    for (const auto& [uid, slot] : slots_) {
      const Json& metadata = slot->worker.pod()["metadata"];
      if (slot->worker.over() || text_of(metadata, "namespace") != service_ns ||
          !matches(selector, metadata.value("labels", Json::object()))) {
        continue;
      }
      const std::string full = name + "." + service_ns;
      text += slot->worker.ip() + " " + full + ".svc.cluster.local " + full + ".svc " + full;
      text += service_ns == ns ? " " + name + "\n" : "\n";
    }
  }
  return text;
}

void Kubelet::refresh_hosts() {
  for (auto& [uid, slot] : slots_) {
    if (!slot->worker.over()) slot->worker.refresh_hosts();
  }
}

// /containerLogs/<namespace>/<pod>/<container>?follow=&tailLines=&limitBytes=&previous=
Task<> Kubelet::serve_log(HttpExchange& exchange) {
  const std::string target = exchange.request().target;
  const std::size_t question = target.find('?');
  std::vector<std::string> parts;
  for (std::size_t at = 1; at <= std::min(question, target.size());) {
    const std::size_t end = std::min({target.find('/', at), question, target.size()});
    parts.push_back(percent_decode(target.substr(at, end - at)).value_or(""));
    at = end + 1;
  }
  QueryParameters query;
  if (question != std::string::npos)
    query = parse_query(target.substr(question + 1)).value_or(QueryParameters{});
  const auto option = [&](const char* name) {
    for (const auto& [key, value] : query) {
      if (key == name) return value;
    }
    return std::string();
  };
  const auto number = [&](const char* name) -> std::optional<std::size_t> {
    const std::string text = option(name);
    std::size_t value = 0;
    if (text.empty() || std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc())
      return {};
    return value;
  };
  std::string uid;
  if (parts.size() == 4 && parts[0] == "containerLogs") {
    if (auto pod = pods_.store().get({parts[1], parts[2]})) uid = text_of(pod->json["metadata"], "uid");
  }
  if (uid.empty() || parts[3].find('/') != std::string::npos || parts[3].find("..") != std::string::npos) {
    (void)co_await exchange.respond({.status = 404, .body = "no such container\n"});
    co_return;
  }
  const fs::path file =
      PodWorker::log_file(options_.folder / "pods" / uid, parts[3], option("previous") == "true");
  auto text = read_file(file);
  if (!text && !text.error().is_not_found()) {
    (void)co_await exchange.respond({.status = 500, .body = text.error().message() + "\n"});
    co_return;
  }
  const std::size_t read = text ? text->size() : 0;
  std::string body = text ? std::move(*text) : std::string();
  if (const auto lines = number("tailLines")) body = *lines == 0 ? "" : tail(body, *lines);
  if (const auto limit = number("limitBytes")) body = body.substr(0, *limit);
  if (option("follow") != "true") {
    (void)co_await exchange.respond({.headers = {{"Content-Type", "text/plain"}}, .body = std::move(body)});
    co_return;
  }
  if (auto started = co_await exchange.start({.headers = {{"Content-Type", "text/plain"}}}); !started)
    co_return;
  if (!body.empty() && !co_await exchange.write_chunk(body)) co_return;
  co_await follow_log(exchange, file, uid, read);
}

Task<> Kubelet::follow_log(HttpExchange& exchange, fs::path file, std::string uid, std::size_t sent) {
  for (;;) {
    const auto slot = slots_.find(uid);
    const bool over = slot == slots_.end() || slot->second->worker.over() || stopped_;
    auto text = read_file(file);
    if (text && text->size() > sent) {
      if (!co_await exchange.write_chunk(std::string_view(*text).substr(sent))) co_return;
      sent = text->size();
    }
    if (over) break;
    co_await sleep(loop_, kFollowPeriod);
  }
  (void)co_await exchange.finish();
}

}  // namespace kube
