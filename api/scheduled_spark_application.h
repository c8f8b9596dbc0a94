// ScheduledSparkApplication, kind of sparkoperator.k8s.io/v1beta2: makes a SparkApplication from `template`
// at the times that a cron expression names.
//
// Thread: values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema_hints.h"
#include "api/spark_application.h"
#include "kube/base/clock.h"
#include "kube/core/fields.h"
#include "kube/core/object_meta.h"

namespace api {

// Values of spec.concurrencyPolicy. It has no enum in the schema, so any text may be found there; absent
// means Allow.
namespace concurrency_policy {
inline constexpr std::string_view kAllow = "Allow";
inline constexpr std::string_view kForbid = "Forbid";
inline constexpr std::string_view kReplace = "Replace";
}  // namespace concurrency_policy

// Values of spec.catchUpPolicy: what becomes of runs that came due while none could start (no operator, or
// suspended). Ours alone; absent means Latest, which is what the Go operator does.
namespace catch_up_policy {
inline constexpr std::string_view kLatest = "Latest";  // one run stands for all of them
inline constexpr std::string_view kAll = "All";        // one after another, a hundred at most
inline constexpr std::string_view kSkip = "Skip";      // only a run that is not overdue by a whole period
}  // namespace catch_up_policy

// `Validating` is known to clients, and never set.
enum class ScheduleState { New, Validating, Scheduled, FailedValidation };

inline constexpr std::array kScheduleStates{
    kube::WireName{ScheduleState::New, ""},
    kube::WireName{ScheduleState::Validating, "Validating"},
    kube::WireName{ScheduleState::Scheduled, "Scheduled"},
    kube::WireName{ScheduleState::FailedValidation, "FailedValidation"},
};
constexpr auto wire_names(ScheduleState) {
  return kScheduleStates;
}
constexpr std::string_view to_string(ScheduleState state) {
  return kScheduleStates[static_cast<std::size_t>(state)].name;
}

struct ScheduledSparkApplicationSpec {
  std::string schedule;
  std::optional<std::string> time_zone;  // absent or empty: the operator's local time
  SparkApplicationSpec app_template;
  std::optional<bool> suspend;
  std::optional<std::string> concurrency_policy;
  std::optional<std::int32_t> successful_run_history_limit;  // absent: 1
  std::optional<std::int32_t> failed_run_history_limit;      // absent: 1
  // Known to this operator alone.
  std::optional<std::int64_t> starting_deadline_seconds;  // absent: a run is never too late
  std::optional<std::string> catch_up_policy;
  std::optional<std::int64_t> jitter_seconds;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("schedule", self.schedule, kAlways, kRequired, Doc{"Cron expression of the runs."});
    field("timeZone", self.time_zone, Doc{"Time zone of the schedule; the operator's own when absent."});
    field("template", self.app_template, kAlways, kRequired, Doc{"Spec of the applications that are made."});
    field("suspend", self.suspend, Doc{"Whether no more runs shall start."});
    field("concurrencyPolicy", self.concurrency_policy,
          Doc{"What happens when a run is due while another one runs: Allow, Forbid or Replace."});
    field("successfulRunHistoryLimit", self.successful_run_history_limit,
          Doc{"How many completed runs are kept; 1 when absent."});
    field("failedRunHistoryLimit", self.failed_run_history_limit,
          Doc{"How many failed runs are kept; 1 when absent."});
    field("startingDeadlineSeconds", self.starting_deadline_seconds,
          Doc{"How late a run may start; later it is skipped. Absent: however late."});
    field("catchUpPolicy", self.catch_up_policy,
          Doc{"What becomes of missed runs: Latest (one run for all), All or Skip. Latest when absent."});
    field("jitterSeconds", self.jitter_seconds,
          Doc{"Each run starts up to so many seconds later, always the same for one run, so that schedules "
              "of one time do not start at once."});
  }
  bool operator==(const ScheduledSparkApplicationSpec&) const = default;
};

// On the wire both times are always there, as null when unset.
struct ScheduledSparkApplicationStatus {
  std::optional<kube::TimePoint> last_run;
  std::optional<kube::TimePoint> next_run;
  std::string last_run_name;
  std::vector<std::string> past_successful_run_names;
  std::vector<std::string> past_failed_run_names;
  ScheduleState schedule_state = ScheduleState::New;
  std::string reason;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("lastRun", self.last_run, kAlways, kNullable, Doc{"When the last run started."});
    field("nextRun", self.next_run, kAlways, kNullable, Doc{"When the next run is due."});
    field("lastRunName", self.last_run_name, Doc{"Name of the last run's application."});
    field("pastSuccessfulRunNames", self.past_successful_run_names, Doc{"Completed runs that are kept."});
    field("pastFailedRunNames", self.past_failed_run_names, Doc{"Failed runs that are kept."});
    field("scheduleState", self.schedule_state, kOpenWords, Doc{"Whether the schedule is in force."});
    field("reason", self.reason, Doc{"Why it is not."});
  }
  bool operator==(const ScheduledSparkApplicationStatus&) const = default;
};

struct ScheduledSparkApplication {
  static constexpr const char* kKind = "ScheduledSparkApplication";
  static constexpr const char* kPlural = "scheduledsparkapplications";
  static constexpr const char* kVersion = "v1beta2";

  std::string api_version = kApiVersion;
  std::string kind = kKind;
  kube::ObjectMeta metadata;
  ScheduledSparkApplicationSpec spec;
  ScheduledSparkApplicationStatus status;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("apiVersion", self.api_version);
    field("kind", self.kind);
    field("metadata", self.metadata, kAlways, kRequired);
    field("spec", self.spec, kAlways, kRequired, Doc{"When to run what."});
    field("status", self.status, Doc{"What became of it."});
  }
  bool operator==(const ScheduledSparkApplication&) const = default;
};

}  // namespace api
