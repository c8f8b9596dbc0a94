// StatusApi writes the status of objects, whole, if they are still what the status was decided on.
//
//   StatusApi statuses(client, kWebs);                              // kept: it learns what the role allows
//   auto written = co_await statuses.write({"ns", "a"}, view.resource_version, status);
//   if (!written && written.error().is_conflict()) …                // somebody was faster: read it again
//   const std::string version = kube::string_at(*written, {"metadata", "resourceVersion"});
//
// One JSON patch, which sends nothing but the status. A role may grant `update` alone on the subresource
// (that of the Go operator's chart from 2.5.1 on): then, after one refusal, a PUT, whose answer is the same;
// the API server takes only the status from it. The next process asks anew.
//
// Errors: Conflict when the object has another resourceVersion; NotFound; Forbidden when both are refused.
// Thread: the loop's only. Lifetime: the client outlives it; it outlives its calls.
#pragma once

#include <string>

#include "kube/client/api.h"

namespace kube {

class StatusApi {
 public:
  StatusApi(Client& client, Resource resource) : client_(client), resource_(std::move(resource)) {}

  // Answers the object as it is now.
  Task<Result<Json>> write(ObjectKey key, std::string resource_version, Json status);

 private:
  Client& client_;
  const Resource resource_;
  bool patch_refused_ = false;
};

}  // namespace kube
