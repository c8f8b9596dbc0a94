// CaBundleInjector writes the webhook's certificate authorities into one webhook configuration, so that API
// servers believe its certificate, and again whenever somebody overwrites them.
//
//   CaBundleInjector injector(client, {.resource = kMutatingWebhookConfigurations, .name = "web-webhook"});
//   keeper.on_authorities([&](const std::string& pem) { injector.set_bundle(pem); });
//   group.spawn("inject", injector.run());                       // until cancelled; of one replica at a time
//
// Every entry gets the bundle; an object that has it everywhere is not written. The whole object is put back
// with its resourceVersion (permission `update`), a conflict reads it again. A configuration that does not
// exist is waited for.
//
// Others may write it too. Authorities that somebody added to ours, and another layout of the same ones, are
// left as they are until ours change. What somebody overwrites is repaired at once the first time; who does
// it again and again (a tool that keeps objects as they are in a repository) is answered ever later, up to a
// minute, and named in the log: two programs that each react at once to the other would do nothing else any
// more. Needs: list, watch of the kind (where that is forbidden: the object is read every `poll_interval`);
// get, update on the one name. Thread: the loop's only. Lifetime: the client outlives it.
#pragma once

#include <string>

#include "kube/async/wait_list.h"
#include "kube/base/log.h"
#include "kube/client/api.h"

namespace kube {

// Sets the bundle (PEM) in every entry; true when anything was different.
bool set_ca_bundle(Json& configuration, const std::string& bundle);
// Each entry trusts at least the authorities of the bundle.
bool has_ca_bundle(const Json& configuration, const std::string& bundle);

struct CaBundleInjectorOptions {
  Resource resource{};
  std::string name{};
  Duration poll_interval = 60s;
  Log log{};
};

class CaBundleInjector {
 public:
  CaBundleInjector(Client& client, CaBundleInjectorOptions options);

  // PEM. Nothing is injected before the first call.
  void set_bundle(std::string pem);
  // Reads, compares, writes where different. True: written. NotFound: no such configuration.
  Task<Result<bool>> inject();
  Task<> run();

 private:
  // Whose write was the last, by managedFields; "" when it does not say.
  static std::string last_writer(const Json& configuration);

  Loop& loop_;
  const CaBundleInjectorOptions options_;
  JsonApi configurations_;
  std::string bundle_;
  bool due_ = false;      // somebody may have changed it
  bool renewed_ = false;  // the bundle is another than was injected: exactly it is wanted
  int repairs_ = 0;       // one soon after the other
  SteadyTime last_repair_{};
  SteadyTime repair_from_{};
  WaitList changed_;
};

}  // namespace kube
