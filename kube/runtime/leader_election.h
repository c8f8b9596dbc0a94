// LeaderElector holds a Lease (coordination.k8s.io/v1) so that one of several replicas works.
//
//   LeaderElector elector(client, {.lease = {"ns", "web-operator"}, .identity = pod_name});
//   …                                                       // Manager runs it
//   const auto term = elector.term();                       // before a decision that needs the lease
//   if (elector.term() != term || !elector.valid_for(30s)) co_return …;    // right before the effect
//
// Rules: a candidate takes the lease when it is free, or when it has not changed for lease_duration *as
// measured by the candidate's own steady clock* (machines' wall clocks may differ). The holder renews every
// retry_period; when it could not for renew_deadline it gives up by itself, before anybody else may take
// over. A holder that stops releases the lease (holderIdentity ""), so a standby follows at once: candidates
// watch the lease, and poll where that is forbidden. Validity counts from the moment a successful renewal was
// *sent*, so that it ends before every candidate's patience. A lease that somebody deletes is still believed
// in by its holder: candidates who knew that one wait as if it were there.
//
// Verbs: get, create and update of the lease; watch where it is granted. They go through a sibling of the
// client (client.h), with connections and a rate limit of its own: a renewal waits behind nobody's work.
//
// A term is one time of holding without a break; losing the lease and winning it back is another term.
// Thread: the loop's only. Lifetime: the client outlives it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "kube/base/log.h"
#include "kube/client/api.h"
#include "kube/runtime/metrics.h"
#include "kube/runtime/runnable.h"

namespace kube {

// What reconcilers ask: may I act, and for how long?
class Leadership {
 public:
  virtual ~Leadership() = default;
  // Number of the current term, from 1; 0 while not leading.
  virtual std::uint64_t term() const = 0;
  // True when the lease is held and will be for longer than `duration`, even if no renewal succeeds any more.
  virtual bool valid_for(Duration duration) const = 0;
};

// For processes without election: always leading, one endless term.
class UndisputedLeadership final : public Leadership {
 public:
  std::uint64_t term() const override { return 1; }
  bool valid_for(Duration) const override { return true; }
};

struct LeaderElectionOptions {
  ObjectKey lease = {};
  std::string identity = {};  // unique to this process
  Duration lease_duration = 15s;
  Duration renew_deadline = 10s;
  Duration retry_period = 2s;
  bool release_on_stop = true;
  Log log = {};
  MetricsRegistry* metrics = nullptr;
};

class LeaderElector final : public Leadership, public Runnable {
 public:
  LeaderElector(Client& client, LeaderElectionOptions options);
  ~LeaderElector() override;

  const std::string& name() const override { return name_; }
  // Competes until the lease is held, keeps it, and returns: an Error when it was lost, success after stop(),
  // when it has been released.
  Task<Result<>> run() override;
  void stop() override;

  // Ends when the lease is held (true), or the election has ended without it (false).
  Task<bool> acquired();

  std::uint64_t term() const override { return leading() ? term_ : 0; }
  bool valid_for(Duration duration) const override;
  bool leading() const { return holding_; }
  // Who holds the lease as far as we have seen; "" = nobody.
  const std::string& holder() const { return seen_.holder; }

 private:
  struct Seen {
    std::string holder;
    std::string resource_version;
    std::int64_t transitions = 0;
    Json object;                // as a whole: written back with what we do not know of it
    Duration lease_duration{};  // as its holder has promised
    SteadyTime changed{};       // when we first saw this version
  };
  Task<> compete();
  Task<Result<>> keep();
  Task<Result<bool>> try_acquire_or_renew(Duration deadline);
  Task<Result<>> write(Json spec);
  bool is_held_by_another() const;
  Task<> release();
  Task<> watch_lease();
  void observe(const Json& lease);
  void set_holding(bool holding);
  SteadyTime expiry() const;
  Json spec(std::string holder, std::int64_t transitions, const Json* acquired) const;

  Loop& loop_;
  const std::unique_ptr<Client> client_;
  JsonApi leases_;
  const LeaderElectionOptions options_;
  const std::string name_;
  Seen seen_;
  SteadyTime renewed_{};  // when the last successful renewal was sent
  std::uint64_t term_ = 0;
  bool holding_ = false;
  bool nudged_ = false;  // the lease has become free
  bool stopped_ = false;
  bool ended_ = false;
  WaitList changed_;  // the lease, stopped_, or holding_
  TaskGroup watching_;
  prometheus::Gauge* master_status_ = nullptr;
};

}  // namespace kube
