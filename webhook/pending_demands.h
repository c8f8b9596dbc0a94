// PendingDemands is what applications were admitted for and have no pods yet, so that no quota knows of them:
// a burst of creations must not pass it because each fits alone.
//
//   pending.expect(key, demand, now);                   // a review thread, when it lets an application in
//   pending.see(app, now);                              // the informer's thread, at each change
//   question.pending = pending.of("ns", key, now);      // a review thread: those of all others
//
// All replicas see the same applications, so what one of them lets in counts for the others as soon as a
// watch has told them. From then on an application counts by its status: whole while it is new; its executors
// while its driver starts; those executors that are missing while it runs; nothing a minute after it was
// created or submitted, since what has not come by then may never come. A creation that was let in and is
// never seen (another webhook has refused it) counts for some seconds.
//
// Executors that are missing are counted as shares of all of them. Thread: any.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "kube/base/clock.h"
#include "kube/core/object_key.h"
#include "webhook/quota.h"

namespace webhook {

struct PendingDemand {
  Demand demand;
  kube::TimePoint until;
};

// What is still to come of an application, by its status; nothing: all is there, or will not come.
std::optional<PendingDemand> still_to_come(const api::SparkApplication& app);

class PendingDemands {
 public:
  void expect(const kube::ObjectKey& key, Demand demand, kube::TimePoint now);
  void see(const api::SparkApplication& app, kube::TimePoint now);
  void forget(const kube::ObjectKey& key);

  std::vector<std::shared_ptr<const Demand>> of(const std::string& ns, const kube::ObjectKey& but,
                                                kube::TimePoint now) const;

 private:
  struct Entry {
    std::shared_ptr<const Demand> demand;
    kube::TimePoint until;
  };
  void put(const kube::ObjectKey& key, Demand demand, kube::TimePoint until, kube::TimePoint now);

  mutable std::mutex guard_;  // guards entries_
  std::map<kube::ObjectKey, Entry> entries_;
};

}  // namespace webhook
