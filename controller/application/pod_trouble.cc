#include "controller/application/pod_trouble.h"

#include <algorithm>

namespace controller {

using kube::JsonView;

namespace {

// Schedulers of large clusters write pages; their first lines say what is asked for and what is not there.
constexpr std::size_t kTextLimit = 512;

struct Word {
  std::string_view word;
  FailureReason reason;
};

// Reasons of a container that waits. Those of a start that goes its way (ContainerCreating,
// PodInitializing) are none.
constexpr std::array<Word, 14> kWaiting{
    Word{"ErrImagePull", FailureReason::ImagePull},
    Word{"ImagePullBackOff", FailureReason::ImagePull},
    Word{"InvalidImageName", FailureReason::ImagePull},
    Word{"ErrImageNeverPull", FailureReason::ImagePull},
    Word{"ImageInspectError", FailureReason::ImagePull},
    Word{"RegistryUnavailable", FailureReason::ImagePull},
    Word{"SignatureValidationFailed", FailureReason::ImagePull},
    Word{"CreateContainerConfigError", FailureReason::CreateContainerConfigError},
    Word{"CreateContainerError", FailureReason::CreateContainerError},
    Word{"RunContainerError", FailureReason::CreateContainerError},
    Word{"StartError", FailureReason::CreateContainerError},
    Word{"PostStartHookError", FailureReason::CreateContainerError},
    Word{"PreCreateHookError", FailureReason::CreateContainerError},
    Word{"PreStartHookError", FailureReason::CreateContainerError},
};

// Reasons of condition DisruptionTarget.
constexpr std::array<Word, 5> kDisruptions{
    Word{"PreemptionByScheduler", FailureReason::Preempted},
    Word{"EvictionByEvictionAPI", FailureReason::Evicted},
    Word{"DeletionByTaintManager", FailureReason::NodeLost},
    Word{"DeletionByPodGC", FailureReason::NodeLost},
    Word{"TerminationByKubelet", FailureReason::NodeShutdown},
};

// status.reason of a pod that was given up as a whole. Any other one is a node that did not admit it
// (OutOfcpu, NodeAffinity, UnexpectedAdmissionError …).
constexpr std::array<Word, 9> kPodReasons{
    Word{"Evicted", FailureReason::Evicted},
    Word{"NodeLost", FailureReason::NodeLost},
    Word{"Preempting", FailureReason::Preempted},
    Word{"Preempted", FailureReason::Preempted},
    Word{"Terminated", FailureReason::NodeShutdown},
    Word{"NodeShutdown", FailureReason::NodeShutdown},
    Word{"Shutdown", FailureReason::NodeShutdown},
    Word{"DeadlineExceeded", FailureReason::DeadlineExceeded},
    Word{"OOMKilled", FailureReason::OomKilled},
};

template <std::size_t N>
std::optional<FailureReason> look_up(const std::array<Word, N>& words, std::string_view word) {
  const auto found = std::ranges::find(words, word, &Word::word);
  if (found == words.end()) return std::nullopt;
  return found->reason;
}

PodTrouble trouble(FailureReason reason, std::string text) {
  return {reason, shortened(std::move(text), kTextLimit)};
}

std::string joined(std::string_view reason, std::string_view message) {
  std::string text(reason);
  if (!message.empty()) text.append(text.empty() ? "" : ": ").append(message);
  return text;
}

JsonView condition(JsonView status, std::string_view type) {
  for (JsonView candidate : status["conditions"].items()) {
    if (candidate["type"].string_or() == type) return candidate;
  }
  return {};
}

std::optional<PodTrouble> waiting(JsonView containers) {
  for (JsonView container : containers.items()) {
    const JsonView state = container["state"]["waiting"];
    const std::string_view word = state["reason"].string_or();
    const auto reason = look_up(kWaiting, word);
    if (!reason) continue;
    return trouble(*reason, "container " + std::string(container["name"].string_or()) + ": " +
                                joined(word, state["message"].string_or()));
  }
  return std::nullopt;
}

std::optional<PodTrouble> init_failed(JsonView containers) {
  for (JsonView container : containers.items()) {
    const std::string name(container["name"].string_or());
    for (const char* state : {"state", "lastState"}) {
      const JsonView ended = container[state]["terminated"];
      const std::int64_t code = ended["exitCode"].integer().value_or(0);
      if (code == 0) continue;
      return trouble(
          FailureReason::InitContainerFailed,
          "init container " + name + ": " + joined(exit_code_words(code), ended["message"].string_or()));
    }
  }
  return std::nullopt;
}

}  // namespace

PodTrouble trouble_of(JsonView status) {
  const std::string_view given_up = status["reason"].string_or();
  const std::string_view message = status["message"].string_or();
  const auto by_pod = look_up(kPodReasons, given_up);
  if (const JsonView disrupted = condition(status, "DisruptionTarget");
      disrupted["status"].string_or() == "True") {
    // A kubelet marks evictions and shut-downs alike; the pod's own reason tells them apart.
    const auto reason = by_pod ? by_pod : look_up(kDisruptions, disrupted["reason"].string_or());
    const std::string_view words = disrupted["message"].string_or();
    return trouble(reason.value_or(FailureReason::Evicted),
                   joined(disrupted["reason"].string_or(), words.empty() ? message : words));
  }
  if (!given_up.empty())
    return trouble(by_pod.value_or(FailureReason::PodRejected), joined(given_up, message));
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    if (auto found = waiting(status[list])) return *found;
  }
  if (auto found = init_failed(status["initContainerStatuses"])) return *found;
  if (const JsonView scheduled = condition(status, "PodScheduled");
      scheduled["status"].string_or() == "False") {
    const bool gated = scheduled["reason"].string_or() == "SchedulingGated";
    if (gated || scheduled["reason"].string_or() == "Unschedulable") {
      return trouble(gated ? FailureReason::SchedulingGated : FailureReason::Unschedulable,
                     std::string(scheduled["message"].string_or()));
    }
  }
  return {};
}

}  // namespace controller
