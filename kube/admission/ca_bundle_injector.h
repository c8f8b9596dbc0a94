// CaBundleInjector writes the webhook's certificate authorities into one webhook configuration, so that API
// servers believe its certificate, and again whenever somebody overwrites them.
//
//   CaBundleInjector injector(client, {.resource = kMutatingWebhookConfigurations, .name = "web-webhook"});
//   keeper.on_authorities([&](const std::string& pem) { injector.set_bundle(pem); });
//   group.spawn("inject", injector.run());                       // until cancelled; of one replica at a time
//
// Every entry gets the bundle; an object that has it everywhere is not written. The whole object is put back
// with its resourceVersion (permission `update`), a conflict reads it again. A configuration that does not
// exist is waited for. Needs: list, watch of the kind (where that is forbidden: the object is read every
// `poll_interval`); get, update on the one name.
// Thread: the loop's only. Lifetime: the client outlives it.
#pragma once

#include <string>

#include "kube/async/wait_list.h"
#include "kube/base/log.h"
#include "kube/client/api.h"

namespace kube {

// Sets the bundle (PEM) in every entry; true when anything was different.
bool set_ca_bundle(Json& configuration, const std::string& bundle);

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
  Loop& loop_;
  const CaBundleInjectorOptions options_;
  JsonApi configurations_;
  std::string bundle_;
  bool due_ = false;
  WaitList changed_;
};

}  // namespace kube
