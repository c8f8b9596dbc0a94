// final_check() says what is not as it should be once faults, users and drivers have come to rest (invariant
// I5): every application in the state its spec and its driver ask for, every schedule within the limits of
// its history, every SparkConnect ready with one server of its spec, nothing left of what is gone.
//
//   std::string wrong = final_check(server, loop.now());      // "" when all is well
//
// Thread: the loop's only.
#pragma once

#include <string>

#include "kube/apiserver/api_server.h"

namespace sim {

std::string final_check(kube::apiserver::ApiServer& server, kube::TimePoint now);

}  // namespace sim
