#include "api/names.h"

#include "api/constants.h"
#include "api/digest.h"

namespace api {
namespace {

std::string joined(std::string_view left, std::string_view right) {
  return std::string(left) + "-" + std::string(right);
}

}  // namespace

std::string truncated_name(std::string_view name, std::string_view suffix) {
  constexpr std::size_t kLabel = 63;
  constexpr std::size_t kDigits = 8;
  const std::string whole = joined(name, suffix);
  if (whole.size() <= kLabel) return whole;
  const std::size_t fixed = suffix.size() + kDigits + 2;
  const std::size_t kept = fixed < kLabel ? kLabel - fixed : 0;
  return joined(joined(name.substr(0, kept), md5_hex(whole).substr(0, kDigits)), suffix);
}

std::string default_driver_pod_name(std::string_view app) {
  return joined(app, "driver");
}

std::string driver_pod_name(const SparkApplication& app) {
  if (const auto& name = app.spec.driver.pod_name; name && !name->empty()) return *name;
  const auto configured = app.spec.spark_conf.find(spark_conf::kDriverPodName);
  if (configured != app.spec.spark_conf.end() && !configured->second.empty()) return configured->second;
  return default_driver_pod_name(app.metadata.name);
}

std::string ui_service_name(std::string_view app) {
  return truncated_name(app, "ui-svc");
}
std::string ui_ingress_name(std::string_view app) {
  return truncated_name(app, "ui-ingress");
}
std::string driver_ingress_service_name(std::string_view app, std::int32_t port) {
  return joined(app, "driver-" + std::to_string(port));
}
std::string driver_ingress_name(std::string_view app, std::int32_t port) {
  return joined(app, "ing-" + std::to_string(port));
}
std::string prometheus_config_map_name(std::string_view app) {
  return joined(app, "prom-conf");
}
std::string volcano_pod_group_name(std::string_view app) {
  return "spark-" + joined(app, "pg");
}
std::string kube_scheduler_pod_group_name(std::string_view app) {
  return joined(app, "pg");
}

std::string connect_config_map_name(std::string_view connect) {
  return joined(connect, "conf");
}
std::string connect_server_pod_name(std::string_view connect) {
  return joined(connect, "server");
}
std::string connect_service_name(std::string_view connect) {
  return joined(connect, "server");
}

}  // namespace api
