// Stories of one schedule. The lives of its runs are told elsewhere: here each is as short as it may be, and
// the clock on the wall is a part of the story.
#include <algorithm>
#include <set>
#include <vector>

#include "api/constants.h"
#include "test/sim/crash_scenarios.h"
#include "test/sim/plan.h"
#include "test/sim/pretend_kubelet.h"

namespace sim {

using kube::Json;
using kube::Task;
using namespace std::chrono_literals;

namespace {

class ScheduleStory {
 public:
  explicit ScheduleStory(Story& story) : story_(story) {}

  Task<> create(Json spec) {
    Json whole{{"schedule", "* * * * *"},
               {"template",
                {{"type", "Python"},
                 {"mode", "cluster"},
                 {"sparkVersion", "3.5.7"},
                 {"image", "spark:3.5.7"},
                 {"mainApplicationFile", "local:///opt/spark/examples/src/main/python/pi.py"},
                 {"restartPolicy", {{"type", "Never"}}},
                 {"driver", {{"cores", 1}, {"memory", "512m"}}},
                 {"executor", {{"instances", 1}, {"memory", "512m"}}}}}};
    whole.merge_patch(spec);
    story_.say("create " + spec.dump());
    (void)co_await story_.user().send("POST", schedules_path(key_.ns),
                                      Json{{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                                           {"kind", "ScheduledSparkApplication"},
                                           {"metadata", {{"name", key_.name}, {"namespace", key_.ns}}},
                                           {"spec", std::move(whole)}});
  }
  Task<> edit(Json spec) {
    story_.say("edit " + spec.dump());
    (void)co_await story_.user().merge(schedule_path(key_), Json{{"spec", std::move(spec)}});
  }
  Task<> suspend(bool suspended = true) {
    co_await edit(Json{{"suspend", suspended}});
    co_await passes(1s);
  }
  Task<> remove() {
    story_.say("delete");
    (void)co_await story_.user().send("DELETE", schedule_path(key_),
                                      Json{{"propagationPolicy", "Background"}});
  }

  Task<> is(std::string state) {
    co_await story_.until(state, [this, state] { return status("scheduleState") == state; });
  }
  Task<> next_run_is(std::string time) {
    co_await story_.until("next run at " + time, [this, time] { return status("nextRun") == time; });
  }
  // A run that the story has not heard of yet; its driver runs, and its executors are known.
  Task<> run_starts() {
    co_await story_.until("a run", [this] {
      const std::size_t before = known_.size();
      for (const auto& driver : drivers()) known_.insert(label_of(driver->json(), api::label::kAppName));
      return known_.size() > before;
    });
  }
  // Status tells of the last one, and the drivers of all that are there end so.
  Task<> runs_end(int exit_code) {
    const std::string run = *known_.rbegin();
    co_await story_.until("status to tell of it", [this, run] { return status("lastRunName") == run; });
    for (const auto& driver : drivers()) {
      Json told{{kExitCode, std::to_string(exit_code)}};
      (void)co_await story_.kubelet().merge(pod_path(driver->key()),
                                            Json{{"metadata", {{"annotations", std::move(told)}}}});
    }
    co_await story_.until("the runs to end", [this] {
      const auto all = runs();
      return std::ranges::none_of(all, [](const auto& app) {
        const std::string state = kube::string_at(app->json(), {"status", "applicationState", "state"});
        return state != "COMPLETED" && state != "FAILED";
      });
    });
  }
  Task<> runs_and_ends(int exit_code) {
    co_await run_starts();
    co_await runs_end(exit_code);
  }
  Task<> keeps(std::size_t successful, std::size_t failed) {
    co_await story_.until("history", [this, successful, failed] {
      return listed("pastSuccessfulRunNames") == successful && listed("pastFailedRunNames") == failed &&
             runs().size() == successful + failed;
    });
  }
  Task<> gone() {
    co_await story_.until("all to be gone", [this] {
      return !schedule() && runs().empty() && story_.server().store().list(kPodTable, key_.ns).empty();
    });
  }
  Task<> passes(kube::Duration duration) { co_await story_.passes(duration); }
  Task<> passes_until(const char* time) {
    co_await passes(std::max(*kube::parse_rfc3339(time) - story_.loop().now(), kube::Duration::zero()));
  }
  // The clock on the wall shows this, from now on.
  void it_is(const char* time) { story_.jump_clock(*kube::parse_rfc3339(time) - story_.loop().now()); }
  void clock_jumps(kube::Duration by) { story_.jump_clock(by); }
  std::size_t made() const { return known_.size(); }

 private:
  kube::apiserver::ObjectRef schedule() const { return story_.server().store().get(kScheduleTable, key_); }
  std::string status(const char* name) const {
    const auto object = schedule();
    return object ? kube::string_at(object->json(), {"status", name}) : "";
  }
  std::size_t listed(const char* name) const {
    const auto object = schedule();
    const Json* names = object ? kube::find_path(object->json(), {"status", name}) : nullptr;
    return names == nullptr ? 0 : names->size();
  }
  std::vector<kube::apiserver::ObjectRef> runs() const {
    return story_.server().store().list(kApplicationTable, key_.ns);
  }
  std::vector<kube::apiserver::ObjectRef> drivers() const {
    std::vector<kube::apiserver::ObjectRef> found;
    for (const auto& pod : story_.server().store().list(kPodTable, key_.ns)) {
      const std::string run = label_of(pod->json(), api::label::kAppName);
      if (is_driver(pod->json()) && !pod->is_terminating() && phase_of(pod->json()) == "Running" &&
          known_executors(run) == kExecutors)
        found.push_back(pod);
    }
    return found;
  }
  std::ptrdiff_t known_executors(const std::string& run) const {
    const auto app = story_.server().store().get(kApplicationTable, {key_.ns, run});
    const Json* states = app ? kube::find_path(app->json(), {"status", "executorState"}) : nullptr;
    return states == nullptr ? 0 : std::ranges::count(*states, "RUNNING");
  }

  Story& story_;
  const kube::ObjectKey key_{kNamespace, "every"};
  std::set<std::string> known_;  // runs that the story has heard of; by their time
};

// ---- the stories; each schedule is suspended in the end, so that the world can come to rest

Task<> schedule(Story& told) {
  ScheduleStory story(told);
  co_await story.create(Json::object());
  for (int run = 0; run < 2; ++run) co_await story.runs_and_ends(0);
  co_await story.keeps(1, 0);
  co_await story.suspend();
}

// What is due while another one runs is skipped, and not made up for.
Task<> forbid(Story& told) {
  ScheduleStory story(told);
  co_await story.create(Json{{"concurrencyPolicy", "Forbid"}});
  co_await story.run_starts();
  co_await story.passes(150s);
  co_await story.runs_end(0);
  co_await story.runs_and_ends(1);
  co_await story.keeps(1, 1);
  co_await story.suspend();
}

Task<> replace(Story& told) {
  ScheduleStory story(told);
  co_await story.create(Json{{"concurrencyPolicy", "Replace"}});
  for (int run = 0; run < 3; ++run) co_await story.run_starts();
  co_await story.runs_end(0);
  co_await story.keeps(1, 0);
  co_await story.suspend();
}

Task<> history(Story& told) {
  ScheduleStory story(told);
  co_await story.create(Json{{"successfulRunHistoryLimit", 2}, {"failedRunHistoryLimit", 0}});
  for (int exit_code : {0, 1, 0, 0}) co_await story.runs_and_ends(exit_code);
  co_await story.keeps(2, 0);
  co_await story.suspend();
}

Task<> broken_and_mended(Story& told) {
  ScheduleStory story(told);
  co_await story.create(Json{{"schedule", "61 * * * *"}});
  co_await story.is("FailedValidation");
  co_await story.edit(Json{{"schedule", "* * * * *"}});
  co_await story.is("Scheduled");
  co_await story.runs_and_ends(0);
  co_await story.edit(Json{{"schedule", "30 3 * * *"}});
  co_await story.next_run_is("2026-01-01T03:30:00Z");
  co_await story.edit(Json{{"timeZone", "Asia/Kolkata"}});
  co_await story.next_run_is("2026-01-01T22:00:00Z");
  co_await story.suspend();
}

// Three times pass, and each has its run.
Task<> missed(Story& told) {
  ScheduleStory story(told);
  co_await story.create(Json{{"catchUpPolicy", "All"}, {"successfulRunHistoryLimit", 5}});
  co_await story.runs_and_ends(0);
  co_await story.suspend();
  co_await story.passes_until("2026-01-01T00:04:05Z");
  co_await story.suspend(false);
  while (story.made() < 4) co_await story.run_starts();
  co_await story.suspend();
  co_await story.runs_end(0);
  co_await story.keeps(4, 0);
}

// Half past two comes twice in autumn, and not at all in spring.
Task<> nights(Story& told) {
  ScheduleStory story(told);
  story.it_is("2026-10-25T00:28:00Z");
  co_await story.create(Json{{"schedule", "30 2 * * *"}, {"timeZone", "Europe/Berlin"}});
  co_await story.runs_and_ends(0);
  co_await story.next_run_is("2026-10-25T01:30:00Z");
  story.it_is("2026-10-25T01:28:00Z");
  co_await story.runs_and_ends(0);
  co_await story.next_run_is("2026-10-26T01:30:00Z");
  // The one that is missed is made up for.
  story.it_is("2027-03-28T00:28:00Z");
  co_await story.runs_and_ends(0);
  co_await story.next_run_is("2027-03-29T00:30:00Z");
  co_await story.keeps(1, 0);
  co_await story.suspend();
}

// An hour forward: one run makes up for sixty. An hour back: it goes on, and no time has two.
Task<> clock(Story& told) {
  ScheduleStory story(told);
  co_await story.create(Json::object());
  co_await story.runs_and_ends(0);
  story.clock_jumps(1h);
  co_await story.runs_and_ends(0);
  story.clock_jumps(-1h);
  co_await story.runs_and_ends(0);
  co_await story.keeps(1, 0);
  co_await story.suspend();
}

Task<> remove(Story& told) {
  ScheduleStory story(told);
  co_await story.create(Json::object());
  co_await story.run_starts();
  co_await story.remove();
  co_await story.gone();
}

constexpr StoryKind of_schedule(const char* name, const char* words, Task<> (*play)(Story&)) {
  return {name, words, play, true, false, StoryOf::Schedule};
}

constexpr StoryKind kStories[] = {
    of_schedule("schedule", "two runs of a schedule, one of which is kept", schedule),
    of_schedule("schedule-forbid", "a run is longer than its schedule's distance, and forbids others",
                forbid),
    of_schedule("schedule-replace", "a run is replaced by the next", replace),
    of_schedule("schedule-history", "completed runs are kept, failed ones are not", history),
    of_schedule("schedule-broken", "a schedule that cannot be read is mended, then edited",
                broken_and_mended),
    of_schedule("schedule-missed", "three runs are missed and made up for", missed),
    of_schedule("schedule-nights", "nights on which clocks change", nights),
    of_schedule("schedule-clock", "clocks jump an hour forward and back", clock),
    of_schedule("schedule-delete", "a schedule is deleted while its run runs", remove),
};

}  // namespace

std::span<const StoryKind> schedule_stories() {
  return kStories;
}

}  // namespace sim
