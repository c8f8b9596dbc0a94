#include "kube/admission/certificate_metrics.h"

namespace kube {

CertificateMetrics CertificateMetrics::create(prometheus::Registry& registry) {
  const auto counter = [&](const char* name, const char* help) -> prometheus::Counter& {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
  };
  return {.reads = counter("certwatcher_read_certificate_total", "Total number of certificate reads."),
          .read_errors = counter("certwatcher_read_certificate_errors_total",
                                 "Total number of certificate read errors."),
          .expiry = prometheus::BuildGauge()
                        .Name("webhook_certificate_expiry_seconds")
                        .Help("When the served certificate ends, in seconds since 1970.")
                        .Register(registry)
                        .Add({})};
}

}  // namespace kube
