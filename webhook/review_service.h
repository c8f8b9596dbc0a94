// ReviewService is the webhook's server with its certificate: nothing is served before there is one, and it
// changes without a dropped connection.
//
//   auto& service = manager.add(std::make_unique<ReviewService>(client, network, options, make_routes));
//   service.on_authorities([&](const std::string& pem) { writer.set_bundle(pem); });
//   health.add_readyz("webhook", [&] { return service.check(); });
//
// Every `probe_interval` it asks itself for a review as an API server would: by TLS, verifying name and
// authority. answers() is what came of that, for liveness. check() wants the webhook configurations to trust
// the certificate too, so that "ready" means that a review would succeed; a configuration that is not there,
// or may not be read, says nothing against it. The cache of applications is not asked: what it lacks is read
// live.
//
// A certificate comes from the Secret, or, in the layout CertManager, from `folder` where files are found at
// the start. stop() first makes answers end their connections for `shutdown_delay`, since API servers go on
// using theirs after a replica has left the endpoints. run() ends with an Error when there is no certificate
// to be had, or the port is in use. Thread: the loop's only. Lifetime: client, network and registry outlive
// it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kube/admission/certificate_folder.h"
#include "kube/admission/certificate_keeper.h"
#include "kube/admission/review_threads.h"
#include "kube/async/stream.h"
#include "kube/runtime/runnable.h"

namespace webhook {

struct ReviewServiceOptions {
  kube::CertificateKeeperOptions certificate = {};
  kube::CertificateFolderOptions folder = {};  // with no folder: the Secret alone
  // The configurations that have to trust the certificate.
  std::vector<std::pair<kube::Resource, std::string>> configurations = {};
  kube::ReviewThreadsOptions threads = {};  // its TLS context is made here
  std::string tls_min_version = "VersionTLS12";
  std::vector<std::string> tls_cipher_suites = {};
  kube::Duration probe_interval = std::chrono::seconds(10);
  kube::Duration shutdown_delay = std::chrono::seconds(5);
  kube::Duration stop_grace = std::chrono::seconds(15);
  kube::Log log = {};
};

class ReviewService final : public kube::Runnable {
 public:
  ReviewService(kube::Client& client, kube::Network& network, ReviewServiceOptions options,
                kube::ReviewThreads::MakeRoutes make_routes);
  ~ReviewService() override;

  // Told at each change, the first included. Before run().
  void on_authorities(std::function<void(const std::string& pem)> tell);

  const std::string& name() const override { return name_; }
  kube::Task<kube::Result<>> run() override;
  void stop() override;
  bool is_ready() const override { return check().has_value(); }

  // Success: the last review that it asked itself for was answered.
  kube::Result<> answers() const;
  // And API servers will believe the answer.
  kube::Result<> check() const;
  // Where it listens, with the real port; nothing before it does.
  std::optional<kube::Endpoint> local() const;

 private:
  kube::Result<std::shared_ptr<kube::TlsServerContext>> context_of(
      const kube::ServingCertificate& certificate) const;
  kube::Task<kube::Result<>> serve();
  kube::Task<> probe_again_and_again();
  kube::Task<kube::Result<>> probe();
  // Whether the configurations' bundles hold the authority of what is served.
  kube::Task<kube::Result<>> trust();
  kube::Task<kube::Result<kube::ServingCertificate>> first_certificate();
  kube::Task<> follow_certificate();
  kube::Task<> stop_later();

  kube::Loop& loop_;
  kube::Network& network_;
  const ReviewServiceOptions options_;
  const std::string name_ = "review service";
  kube::Client& client_;
  kube::CertificateKeeper keeper_;
  kube::CertificateFolder folder_;
  bool from_folder_ = false;
  std::optional<kube::ServingCertificate> serving_;
  kube::ReviewThreads::MakeRoutes make_routes_;
  std::unique_ptr<kube::ReviewThreads> threads_;
  kube::TaskGroup keeping_;
  kube::Result<> probed_;
  kube::Result<> trusted_;
  bool stopped_ = false;
};

}  // namespace webhook
