// QuotaEnforcer refuses applications that would not fit into the resource quotas of their namespace
// (quota.h), as of now: the quotas are listed live. Two applications that are created at the same moment are
// both let in when each fits alone.
//
//   QuotaEnforcer quotas(client, 3s);
//   if (verdict.allowed) verdict = co_await quotas.decide(review);       // after the rules
//
// An application that is suspended holds nothing until it is resumed; one that runs gives back what it holds
// before it runs anew. Code 403: a quota would be exceeded, or an amount cannot be read; 500: the quotas
// could not be listed. Thread: the client's loop only. Lifetime: the client outlives it and its calls.
#pragma once

#include "kube/admission/review.h"
#include "kube/async/task.h"
#include "kube/client/client.h"

namespace webhook {

class QuotaEnforcer {
 public:
  QuotaEnforcer(kube::Client& client, kube::Duration deadline);

  kube::Task<kube::Verdict> decide(const kube::Review& review);

 private:
  kube::Client& client_;
  const kube::Duration deadline_;
};

}  // namespace webhook
