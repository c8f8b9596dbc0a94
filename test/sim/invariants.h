// Invariants watches every request and every commit of a world and says which promise was broken, if any:
//
//   I1  never two live drivers of one application (terminating ones count when another one is created)
//   I2  no driver for an attempt that has ended, or for an application known to be going away
//   I3  no healthy, finished or foreign driver is deleted; none is reported lost, failed or refused while it
//       is there
//   I4  children belong to the live driver and are not taken from it
//   I6  status and submissionID never go back; counters of attempts grow by one with a new id; every change
//       of state is a row of the controller's table
//   and of form: deletes carry a UID, status patches a resourceVersion, nothing of the operator's is
//       ownerless, nobody writes a spec
//
// (I5, everything comes to a good end, is final_check.h; S1 to S5 of schedules, C1 to C3 of SparkConnects are
// in files of their own.) The model of the protocol has the same names.
//
// A driver is late, and exempt from I1 to I3 until status adopts it, when its POST landed
//   – after its sender was gone or had given up;
//   – after its sender had stood still for longer than a lease is sure to last;
//   – in a world without a lease, or whose lease was deleted meanwhile: after another operator did something
//     to the same application since the sender's live read.
// Nothing a client does can prevent those; that they go is I5's demand.
//
// Thread: the loop's only.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "api/spark_application.h"
#include "kube/apiserver/api_server.h"
#include "test/sim/connect_invariants.h"
#include "test/sim/schedule_invariants.h"
#include "test/sim/trace.h"

namespace sim {

class Invariants {
 public:
  // Form::Free: requests are not looked at, only what comes of them. For worlds whose requests are spoilt on
  // purpose.
  enum class Form { Checked, Free };
  // `lease` "" = operators do not compete.
  Invariants(kube::Loop& loop, kube::apiserver::ApiServer& server, Trace& trace, Form form,
             std::string lease);

  void request_arrived(const kube::apiserver::RequestInfo& request);
  void request_answered(const kube::apiserver::RequestInfo& request, int code);
  void committed(const kube::apiserver::Commit& commit);
  void process_gone(const std::string& name) { gone_.insert(name); }
  void process_thawed(const std::string& name) { thawed_[name] = loop_.steady(); }
  void post_will_be_late(const kube::apiserver::RequestInfo& request, kube::Duration delay);

  bool violated() const { return !violation_.empty(); }
  const std::string& violation() const { return violation_; }
  void violate(const std::string& what);

  // For those of other kinds. `subject`: the name of an application, or what stands for another object.
  bool lands_late(const kube::apiserver::Commit& commit, const std::string& subject) const;
  void acted(const std::string& subject, const std::string& who) { acts_[subject][who] = loop_.steady(); }
  bool others_acted(const std::string& subject, const std::string& who, kube::SteadyTime since) const;
  // Who holds the lease that `who` lacks, as far as one of the operators does; "" = nobody does.
  std::string another_leader(const std::string& who) const;

 private:
  struct Driver {
    kube::ObjectKey key;
    std::string owner;
    std::string id;
    std::string created;
    bool late = false;
    bool adopted = false;
    bool succeeded = false;
  };
  struct LiveRead {
    kube::SteadyTime at{};
    std::string uid;
    std::string id;
    bool deleting = false;
    bool suspended = false;
  };

  void check_form(const kube::apiserver::RequestInfo& request);
  bool may_be_replaced(const kube::apiserver::RequestInfo& request) const;
  void check_live_read(const kube::apiserver::RequestInfo& request);
  void driver_created(const kube::apiserver::Commit& commit);
  void driver_deleted(const kube::apiserver::Commit& commit);
  void child_deleted(const kube::apiserver::Commit& commit);
  void application_changed(const kube::apiserver::Commit& commit);
  void status_changed(const kube::Json& before, const kube::Json& after);
  void check_reported(const kube::Json& before, const kube::Json& after);
  void check_counted(const kube::Json& before, const kube::Json& after);
  void check_two_drivers(const std::string& owner);
  bool is_late(const std::string& pod_uid) const;
  kube::apiserver::ObjectRef application_of(const kube::Json& pod) const;

  kube::Loop& loop_;
  kube::apiserver::ApiServer& server_;
  Trace& trace_;
  const Form form_;
  const std::string lease_;
  std::string violation_;
  std::set<std::string> gone_;
  std::map<std::string, kube::SteadyTime> thawed_;
  kube::SteadyTime lease_deleted_{};
  // By subject: when each process last did something to it or for it.
  std::map<std::string, std::map<std::string, kube::SteadyTime>> acts_;
  std::set<std::pair<kube::SteadyTime, std::string>> late_posts_;  // when, and the body
  std::map<std::string, Driver> drivers_;                          // by UID, also those that are gone
  std::map<std::string, std::vector<std::string>> ids_;  // by the application's UID: what status has had
  std::map<std::string, LiveRead> live_reads_;           // by process and subject
  std::set<std::string> completed_;                      // UIDs of drivers whose children have existed
  ScheduleInvariants schedules_;
  ConnectInvariants connects_;
};

}  // namespace sim
