// Stories of one application that the crash test tells, again and again: what its user does, how its drivers
// end, and what has to come of it. A story waits for what it sees, never for a time, so that it is the same
// story when the operator was away for a while. Those of schedules and of SparkConnects are in files of their
// own (schedule_scenarios.cc, connect_scenarios.cc).
//
//   Story story(loop, server, trace);
//   tasks.spawn("story", find_story("edit")->play(story));
//   story.waits_for()                 // "" once it has been told to its end
//
// Thread: the loop's only. Lifetime: the server outlives it.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "api/spark_application_status.h"
#include "kube/async/task.h"
#include "test/sim/direct_client.h"
#include "test/sim/trace.h"

namespace sim {

class Story {
 public:
  Story(kube::Loop& loop, kube::apiserver::ApiServer& server, Trace& trace);

  // What the user does. `spec` is merged into a small application's.
  kube::Task<> create(kube::Json spec = kube::Json::object());
  kube::Task<> edit(kube::Json spec);
  kube::Task<> remove(std::string propagation);

  // Until an attempt runs that has neither ended nor been given up by the story, and its executors are known:
  // of those that come and go while no operator runs nobody can tell later.
  kube::Task<> running();
  // That attempt's driver ends.
  kube::Task<> driver_ends(int exit_code);
  // From now on the attempt that runs is not what running() waits for.
  void give_up_attempt();
  kube::Task<> reaches(api::State state);
  // The application and all of its pods are there no more.
  kube::Task<> gone();
  kube::Task<> passes(kube::Duration duration);

  // The API server refuses drivers, or their config maps, as a quota would.
  bool refuses_drivers = false;
  bool refuses_config_maps = false;
  // So many of the spark-submits to come die when they have made the pod.
  int submits_to_die = 0;

  // Moves the clock on the wall.
  std::function<void(kube::Duration)> jump_clock;

  const std::string& waits_for() const { return waits_for_; }
  void told() { waits_for_.clear(); }

  // For the stories of other kinds.
  using Fact = std::function<bool()>;
  kube::Task<> until(std::string what, Fact fact);
  void say(const std::string& what) { trace_.add("story", what); }
  DirectClient& user() { return user_; }
  DirectClient& kubelet() { return kubelet_; }
  kube::apiserver::ApiServer& server() { return server_; }
  kube::Loop& loop() { return loop_; }

 private:
  kube::apiserver::ObjectRef application() const;
  std::string status_text(std::initializer_list<const char*> path) const;
  kube::apiserver::ObjectRef driver() const;
  int known_executors() const;  // that run

  kube::Loop& loop_;
  kube::apiserver::ApiServer& server_;
  Trace& trace_;
  DirectClient user_, kubelet_;
  const kube::ObjectKey key_;
  std::string given_up_;  // an attempt's id
  std::string waits_for_ = "its turn";
};

// Of which kind; its controller runs, and only at writes that are about it the operator is killed.
enum class StoryOf { Application, Schedule, Connect };

struct StoryKind {
  const char* name;
  const char* words;
  kube::Task<> (*play)(Story& story);
  bool native = true;
  bool spark_submit = true;
  StoryOf of = StoryOf::Application;

  // `write` as in CrashWorld::Outcome.
  bool is_about(const std::string& write) const;
};
std::span<const StoryKind> schedule_stories();
std::span<const StoryKind> connect_stories();
std::span<const StoryKind> stories();
const StoryKind* find_story(const std::string& name);

}  // namespace sim
