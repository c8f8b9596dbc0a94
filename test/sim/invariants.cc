#include "test/sim/invariants.h"

#include <algorithm>

#include "api/constants.h"
#include "api/scheduled_spark_application.h"
#include "api/spec_hash.h"
#include "controller/application/transitions.h"
#include "test/sim/direct_client.h"
#include "test/sim/fault_source.h"
#include "test/sim/operator_process.h"
#include "test/sim/pretend_kubelet.h"

namespace sim {

using api::State;
using kube::Json;
using kube::string_at;
using kube::apiserver::RequestInfo;

namespace {

constexpr const char* kLeaseTable = "leases.coordination.k8s.io";
constexpr const char* kOwnerKind = "SparkApplication";

int number_at(const Json& object, const char* name) {
  const auto status = object.find("status");
  return status == object.end() ? 0 : status->value(name, 0);
}

std::string uid_of(const Json& object) {
  return string_at(object, {"metadata", "uid"});
}
std::string id_of(const Json& app) {
  return string_at(app, {"status", "submissionID"});
}

State state_of(const Json& app) {
  const std::string word = string_at(app, {"status", "applicationState", "state"});
  for (const auto& known : api::kStates) {
    if (known.name == word) return known.value;
  }
  return State::New;
}

// How far the current id has come; it never goes back.
int rank(State state) {
  if (state == State::Submitted) return 0;
  if (state == State::Running || state == State::Unknown) return 1;
  return 2;
}

// The link of an id alone: any spec will do.
bool follows(const std::string& id, const std::string& app_uid, const std::string& current) {
  static const api::SpecHash any = api::spec_hash({});
  return api::same_link(id, api::next_attempt_id(app_uid, current, any));
}

// Whether status speaks of this very pod.
bool is_recorded(const Json& app, const Json& pod) {
  return uid_of(app) == owner_uid(pod, kOwnerKind) &&
         id_of(app) == label_of(pod, api::label::kSubmissionId) &&
         string_at(app, {"status", "driverInfo", "podName"}) == string_at(pod, {"metadata", "name"}) &&
         string_at(app, {"status", "lastSubmissionAttemptTime"}) ==
             string_at(pod, {"metadata", "creationTimestamp"});
}

Json body_of(const RequestInfo& request) {
  Json body = Json::parse(request.body, nullptr, false);
  return body.is_discarded() ? Json() : body;
}

// Of a merge patch, or of a JSON patch that replaces the version.
std::string resource_version_of(const Json& patch) {
  if (patch.is_object()) return string_at(patch, {"metadata", "resourceVersion"});
  if (!patch.is_array()) return "";
  for (const Json& operation : patch) {
    if (operation.value("path", "") == "/metadata/resourceVersion") return operation.value("value", "");
  }
  return "";
}

}  // namespace

Invariants::Invariants(kube::Loop& loop, kube::apiserver::ApiServer& server, Trace& trace, Form form,
                       std::string lease)
    : loop_(loop),
      server_(server),
      trace_(trace),
      form_(form),
      lease_(std::move(lease)),
      schedules_(loop, server, *this),
      connects_(server, *this) {}

void Invariants::violate(const std::string& what) {
  trace_.add("VIOLATED", what);
  if (violation_.empty()) violation_ = what;
}

// ---- requests

void Invariants::request_arrived(const RequestInfo& request) {
  if (!from_operator(request) || form_ == Form::Free) return;
  check_form(request);
  if (is_pod_post(request)) check_live_read(request);
}

void Invariants::request_answered(const RequestInfo& request, int code) {
  if (!from_operator(request)) {
    // Those whom nobody disturbs have no reason to be refused, but for what races with others.
    if (code >= 400) {
      trace_.add("refused", request.user.username + " " + request.verb + " " + request.path + " → " +
                                std::to_string(code));
    }
    if (code == 400 || code == 422 || code >= 500)
      violate("the world's own request is wrong: " + request.body);
    return;
  }
  if (request.verb != "watch" && request.resource != "events" && request.resource != "leases") {
    trace_.add("request",
               request.user_agent + " " + request.verb + " " + request.path + " → " + std::to_string(code));
  }
  if (request.verb == "get" && is_schedule(request) && code == 200) {
    const auto schedule = server_.store().get(kScheduleTable, {request.ns, request.name});
    if (!schedule) return;
    live_reads_[process_of(request) + " " + ScheduleInvariants::subject(request.name)].at = loop_.steady();
    schedules_.live_read(process_of(request), schedule->json());
  }
  if (request.verb == "get" && is_application(request) && code == 200) {
    const auto app = server_.store().get(kApplicationTable, {request.ns, request.name});
    if (!app) return;
    const Json& json = app->json();
    live_reads_[process_of(request) + " " + request.name] = {loop_.steady(), uid_of(json), id_of(json),
                                                             is_deleting(json),
                                                             json.at("spec").value("suspend", false)};
  }
}

void Invariants::check_form(const RequestInfo& request) {
  const std::string what = request.user_agent + " " + request.verb + " " + request.path;
  if (request.verb == "deletecollection") violate("form: " + what);
  if (request.verb == "delete" && !from_spark_submit(request)) {
    const Json body = body_of(request);
    if (string_at(body, {"preconditions", "uid"}).empty()) violate("form: no UID precondition: " + what);
    if (is_application(request) && string_at(body, {"preconditions", "resourceVersion"}).empty() &&
        !may_be_replaced(request)) {
      violate("form: no resourceVersion precondition: " + what);
    }
  }
  const bool ours = is_application(request) || is_schedule(request) || is_connect(request);
  if (request.verb == "patch" && ours && resource_version_of(body_of(request)).empty()) {
    violate("form: no resourceVersion: " + what);
  }
  if (request.verb == "update" && resource_version_of(body_of(request)).empty()) {
    violate("form: no resourceVersion: " + what);
  }
}

// A run in the way of another one goes whatever has become of it by now, or is gone already.
bool Invariants::may_be_replaced(const RequestInfo& request) const {
  const auto run = server_.store().get(kApplicationTable, {request.ns, request.name});
  return !run || !owner_uid(run->json(), api::ScheduledSparkApplication::kKind).empty();
}

void Invariants::check_live_read(const RequestInfo& request) {
  const Json pod = body_of(request);
  if (is_connect_server(pod)) return;
  const std::string app = label_of(pod, api::label::kAppName);
  const auto found = live_reads_.find(process_of(request) + " " + app);
  const std::string owner = owner_uid(pod, kOwnerKind);
  if (found == live_reads_.end() || found->second.uid != owner) {
    return violate("I2: driver of " + app + " posted without a live read of the application");
  }
  const LiveRead& read = found->second;
  if (!follows(label_of(pod, api::label::kSubmissionId), owner, read.id)) {
    violate("I2: driver of " + app + " posted for another attempt than the live read says is next");
  }
  if (read.deleting) violate("I2: driver posted although the live read showed " + app + " going away");
  if (read.suspended) violate("I2: driver posted although the live read showed " + app + " suspended");
}

void Invariants::post_will_be_late(const RequestInfo& request, kube::Duration delay) {
  late_posts_.emplace(loop_.after(delay), request.body);
}

// ---- commits

void Invariants::committed(const kube::apiserver::Commit& commit) {
  const kube::apiserver::Change& change = commit.change;
  const bool by_operator = from_operator(commit.request);
  const Json& object = (change.after ? change.after : change.before)->json();
  if (commit.table != "events" && commit.table != kLeaseTable) {
    const char* verb = !change.before ? "created" : !change.after ? "removed" : "changed";
    std::string more;
    if (commit.table == kApplicationTable) {
      more = " " + std::string(api::to_string(state_of(object))) + " id=" + id_of(object).substr(0, 8);
    } else if (commit.table == kPodTable) {
      more = " " + phase_of(object) + " id=" + label_of(object, api::label::kSubmissionId).substr(0, 8);
    }
    if (is_deleting(object)) more += " terminating";
    trace_.add("commit", commit.table.substr(0, commit.table.find('.')) + " " +
                             string_at(object, {"metadata", "name"}) + " uid=" + uid_of(object).substr(0, 5) +
                             " " + verb + " by " +
                             (by_operator ? commit.request.user_agent : commit.request.user.username) + more);
  }
  if (by_operator && !change.before && commit.table != "events" && commit.table != kLeaseTable) {
    const Json owners = object.at("metadata").value("ownerReferences", Json::array());
    if (owners.empty()) violate("ownerless: " + commit.table + " " + change.after->key().to_string());
  }
  if (commit.table == kLeaseTable && !change.after) lease_deleted_ = loop_.steady();
  schedules_.committed(commit);
  connects_.committed(commit);
  if (commit.table == kPodTable) {
    const bool goes =
        change.before &&
        (!change.after || (is_deleting(change.after->json()) && !is_deleting(change.before->json())));
    if (!change.before && is_driver(object)) driver_created(commit);
    if (goes && by_operator && !from_spark_submit(commit.request) && !is_connect_server(object))
      driver_deleted(commit);
    if (change.after && phase_of(object) == "Succeeded") {
      if (auto known = drivers_.find(uid_of(object)); known != drivers_.end()) known->second.succeeded = true;
    }
  } else if (commit.table == kApplicationTable) {
    application_changed(commit);
  } else if (commit.table == "configmaps" || commit.table == "services") {
    if (change.after) completed_.insert(owner_uid(object, "Pod"));
    if (!change.after && by_operator) child_deleted(commit);
  }
}

bool Invariants::is_late(const std::string& pod_uid) const {
  const auto found = drivers_.find(pod_uid);
  return found != drivers_.end() && found->second.late && !found->second.adopted;
}

kube::apiserver::ObjectRef Invariants::application_of(const Json& pod) const {
  const auto app = server_.store().get(
      kApplicationTable, {string_at(pod, {"metadata", "namespace"}), label_of(pod, api::label::kAppName)});
  return app && app->uid() == owner_uid(pod, kOwnerKind) ? app : nullptr;
}

bool Invariants::lands_late(const kube::apiserver::Commit& commit, const std::string& subject) const {
  const std::string who = process_of(commit.request);
  if (gone_.contains(who) || late_posts_.contains({loop_.steady(), commit.request.body})) return true;
  const auto read = live_reads_.find(who + " " + subject);
  if (read == live_reads_.end()) return false;
  // The lease was sure to last for the call's deadline from some moment after that read.
  const auto thawed = thawed_.find(who);
  if (thawed != thawed_.end() && thawed->second >= read->second.at &&
      loop_.steady() > read->second.at + kCallDeadline) {
    return true;
  }
  if (!lease_.empty() && lease_deleted_ <= read->second.at) return false;
  return others_acted(subject, who, read->second.at);
}

bool Invariants::others_acted(const std::string& subject, const std::string& who,
                              kube::SteadyTime since) const {
  const auto acts = acts_.find(subject);
  return acts != acts_.end() && std::ranges::any_of(acts->second, [&](const auto& act) {
           return act.first != who && act.second >= since;
         });
}

// A lease that was deleted or that names nobody who runs makes no second one believe in it.
std::string Invariants::another_leader(const std::string& who) const {
  if (lease_.empty()) return "";
  const auto lease = server_.store().get(kLeaseTable, kube::ObjectKey::parse(lease_));
  const std::string holder = lease ? string_at(lease->json(), {"spec", "holderIdentity"}) : who;
  if (holder == who) return "";
  if (holder.empty()) return "nobody";
  return holder.starts_with("operator-") ? holder : "";
}

void Invariants::driver_created(const kube::apiserver::Commit& commit) {
  const Json& pod = commit.change.after->json();
  const std::string who = process_of(commit.request);
  Driver driver{.key = commit.change.after->key(),
                .owner = owner_uid(pod, kOwnerKind),
                .id = label_of(pod, api::label::kSubmissionId),
                .created = string_at(pod, {"metadata", "creationTimestamp"})};
  const std::string app_name = label_of(pod, api::label::kAppName);
  driver.late = lands_late(commit, app_name);
  acts_[app_name][who] = loop_.steady();
  const std::string name = driver.key.to_string();
  if (driver.owner.empty()) violate("ownerless: driver " + name);
  if (!driver.late) {
    for (const auto& other : server_.store().list(kPodTable, driver.key.ns)) {
      if (other->uid() == commit.change.after->uid() || !is_driver(other->json())) continue;
      if (owner_uid(other->json(), kOwnerKind) != driver.owner || has_ended(other->json()) ||
          is_late(other->uid())) {
        continue;
      }
      violate("I1: second driver " + name + " started while " + other->key().to_string() + " is " +
              (other->is_terminating() ? "still terminating" : "there"));
    }
    if (const auto app = application_of(pod)) {
      const std::string current = id_of(app->json());
      if (!follows(driver.id, driver.owner, current)) {
        violate("I2: driver " + name + " started for an attempt that is not next (" + driver.id.substr(0, 8) +
                " after " + current.substr(0, 8) + ")");
      }
      if (!controller::is_before_submission(state_of(app->json()))) {
        violate("I2: driver " + name + " started in state " +
                std::string(api::to_string(state_of(app->json()))));
      }
    }
    if (const std::string holder = another_leader(who); !holder.empty())
      violate("I1: driver " + name + " started by " + who + " without the lease of " + holder);
  }
  drivers_[commit.change.after->uid()] = std::move(driver);
}

void Invariants::driver_deleted(const kube::apiserver::Commit& commit) {
  const Json& pod = commit.change.before->json();
  const std::string name = commit.change.before->key().to_string();
  if (owner_uid(pod, kOwnerKind).empty()) return violate("I3: foreign pod " + name + " deleted");
  const auto app = application_of(pod);
  if (!app || app->is_terminating() || is_deleting(pod) || is_late(uid_of(pod))) return;
  const State state = state_of(app->json());
  const std::string current = id_of(app->json());
  const std::string id = label_of(pod, api::label::kSubmissionId);
  const std::string words = name + " deleted in state " + std::string(api::to_string(state));
  if (controller::is_active(state) && !has_ended(pod) && is_recorded(app->json(), pod)) {
    violate("I3: healthy driver " + words);
  }
  if (follows(id, uid_of(app->json()), current) && controller::is_before_submission(state) &&
      !has_ended(pod) && !app->json().at("spec").value("suspend", false)) {
    violate("I3: healthy driver, about to be adopted, " + words);
  }
  if (id == current && api::is_terminal(state) && has_ended(pod)) violate("I3: finished driver " + words);
}

void Invariants::child_deleted(const kube::apiserver::Commit& commit) {
  const std::string owner = owner_uid(commit.change.before->json(), "Pod");
  for (const auto& pod : server_.store().list(kPodTable)) {
    if (pod->uid() == owner && !pod->is_terminating()) {
      violate("I4: " + commit.table + " " + commit.change.before->key().to_string() +
              " taken from its live driver");
    }
  }
}

void Invariants::application_changed(const kube::apiserver::Commit& commit) {
  const kube::apiserver::Change& change = commit.change;
  if (!change.after) return;
  const Json& after = change.after->json();
  if (!change.before) {
    ids_[change.after->uid()] = {""};
    return;
  }
  const Json& before = change.before->json();
  if (from_operator(commit.request) && before.at("spec") != after.at("spec"))
    violate("form: a spec was written");
  if (from_operator(commit.request)) {
    acts_[change.after->key().name][process_of(commit.request)] = loop_.steady();
  }
  if (before.value("status", Json()) != after.value("status", Json())) status_changed(before, after);
}

void Invariants::status_changed(const Json& before, const Json& after) {
  const std::string name = string_at(after, {"metadata", "name"});
  const std::string uid = uid_of(after);
  const std::string old_id = id_of(before), new_id = id_of(after);
  const State from = state_of(before), to = state_of(after);
  const std::string words =
      name + ": " + std::string(api::to_string(from)) + " → " + std::string(api::to_string(to));
  if (old_id != new_id) {
    auto& ids = ids_[uid];
    if (std::ranges::find(ids, new_id) != ids.end()) violate("I6: submissionID returns, " + words);
    if (!follows(new_id, uid, old_id)) violate("I6: submissionID is not the next one, " + words);
    ids.push_back(new_id);
  } else if (!new_id.empty() && rank(to) < 2 && rank(to) < rank(from)) {
    violate("I6: status goes back, " + words);
  }
  if (from != to && std::ranges::none_of(controller::kTransitions, [&](const controller::Transition& row) {
        return row.from == from && row.to == to;
      })) {
    violate("I6: no such transition, " + words);
  }
  for (auto& [pod_uid, driver] : drivers_) {
    if (driver.owner != uid || driver.id != new_id || !controller::is_active(to)) continue;
    driver.adopted |= driver.key.name == string_at(after, {"status", "driverInfo", "podName"}) &&
                      driver.created == string_at(after, {"status", "lastSubmissionAttemptTime"});
  }
  check_counted(before, after);
  check_reported(before, after);
  check_two_drivers(uid);
}

// A budget of attempts is spent by what was really tried: a counter grows by one, with a new id. (That a run
// counted here had a driver is check_reported's.)
void Invariants::check_counted(const Json& before, const Json& after) {
  const State from = state_of(before), to = state_of(after);
  const std::string words = string_at(after, {"metadata", "name"}) + ": " +
                            std::string(api::to_string(from)) + " → " + std::string(api::to_string(to));
  const bool fresh = id_of(before) != id_of(after);
  const auto spent = [&](const char* counter, bool due) {
    const int more = number_at(after, counter) - number_at(before, counter);
    if (more > (fresh && due ? 1 : 0))
      violate("I6: " + std::string(counter) + " grows by " + std::to_string(more) + ", " + words);
  };
  spent("executionAttempts", to == State::Submitted && from != to);
  spent("submissionAttempts", (to == State::Submitted && from != to) || to == State::SubmissionFailed);
}

// What status says of the driver is true.
void Invariants::check_reported(const Json& before, const Json& after) {
  const std::string name = string_at(after, {"metadata", "name"});
  const State from = state_of(before), to = state_of(after);
  const std::string uid = uid_of(after), id = id_of(after);
  for (const auto& pod : server_.store().list(kPodTable)) {
    const Json& json = pod->json();
    if (!is_driver(json) || owner_uid(json, kOwnerKind) != uid || pod->is_terminating() ||
        is_late(pod->uid()))
      continue;
    if (label_of(json, api::label::kSubmissionId) != id) continue;
    // One that cannot run, because its children were refused, has failed indeed.
    if (to == State::SubmissionFailed && volumes_exist(server_, json) &&
        number_at(after, "submissionAttempts") > number_at(before, "submissionAttempts")) {
      violate("I3: submission of " + name + " reported as failed, its driver is there");
    }
    if (to == State::Failing && from != to && phase_of(json) != "Failed" && is_recorded(before, json)) {
      violate("I3: driver of " + name + " reported as lost or failed, it is " + phase_of(json));
    }
  }
  if (from == to || (to != State::Submitted && to != State::Succeeding)) return;
  bool known = false, children = false, succeeded = false;
  for (const auto& [pod_uid, driver] : drivers_) {
    if (driver.owner != uid || driver.id != id) continue;
    known = true;
    children |= completed_.contains(pod_uid);
    succeeded |= driver.succeeded;
  }
  if (to == State::Submitted && !known) violate("I3: " + name + " SUBMITTED without a driver");
  if (to == State::Submitted && known && !children) violate("I4: " + name + " SUBMITTED without children");
  if (to == State::Succeeding && !succeeded) violate("I3: " + name + " SUCCEEDING, no driver has succeeded");
}

void Invariants::check_two_drivers(const std::string& owner) {
  std::string first;
  for (const auto& pod : server_.store().list(kPodTable)) {
    const Json& json = pod->json();
    if (!is_driver(json) || owner_uid(json, kOwnerKind) != owner || pod->is_terminating() ||
        has_ended(json) || is_late(pod->uid())) {
      continue;
    }
    if (!first.empty())
      violate("I1: two live drivers of one application: " + first + " and " + pod->key().to_string());
    first = pod->key().to_string();
  }
}

}  // namespace sim
