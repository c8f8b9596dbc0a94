// Why an application failed, or does not start, in one word for machines and one sentence for people.
//
//   Failure failure = failure_of(pod);                       // driver_failure.h: {OOMKilled, "its container
//   …"} message = with_reason("driver container failed …", failure);
//             // "driver container failed with ExitCode: 137, Reason: OOMKilled [OOMKilled] its container …"
//   reason_in(message) == FailureReason::OomKilled           // for whoever has nothing but the status
//
// status.applicationState.errorMessage begins with the words of the Go operator, which people search for;
// then comes the reason in brackets, then what is known about it. docs/events.md lists the reasons. Thread:
// pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "kube/base/error.h"

namespace controller {

enum class FailureReason {
  // A driver that does not start.
  ImagePull,
  CreateContainerConfigError,
  CreateContainerError,
  InitContainerFailed,
  Unschedulable,
  SchedulingGated,
  DriverStartTimeout,
  // A driver that has ended.
  PodRejected,
  OomKilled,
  Evicted,
  NodeLost,
  NodeShutdown,
  Preempted,
  DeadlineExceeded,
  DriverDeleted,
  DriverNotFound,
  ExitCode,
  Unknown,
  // A submission that was refused.
  QuotaExceeded,
  NotAuthorized,
  PodSecurity,
  AdmissionDenied,
  NamespaceTerminating,
  ServiceAccountNotFound,
  DriverNameTaken,
  InvalidSpec,
  SubmissionRejected,
};

// Whose fault it is: the cluster's, which took the driver away, or anybody else's. Only the former say
// nothing about whether the next attempt may succeed.
enum class Blame { Application, Infrastructure };

struct FailureReasonWords {
  FailureReason value;
  std::string_view name;  // as it stands in brackets and in conditions
  Blame blame;
  std::string_view meaning;  // for docs
};

inline constexpr std::array kFailureReasons{
    FailureReasonWords{FailureReason::ImagePull, "ImagePull", Blame::Application,
                       "an image of the driver's pod cannot be pulled"},
    FailureReasonWords{FailureReason::CreateContainerConfigError, "CreateContainerConfigError",
                       Blame::Application, "a secret, config map or key that a container names is missing"},
    FailureReasonWords{FailureReason::CreateContainerError, "CreateContainerError", Blame::Application,
                       "the container runtime cannot make or start a container"},
    FailureReasonWords{FailureReason::InitContainerFailed, "InitContainerFailed", Blame::Application,
                       "an init container of the driver's pod has failed"},
    FailureReasonWords{FailureReason::Unschedulable, "Unschedulable", Blame::Application,
                       "no node takes the driver's pod; the scheduler's words follow"},
    FailureReasonWords{FailureReason::SchedulingGated, "SchedulingGated", Blame::Application,
                       "a scheduling gate holds the driver's pod"},
    FailureReasonWords{FailureReason::DriverStartTimeout, "DriverStartTimeout", Blame::Application,
                       "the driver did not start in time, and its pod does not say why"},
    FailureReasonWords{FailureReason::PodRejected, "PodRejected", Blame::Infrastructure,
                       "the node did not admit the driver's pod that was assigned to it"},
    FailureReasonWords{FailureReason::OomKilled, "OOMKilled", Blame::Application,
                       "the driver's container used more memory than its limit"},
    FailureReasonWords{FailureReason::Evicted, "Evicted", Blame::Infrastructure,
                       "the driver's pod was evicted from its node"},
    FailureReasonWords{FailureReason::NodeLost, "NodeLost", Blame::Infrastructure,
                       "the driver's node is gone or does not answer"},
    FailureReasonWords{FailureReason::NodeShutdown, "NodeShutdown", Blame::Infrastructure,
                       "the driver's node was shut down, as spot instances are"},
    FailureReasonWords{FailureReason::Preempted, "Preempted", Blame::Infrastructure,
                       "the driver's pod had to make room for one of higher priority"},
    FailureReasonWords{FailureReason::DeadlineExceeded, "DeadlineExceeded", Blame::Application,
                       "the driver ran longer than it may"},
    FailureReasonWords{FailureReason::DriverDeleted, "DriverDeleted", Blame::Infrastructure,
                       "somebody deleted the driver's pod while it ran"},
    FailureReasonWords{FailureReason::DriverNotFound, "DriverNotFound", Blame::Infrastructure,
                       "the driver's pod is gone"},
    FailureReasonWords{FailureReason::ExitCode, "ExitCode", Blame::Application,
                       "the driver ended with an exit code other than 0"},
    FailureReasonWords{FailureReason::Unknown, "Unknown", Blame::Application,
                       "the driver's pod failed and does not say why"},
    FailureReasonWords{FailureReason::QuotaExceeded, "QuotaExceeded", Blame::Application,
                       "a resource quota of the namespace is spent"},
    FailureReasonWords{FailureReason::NotAuthorized, "NotAuthorized", Blame::Application,
                       "the operator may not create what the application needs"},
    FailureReasonWords{FailureReason::PodSecurity, "PodSecurity", Blame::Application,
                       "the driver's pod violates the pod security standard of its namespace"},
    FailureReasonWords{FailureReason::AdmissionDenied, "AdmissionDenied", Blame::Application,
                       "an admission webhook or policy denied it"},
    FailureReasonWords{FailureReason::NamespaceTerminating, "NamespaceTerminating", Blame::Application,
                       "the namespace is being deleted"},
    FailureReasonWords{FailureReason::ServiceAccountNotFound, "ServiceAccountNotFound", Blame::Application,
                       "the driver's service account does not exist"},
    FailureReasonWords{FailureReason::DriverNameTaken, "DriverNameTaken", Blame::Application,
                       "a pod of the driver's name belongs to somebody else"},
    FailureReasonWords{FailureReason::InvalidSpec, "InvalidSpec", Blame::Application,
                       "the spec cannot be made into a submission, or the API server finds it invalid"},
    FailureReasonWords{FailureReason::SubmissionRejected, "SubmissionRejected", Blame::Application,
                       "the API server, or spark-submit, refused it for another reason; its words follow"},
};

constexpr std::string_view to_string(FailureReason reason) {
  return kFailureReasons[static_cast<std::size_t>(reason)].name;
}
// The cluster took the driver away: node lost, eviction, preemption, spot interruption and the like.
constexpr bool is_infrastructure(FailureReason reason) {
  return kFailureReasons[static_cast<std::size_t>(reason)].blame == Blame::Infrastructure;
}

struct Failure {
  FailureReason reason = FailureReason::Unknown;
  std::string sentence;
  bool operator==(const Failure&) const = default;
};

// Longer ones are cut: they are stored with every application, and clients print them on one screen.
inline constexpr std::size_t kErrorMessageLimit = 4096;

// At most `bytes`, at a character's boundary, with " …" where something was cut.
std::string shortened(std::string text, std::size_t bytes);

// "<words> [<reason>] <sentence>", at most kErrorMessageLimit.
std::string with_reason(std::string_view words, const Failure& failure);
// The first reason in brackets; nullopt: none of ours, as in what another operator wrote.
std::optional<FailureReason> reason_in(std::string_view message);
// What follows the reason; the whole message where there is none.
std::string_view sentence_in(std::string_view message);

// Of a submission that the API server or spark-submit refused, or that cannot be built. By the server's words
// where its reasons ("Forbidden") say too little: they only tell people what to look at.
Failure refusal(const kube::Error& error);

// What an exit code other than 0 means: "exit code 137: killed (SIGKILL), usually for memory".
std::string exit_code_words(std::int64_t code);

}  // namespace controller
