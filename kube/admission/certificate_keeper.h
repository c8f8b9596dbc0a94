// CertificateKeeper keeps a webhook's certificate in a Secret that all its replicas share: makes it when
// there is none, renews it long before it ends, and says when it has changed, whoever changed it.
//
//   CertificateKeeper keeper(client,
//                            {.secret = {"ns", "webhook-certs"}, .names = {"webhook.ns.svc", "web"}});
//   keeper.on_serving([&](const ServingCertificate& now) { server.set_tls(context_of(now)); });
//   keeper.on_authorities([&](const std::string& pem) { injector.set_bundle(pem); });
//   Result<ServingCertificate> first = co_await keeper.ensure();        // before the server starts
//   group.spawn("certificates", keeper.run());                          // until cancelled
//
// Replicas that start together race: one creates or updates the Secret, the others are refused
// (AlreadyExists, Conflict), read it again and use what they find. A changed Secret tells its authorities at
// once, but its certificate only after `adoption_delay`, unless the one that is served is no longer good:
// until then API servers may not yet have the new authority in their webhook configuration, and the old one
// is told with it, whether or not the Secret still has it. A Secret that somebody deletes is made again from
// what is served; one that somebody spoils keeps the authorities of what is served.
//
// In the layout CertManager the Secret is only read; somebody else makes and renews it.
// Needs: get, update on that Secret, create of Secrets (CertManager: get); watch is used where it is granted,
// otherwise the Secret is read every `poll_interval`.
// Thread: the loop's only. Lifetime: the client outlives it; callbacks run on the loop and must not block.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kube/admission/certificate_metrics.h"
#include "kube/admission/serving_certificate.h"
#include "kube/async/wait_list.h"
#include "kube/base/log.h"
#include "kube/client/api.h"

namespace kube {

struct CertificateKeeperOptions {
  ObjectKey secret{};
  ServingNames names{};
  SecretLayout layout = SecretLayout::OwnAuthority;
  Duration renew_before = 24h * 180;
  Duration adoption_delay = 30s;
  Duration poll_interval = 60s;
  CertificateMetrics* metrics = nullptr;
  Log log{};
};

class CertificateKeeper {
 public:
  CertificateKeeper(Client& client, CertificateKeeperOptions options);

  // Reads the Secret; makes or renews it where needed. A few tries at races and at an API server that does
  // not answer. Error: what the API server said; InvalidInput when a CertManager Secret cannot be used.
  Task<Result<ServingCertificate>> ensure();
  // Follows the Secret and the clock; calls ensure() when nobody has.
  Task<> run();

  // Told at each change, the first included. Before ensure().
  void on_serving(std::function<void(const ServingCertificate&)> tell);
  void on_authorities(std::function<void(const std::string& pem)> tell);

  // What is served; nothing before ensure().
  const std::optional<ServingCertificate>& serving() const { return serving_; }

 private:
  Task<Result<ServingCertificate>> ensure_once();
  Task<Result<ServingCertificate>> make(std::optional<ServingCertificate> before);
  Task<Result<ServingCertificate>> create();
  Task<Result<ServingCertificate>> renew(Json secret, std::optional<ServingCertificate> before);
  Result<> check(const ServingCertificate& certificate, Duration ahead) const;
  void adopt(const ServingCertificate& seen);
  void serve(const ServingCertificate& certificate);
  void tell_authorities(const std::string& pem);

  Loop& loop_;
  const CertificateKeeperOptions options_;
  JsonApi secrets_;
  std::vector<std::function<void(const ServingCertificate&)>> serving_told_;
  std::vector<std::function<void(const std::string&)>> authorities_told_;
  std::optional<ServingCertificate> serving_;
  std::optional<ServingCertificate> next_;  // seen in the Secret, to be served from adopt_at_ on
  std::string authorities_;                 // that were told last
  SteadyTime adopt_at_ = kNever;
  bool due_ = false;  // the Secret may have changed
  WaitList changed_;
};

}  // namespace kube
