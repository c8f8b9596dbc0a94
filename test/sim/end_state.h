// end_state() is what a world has come to, without what differs between two runs that came to the same:
// times, ids, drawn names. leftovers() says what should not be there.
//
//   CHECK(end_state(server) == end_state_of_a_calm_run);
//   CHECK(leftovers(server) == "");
//
// Thread: the loop's only.
#pragma once

#include <string>

#include "kube/apiserver/api_server.h"

namespace sim {

// One line for each object of our kinds (its state, its status, its spec) and for each kind of object that an
// object of a given name owns, with how many there are.
std::string end_state(kube::apiserver::ApiServer& server);

// "" or the first object whose owner is gone, that has none, or that never ends its termination.
std::string leftovers(kube::apiserver::ApiServer& server);

}  // namespace sim
