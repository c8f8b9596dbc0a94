// The definitions of our kinds, as an installation applies them.
//
//   loop.run(install_definitions(loop, server, plan));     // only of the kinds that the plan speaks of
//
// Throws when the server refuses one, or does not come to serve it. Thread: the loop's only.
#pragma once

#include "kube/apiserver/api_server.h"
#include "test/sim/plan.h"

namespace sim {

kube::Task<> install_definitions(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan);

}  // namespace sim
