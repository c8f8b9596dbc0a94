// decide() is the controller's mind: from what was observed to the one next thing to do. Pure, so that every
// case is a table row in a test, and the same for every replica that sees the same.
//
//   Decision decision = decide(app, {.drivers = …, .executors = …}, now, policy);
//   std::visit(…, decision.step);          // at most one effect, then at most one status patch
//
// The rules are those of the protocol "one driver per attempt" (docs/one-driver.md): every effect rests on
// something stable (an id that status has left, a UID, a resourceVersion), so a stale view does no harm.
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "api/spark_application.h"
#include "api/spec_hash.h"
#include "controller/application/pod_view.h"
#include "controller/application/transitions.h"

namespace controller {

// The pods that belong to the application by UID.
struct Observation {
  std::vector<PodView> drivers;
  std::vector<PodView> executors;  // also those that belong to no application, by their label
  // Why the stored spec cannot be read, with its path; the application has an empty spec then.
  std::string unreadable = {};
  // With which spec the run was first seen, where its id does not tell (first_seen_specs.h).
  std::optional<api::SpecHash> first_spec = {};
};

struct Policy {
  std::optional<std::int64_t> default_time_to_live_seconds;
  std::int64_t max_tracked_executors = 1000;
  api::HashScope hash_scope = api::HashScope::WholeSpec;
  // How long the driver of a submitted application may be missing before it counts as gone.
  kube::Duration driver_pod_creation_grace{};
};

// A core/v1 Event to record once the step is done.
struct Note {
  bool warning = false;
  std::string reason;
  std::string message;
  bool operator==(const Note&) const = default;
};

// Nothing to do until something changes or the time has come.
struct Wait {
  std::optional<kube::Duration> at_most;
};
// Read the application live, decide anew, and start a driver (protocol 5.1).
struct Submit {};
// Delete one driver pod, by UID (and resourceVersion where its end must not be missed).
struct DeleteDriver {
  kube::ObjectKey pod;
  std::string uid;
  std::optional<std::string> resource_version;
};
// A driver of ours under an id that is neither current nor next: the view may be stale, so look live.
struct LookAtStray {
  PodView pod;
};
// The driver is not in the cache: believe that it is gone from a live read only.
struct ConfirmDriverGone {};
// Delete executors that nobody needs any more, each by UID. Their owner reference to the application keeps
// them when their driver goes.
struct DeleteExecutors {
  std::vector<PodView> pods;
  // They are of an attempt that status, as we see it, does not know: look live whether we see it right.
  bool look_first = false;
};
// The application's time to live has ended.
struct DeleteApplication {};

using Step = std::variant<Wait, Submit, DeleteDriver, LookAtStray, ConfirmDriverGone, DeleteExecutors,
                          DeleteApplication>;

struct Decision {
  Step step = Wait{};
  // Patched after the step, with the resourceVersion decided on; absent: status stays.
  std::optional<api::SparkApplicationStatus> status;
  std::vector<Note> notes;
  // A driver that has just failed for a reason of its own: what its log says last is added to `status` before
  // it is written (driver_log.h).
  std::optional<kube::ObjectKey> log_of_driver = std::nullopt;
};

// `app` as stored (defaults are applied inside).
Decision decide(const api::SparkApplication& app, const Observation& seen, kube::TimePoint now,
                const Policy& policy);

}  // namespace controller
