#include "spark/children/ui_objects.h"

#include <algorithm>
#include <charconv>

#include "api/constants.h"
#include "api/names.h"
#include "spark/children/child_object.h"
#include "spark/children/web_ui_url.h"

namespace spark {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;

namespace {

struct ServicePort {
  std::string name;
  std::int32_t port;
  std::int32_t target;
};

// Labels of the user replace the usual ones, as upstream has it.
Json service_of(const api::SparkApplication& app, std::string_view name, const ServicePort& port,
                const std::optional<std::string>& type, const api::StringMap& labels,
                const api::StringMap& annotations) {
  Json service = child_object(app, "v1", "Service", name, labels.empty() ? child_labels(app) : Json(labels));
  service["metadata"]["labels"][api::label::kCreatedByOperator] = api::label::kTrue;
  if (!annotations.empty()) service["metadata"]["annotations"] = annotations;
  Json& spec = service["spec"];
  spec["type"] = type.value_or("ClusterIP");
  spec["selector"] = {{api::label::kAppName, app.metadata.name},
                      {api::label::kSparkRole, api::label::kRoleDriver}};
  spec["ports"].push_back({{"name", port.name}, {"port", port.port}, {"targetPort", port.target}});
  return service;
}

// The driver's UI port; text that is no port counts as absent, and so does 0: "any port", which no service
// can follow.
std::int32_t ui_target_port(const api::SparkApplication& app) {
  auto found = app.spec.spark_conf.find("spark.ui.port");
  if (found == app.spec.spark_conf.end()) return api::port::kUi;
  const std::string& text = found->second;
  std::int32_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole && port > 0 && port <= 65535 ? port : api::port::kUi;
}

ServicePort ui_service_port(const api::SparkApplication& app) {
  const std::int32_t target = ui_target_port(app);
  const auto& options = app.spec.spark_ui_options;
  if (!options) return {api::port::kUiName, target, target};
  // With options but no port it is 4040 even when the UI listens elsewhere: users' ingresses count on it.
  return {options->service_port_name.value_or(api::port::kUiName),
          options->service_port.value_or(api::port::kUi), target};
}

struct IngressRequest {
  std::string name;
  std::string service;
  std::int32_t port;
  std::string url_format;
  const api::StringMap& annotations;
  const std::vector<Json>& tls;
};

Result<Json> ingress_of(const api::SparkApplication& app, const IngressRequest& request,
                        const IngressOptions& options) {
  auto url = web_ui_url(request.url_format, app);
  if (!url) return fail(url);
  const bool below_root = !url->path.empty() && url->path != "/";

  Json ingress = child_object(app, "networking.k8s.io/v1", "Ingress", request.name, child_labels(app));
  api::StringMap annotations = request.annotations.empty() ? options.annotations : request.annotations;
  // The driver serves its UI at the root, so the ingress has to cut the path off.
  if (below_root) annotations[api::annotation::kNginxRewriteTarget] = "/$2";
  if (!annotations.empty()) ingress["metadata"]["annotations"] = annotations;

  Json backend = {{"service", {{"name", request.service}, {"port", {{"number", request.port}}}}}};
  Json path = {{"backend", std::move(backend)}, {"pathType", "ImplementationSpecific"}};
  // An API server stores no empty path, and what it stores is compared with this.
  if (!url->path.empty()) path["path"] = below_root ? url->path + "(/|$)(.*)" : url->path;
  Json rule = Json::object();
  if (!url->host_is_address()) rule["host"] = url->host;
  rule["http"]["paths"].push_back(std::move(path));
  Json& spec = ingress["spec"];
  spec["rules"].push_back(std::move(rule));
  if (!options.class_name.empty()) spec["ingressClassName"] = options.class_name;
  const std::vector<Json>& tls = request.tls.empty() ? options.tls : request.tls;
  if (!tls.empty()) spec["tls"] = tls;
  return ingress;
}

}  // namespace

Json ui_service(const api::SparkApplication& app) {
  static const api::SparkUiOptions kNone;
  const api::SparkUiOptions& options = app.spec.spark_ui_options ? *app.spec.spark_ui_options : kNone;
  return service_of(app, api::ui_service_name(app.metadata.name), ui_service_port(app), options.service_type,
                    options.service_labels, options.service_annotations);
}

Result<std::optional<Json>> ui_ingress(const api::SparkApplication& app, const IngressOptions& options) {
  if (options.url_format.empty()) return std::optional<Json>();
  static const api::SparkUiOptions kNone;
  const api::SparkUiOptions& own = app.spec.spark_ui_options ? *app.spec.spark_ui_options : kNone;
  auto ingress = ingress_of(app,
                            {.name = api::ui_ingress_name(app.metadata.name),
                             .service = api::ui_service_name(app.metadata.name),
                             .port = ui_service_port(app).port,
                             .url_format = options.url_format,
                             .annotations = own.ingress_annotations,
                             .tls = own.ingress_tls},
                            options);
  if (!ingress) return fail(ingress);
  return std::optional<Json>(*std::move(ingress));
}

Result<Json> driver_ingress_service(const api::SparkApplication& app,
                                    const api::DriverIngressOptions& entry) {
  if (!entry.service_port)
    return fail(ErrorKind::InvalidInput, "spec.driverIngressOptions: servicePort is missing");
  const std::int32_t port = *entry.service_port;
  return service_of(app, api::driver_ingress_service_name(app.metadata.name, port),
                    {entry.service_port_name.value_or("driver-ing-" + std::to_string(port)), port, port},
                    entry.service_type, entry.service_labels, entry.service_annotations);
}

Result<std::optional<Json>> driver_ingress(const api::SparkApplication& app,
                                           const api::DriverIngressOptions& entry,
                                           const IngressOptions& options) {
  if (!entry.service_port)
    return fail(ErrorKind::InvalidInput, "spec.driverIngressOptions: servicePort is missing");
  if (entry.ingress_url_format.value_or("").empty()) return std::optional<Json>();
  const std::int32_t port = *entry.service_port;
  auto ingress = ingress_of(app,
                            {.name = api::driver_ingress_name(app.metadata.name, port),
                             .service = api::driver_ingress_service_name(app.metadata.name, port),
                             .port = port,
                             .url_format = *entry.ingress_url_format,
                             .annotations = entry.ingress_annotations,
                             .tls = entry.ingress_tls},
                            options);
  if (!ingress) return fail(ingress);
  return std::optional<Json>(*std::move(ingress));
}

Result<std::vector<Json>> parse_ingress_tls(std::string_view text) {
  if (text.empty()) return std::vector<Json>();
  const auto wrong = [] {
    return fail(
        ErrorKind::InvalidInput,
        "--ingress-tls: expected a JSON array such as [{\"hosts\":[\"*.ex.com\"],\"secretName\":\"tls\"}]");
  };
  const auto parsed = kube::parse_json(text);
  if (!parsed || !parsed->is_array()) return wrong();
  for (const Json& item : *parsed) {
    if (!item.is_object()) return wrong();
    for (const auto& [key, value] : item.items()) {
      const bool hosts = key == "hosts" && value.is_array() &&
                         std::ranges::all_of(value, [](const Json& host) { return host.is_string(); });
      if (!hosts && !(key == "secretName" && value.is_string())) return wrong();
    }
  }
  return std::vector<Json>(parsed->begin(), parsed->end());
}

Result<std::map<std::string, std::string>> parse_ingress_annotations(std::string_view text) {
  std::map<std::string, std::string> annotations;
  if (text.empty()) return annotations;
  const auto wrong = [] {
    return fail(ErrorKind::InvalidInput,
                "--ingress-annotations: expected a JSON object of texts such as {\"key\":\"value\"}");
  };
  const auto parsed = kube::parse_json(text);
  if (!parsed || !parsed->is_object()) return wrong();
  for (const auto& [key, value] : parsed->items()) {
    if (!value.is_string()) return wrong();
    annotations[key] = value.get<std::string>();
  }
  return annotations;
}

}  // namespace spark
