// Audit is the safety net under "nothing waits for nothing": once a minute it looks at every application,
// and whatever ought to be done for one although nobody is about to do it is counted and set going again.
//
//   manager.add(std::make_unique<Audit>(loop, controller, log, metrics));
//
// The controller needs no audit to work: spark_operator_stuck_applications_total stays 0 unless an event was
// lost or a rule is missing, so a rise is a bug report (or a cache that was cut off from the API server for
// longer than kAuditPatience). A first look only suspects: between an effect and its event an application
// rightly has neither timer nor place in the queue. A second look, kAuditPatience later, at the same version
// decides. Looking costs a decision each, so the walk pauses often.
//
// Thread: the loop's only. Lifetime: `audited` outlives run().
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kube/async/wait_list.h"
#include "kube/base/log.h"
#include "kube/core/object_key.h"
#include "kube/runtime/metrics.h"
#include "kube/runtime/runnable.h"

namespace controller {

inline constexpr kube::Duration kAuditPeriod = std::chrono::minutes(1);
inline constexpr kube::Duration kAuditPatience = std::chrono::seconds(10);

// What is audited.
class Audited {
 public:
  virtual ~Audited() = default;
  virtual std::vector<kube::ObjectKey> keys() const = 0;
  // The version at which the application stands still: something is to be done, now or at a known time, and
  // neither work nor a timer is under way. Nothing: all is well.
  virtual std::optional<std::string> stands_still(const kube::ObjectKey& key) const = 0;
  virtual void wake(const kube::ObjectKey& key) = 0;
};

class Audit final : public kube::Runnable {
 public:
  // Without `metrics` nothing is counted.
  Audit(kube::Loop& loop, Audited& audited, kube::Log log, kube::MetricsRegistry* metrics);

  const std::string& name() const override { return name_; }
  kube::Task<kube::Result<>> run() override;
  void stop() override;
  bool needs_leadership() const override { return true; }

 private:
  using Suspects = std::map<kube::ObjectKey, std::string>;  // with the version that stood still

  kube::Task<Suspects> look(std::vector<kube::ObjectKey> keys);
  kube::Task<> pause(kube::Duration duration);

  kube::Loop& loop_;
  Audited& audited_;
  const kube::Log log_;
  const std::string name_ = "audit of applications";
  prometheus::Counter* stuck_ = nullptr;
  kube::WaitList stopping_;
  bool stopped_ = false;
};

}  // namespace controller
