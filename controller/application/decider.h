// Decider is decide()'s inside: one object for one decision, its rules in one file for each part of a life.
//
//   decision.cc             the order in which rules are asked; strays; suspend and edits
//   decision_submission.cc  before a driver exists
//   decision_active.cc      while it is there
//   decision_end.cc         after it: ends, retries, time to live, and what leads to another start
//
// A rule answers a Decision; one that does not apply answers nothing. Included by those files only.
// Thread: pure. Lifetime: what it is given outlives it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/application/decision.h"

namespace controller {

class Decider {
 public:
  Decider(const api::SparkApplication& app, const Observation& seen, kube::TimePoint now,
          const Policy& policy);
  Decision decide() const;

 private:
  // ---- rules, in the order in which they are asked
  Decision delete_all() const;
  std::optional<Decision> look_for_strays() const;
  // Executors of attempts that are over.
  std::optional<Decision> look_for_executors() const;
  bool spec_changed() const;

  Decision before_submission() const;
  Decision impossible(std::string why) const;
  Decision active() const;
  Decision succeeding() const;
  Decision failing() const;
  Decision invalidating() const;
  Decision suspending() const;
  Decision suspended() const;
  Decision terminal() const;

  // ---- what rules are made of
  static Decision patch(api::SparkApplicationStatus status);
  static DeleteDriver deletion(const PodView& pod);
  // The driver's, so that logs of one that has ended meanwhile stay.
  static DeleteDriver deletion_while_it_runs(const PodView& pod);
  // Those that may still be at work, of one attempt or of all.
  std::vector<PodView> live_executors(const std::string* submission_id = nullptr) const;
  // The row of the table for this state and fact, with the events that tell of it.
  Decision to(Fact fact) const;
  // The attempt ends: its driver is deleted, and status moves on in the same step.
  Decision leave(Decision decision) const;
  Decision rerun() const;
  // Whether the driver takes longer than it may; else when that will be, if ever.
  struct Patience {
    std::optional<Fact> over;
    std::optional<kube::Duration> left;
  };
  Patience patience_with(const PodView& driver) const;
  void track_start(api::SparkApplicationStatus& status, const PodView& driver,
                   std::vector<Note>& notes) const;
  void track(api::SparkApplicationStatus& status, std::vector<Note>& notes) const;
  // Drivers under the id that status holds.
  std::vector<const PodView*> current_drivers() const;
  bool wants_suspension() const { return spec_.suspend.value_or(false); }
  Note failed_note() const;
  const std::string& name() const { return app_.metadata.name; }

  const api::SparkApplication& app_;
  const Observation& seen_;
  const kube::TimePoint now_;
  const Policy& policy_;
  const api::SparkApplicationSpec spec_;  // with defaults
  const api::SparkApplicationStatus& status_;
  const State state_;
  const std::string next_;
};

// What the next run must not inherit; ids and counters stay (they belong to the application's whole life).
void clear_run(api::SparkApplicationStatus& status);

// Times in status have whole seconds.
kube::TimePoint whole_seconds(kube::TimePoint time);

}  // namespace controller
