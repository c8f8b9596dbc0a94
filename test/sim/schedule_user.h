// ScheduleUser is one person with one schedule: creates it, edits its times, zone, policy and limits, breaks
// it and mends it, suspends and resumes it, deletes it and creates it again, at times that the seed says.
//
//   ScheduleUser user(loop, server, plan, 0);
//   tasks.spawn("user", user.live());
//   tasks.spawn("user", user.come_to_rest());       // once faults have ended
//   user.complaint()                                // "" or what should have happened by now
//
// Thread: the loop's only. Lifetime: the object outlives its tasks.
#pragma once

#include <string>

#include "test/sim/person.h"

namespace sim {

class ScheduleUser final : public Person {
 public:
  ScheduleUser(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan, int number);

  // Mends and resumes it, sees whether its runs come on time, and suspends it for good.
  kube::Task<> come_to_rest();
  const std::string& complaint() const { return complaint_; }

 private:
  kube::Task<> act() override;
  kube::Task<> create() override;
  kube::Json draw_spec();
  const char* draw_times();
  std::string overdue() const;

  std::string complaint_;
};

}  // namespace sim
