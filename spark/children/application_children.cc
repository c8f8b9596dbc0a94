#include "spark/children/application_children.h"

#include "api/names.h"
#include "spark/children/disruption_budget.h"
#include "spark/children/web_ui_url.h"
#include "spark/monitoring.h"

namespace spark {

using kube::Json;
using kube::Result;

namespace {

void add(WantedChildren& wanted, Result<Json> object) {
  if (object)
    wanted.objects.push_back(*std::move(object));
  else
    wanted.problems.push_back(object.error().message());
}

void add(WantedChildren& wanted, Result<std::optional<Json>> object) {
  if (!object) wanted.problems.push_back(object.error().message());
  if (object && *object) wanted.objects.push_back(**std::move(object));
}

}  // namespace

WantedChildren application_children(const api::SparkApplication& app, const ChildrenOptions& options,
                                    AttemptPhase phase) {
  WantedChildren wanted;
  // Serves every attempt alike, and pods of the last one may still mount it.
  if (auto map = prometheus_config_map(app)) wanted.objects.push_back(*std::move(map));
  // Before the driver: a batch scheduler does not place pods of a group that is not there.
  if (phase == AttemptPhase::Starting || phase == AttemptPhase::Active)
    add(wanted, pod_group(app, options.batch));
  if (phase == AttemptPhase::Absent || phase == AttemptPhase::Starting) return wanted;

  if (options.ui_service) {
    wanted.objects.push_back(ui_service(app));
    add(wanted, ui_ingress(app, options.ingress));
  }
  for (const api::DriverIngressOptions& entry : app.spec.driver_ingress_options) {
    add(wanted, driver_ingress_service(app, entry));
    if (entry.service_port) add(wanted, driver_ingress(app, entry, options.ingress));
  }
  if (phase == AttemptPhase::Active && options.driver_pdb &&
      app.spec.driver_pod_disruption_budget.value_or(false))
    wanted.objects.push_back(driver_pod_disruption_budget(app));
  return wanted;
}

api::DriverInfo driver_info(const api::SparkApplication& app, const ChildrenOptions& options,
                            const Json& service) {
  api::DriverInfo info;
  info.pod_name = app.status.driver_info.pod_name;
  info.unknown = app.status.driver_info.unknown;
  if (!options.ui_service || !service.is_object()) return info;
  info.web_ui_service_name = api::ui_service_name(app.metadata.name);
  info.web_ui_port = service["spec"]["ports"][0].value("port", 0);
  if (const std::string address = kube::string_at(service, {"spec", "clusterIP"}); !address.empty())
    info.web_ui_address = host_and_port(address, info.web_ui_port);
  if (options.ingress.url_format.empty()) return info;
  if (auto url = web_ui_url(options.ingress.url_format, app)) {
    info.web_ui_ingress_name = api::ui_ingress_name(app.metadata.name);
    info.web_ui_ingress_address = url->text;
  }
  return info;
}

std::string host_and_port(std::string_view host, std::int32_t port) {
  const bool bare_ipv6 = host.find(':') != std::string_view::npos && !host.starts_with('[');
  return (bare_ipv6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" + std::to_string(port);
}

}  // namespace spark
