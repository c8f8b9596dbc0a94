#include "kube/apiserver/api_server.h"

#include "kube/apiserver/crd_lifecycle.h"
#include "kube/apiserver/event_expiry.h"
#include "kube/apiserver/garbage_collector.h"
#include "kube/apiserver/http_front.h"
#include "kube/apiserver/namespace_lifecycle.h"
#include "kube/core/base64.h"
#include "kube/core/yaml.h"
#include "kube/http/certificate.h"

namespace kube::apiserver {

namespace {

constexpr Duration kYear = 24h * 365;

bool is_address(const std::string& name) {
  return name.find(':') != std::string::npos || name.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

class ApiServer::Impl {
 public:
  Impl(Loop& loop, Network& network, ApiServerOptions given, Log log_)
      : options(std::move(given)),
        log(std::move(log_)),
        network_(network),
        cluster(loop, options.store, log),
        admission(cluster, options.service_cidr),
        reader(cluster),
        writer(cluster, admission),
        webhooks(cluster, network),
        watches(cluster, options.bookmark_interval),
        authenticator(cluster, options),
        discovery(cluster.registry, options.git_version, options.listen.to_string()),
        kubelets(cluster, network, options.kubelet_plain_http),
        crds(cluster, writer, watches),
        collector(cluster, writer, options.controller_delay),
        events(cluster),
        handler({cluster, reader, writer, webhooks, watches, authenticator, discovery, kubelets, faults,
                 options.max_body_bytes}) {
    made_ = make_certificates();
    namespaces = std::make_unique<NamespaceLifecycle>(cluster, writer, tls_files.ca_certificate,
                                                      options.controller_delay);
    namespaces->make_first_objects();
    make_api_service();
  }

  Result<> start() {
    if (!made_) return fail(made_);
    if (listener) return {};
    auto bound = network_.listen(options.listen);
    if (!bound) return fail(bound);
    listener = std::move(*bound);
    endpoint = listener->local();
    if (endpoint.host.empty() || endpoint.host == "0.0.0.0" || endpoint.host == "::")
      endpoint.host = options.listen.host.empty() ? "127.0.0.1" : options.listen.host;
    discovery.set_address(endpoint.to_string());
    HttpServerOptions http;
    // Bodies somewhat beyond the limit are read, so that their senders get a Status instead of a bare 413.
    http.max_body_bytes = options.max_body_bytes * 4;
    if (options.tls) {
      auto context = TlsServerContext::create({.certificate_chain = server_certificate_.certificate,
                                               .private_key = server_certificate_.private_key,
                                               .client_certificate_authorities = tls_files.ca_certificate,
                                               .min_version = "VersionTLS12",
                                               .cipher_suites = {}});
      if (!context) return fail(context);
      http.tls = std::move(*context);
    }
    front =
        std::make_unique<HttpFront>(cluster.loop, std::move(http), handler, authenticator, log.named("http"));
    log.info("API server listens", {{"address", endpoint.to_string()}, {"tls", options.tls}});
    return {};
  }

  std::string admin_kubeconfig() const {
    Json connection = {{"server", (options.tls ? "https://" : "http://") + endpoint.to_string()}};
    Json user = Json::object();
    if (options.tls) {
      connection["certificate-authority-data"] = encode_base64(tls_files.ca_certificate);
      user["client-certificate-data"] = encode_base64(admin_certificate_.certificate);
      user["client-key-data"] = encode_base64(admin_certificate_.private_key);
    } else if (!options.static_tokens.empty()) {
      user["token"] = options.static_tokens.front().token;
    }
    return to_yaml(
        Json{{"apiVersion", "v1"},
             {"kind", "Config"},
             {"current-context", "local"},
             {"preferences", Json::object()},
             {"clusters", Json::array({{{"name", "local"}, {"cluster", std::move(connection)}}})},
             {"users", Json::array({{{"name", "admin"}, {"user", std::move(user)}}})},
             {"contexts",
              Json::array({{{"name", "local"}, {"context", {{"cluster", "local"}, {"user", "admin"}}}}})}});
  }

  ApiServerOptions options;
  Log log;
  Network& network_;
  FaultPlan faults;
  Cluster cluster;
  Admission admission;
  ObjectReader reader;
  ObjectWriter writer;
  AdmissionWebhooks webhooks;
  WatchHub watches;
  Authenticator authenticator;
  Discovery discovery;
  KubeletProxy kubelets;
  CrdLifecycle crds;
  GarbageCollector collector;
  EventExpiry events;
  std::unique_ptr<NamespaceLifecycle> namespaces;
  RequestHandler handler;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<HttpFront> front;
  Endpoint endpoint;
  TlsFiles tls_files;

 private:
  Result<> make_certificates() {
    if (!options.tls) return {};
    const TimePoint now = cluster.loop.now();
    // Clocks of clients may be a little behind.
    const CertificateValidity validity{now - 5min, now + 10 * kYear};
    tls_files = {options.ca_certificate, options.ca_key};
    if (tls_files.ca_certificate.empty()) {
      auto ca = make_certificate_authority("kubernetes", validity);
      if (!ca) return fail(ca);
      tls_files = {ca->certificate, ca->private_key};
    }
    const KeyedCertificate authority{tls_files.ca_certificate, tls_files.ca_key};
    CertificateRequest serving;
    serving.common_name = "kube-apiserver";
    serving.dns_names = {"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                         "kubernetes.default.svc.cluster.local"};
    serving.ip_addresses = {"127.0.0.1", "::1", admission.addresses().api_address()};
    std::vector<std::string> more = options.certificate_names;
    if (!options.listen.host.empty()) more.push_back(options.listen.host);
    for (const std::string& name : more) {
      auto& list = is_address(name) ? serving.ip_addresses : serving.dns_names;
      if (std::find(list.begin(), list.end(), name) == list.end() && name != "0.0.0.0" && name != "::")
        list.push_back(name);
    }
    serving.validity = {now - 5min, now + kYear};
    auto server = sign_certificate(authority, serving);
    if (!server)
      return std::unexpected(std::move(server).error().while_doing("make the server's certificate"));
    server_certificate_ = std::move(*server);
    CertificateRequest admin;
    admin.common_name = "kubernetes-admin";
    admin.organizations = {"system:masters"};
    admin.usage = CertificateUsage::Client;
    admin.validity = {now - 5min, now + kYear};
    auto client = sign_certificate(authority, admin);
    if (!client)
      return std::unexpected(std::move(client).error().while_doing("make the administrator's certificate"));
    admin_certificate_ = std::move(*client);
    return {};
  }

  void make_api_service() {
    ApiCall call;
    call.info.user.username = "system:apiserver";
    call.info.ns = "default";
    call.served = cluster.registry.find("", "v1", "services");
    auto made = writer.create_json(
        call,
        {{"apiVersion", "v1"},
         {"kind", "Service"},
         {"metadata",
          {{"name", "kubernetes"}, {"labels", {{"component", "apiserver"}, {"provider", "kubernetes"}}}}},
         {"spec",
          {{"clusterIP", admission.addresses().api_address()},
           {"ports",
            Json::array({{{"name", "https"}, {"port", 443}, {"protocol", "TCP"}, {"targetPort", 6443}}})}}}});
    if (!made) log.error("service of the API server not made", {{"why", made.error().message()}});
  }

  Result<> made_;
  KeyedCertificate server_certificate_, admin_certificate_;
};

ApiServer::ApiServer(Loop& loop, Network& network, ApiServerOptions options, Log log)
    : impl_(std::make_unique<Impl>(loop, network, std::move(options), std::move(log))) {}
ApiServer::~ApiServer() = default;

Result<> ApiServer::start() {
  return impl_->start();
}

Task<> ApiServer::run() {
  if (!impl_->listener) {
    if (auto started = impl_->start(); !started) {
      impl_->log.error("API server not started", {{"why", started.error()}});
      co_return;
    }
  }
  co_await impl_->front->serve(std::move(impl_->listener));
}

void ApiServer::stop() {
  impl_->watches.end_all(false);
  if (impl_->front) impl_->front->stop(2s);
}

Endpoint ApiServer::endpoint() const {
  return impl_->endpoint;
}
std::string ApiServer::admin_kubeconfig() const {
  return impl_->admin_kubeconfig();
}
const ApiServer::TlsFiles& ApiServer::tls_files() const {
  return impl_->tls_files;
}
std::string ApiServer::service_account_token(const std::string& ns, const std::string& name,
                                             Duration lifetime) {
  return impl_->authenticator.sign_for({ns, name}, lifetime);
}
Task<ApiAnswer> ApiServer::handle(ApiRequest request) {
  return impl_->handler.handle(std::move(request));
}
Store& ApiServer::store() {
  return impl_->cluster.store;
}
FaultPlan& ApiServer::faults() {
  return impl_->faults;
}
void ApiServer::on_commit(std::function<void(const Commit&)> hook) {
  impl_->cluster.on_commit(
      [hook = std::move(hook)](std::string_view table, const Change& change, const RequestInfo& request) {
        hook({std::string(table), change, request});
      });
}
void ApiServer::on_request(std::function<void(const RequestInfo&, int)> hook) {
  impl_->handler.on_request(std::move(hook));
}
void ApiServer::end_watches(bool cut) {
  impl_->watches.end_all(cut);
}

}  // namespace kube::apiserver
