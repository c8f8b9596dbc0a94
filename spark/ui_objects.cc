#include "spark/ui_objects.h"

#include <charconv>

#include "api/constants.h"
#include "api/names.h"
#include "spark/application_owner.h"
#include "spark/web_ui.h"

namespace spark {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;

namespace {

Json standard_labels(const api::SparkApplication& app) {
  Json labels = {{api::label::kAppName, app.metadata.name}};
  if (!app.status.submission_id.empty()) labels[api::label::kSubmissionId] = app.status.submission_id;
  return labels;
}

Json object_of(const api::SparkApplication& app, std::string_view api_version, std::string_view kind,
               std::string_view name, Json labels) {
  Json metadata = {{"labels", std::move(labels)}, {"name", name}, {"namespace", app.metadata.namespace_}};
  metadata["ownerReferences"].push_back(application_owner(app, Ownership::Controller));
  return {{"apiVersion", api_version}, {"kind", kind}, {"metadata", std::move(metadata)}};
}

struct ServicePort {
  std::string name;
  std::int32_t port;
  std::int32_t target;
};

// Labels of the user replace the usual ones, as upstream has it.
Json service_of(const api::SparkApplication& app, std::string_view name, const ServicePort& port,
                const std::optional<std::string>& type, const api::StringMap& labels,
                const api::StringMap& annotations) {
  Json service = object_of(app, "v1", "Service", name, labels.empty() ? standard_labels(app) : Json(labels));
  service["metadata"]["labels"][api::label::kCreatedByOperator] = api::label::kTrue;
  if (!annotations.empty()) service["metadata"]["annotations"] = annotations;
  Json& spec = service["spec"];
  spec["type"] = type.value_or("ClusterIP");
  spec["selector"] = {{api::label::kAppName, app.metadata.name},
                      {api::label::kSparkRole, api::label::kRoleDriver}};
  spec["ports"].push_back({{"name", port.name}, {"port", port.port}, {"targetPort", port.target}});
  return service;
}

// The driver's UI port; text that is no port counts as absent.
std::int32_t ui_target_port(const api::SparkApplication& app) {
  auto found = app.spec.spark_conf.find("spark.ui.port");
  if (found == app.spec.spark_conf.end()) return api::port::kUi;
  const std::string& text = found->second;
  std::int32_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() ? port : api::port::kUi;
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

std::string without_port(const std::string& host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

Result<Json> ingress_of(const api::SparkApplication& app, const IngressRequest& request,
                        const IngressOptions& options) {
  auto url = web_ui_url(request.url_format, app);
  if (!url) return fail(url);
  const bool below_root = !url->path.empty() && url->path != "/";

  Json ingress = object_of(app, "networking.k8s.io/v1", "Ingress", request.name, standard_labels(app));
  api::StringMap annotations = request.annotations.empty() ? options.annotations : request.annotations;
  // The driver serves its UI at the root, so the ingress has to cut the path off.
  if (below_root) annotations[api::annotation::kNginxRewriteTarget] = "/$2";
  if (!annotations.empty()) ingress["metadata"]["annotations"] = annotations;

  Json backend = {{"service", {{"name", request.service}, {"port", {{"number", request.port}}}}}};
  Json path = {{"backend", std::move(backend)}, {"pathType", "ImplementationSpecific"}};
  path["path"] = below_root ? url->path + "(/|$)(.*)" : url->path;
  Json rule = {{"host", without_port(url->host)}};
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

Json driver_pod_disruption_budget(const api::SparkApplication& app) {
  Json labels = {{api::label::kAppName, app.metadata.name},
                 {api::label::kLaunchedByOperator, api::label::kTrue}};
  Json budget =
      object_of(app, "policy/v1", "PodDisruptionBudget", api::driver_pod_name(app), std::move(labels));
  budget["spec"]["minAvailable"] = 1;
  budget["spec"]["selector"]["matchLabels"] = {{api::label::kAppName, app.metadata.name},
                                               {api::label::kSparkRole, api::label::kRoleDriver}};
  return budget;
}

}  // namespace spark
