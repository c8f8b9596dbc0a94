#include "cmd/ctl/diagnosis.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/constants.h"
#include "api/defaults.h"
#include "api/names.h"
#include "api/validation.h"
#include "cmd/ctl/lookup.h"
#include "cmd/ctl/output.h"
#include "controller/application/driver_failure.h"
#include "controller/application/event_texts.h"
#include "controller/application/retry_policy.h"
#include "kube/core/fields.h"
#include "kube/core/quantity.h"

namespace ctl {

using controller::Failure;
using controller::FailureReason;
using kube::Json;

namespace {

// An operator comes to a new application within a second unless it has much to do.
constexpr kube::Duration kSoon = std::chrono::seconds(30);
constexpr std::string_view kWebhookWords = "failed calling webhook";

std::string meaning(std::string_view cause) {
  for (const CauseWords& row : kCauses)
    if (row.name == cause) return std::string(row.meaning);
  for (const auto& row : controller::kFailureReasons)
    if (row.name == cause) return std::string(row.meaning);
  return "";
}

struct Advice {
  FailureReason reason;
  std::string_view text;
};
constexpr std::array kAdvice{
    Advice{FailureReason::ImagePull,
           "check the image's name and tag, and that the nodes may pull it (spec.imagePullSecrets)"},
    Advice{FailureReason::CreateContainerConfigError,
           "create what is missing, or correct its name in the spec"},
    Advice{FailureReason::CreateContainerError,
           "read the container runtime's words above; the image or a mount is at "
           "fault"},
    Advice{FailureReason::InitContainerFailed, "look at the init container's log: kubectl logs -c"},
    Advice{FailureReason::Unschedulable,
           "ask for less (cores, memory), relax selectors, tolerations and affinity, or add nodes"},
    Advice{FailureReason::SchedulingGated,
           "whoever set the gate removes it; a queue or a quota usually stands behind"},
    Advice{FailureReason::DriverStartTimeout,
           "raise spec.driver.startTimeoutSeconds, or find out what slows the start"},
    Advice{FailureReason::PodRejected,
           "the node was at fault; a restart policy with onFailure repeats such runs"},
    Advice{FailureReason::OomKilled, "raise spec.driver.memory or spec.driver.memoryOverhead"},
    Advice{FailureReason::Evicted,
           "raise the requests so that the node has what the driver uses, or use bigger nodes"},
    Advice{FailureReason::NodeLost, "spec.restartPolicy.onInfrastructureFailureRetries repeats such runs"},
    Advice{FailureReason::NodeShutdown,
           "spec.restartPolicy.onInfrastructureFailureRetries repeats such runs"},
    Advice{FailureReason::Preempted,
           "give the driver a priority class, or repeat such runs with "
           "spec.restartPolicy.onInfrastructureFailureRetries"},
    Advice{FailureReason::DeadlineExceeded,
           "raise spec.activeDeadlineSeconds, or find out what takes so long"},
    Advice{FailureReason::DriverDeleted, "find out who deletes driver pods; sparkctl rerun starts it again"},
    Advice{FailureReason::DriverNotFound, "find out who deletes driver pods; sparkctl rerun starts it again"},
    Advice{FailureReason::ExitCode, "read the driver's log: sparkctl log"},
    Advice{FailureReason::Unknown, "read the driver's log: sparkctl log"},
    Advice{FailureReason::QuotaExceeded, "ask for less, wait until others have ended, or raise the quota"},
    Advice{FailureReason::NotAuthorized, "give the operator's role what it lacks in this namespace"},
    Advice{FailureReason::PodSecurity, "give the driver the security contexts that the namespace demands"},
    Advice{FailureReason::AdmissionDenied,
           "read the policy's words above and change the spec, or the policy"},
    Advice{FailureReason::NamespaceTerminating, "submit it in another namespace"},
    Advice{FailureReason::ServiceAccountNotFound,
           "create the service account, or correct spec.driver.serviceAccount"},
    Advice{FailureReason::DriverNameTaken, "delete that pod, or set spec.driver.podName"},
    Advice{FailureReason::InvalidSpec,
           "correct the spec; sparkctl render -f tells beforehand what is wrong with one"},
    Advice{FailureReason::SubmissionRejected, "read the words above; the spec or the cluster must change"},
};

std::string advice_for(FailureReason reason) {
  for (const Advice& row : kAdvice)
    if (row.reason == reason) return std::string(row.text);
  return "";
}

class Doctor {
 public:
  Doctor(const Evidence& seen, kube::TimePoint now) : seen_(seen), now_(now) {}

  Diagnosis diagnose();

 private:
  Diagnosis say(std::string_view cause, std::string advice = "") {
    out_.cause = cause;
    if (out_.summary.empty()) out_.summary = meaning(cause);
    out_.advice = std::move(advice);
    return std::move(out_);
  }
  Diagnosis failure(const Failure& failure);
  Diagnosis gone();
  Diagnosis suspended();
  Diagnosis not_submitted();
  Diagnosis webhook(const std::string& words);
  Diagnosis failed();
  Diagnosis submitted();
  Diagnosis running();
  void detail(std::string text) {
    if (!text.empty()) out_.details.push_back(std::move(text));
  }
  void quotas();
  void retries();
  std::string text(std::initializer_list<std::string_view> path) const {
    return kube::string_at(seen_.application, path);
  }
  std::string age_of_app() const { return age_of(text({"metadata", "creationTimestamp"}), now_); }
  std::optional<controller::PodView> driver() const;

  const Evidence& seen_;
  const kube::TimePoint now_;
  Diagnosis out_;
};

std::optional<controller::PodView> Doctor::driver() const {
  if (seen_.drivers.empty()) return std::nullopt;
  auto pod = controller::project_pod(seen_.drivers.front());
  if (!pod) return std::nullopt;
  return *std::move(pod);
}

// What is used up, of quotas that are.
void Doctor::quotas() {
  for (const Json& quota : seen_.quotas) {
    const Json* hard = kube::find_path(quota, {"status", "hard"});
    if (hard == nullptr) hard = kube::find_path(quota, {"spec", "hard"});
    const Json* used = kube::find_path(quota, {"status", "used"});
    if (hard == nullptr || !hard->is_object()) continue;
    std::string list;
    for (const auto& [resource, most] : hard->items()) {
      const std::string limit = most.is_string() ? most.get<std::string>() : most.dump();
      const std::string now = used == nullptr ? "" : kube::string_at(*used, {resource});
      list += (list.empty() ? "" : ", ") + resource + " " + (now.empty() ? "0" : now) + " of " + limit;
    }
    detail("quota " + name_of(quota) + ": " + list);
  }
}

void Doctor::retries() {
  const auto app = kube::decode<api::SparkApplication>(seen_.application);
  if (!app) return;
  const api::State state = app->status.application_state.state;
  if (state != api::State::SubmissionFailed && state != api::State::Failing) return;
  const auto verdict = controller::retry_verdict(api::with_defaults(app->spec), app->status, state, now_);
  if (!verdict.allowed)
    detail("the restart policy allows no further attempt");
  else
    detail(verdict.wait <= kube::Duration::zero()
               ? std::string("the next attempt is due now")
               : "the next attempt is due in " + short_duration(verdict.wait));
}

Diagnosis Doctor::failure(const Failure& failure) {
  const std::string cause(controller::to_string(failure.reason));
  out_.summary = meaning(cause);
  // Sentences often begin with the meaning: not twice.
  std::string_view rest = failure.sentence;
  if (rest.starts_with(out_.summary)) rest.remove_prefix(out_.summary.size());
  while (rest.starts_with(':') || rest.starts_with(' ')) rest.remove_prefix(1);
  detail(std::string(rest));
  switch (failure.reason) {
    case FailureReason::QuotaExceeded:
      quotas();
      break;
    case FailureReason::ServiceAccountNotFound:
      detail("the driver runs as service account " + seen_.ns + "/" + seen_.service_account);
      break;
    case FailureReason::OomKilled:
      if (!seen_.drivers.empty()) {
        for (const Json& container : seen_.drivers.front()["spec"].value("containers", Json::array()))
          if (kube::string_at(container, {"name"}) == api::container::kDriver)
            detail("memory limit of the driver: " +
                   kube::string_at(container, {"resources", "limits", "memory"}));
      }
      break;
    default:
      break;
  }
  retries();
  return say(cause, advice_for(failure.reason));
}

Diagnosis Doctor::webhook(const std::string& words) {
  detail(words);
  for (const WebhookTrouble& trouble : seen_.webhooks)
    detail(trouble.configuration + ": service " + trouble.service + " has no ready pods");
  return say("WebhookUnavailable",
             "bring the webhook's pods back (their deployment, their certificate), or delete its "
             "configuration if it "
             "was left behind");
}

// Of an application that is not there: all that is left are its events, for an hour. An operator says nothing
// when it deletes one whose time to live is over; that it had ended is what tells such a deletion from
// others.
Diagnosis Doctor::gone() {
  const Json* last = nullptr;
  bool ended = false;
  for (const Json& event : seen_.events) {
    if (kube::string_at(event, {"involvedObject", "kind"}) != "SparkApplication") continue;
    last = &event;
    const std::string reason = kube::string_at(event, {"reason"});
    if (reason == "SparkApplicationAdded") ended = false;
    if (reason == "SparkApplicationCompleted" || reason == "SparkApplicationFailed") ended = true;
  }
  if (last == nullptr) return say("NotFound", "check name and namespace: sparkctl list --all-namespaces");
  detail("last heard " + age_of(time_of_event(*last), now_) + " ago: " + kube::string_at(*last, {"message"}));
  if (ended)
    return say("TimeToLive", "spec.timeToLiveSeconds says how long an application is kept after its end");
  return say("Deleted", "somebody deleted it before it had ended");
}

Diagnosis Doctor::suspended() {
  const std::string queue = text({"metadata", "labels", "kueue.x-k8s.io/queue-name"});
  if (!queue.empty()) {
    detail("it is in Kueue's queue " + queue + ", which resumes it when there is room");
    return say("Suspended", "look at its Workload: kubectl get workloads --namespace " + seen_.ns);
  }
  return say("Suspended", "sparkctl resume " + seen_.name + " lets it run");
}

// New, or about to be submitted once more: what would happen if the operator did it now?
Diagnosis Doctor::not_submitted() {
  if (seen_.namespace_phase == "Terminating") return failure({FailureReason::NamespaceTerminating, ""});
  const auto app = kube::decode<api::SparkApplication>(seen_.application);
  if (!app) return failure({FailureReason::InvalidSpec, app.error().message()});
  if (const auto faults = api::validate_submission(*app, api::kAsStored); !faults.empty())
    return failure({FailureReason::InvalidSpec, api::describe(faults)});
  if (seen_.refusal) {
    const std::string& words = seen_.refusal->message();
    if (words.find(kWebhookWords) != std::string::npos) return webhook(words);
    return failure(controller::refusal(*seen_.refusal));
  }
  if (!seen_.webhooks.empty()) return webhook("");
  if (seen_.service_account_is_there == false) return failure({FailureReason::ServiceAccountNotFound, ""});

  const auto created = kube::parse_rfc3339(text({"metadata", "creationTimestamp"}));
  const bool young = created && now_ - *created < kSoon;
  const bool served = seen_.last_submission && now_ - *seen_.last_submission < kSoon;
  const bool known = std::ranges::any_of(seen_.events, [](const Json& event) {
    return kube::string_at(event, {"reason"}) == "SparkApplicationAdded";
  });
  if (young || served || known) {
    detail("it waits for " + age_of_app() + "; " + std::to_string(seen_.waiting_before) +
           " applications were created earlier and wait too");
    return say("WaitingInQueue");
  }
  detail("it was created " + age_of_app() +
         " ago, has no status and no event, and nothing was submitted lately");
  return say("NoOperator",
             "check that an operator runs, that it has a leader, and that it watches namespace " + seen_.ns +
                 " (--namespaces, --namespace-selector)");
}

Diagnosis Doctor::failed() {
  const std::string message = text({"status", "applicationState", "errorMessage"});
  if (message.find(kWebhookWords) != std::string::npos)
    return webhook(std::string(controller::sentence_in(message)));
  if (const auto reason = controller::reason_in(message))
    return failure({*reason, std::string(controller::sentence_in(message))});
  // Another operator's words: its pod says more.
  if (const auto pod = driver(); pod && controller::driver_state(*pod) == api::PodState::Failed)
    return failure(controller::failure_of(*pod));
  if (!message.empty()) return failure(controller::refusal(kube::Error(kube::ErrorKind::Forbidden, message)));
  return failure({FailureReason::Unknown, ""});
}

Diagnosis Doctor::submitted() {
  const auto pod = driver();
  if (pod) {
    if (const auto obstacle = controller::start_obstacle(*pod)) return failure(*obstacle);
  }
  const std::string message = text({"status", "applicationState", "errorMessage"});
  if (const auto reason = controller::reason_in(message))
    return failure({*reason, std::string(controller::sentence_in(message))});
  if (!pod && seen_.pods_seen) detail("its driver pod is not there");
  const std::string scheduler = text({"spec", "batchScheduler"});
  if (!scheduler.empty()) detail("batch scheduler " + scheduler + " places its pods");
  return say("DriverStarting");
}

Diagnosis Doctor::running() {
  int pending = 0;
  std::string obstacle;
  for (const Json& json : seen_.executors) {
    const auto pod = controller::project_pod(json);
    if (!pod || pod->phase != controller::PodPhase::Pending) continue;
    ++pending;
    if (pod->trouble.reason && obstacle.empty())
      obstacle = std::string(controller::to_string(*pod->trouble.reason)) + ": " + pod->trouble.text;
  }
  const auto app = kube::decode<api::SparkApplication>(seen_.application);
  const auto& wanted = app ? app->spec.executor.instances : std::nullopt;
  detail(std::to_string(seen_.executors.size()) + " executors" +
         (wanted ? " of " + std::to_string(*wanted) : std::string()) + ", " + std::to_string(pending) +
         " pending");
  if (pending > 0 || (wanted && seen_.executors.empty())) {
    detail(obstacle);
    quotas();
    return say(
        "ExecutorsPending",
        "executors that are refused leave their reason in the driver's log: sparkctl log " + seen_.name);
  }
  return say("Running");
}

Diagnosis Doctor::diagnose() {
  if (seen_.application.is_null()) return gone();
  const Json* meta = kube::find_path(seen_.application, {"metadata"});
  if (meta != nullptr && meta->contains("deletionTimestamp")) {
    if (const auto held = meta->find("finalizers"); held != meta->end() && !held->empty())
      detail("it waits for finalizers: " + held->dump());
    return say("Deleting");
  }
  const std::string state = state_of(seen_.application);
  const Json* wish = kube::find_path(seen_.application, {"spec", "suspend"});
  const bool ended = state == "COMPLETED" || state == "FAILED";
  if (!ended && ((wish != nullptr && *wish == true) || state == "SUSPENDED")) return suspended();
  if (state == "NEW" || state == "PENDING_RERUN" || state == "RESUMING") return not_submitted();
  if (state == "SUBMISSION_FAILED" || state == "FAILED" || state == "FAILING") return failed();
  if (state == "SUBMITTED") return submitted();
  if (state == "RUNNING") return running();
  if (state == "UNKNOWN") return failure({FailureReason::NodeLost, ""});
  if (state == "COMPLETED" || state == "SUCCEEDING") return say("Completed");
  return say("Working");
}

}  // namespace

Diagnosis diagnose(const Evidence& seen, kube::TimePoint now) {
  return Doctor(seen, now).diagnose();
}

}  // namespace ctl
