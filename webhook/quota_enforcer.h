// QuotaEnforcer refuses applications that would not fit into the resource quotas of their namespace
// (quota.h), as of now: the quotas are listed live, and what others were admitted for whose pods are still to
// come counts as used (pending_demands.h). Between two replicas that are asked in the same instant nothing is
// held back: until a watch tells one of what the other let in, both may let in what fits alone.
//
//   QuotaEnforcer quotas(client, pending, 3s);
//   if (verdict.allowed) verdict = co_await quotas.decide(review);       // after the rules
//
// An application that is suspended holds nothing until it is resumed; one that runs gives back what it holds
// before it runs anew. Code 403: a quota would be exceeded, or an amount cannot be read; 500: the quotas
// could not be listed. Thread: the client's loop only. Lifetime: the client outlives it and its calls.
#pragma once

#include <memory>

#include "kube/admission/review.h"
#include "kube/async/task.h"
#include "kube/client/client.h"
#include "webhook/pending_demands.h"

namespace webhook {

class QuotaEnforcer {
 public:
  QuotaEnforcer(kube::Client& client, std::shared_ptr<PendingDemands> pending, kube::Duration deadline);

  kube::Task<kube::Verdict> decide(const kube::Review& review);

 private:
  kube::Client& client_;
  const std::shared_ptr<PendingDemands> pending_;
  const kube::Duration deadline_;
};

}  // namespace webhook
