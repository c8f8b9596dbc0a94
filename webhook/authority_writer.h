// AuthorityWriter keeps the caBundle of the operator's webhook configurations right, from one of all
// replicas: the one that holds the lease.
//
//   auto& writer = manager.add(std::make_unique<AuthorityWriter>(client, options));
//   keeper.on_authorities([&](const std::string& pem) { writer.set_bundle(pem); });
//
// Only writing needs the lease. A replica that loses it goes on answering reviews and competes again, so
// that an API server that was away for a while does not cost a cluster its webhooks.
// Thread: the loop's only. Lifetime: the client and registry outlive it.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <vector>

#include "kube/admission/ca_bundle_injector.h"
#include "kube/async/wait_list.h"
#include "kube/runtime/leader_election.h"
#include "kube/runtime/runnable.h"

namespace webhook {

struct AuthorityWriterOptions {
  std::string mutating_configuration = {};  // names; "" = there is none
  std::string validating_configuration = {};
  std::optional<kube::LeaderElectionOptions> election = {};  // nothing: this is the only replica
  kube::Log log = {};
};

class AuthorityWriter final : public kube::Runnable {
 public:
  AuthorityWriter(kube::Client& client, AuthorityWriterOptions options);

  // PEM. Nothing is written before the first call.
  void set_bundle(const std::string& pem);
  bool writing() const { return writing_; }

  const std::string& name() const override { return name_; }
  kube::Task<kube::Result<>> run() override;
  void stop() override;

 private:
  kube::Task<> one_term();
  static kube::Task<> elect(kube::LeaderElector* elector, kube::Log log, bool* ended,
                            kube::WaitList* changed);

  kube::Client& client_;
  kube::Loop& loop_;
  const AuthorityWriterOptions options_;
  const std::string name_ = "authority writer";
  std::list<kube::CaBundleInjector> injectors_;
  kube::LeaderElector* elector_ = nullptr;
  kube::WaitList changed_;
  bool writing_ = false;
  bool stopped_ = false;
};

}  // namespace webhook
