// SabotageProxy stands between operators and API server and spoils one thing that the protocol rests on, to
// prove that the invariants notice. Production code knows nothing of it.
//
//   SabotageProxy proxy(loop, server, Sabotage::NoUidOnDelete);
//   tasks.spawn("proxy", proxy.serve(net.host("sabotage")));      // operators then speak to http://sabotage
//
// Thread: the loop's only. Lifetime: the server outlives it.
#pragma once

#include <map>
#include <string>

#include "kube/apiserver/api_server.h"
#include "kube/http/server.h"

namespace sim {

enum class Sabotage {
  None,
  NoUidOnDelete,      // deletes lose their preconditions
  NoVersionOnStatus,  // status patches lose their resourceVersion: the last one wins
  StaleLiveRead,      // a GET of an application shows it as it was before its last change
  NoOwnerOnChildren,  // children of a driver lose their owner reference
  LeaseNotReleased,   // who gives the lease back leaves a name in it
  LeaseLooksFree,     // whoever looks at the lease finds nobody's name
  NoRunsListed,       // whoever lists a schedule's runs finds none
};

class SabotageProxy {
 public:
  static constexpr const char* kHost = "sabotage";

  SabotageProxy(kube::Loop& loop, kube::apiserver::ApiServer& server, Sabotage sabotage);
  kube::Task<> serve(kube::Network& host);
  // To be told of every commit.
  void committed(const kube::apiserver::Commit& commit);

 private:
  kube::Task<> answer(kube::HttpExchange& exchange);
  void spoil(kube::apiserver::ApiRequest& request) const;

  kube::Loop& loop_;
  kube::apiserver::ApiServer& server_;
  const Sabotage sabotage_;
  kube::HttpServer http_;
  std::map<std::string, kube::apiserver::ObjectRef> before_;  // applications by name, one version back
};

}  // namespace sim
