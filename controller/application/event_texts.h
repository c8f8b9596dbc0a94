// The events that people see about their applications: reasons, types and sentences of the Go operator's last
// release whose events worked, in one table. docs/events.md is rendered from it.
//
//   notes.push_back(event(EventReason::SparkApplicationFailed, {name, error_message}));
//   // {warning, "SparkApplicationFailed", "SparkApplication pi failed: driver container …"}
//
// Thread: constants and pure functions.
#pragma once

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

#include "controller/application/decision.h"
#include "controller/application/failure_reason.h"

namespace controller {

enum class EventReason {
  SparkApplicationAdded,
  SparkApplicationSubmitted,
  SparkApplicationSubmissionFailed,
  SparkApplicationCompleted,
  SparkApplicationFailed,
  SparkApplicationPendingRerun,
  SparkApplicationSuspending,
  SparkApplicationSuspended,
  SparkApplicationResuming,
  SparkApplicationWebhookFieldsUpdated,
  SparkDriverPending,
  SparkDriverRunning,
  SparkDriverCompleted,
  SparkDriverFailed,
  SparkDriverUnknown,
  SparkDriverNotFound,
  SparkExecutorPending,
  SparkExecutorRunning,
  SparkExecutorCompleted,
  SparkExecutorFailed,
  SparkExecutorUnknown,
  SparkSubmitStarted,
  SparkPodWebhookNeeded,
  SparkApplicationFieldsIgnored,
  SparkApplicationChildNotMade,
  SparkSubmissionRequested,
};

struct EventText {
  EventReason value;
  std::string_view reason;
  bool warning;
  std::string_view action;    // what the operator was doing, in a word
  std::string_view sentence;  // {} is filled in
  std::string_view when;
};

inline constexpr std::array kEventTexts{
    EventText{EventReason::SparkApplicationAdded, "SparkApplicationAdded", false, "Add",
              "SparkApplication {} was added, enqueuing it for submission",
              "once, before its first submission"},
    EventText{EventReason::SparkApplicationSubmitted, "SparkApplicationSubmitted", false, "Submit",
              "SparkApplication {} was submitted successfully",
              "the driver pod and what belongs to it exist"},
    EventText{EventReason::SparkApplicationSubmissionFailed, "SparkApplicationSubmissionFailed", true,
              "Submit", "failed to submit SparkApplication {}: {}", "each submission that was refused"},
    EventText{EventReason::SparkApplicationCompleted, "SparkApplicationCompleted", false, "Complete",
              "SparkApplication {} completed", "state COMPLETED"},
    EventText{EventReason::SparkApplicationFailed, "SparkApplicationFailed", true, "Fail",
              "SparkApplication {} failed: {}", "state FAILED"},
    EventText{EventReason::SparkApplicationPendingRerun, "SparkApplicationPendingRerun", true, "Rerun",
              "SparkApplication {} is pending rerun", "before the submission of a further run"},
    EventText{EventReason::SparkApplicationSuspending, "SparkApplicationSuspending", true, "Suspend",
              "SparkApplication {} is suspending", "state SUSPENDING"},
    EventText{EventReason::SparkApplicationSuspended, "SparkApplicationSuspended", true, "Suspend",
              "SparkApplication {} is suspended", "state SUSPENDED, once"},
    EventText{EventReason::SparkApplicationResuming, "SparkApplicationResuming", true, "Resume",
              "SparkApplication {} is resuming", "state RESUMING"},
    EventText{EventReason::SparkApplicationWebhookFieldsUpdated, "SparkApplicationWebhookFieldsUpdated",
              false, "Update",
              "SparkApplication {} webhook-patched fields updated, new pods will use updated values",
              "an edit that the gate PartialRestart leaves to the webhook"},
    EventText{EventReason::SparkDriverPending, "SparkDriverPending", false, "TrackDriver",
              "Driver {} is pending", "something holds up its start; the reason follows"},
    EventText{EventReason::SparkDriverRunning, "SparkDriverRunning", false, "TrackDriver",
              "Driver {} is running", "the driver's pod runs"},
    EventText{EventReason::SparkDriverCompleted, "SparkDriverCompleted", false, "TrackDriver",
              "Driver {} completed", "its Spark container has ended well"},
    EventText{EventReason::SparkDriverFailed, "SparkDriverFailed", true, "TrackDriver", "Driver {} failed",
              "it has not; the reason follows"},
    EventText{EventReason::SparkDriverUnknown, "SparkDriverUnknown", true, "TrackDriver",
              "Driver {} in unknown state", "its node does not tell"},
    EventText{EventReason::SparkDriverNotFound, "SparkDriverNotFound", true, "TrackDriver",
              "Driver pod {} not found, marking application as Failing",
              "the API server says that it is gone"},
    EventText{EventReason::SparkExecutorPending, "SparkExecutorPending", false, "TrackExecutor",
              "Executor {} is pending", "an executor is seen first, or changes"},
    EventText{EventReason::SparkExecutorRunning, "SparkExecutorRunning", false, "TrackExecutor",
              "Executor {} is running", "the same"},
    EventText{EventReason::SparkExecutorCompleted, "SparkExecutorCompleted", false, "TrackExecutor",
              "Executor {} completed", "the same; also one that its driver has deleted"},
    EventText{EventReason::SparkExecutorFailed, "SparkExecutorFailed", true, "TrackExecutor",
              "Executor {} failed with ExitCode: {}, Reason: {}, Pod Message: {}", "the same"},
    EventText{EventReason::SparkExecutorUnknown, "SparkExecutorUnknown", true, "TrackExecutor",
              "Executor {} in unknown state", "the same"},
    EventText{EventReason::SparkSubmitStarted, "SparkSubmitStarted", false, "Submit",
              "spark-submit starts the driver{}", "a spark-submit process begins, and why"},
    EventText{EventReason::SparkPodWebhookNeeded, "SparkPodWebhookNeeded", true, "Submit", "{}",
              "the spec asks for what only a pod webhook can do, and none runs"},
    EventText{EventReason::SparkApplicationFieldsIgnored, "SparkApplicationFieldsIgnored", true, "Submit",
              "without effect: {}", "the spec has fields that ask for nothing that could be done"},
    EventText{EventReason::SparkApplicationChildNotMade, "SparkApplicationChildNotMade", true, "KeepChildren",
              "{}", "a service, ingress, disruption budget or pod group cannot be made, and why"},
    EventText{EventReason::SparkSubmissionRequested, "SparkSubmissionRequested", false, "Submit",
              "the submission service starts the driver{}", "a submission service is asked, and why"},
};

// The sentence with `arguments` in it, in order; bounded.
Note event(EventReason reason, std::initializer_list<std::string_view> arguments);
// The same with "[reason] sentence" behind.
Note event(EventReason reason, std::initializer_list<std::string_view> arguments, const Failure& why);

Note driver_note(const std::string& pod, State state);
Note executor_note(const PodView& pod, api::PodState state);

// What the operator was doing; "Reconcile" for a reason that is not in the table.
std::string_view action_of(std::string_view reason);

// Markdown tables of kEventTexts and kFailureReasons, for docs/events.md.
std::string events_table();
std::string reasons_table();

}  // namespace controller
