// ConnectInvariants holds the operators to their promises about SparkConnects, as Invariants does about
// applications:
//
//   C1  a server is deleted only when the spec is another one than it was made from, when it has ended, or
//       when its SparkConnect is gone or going
//   C2  a server has the name of servers, a SparkConnect as its owner, and says from which spec it was made
//   C3  config maps and services are deleted only when their SparkConnect is gone, or does not want them
//
// (That there is one server of the last spec in the end, and that status says so, is final_check.h.) Its name
// is fixed, so that there are never two. Thread: the loop's only. Lifetime: all that is given outlives it.
#pragma once

#include <string>

#include "api/spark_connect.h"
#include "kube/apiserver/api_server.h"

namespace sim {

class Invariants;

class ConnectInvariants {
 public:
  ConnectInvariants(kube::apiserver::ApiServer& server, Invariants& all) : server_(server), all_(all) {}

  void committed(const kube::apiserver::Commit& commit);

 private:
  void server_created(const kube::Json& pod);
  void server_deleted(const kube::Json& pod);
  void child_deleted(const kube::apiserver::Commit& commit);
  // Null when it is gone, or going.
  kube::apiserver::ObjectRef owner_of(const kube::Json& object) const;

  kube::apiserver::ApiServer& server_;
  Invariants& all_;
};

// What its spec asks for, as the API server has it.
api::SparkConnect decoded_connect(const kube::apiserver::StoredObject& connect);

}  // namespace sim
