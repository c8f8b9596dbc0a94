#include "kube/apiserver/admission_webhook_client.h"

#include <charconv>

#include "kube/core/base64.h"

namespace kube::apiserver {

namespace {

constexpr std::size_t kMaxAnswer = 16u << 20;
constexpr std::size_t kMaxClients = 64;

std::unexpected<Error> refuse_call(std::string why) {
  return fail(ErrorKind::Unavailable, std::move(why));
}

// The answer to our review. Error: Protocol.
Result<WebhookAnswer> read_answer(const std::string& body, const std::string& api_version,
                                  const std::string& uid, WebhookKind kind) {
  const auto invalid = [](const std::string& why) {
    return fail(ErrorKind::Protocol, "received invalid webhook response: " + why);
  };
  auto json = parse_json(body);
  if (!json) return invalid(json.error().message());
  const std::string group_version = string_at(*json, {"apiVersion"}), kind_name = string_at(*json, {"kind"});
  if (kind_name != "AdmissionReview" || group_version != api_version)
    return invalid("expected webhook response of " + api_version + ", Kind=AdmissionReview, got " +
                   group_version + ", Kind=" + kind_name);
  const Json* response = find_path(*json, {"response"});
  if (!response || !response->is_object()) return invalid("webhook response was absent");
  if (const std::string got = string_at(*response, {"uid"}); got != uid)
    return invalid("expected response.uid=\"" + uid + "\", got \"" + got + "\"");
  WebhookAnswer answer;
  const auto allowed = response->find("allowed");
  if (allowed != response->end() && !allowed->is_boolean())
    return invalid("response.allowed: expected boolean");
  answer.allowed = allowed != response->end() && allowed->get<bool>();
  if (const Json* status = find_path(*response, {"status"}); status && status->is_object())
    answer.status = *status;
  if (const Json* warnings = find_path(*response, {"warnings"}); warnings && warnings->is_array())
    for (const Json& warning : *warnings)
      if (warning.is_string()) answer.warnings.push_back(warning.get<std::string>());

  const std::string patch = string_at(*response, {"patch"}), type = string_at(*response, {"patchType"});
  if (kind == WebhookKind::Validating) {
    if (!patch.empty()) return invalid("validating webhook may not return response.patch");
    if (!type.empty()) return invalid("validating webhook may not return response.patchType");
    return answer;
  }
  if (patch.empty() && !type.empty())
    return invalid("webhook returned response.patchType but not response.patch");
  if (patch.empty()) return answer;
  if (type.empty()) return invalid("webhook returned response.patch but not response.patchType");
  if (type != "JSONPatch") return invalid("webhook returned invalid response.patchType of \"" + type + "\"");
  auto bytes = decode_base64(patch);
  if (!bytes) return invalid("response.patch: " + bytes.error().message());
  auto operations = parse_json(*bytes);
  if (!operations || !operations->is_array()) return invalid("response.patch: expected a list of operations");
  answer.operations = std::move(*operations);
  return answer;
}

bool is_ready(const Json& pod) {
  if (string_at(pod, {"status", "phase"}) != "Running" || string_at(pod, {"status", "podIP"}).empty())
    return false;
  const Json* conditions = find_path(pod, {"status", "conditions"});
  if (!conditions || !conditions->is_array()) return true;
  for (const Json& condition : *conditions)
    if (string_at(condition, {"type"}) == "Ready") return string_at(condition, {"status"}) == "True";
  return true;
}

// A number, or the name of a container's port; 0: not found.
int pod_port(const Json& pod, const Json& wanted) {
  if (wanted.is_number_integer()) return wanted.get<int>();
  const Json* containers = find_path(pod, {"spec", "containers"});
  if (!wanted.is_string() || !containers || !containers->is_array()) return 0;
  for (const Json& container : *containers)
    if (const Json* ports = find_path(container, {"ports"}); ports && ports->is_array())
      for (const Json& port : *ports)
        if (string_at(port, {"name"}) == wanted.get<std::string>() &&
            port.value("containerPort", Json()).is_number_integer())
          return port["containerPort"].get<int>();
  return 0;
}

// The port of an Endpoints subset or of an EndpointSlice that belongs to the service's port; 0: none.
int named_port(const Json* ports, const std::string& name) {
  if (!ports || !ports->is_array()) return 0;
  for (const Json& port : *ports)
    if (string_at(port, {"name"}) == name)
      if (const Json* number = find_path(port, {"port"}); number && number->is_number_integer())
        return number->get<int>();
  return 0;
}

Endpoint endpoint(const std::string& host, int port) {
  return {host, static_cast<std::uint16_t>(port)};
}

}  // namespace

Result<Endpoint> AdmissionWebhookClient::endpoint_of(const AdmissionWebhook::Service& service) const {
  const ObjectKey key{service.ns, service.name};
  ObjectRef found = cluster_.store.get("services", key);
  if (!found) return refuse_call("service \"" + service.name + "\" not found");
  const Json& object = found->json();
  const Json* ports = find_path(object, {"spec", "ports"});
  const Json* port = nullptr;
  if (ports && ports->is_array())
    for (const Json& one : *ports)
      if (const Json* number = find_path(one, {"port"}); number && *number == service.port) port = &one;
  if (string_at(object, {"spec", "type"}) == "ExternalName")
    return endpoint(string_at(object, {"spec", "externalName"}), service.port);
  if (!port)
    return refuse_call("no service port " + std::to_string(service.port) + " found for service \"" +
                       service.name + "\"");
  const std::string port_name = string_at(*port, {"name"});

  if (ObjectRef endpoints = cluster_.store.get("endpoints", key))
    if (const Json* subsets = find_path(endpoints->json(), {"subsets"}); subsets && subsets->is_array())
      for (const Json& subset : *subsets) {
        const int number = named_port(find_path(subset, {"ports"}), port_name);
        const Json* addresses = find_path(subset, {"addresses"});
        if (number != 0 && addresses && addresses->is_array() && !addresses->empty())
          return endpoint(string_at(addresses->front(), {"ip"}), number);
      }
  for (const ObjectRef& slice : cluster_.store.list("endpointslices.discovery.k8s.io", service.ns)) {
    if (slice->label("kubernetes.io/service-name") != service.name) continue;
    const int number = named_port(find_path(slice->json(), {"ports"}), port_name);
    const Json* backends = find_path(slice->json(), {"endpoints"});
    if (number == 0 || !backends || !backends->is_array()) continue;
    for (const Json& backend : *backends) {
      const Json* ready = find_path(backend, {"conditions", "ready"});
      const Json* addresses = find_path(backend, {"addresses"});
      if ((!ready || *ready != false) && addresses && addresses->is_array() && !addresses->empty() &&
          addresses->front().is_string())
        return endpoint(addresses->front().get<std::string>(), number);
    }
  }
  const Json* selector = find_path(object, {"spec", "selector"});
  if (selector && selector->is_object() && !selector->empty()) {
    const auto target = port->find("targetPort");
    const Json wanted = target == port->end() ? Json(service.port) : *target;
    for (const ObjectRef& pod : cluster_.store.list("pods", service.ns)) {
      bool picked = is_ready(pod->json()) && !pod->is_terminating();
      for (const auto& [label, value] : selector->items())
        picked = picked && value.is_string() && pod->label(label) == value.get_ref<const std::string&>();
      if (!picked) continue;
      if (const int number = pod_port(pod->json(), wanted); number != 0)
        return endpoint(string_at(pod->json(), {"status", "podIP"}), number);
    }
  }
  return refuse_call("no endpoints available for service \"" + service.name + "\"");
}

Result<AdmissionWebhookClient::Target> AdmissionWebhookClient::target_of(
    const AdmissionWebhook& webhook) const {
  Target target;
  if (webhook.service) {
    const AdmissionWebhook::Service& service = *webhook.service;
    target.server_name = service.name + "." + service.ns + ".svc";
    target.host_header = target.server_name + ":" + std::to_string(service.port);
    target.path = service.path.starts_with('/') ? service.path : "/" + service.path;
    target.url = "https://" + target.host_header + target.path;
    auto address = endpoint_of(service);
    if (!address)
      return fail(ErrorKind::Unavailable, "Post \"" + target.url +
                                              "?timeout=" + to_go_duration(webhook.timeout) +
                                              "\": " + address.error().message());
    target.address = std::move(*address);
    return target;
  }
  constexpr std::string_view kTls = "https://";
  if (!webhook.url.starts_with(kTls))
    return refuse_call("url must start with https://, got \"" + webhook.url + "\"");
  const std::string rest = webhook.url.substr(kTls.size());
  const auto slash = rest.find('/');
  target.host_header = rest.substr(0, slash);
  target.path = slash == std::string::npos ? "/" : rest.substr(slash);
  target.url = webhook.url;
  std::string host = target.host_header, port = "443";
  // "[::1]:9443", "host:9443", "host"
  if (const auto colon = host.rfind(':');
      colon != std::string::npos && host.find(']', colon) == std::string::npos) {
    port = host.substr(colon + 1);
    host.resize(colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  int number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number < 1 || number > 65535 ||
      host.empty())
    return refuse_call("url \"" + webhook.url + "\" names no host and port");
  target.address = endpoint(host, number);
  target.server_name = host;
  return target;
}

Result<std::shared_ptr<HttpClient>> AdmissionWebhookClient::client_for(const Target& target,
                                                                       const std::string& ca_bundle) {
  const std::string key = target.address.to_string() + "\n" + target.server_name + "\n" + ca_bundle;
  if (const auto found = clients_.find(key); found != clients_.end()) return found->second;
  TlsClientOptions tls;
  tls.certificate_authorities = ca_bundle;
  tls.server_name = target.server_name;
  auto context = TlsClientContext::create(tls);
  if (!context)
    return fail(ErrorKind::InvalidInput, "unable to load root certificates: " + context.error().message());
  HttpClientOptions options;
  options.origin = target.address;
  options.tls = std::move(*context);
  options.host_header = target.host_header;
  options.max_response_bytes = kMaxAnswer;
  // Addresses and bundles of before are not used any more; whoever still calls holds its client.
  if (clients_.size() >= kMaxClients) clients_.clear();
  auto client = std::make_shared<HttpClient>(cluster_.loop, network_, std::move(options));
  clients_.emplace(key, client);
  return client;
}

Task<Result<WebhookAnswer>> AdmissionWebhookClient::ask(const AdmissionWebhook& webhook, Json request,
                                                        WebhookKind kind) {
  if (!webhook.broken.empty()) co_return refuse_call(webhook.broken);
  auto target = target_of(webhook);
  if (!target) co_return fail(std::move(target).error().while_doing("failed to call webhook"));
  const std::string query = "?timeout=" + to_go_duration(webhook.timeout);
  const std::string calling = "failed to call webhook: Post \"" + target->url + query + "\"";
  auto client = client_for(*target, webhook.ca_bundle);
  if (!client) co_return fail(std::move(client).error().while_doing(calling));

  const std::string api_version = webhook.accepts_v1 ? "admission.k8s.io/v1" : "admission.k8s.io/v1beta1";
  const std::string uid = string_at(request, {"uid"});
  HttpRequest post{.method = "POST", .target = target->path + query};
  post.headers.set("Content-Type", "application/json");
  post.headers.set("Accept", "application/json");
  post.headers.set("User-Agent", "kube-apiserver-admission");
  post.body =
      dump_json({{"kind", "AdmissionReview"}, {"apiVersion", api_version}, {"request", std::move(request)}});
  const std::shared_ptr<HttpClient> held = *client;
  auto response = co_await held->send(std::move(post), cluster_.loop.after(webhook.timeout));
  if (!response && response.error().kind() == ErrorKind::Timeout)
    co_return refuse_call(calling + ": context deadline exceeded");
  if (!response) co_return fail(std::move(response).error().while_doing(calling));
  if (response->status == 404)
    co_return refuse_call("failed to call webhook: the server could not find the requested resource");
  if (response->status < 200 || response->status > 299)
    co_return refuse_call("failed to call webhook: an error on the server (\"" +
                          response->body.substr(0, 200) + "\") has prevented the request from succeeding");
  co_return read_answer(response->body, api_version, uid, kind);
}

}  // namespace kube::apiserver
