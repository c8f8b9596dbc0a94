#include "kube/apiserver/kubelet_proxy.h"

#include "kube/core/port_channels.h"

namespace kube::apiserver {

namespace {

// A kubelet that does not answer must not hold a client for ever.
constexpr Duration kAnswerWithin = 30s;

class LogStream final : public AnswerStream {
 public:
  // The body ends before the client that it came from.
  LogStream(std::unique_ptr<HttpClient> client, std::unique_ptr<HttpBody> body)
      : client_(std::move(client)), body_(std::move(body)) {}

  Task<std::optional<std::string>> next() override {
    auto bytes = co_await body_->read_some();
    if (!bytes) {
      cut_ = true;
      co_return std::nullopt;
    }
    co_return std::move(*bytes);
  }
  bool was_cut() const override { return cut_; }

 private:
  std::unique_ptr<HttpClient> client_;
  std::unique_ptr<HttpBody> body_;
  bool cut_ = false;
};

Granted<std::string> container_of(const Json& pod, const std::string& asked) {
  std::vector<std::string> names, init;
  for (auto [list, into] : {std::pair{"containers", &names}, std::pair{"initContainers", &init},
                            std::pair{"ephemeralContainers", &init}})
    if (const Json* containers = find_path(pod, {"spec", list}); containers && containers->is_array())
      for (const Json& container : *containers) into->push_back(string_at(container, {"name"}));
  const std::string pod_name = string_at(pod, {"metadata", "name"});
  if (asked.empty()) {
    if (names.size() == 1) return names.front();
    if (std::string named =
            string_at(pod, {"metadata", "annotations", "kubectl.kubernetes.io/default-container"});
        !named.empty())
      return named;
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : " ") + name;
    return refuse(Refusal::bad_request("a container name must be specified for pod " + pod_name +
                                       ", choose one of: [" + all + "]"));
  }
  for (const auto* list : {&names, &init})
    for (const std::string& name : *list)
      if (name == asked) return asked;
  return refuse(Refusal::bad_request("container " + asked + " is not valid for pod " + pod_name));
}

std::string address_of(const Json& node) {
  for (const char* type : {"Hostname", "InternalIP", "ExternalIP"})
    if (const Json* addresses = find_path(node, {"status", "addresses"}); addresses && addresses->is_array())
      for (const Json& address : *addresses)
        if (string_at(address, {"type"}) == type) return string_at(address, {"address"});
  return "";
}

}  // namespace

KubeletProxy::KubeletProxy(Cluster& cluster, Network& network, bool plain_http)
    : cluster_(cluster), network_(network), plain_http_(plain_http) {
  if (plain_http_) return;
  TlsClientOptions options;
  options.insecure_skip_verify = true;
  if (auto made = TlsClientContext::create(options); made) tls_ = std::move(*made);
}

Granted<HttpClientOptions> KubeletProxy::kubelet_of(const std::string& node_name) const {
  ObjectRef node = cluster_.store.get("nodes", {"", node_name});
  if (!node) return refuse(Refusal::not_found(kNodes, node_name));
  const std::string host = address_of(node->json());
  const Json* port = find_path(node->json(), {"status", "daemonEndpoints", "kubeletEndpoint", "Port"});
  if (host.empty()) return refuse(Refusal::internal("node " + node_name + " has no address"));
  HttpClientOptions options;
  options.origin = {host, static_cast<std::uint16_t>(port && port->is_number() ? port->get<int>() : 10250)};
  options.tls = tls_;
  return options;
}

Task<Granted<ApiAnswer>> KubeletProxy::log(ObjectKey key, QueryParameters query) {
  ObjectRef pod = cluster_.store.get("pods", key);
  if (!pod) co_return refuse(Refusal::not_found(kPods, key.name));
  std::string asked, passed_on;
  std::vector<FieldProblem> problems;
  for (const auto& [name, value] : query) {
    const bool counts = name == "tailLines" || name == "limitBytes" || name == "sinceSeconds";
    if (counts && value.starts_with('-'))
      problems.push_back({FieldProblem::Type::Invalid, name, value, "must be greater than or equal to 0"});
    if (name == "container") {
      asked = value;
    } else if (name != "pretty" && name != "insecureSkipTLSVerifyBackend") {
      passed_on += (passed_on.empty() ? "?" : "&") + percent_encode(name) + "=" + percent_encode(value);
    }
  }
  if (!problems.empty()) co_return refuse(Refusal::invalid({"", "v1", "PodLogOptions"}, key.name, problems));
  auto container = container_of(pod->json(), asked);
  if (!container) co_return refuse(container);
  const std::string node_name = string_at(pod->json(), {"spec", "nodeName"});
  ApiAnswer answer;
  answer.content_type = "text/plain";
  // A pod that nobody runs yet has said nothing.
  if (node_name.empty()) {
    answer.status = 204;
    co_return std::move(answer);
  }
  auto options = kubelet_of(node_name);
  if (!options) co_return refuse(options);
  auto client = std::make_unique<HttpClient>(cluster_.loop, network_, *options);
  HttpRequest request;
  request.target = "/containerLogs/" + percent_encode(key.ns) + "/" + percent_encode(key.name) + "/" +
                   percent_encode(*container) + passed_on;
  auto body = co_await client->open(request, cluster_.loop.after(kAnswerWithin));
  if (!body)
    co_return refuse(Refusal::internal("Get \"https://" + options->origin.to_string() + request.target +
                                       "\": " + body.error().message()));
  answer.status = (*body)->head().status;
  if (answer.status != 200) {
    auto text = co_await (*body)->read_all(64 << 10, cluster_.loop.after(kAnswerWithin));
    std::string why = text ? *text : "";
    while (!why.empty() && why.back() == '\n') why.pop_back();
    co_return refuse(answer.status == 404 ? Refusal(404, "NotFound", why) : Refusal::bad_request(why));
  }
  answer.stream = std::make_unique<LogStream>(std::move(client), std::move(*body));
  co_return std::move(answer);
}

Task<Granted<ApiAnswer>> KubeletProxy::port_forward(ObjectKey key, QueryParameters query, Headers headers) {
  ObjectRef pod = cluster_.store.get("pods", key);
  if (!pod) co_return refuse(Refusal::not_found(kPods, key.name));
  const std::string node_name = string_at(pod->json(), {"spec", "nodeName"});
  if (node_name.empty())
    co_return refuse(Refusal::bad_request("pod " + key.name + " does not have a host assigned"));
  auto options = kubelet_of(node_name);
  if (!options) co_return refuse(options);
  if (!headers.get("Upgrade")) co_return refuse(Refusal::bad_request("Upgrade request required"));
  if (!headers.has_token("Upgrade", "websocket"))
    co_return refuse(Refusal::bad_request("only websockets are spoken here"));

  HttpRequest request;
  request.target = "/portForward/" + percent_encode(key.ns) + "/" + percent_encode(key.name);
  std::string ports;
  for (const auto& [name, value] : query)
    if (name == "ports") ports += (ports.empty() ? "" : ",") + value;
  if (!ports.empty()) request.target += "?port=" + percent_encode(ports);
  if (const auto protocols = headers.get("Sec-WebSocket-Protocol"))
    request.headers.set("Sec-WebSocket-Protocol", std::string(*protocols));
  HttpClient client(cluster_.loop, network_, *options);
  auto opened =
      co_await client.open_websocket(request, port_channels::kMaxMessage, cluster_.loop.after(kAnswerWithin));
  if (!opened) co_return refuse(Refusal::internal("error dialing backend: " + opened.error().message()));
  ApiAnswer answer;
  answer.status = opened->head.status;
  const Headers& said = opened->head.headers;
  if (opened->socket) {
    answer.headers.set("Sec-WebSocket-Protocol",
                       std::string(said.get("Sec-WebSocket-Protocol").value_or("")));
    answer.socket = std::move(opened->socket);
  } else {
    answer.content_type = said.get("Content-Type").value_or("text/plain");
    answer.body = std::move(opened->head.body);
  }
  co_return std::move(answer);
}

}  // namespace kube::apiserver
