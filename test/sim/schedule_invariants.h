// ScheduleInvariants holds the operators to their promises about schedules and their runs, as Invariants does
// about applications:
//
//   S1  a time of a schedule has one run, for ever: also when that run has been pruned long ago
//   S2  no time is lost: status.nextRun leaves a time only when its run was made or the spec has it skipped,
//       and goes to the very next that is still to come
//   S3  a run is made only of what a live read has shown to be due; where runs must not overlap, never beside
//       one that has not ended
//   S4  a run that has not ended is deleted only for another one that is due and replaces it; one that has
//       ended only once status tells of it
//   S5  lastRunName goes forward in time and names what was made; nextRun is later than it
//
// (That history keeps its limits in the end is final_check.h.) A run may be late as a driver may
// (invariants.h), and is exempt then. Times are read by api::CronSchedule, which is held to tables of an
// independent implementation elsewhere.
//
// Thread: the loop's only. Lifetime: all that is given outlives it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "kube/apiserver/api_server.h"

namespace sim {

class Invariants;

class ScheduleInvariants {
 public:
  ScheduleInvariants(kube::Loop& loop, kube::apiserver::ApiServer& server, Invariants& all)
      : loop_(loop), server_(server), all_(all) {}

  // A process was answered with the schedule as it is.
  void live_read(const std::string& process, const kube::Json& schedule);
  void committed(const kube::apiserver::Commit& commit);

  // What lands_late() and the like of Invariants know a schedule by.
  static std::string subject(const std::string& schedule) { return "schedule " + schedule; }

 private:
  struct LiveRead {
    std::string uid;
    std::optional<kube::TimePoint> next_run;
    kube::TimePoint when{};
    std::string policy;
    bool deleting = false;
    bool suspended = false;
  };
  struct Move {
    std::string name;
    std::string uid;
    kube::TimePoint from;
    std::optional<kube::TimePoint> to;
    std::string last_run_name;  // as it is now
    std::string who;
  };

  void run_created(const kube::apiserver::Commit& commit);
  void run_deleted(const kube::apiserver::Commit& commit);
  void schedule_changed(const kube::apiserver::Commit& commit);
  void check_move(const Move& move, const kube::Json& spec);
  bool is_accounted_for(const Move& move, const kube::Json& spec) const;
  bool has_jumped_lately();
  bool was_running_lately(const std::string& uid) const;

  kube::Loop& loop_;
  kube::apiserver::ApiServer& server_;
  Invariants& all_;
  std::map<std::string, LiveRead> live_reads_;  // by process and schedule
  // By the schedule's UID.
  std::map<std::string, std::set<kube::TimePoint>> made_, late_;
  std::map<std::string, kube::SteadyTime> ran_;  // when a run of it was last seen not to have ended
  std::map<std::string, std::string> times_;     // of which schedule and zone nextRun is
  kube::Duration clock_{};                       // the wall's distance from the steady one, as last seen
  std::optional<kube::SteadyTime> jumped_;
};

}  // namespace sim
