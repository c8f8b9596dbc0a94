// CertificateMetrics counts how often a certificate was read, under the names of controller-runtime's
// watcher: certwatcher_read_certificate_total and certwatcher_read_certificate_errors_total.
//
// Thread: counting from any. Lifetime: the registry outlives it.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "kube/base/clock.h"

namespace kube {

struct CertificateMetrics {
  prometheus::Counter& reads;
  prometheus::Counter& read_errors;
  prometheus::Gauge& expiry;  // of the served certificate, seconds since 1970; not of controller-runtime

  static CertificateMetrics create(prometheus::Registry& registry);
};

}  // namespace kube
