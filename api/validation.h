// The rules that no schema can express. The webhook refuses an object with all its faults; a controller
// without webhook reports them as the reason of a failed submission.
//
//   for (const Fault& fault : validate(app)) …        // {"spec.driver.template", "needs Spark 3.0.0 …"}
//   describe(validate(app))                           // "spec.nodeSelector: …; spec.driver.template: …", or
//                                                     // "" when valid
//
// Faults come in the order in which the Go operator's webhook would meet them. Thread: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/scheduled_spark_application.h"
#include "api/spark_application.h"
#include "api/spark_connect.h"
#include "api/time_zone.h"

namespace api {

struct Fault {
  std::string path;     // "spec.driverIngressOptions[1].servicePort"
  std::string message;  // "must differ from spec.driverIngressOptions[0].servicePort (4041)"

  bool operator==(const Fault&) const = default;
};

struct ValidationOptions {
  // sparkConf keys that belong to the operator (images, service accounts, credentials, master) are refused
  // since version 2.5.2 of the Go operator; applications that come from earlier ones may carry them.
  bool allow_operator_keys_in_spark_conf = false;
  // Leaves out what only a webhook minds, and the Go operator's controller runs: a driver port without
  // ingressURLFormat (it has a service alone), a pod template with a sparkVersion that is no number, Spark
  // Connect's initial number of executors beyond its bounds.
  bool allow_what_runs = false;
};
// What the controller holds an object to, which an earlier webhook has let in or none has seen.
inline constexpr ValidationOptions kAsStored{.allow_operator_keys_in_spark_conf = true,
                                             .allow_what_runs = true};

// The rules that the Go operator's webhook has.
std::vector<Fault> validate(const SparkApplication& app, const ValidationOptions& options = {});
// All of the above, and what the schema of a current CRD would have refused or no submission could be made
// of: negative numbers, malformed sizes and quantities, names that no pod can have. Nothing is among it that
// Spark would have run. `app` as stored, or with defaults.
std::vector<Fault> validate_submission(const SparkApplication& app, const ValidationOptions& options = {});
// Name, schedule and policies, and all of the above about the template. A name of more than 43 characters is
// fine or not by the precision of the times in the names of runs, which only the controller knows; refused is
// what no precision makes room for.
std::vector<Fault> validate(const ScheduledSparkApplication& app, const ValidationOptions& options = {});
// Of these the schedule, zone, policies and limits alone; `local` is the zone of a schedule that names none.
std::vector<Fault> validate_schedule(const ScheduledSparkApplicationSpec& spec, const TimeZone& local);
std::vector<Fault> validate(const SparkConnect& connect, const ValidationOptions& options = {});

// The sparkConf rules alone; `ns` is the namespace of the object that holds it, `path` where it lies there.
std::vector<Fault> validate_spark_conf(const StringMap& conf, std::string_view ns, std::string_view path,
                                       const ValidationOptions& options = {});

std::string describe(const std::vector<Fault>& faults);

}  // namespace api
