// CertificateFolder serves a certificate from files that somebody else renews (a mounted Secret of
// cert-manager): it reads them again and again, and says when they have changed.
//
//   CertificateFolder folder(loop, {.folder = "/certs"});
//   folder.on_serving([&](const ServingCertificate& now) { server.set_tls(context_of(now)); });
//   Result<ServingCertificate> first = co_await folder.read();      // Io, InvalidInput
//   group.spawn("certificates", folder.run());                      // until cancelled
//
// Files that cannot be used (half written, key and certificate of different times) are logged, and the last
// good ones stay. Thread: the loop's only.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kube/admission/certificate_metrics.h"
#include "kube/admission/serving_certificate.h"
#include "kube/async/loop.h"
#include "kube/base/log.h"

namespace kube {

struct CertificateFolderOptions {
  std::string folder{};
  std::string certificate_name = "tls.crt";
  std::string key_name = "tls.key";
  std::string authorities_name = "ca.crt";  // need not exist
  Duration poll_interval = 10s;
  CertificateMetrics* metrics = nullptr;
  Log log{};
};

class CertificateFolder {
 public:
  CertificateFolder(Loop& loop, CertificateFolderOptions options);

  Task<Result<ServingCertificate>> read();
  Task<> run();
  void on_serving(std::function<void(const ServingCertificate&)> tell);

 private:
  Loop& loop_;
  const CertificateFolderOptions options_;
  std::vector<std::function<void(const ServingCertificate&)>> told_;
  std::optional<ServingCertificate> serving_;
};

}  // namespace kube
