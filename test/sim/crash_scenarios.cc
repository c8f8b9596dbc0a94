#include "test/sim/crash_scenarios.h"

#include <algorithm>
#include <vector>

#include "api/constants.h"
#include "kube/async/timer.h"
#include "test/sim/plan.h"
#include "test/sim/pretend_kubelet.h"

namespace sim {

using api::State;
using kube::Json;
using kube::Task;
using namespace std::chrono_literals;

Story::Story(kube::Loop& loop, kube::apiserver::ApiServer& server, Trace& trace)
    : loop_(loop),
      server_(server),
      trace_(trace),
      user_{server, "alice"},
      kubelet_{server, "kubelet"},
      key_{kNamespace, "pi"} {}

Task<> Story::until(std::string what, Fact fact) {
  waits_for_ = what;
  while (!fact()) co_await kube::sleep(loop_, 20ms);
  trace_.add("story", what);
}

kube::apiserver::ObjectRef Story::application() const {
  return server_.store().get(kApplicationTable, key_);
}

std::string Story::status_text(std::initializer_list<const char*> path) const {
  const auto app = application();
  if (!app || !app->json().contains("status")) return "";
  const Json* at = &app->json().at("status");
  for (const char* name : path) {
    const auto found = at->find(name);
    if (found == at->end()) return "";
    at = &*found;
  }
  return at->is_string() ? at->get<std::string>() : "";
}

kube::apiserver::ObjectRef Story::driver() const {
  const auto app = application();
  for (const auto& pod : server_.store().list(kPodTable, key_.ns)) {
    const Json& json = pod->json();
    if (app && is_driver(json) && owner_uid(json, "SparkApplication") == app->uid() &&
        !pod->is_terminating() && phase_of(json) == "Running" &&
        label_of(json, api::label::kSubmissionId) == status_text({"submissionID"})) {
      return pod;
    }
  }
  return nullptr;
}

int Story::known_executors() const {
  const auto app = application();
  const Json states = app ? app->json().at("status").value("executorState", Json::object()) : Json::object();
  return static_cast<int>(std::ranges::count(states, "RUNNING"));
}

Task<> Story::create(Json spec) {
  Json whole{{"type", "Python"},
             {"mode", "cluster"},
             {"sparkVersion", "3.5.7"},
             {"image", "spark:3.5.7"},
             {"mainApplicationFile", "local:///opt/spark/examples/src/main/python/pi.py"},
             {"arguments", Json::array({"10"})},
             {"restartPolicy", {{"type", "Never"}}},
             {"driver", {{"cores", 1}, {"memory", "512m"}}},
             {"executor", {{"instances", kExecutors}, {"memory", "512m"}}}};
  whole.merge_patch(spec);
  trace_.add("story", "create " + spec.dump());
  given_up_.clear();
  (void)co_await user_.send("POST", applications_path(key_.ns),
                            Json{{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                                 {"kind", "SparkApplication"},
                                 {"metadata", {{"name", key_.name}, {"namespace", key_.ns}}},
                                 {"spec", std::move(whole)}});
}

Task<> Story::edit(Json spec) {
  trace_.add("story", "edit " + spec.dump());
  (void)co_await user_.merge(application_path(key_), Json{{"spec", std::move(spec)}});
}

Task<> Story::remove(std::string propagation) {
  trace_.add("story", "delete " + propagation);
  (void)co_await user_.send("DELETE", application_path(key_),
                            Json{{"propagationPolicy", std::move(propagation)}});
}

Task<> Story::running() {
  co_await until("RUNNING", [this] {
    return status_text({"applicationState", "state"}) == "RUNNING" &&
           status_text({"submissionID"}) != given_up_ && driver() != nullptr &&
           known_executors() == kExecutors;
  });
}

void Story::give_up_attempt() {
  given_up_ = status_text({"submissionID"});
}

Task<> Story::driver_ends(int exit_code) {
  give_up_attempt();
  co_await until("a driver to end", [this] { return driver() != nullptr; });
  trace_.add("story", "driver ends with " + std::to_string(exit_code));
  (void)co_await kubelet_.merge(
      pod_path(driver()->key()),
      Json{{"metadata", {{"annotations", {{kExitCode, std::to_string(exit_code)}}}}}});
}

Task<> Story::reaches(State state) {
  const std::string word(api::to_string(state));
  co_await until(word, [this, word] { return status_text({"applicationState", "state"}) == word; });
}

Task<> Story::gone() {
  co_await until("all to be gone",
                 [this] { return !application() && server_.store().list(kPodTable, key_.ns).empty(); });
}

Task<> Story::passes(kube::Duration duration) {
  waits_for_ = "some time to pass";
  co_await kube::sleep(loop_, duration);
}

namespace {

Json on_failure(int retries, int submission_retries) {
  return {{"restartPolicy",
           {{"type", "OnFailure"},
            {"onFailureRetries", retries},
            {"onFailureRetryInterval", 3},
            {"onSubmissionFailureRetries", submission_retries},
            {"onSubmissionFailureRetryInterval", 3}}}};
}

// ---- the stories

Task<> submit(Story& story) {
  co_await story.create();
  co_await story.running();
}

Task<> finish(Story& story) {
  co_await story.create();
  co_await story.running();
  co_await story.driver_ends(0);
  co_await story.reaches(State::Completed);
}

// Its annotation and its exporter's config map are writes, too.
Task<> named_and_measured(Story& story) {
  Json spec{{"driver", {{"podName", "pi-of-its-own"}}},
            {"monitoring",
             {{"exposeDriverMetrics", true},
              {"exposeExecutorMetrics", true},
              {"prometheus", {{"jmxExporterJar", "/opt/exporter.jar"}, {"port", 8090}}}}}};
  co_await story.create(std::move(spec));
  co_await story.running();
  co_await story.driver_ends(0);
  co_await story.reaches(State::Completed);
}

Task<> fail(Story& story) {
  co_await story.create();
  co_await story.running();
  co_await story.driver_ends(1);
  co_await story.reaches(State::Failed);
}

Task<> fail_and_retry(Story& story) {
  co_await story.create(on_failure(2, 2));
  for (int exit_code : {1, 1, 0}) {
    co_await story.running();
    co_await story.driver_ends(exit_code);
  }
  co_await story.reaches(State::Completed);
}

Task<> succeed_and_repeat(Story& story) {
  co_await story.create(Json{{"restartPolicy", {{"type", "Always"}, {"onFailureRetryInterval", 3}}}});
  co_await story.running();
  co_await story.driver_ends(0);
  co_await story.running();
}

Task<> refused_and_retry(Story& story) {
  story.refuses_drivers = true;
  co_await story.create(on_failure(1, 3));
  co_await story.reaches(State::SubmissionFailed);
  story.refuses_drivers = false;
  co_await story.running();
  co_await story.driver_ends(0);
  co_await story.reaches(State::Completed);
}

Task<> refused_for_good(Story& story) {
  story.refuses_drivers = true;
  co_await story.create(on_failure(1, 1));
  co_await story.reaches(State::Failed);
}

// The driver is there, what belongs to it is refused: it cannot start, and has to go.
Task<> child_refused(Story& story) {
  story.refuses_config_maps = true;
  co_await story.create(on_failure(1, 3));
  co_await story.reaches(State::SubmissionFailed);
  story.refuses_config_maps = false;
  co_await story.running();
  co_await story.driver_ends(0);
  co_await story.reaches(State::Completed);
}

Task<> submit_dies(Story& story) {
  story.submits_to_die = 1;
  co_await story.create(on_failure(1, 3));
  co_await story.running();
  co_await story.driver_ends(0);
  co_await story.reaches(State::Completed);
}

Task<> edit(Story& story) {
  co_await story.create(on_failure(1, 1));
  co_await story.running();
  story.give_up_attempt();
  co_await story.edit(Json{{"arguments", Json::array({"20"})}});
  co_await story.running();
  co_await story.driver_ends(0);
  co_await story.reaches(State::Completed);
}

Task<> rename(Story& story) {
  co_await story.create();
  co_await story.running();
  story.give_up_attempt();
  co_await story.edit(Json{{"driver", {{"podName", "pi-renamed"}}}});
  co_await story.running();
  co_await story.driver_ends(0);
  co_await story.reaches(State::Completed);
}

Task<> edit_when_finished(Story& story) {
  co_await story.create();
  co_await story.running();
  co_await story.driver_ends(0);
  co_await story.reaches(State::Completed);
  co_await story.edit(Json{{"arguments", Json::array({"20"})}});
  co_await story.running();
  co_await story.driver_ends(1);
  co_await story.reaches(State::Failed);
}

Task<> harmless_edit(Story& story) {
  co_await story.create();
  co_await story.running();
  co_await story.edit(Json{{"timeToLiveSeconds", 100'000}});
  co_await story.passes(5s);
  co_await story.driver_ends(0);
  co_await story.reaches(State::Completed);
}

Task<> suspend_and_resume(Story& story) {
  co_await story.create(on_failure(1, 1));
  co_await story.running();
  story.give_up_attempt();
  co_await story.edit(Json{{"suspend", true}});
  co_await story.reaches(State::Suspended);
  co_await story.edit(Json{{"suspend", false}});
  co_await story.running();
  co_await story.driver_ends(0);
  co_await story.reaches(State::Completed);
}

// As Kueue does it.
Task<> created_suspended(Story& story) {
  co_await story.create(Json{{"suspend", true}});
  co_await story.reaches(State::Suspended);
  co_await story.edit(Json{{"suspend", false}});
  co_await story.running();
  co_await story.driver_ends(0);
  co_await story.reaches(State::Completed);
}

Task<> remove_in_the_background(Story& story) {
  co_await story.create();
  co_await story.running();
  co_await story.remove("Background");
  co_await story.gone();
}

Task<> remove_in_the_foreground(Story& story) {
  co_await story.create();
  co_await story.running();
  co_await story.remove("Foreground");
  co_await story.gone();
}

Task<> recreate(Story& story) {
  co_await story.create(on_failure(1, 1));
  co_await story.running();
  co_await story.remove("Background");
  co_await story.create(on_failure(1, 1));
  co_await story.running();
  co_await story.driver_ends(0);
  co_await story.reaches(State::Completed);
}

Task<> time_to_live(Story& story) {
  co_await story.create(Json{{"timeToLiveSeconds", 20}});
  co_await story.running();
  co_await story.driver_ends(0);
  co_await story.gone();
}

constexpr StoryKind kStories[] = {
    {"submit", "submitted, and runs on", submit},
    {"finish", "runs and completes", finish},
    {"named", "has a pod name and an exporter's config map of its own", named_and_measured},
    {"fail", "fails, no retries", fail},
    {"retry", "fails twice and is tried again", fail_and_retry},
    {"repeat", "succeeds and is repeated", succeed_and_repeat},
    {"refused", "submission refused, then tried again", refused_and_retry},
    {"refused-for-good", "submission refused until no retries are left", refused_for_good},
    {"child-refused", "the driver's config map refused, then tried again", child_refused},
    {"submit-dies", "spark-submit dies half-way", submit_dies, false},
    {"edit", "edited while it runs", edit},
    {"rename", "its driver renamed while it runs", rename},
    {"edit-finished", "edited when it has completed", edit_when_finished},
    {"harmless-edit", "an edit that restarts nothing", harmless_edit},
    {"suspend", "suspended and resumed", suspend_and_resume},
    {"suspended", "created suspended, then resumed", created_suspended},
    {"delete", "deleted while it runs", remove_in_the_background},
    {"delete-foreground", "deleted while it runs, in the foreground", remove_in_the_foreground},
    {"recreate", "deleted and created again under its name", recreate},
    {"ttl", "deleted when its time to live is over", time_to_live},
};

}  // namespace

std::span<const StoryKind> stories() {
  static const std::vector<StoryKind> all = [] {
    std::vector<StoryKind> joined(std::begin(kStories), std::end(kStories));
    for (const auto& more : {schedule_stories(), connect_stories()})
      joined.insert(joined.end(), more.begin(), more.end());
    return joined;
  }();
  return all;
}

// The lives of a schedule's runs are told by stories of applications.
bool StoryKind::is_about(const std::string& write) const {
  if (of != StoryOf::Schedule) return true;
  return write.find("sparkapplications") != std::string::npos &&
         write.find(" sparkapplications/") == std::string::npos;
}

const StoryKind* find_story(const std::string& name) {
  for (const StoryKind& story : stories()) {
    if (name == story.name) return &story;
  }
  return nullptr;
}

}  // namespace sim
