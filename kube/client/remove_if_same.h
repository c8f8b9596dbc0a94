// remove_if_same() deletes an object that was seen, and nothing else that may bear its name by now.
//
//   auto removed = co_await remove_if_same(client, kPods, {"ns", "a"}, DeleteOptions().uid(seen.uid));
//
// Success: the server has taken the request, or there was nothing left to do, since the object is gone
// (NotFound) or another one has the name (Conflict). An object with finalizers stays for a while all the
// same. Errors: all others of the API server. Thread: the loop's only. Lifetime: the client outlives the
// call.
#pragma once

#include "kube/client/api.h"

namespace kube {

Task<Result<>> remove_if_same(Client& client, Resource resource, ObjectKey key, DeleteOptions preconditions);

}  // namespace kube
