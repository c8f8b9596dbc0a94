// Sends admission reviews to a webhook as API servers do, over TLS and kept-alive connections.
//
//   Result<ReviewReport> paced = co_await send_reviews(loop, network, {.url = …, .per_second = 1000});
//   Result<ReviewReport> flat_out = co_await send_reviews(loop, network, {.url = …});
//
// With a rate the load is open: the k-th review is due at start + k / rate whatever became of those before
// it, and its latency counts from then. A server that stalls is charged for everybody who waited. Without a
// rate each connection sends its next review when it has the answer to the last (a closed load), which is
// only good for the throughput. A review is written in two pieces, as API servers do.
//
// Errors: the first connection cannot be made, certificates cannot be used, there is no review. Thread: the
// loop's only.
#pragma once

#include <string>
#include <vector>

#include "bench/load/report.h"
#include "kube/async/stream.h"

namespace bench {

struct ReviewPlan {
  kube::Endpoint server = {};
  std::string path = "/";
  std::string server_name = {};              // the certificate's
  std::string certificate_authorities = {};  // PEM
  std::vector<std::string> reviews = {};     // bodies, taken in turn; at least one
  double per_second = 0;                     // 0: as fast as the connections allow
  int connections = 20;
  kube::Duration lasts = std::chrono::seconds(10);
};

struct ReviewReport {
  std::int64_t sent = 0;
  std::int64_t allowed = 0;  // HTTP 200 with "allowed":true
  std::int64_t patched = 0;  // … and with a patch
  std::int64_t failures = 0;
  std::string first_failure = {};
  kube::Duration took = {};
  Quantiles latency = {};

  kube::Json to_json() const;
};

kube::Task<kube::Result<ReviewReport>> send_reviews(kube::Loop& loop, kube::Network& network,
                                                    ReviewPlan plan);

// A driver pod as spark-submit makes it for an application: all mutations are left to do.
kube::Result<kube::Json> driver_pod(const kube::Json& app);
// The review of its creation, without what an API server fills in.
kube::Result<std::string> driver_pod_review(const kube::Json& app);

}  // namespace bench
