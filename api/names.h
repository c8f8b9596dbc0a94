// Names of the objects that belong to an application: derived, so that doing a thing twice finds the first.
//
//   driver_pod_name(app)                      // spec.driver.podName, else the sparkConf key, else
//   "pi-driver" ui_service_name("pi")                     // "pi-ui-svc"
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/spark_application.h"
#include "kube/base/clock.h"

namespace api {

// "<name>-<suffix>" while it fits a DNS label (63 characters); beyond that the name is cut and eight digits
// of the MD5 of the whole keep it unique: "<cut name>-<digits>-<suffix>". MD5 because the Go operator made
// the names of existing services with it.
std::string truncated_name(std::string_view name, std::string_view suffix);

// Also the name of the driver's disruption budget. Empty texts count as absent.
std::string driver_pod_name(const SparkApplication& app);
// Where a driver lies unless somebody said otherwise.
std::string default_driver_pod_name(std::string_view app);

std::string ui_service_name(std::string_view app);
std::string ui_ingress_name(std::string_view app);
std::string driver_ingress_service_name(std::string_view app, std::int32_t port);
std::string driver_ingress_name(std::string_view app, std::int32_t port);
std::string prometheus_config_map_name(std::string_view app);
std::string volcano_pod_group_name(std::string_view app);
std::string kube_scheduler_pod_group_name(std::string_view app);

// How a run's time becomes a part of its name: Unix time in this unit.
enum class TimestampPrecision { Nanos, Micros, Millis, Seconds, Minutes };
// "nightly-1767225600000000000": the run of a schedule that is due at that time. Two times within one unit
// share a name.
std::string scheduled_run_name(std::string_view schedule, kube::TimePoint due, TimestampPrecision precision);
// The time inside such a name, whichever precision it was made with; nothing for other names. Names that the
// Go operator made hold the time at which the run started.
std::optional<kube::TimePoint> scheduled_run_time(std::string_view schedule, std::string_view run);

std::string connect_config_map_name(std::string_view connect);
std::string connect_server_pod_name(std::string_view connect);
// Unless spec.server.service names it.
std::string connect_service_name(std::string_view connect);

}  // namespace api
