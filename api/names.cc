#include "api/names.h"

#include <array>
#include <charconv>

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
  return truncated_name(app, "driver-" + std::to_string(port));
}
std::string driver_ingress_name(std::string_view app, std::int32_t port) {
  return truncated_name(app, "ing-" + std::to_string(port));
}
std::string prometheus_config_map_name(std::string_view app) {
  return joined(app, "prom-conf");
}
std::string volcano_pod_group_name(std::string_view app) {
  return "spark-" + joined(app, "pg");
}
// It is a label of the pods, too, hence no longer than one.
std::string kube_scheduler_pod_group_name(std::string_view app) {
  return truncated_name(app, "pg");
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

namespace {

struct Unit {
  std::size_t digits;  // that a time of this century has in it
  kube::Duration length;
};

// In the order of TimestampPrecision.
constexpr std::array<Unit, 5> kUnits{{{19, std::chrono::nanoseconds(1)},
                                      {16, std::chrono::microseconds(1)},
                                      {13, std::chrono::milliseconds(1)},
                                      {10, std::chrono::seconds(1)},
                                      {8, std::chrono::minutes(1)}}};

}  // namespace

std::string scheduled_run_name(std::string_view schedule, kube::TimePoint due, TimestampPrecision precision) {
  const Unit& unit = kUnits[static_cast<std::size_t>(precision)];
  return joined(schedule, std::to_string(due.time_since_epoch() / unit.length));
}

std::optional<kube::TimePoint> scheduled_run_time(std::string_view schedule, std::string_view run) {
  if (run.size() <= schedule.size() + 1 || !run.starts_with(schedule) || run[schedule.size()] != '-')
    return std::nullopt;
  const std::string_view digits = run.substr(schedule.size() + 1);
  for (const Unit& unit : kUnits) {
    if (unit.digits != digits.size()) continue;
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (error != std::errc() || end != digits.data() + digits.size() || count < 0) return std::nullopt;
    if (count > kube::Duration::max() / unit.length) return std::nullopt;
    return kube::TimePoint(count * unit.length);
  }
  return std::nullopt;
}

}  // namespace api
