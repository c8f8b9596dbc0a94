// remove_object() deletes exactly the object that was looked at, and may wait until it is gone.
//
//   auto removed = co_await remove_object(cluster, application, 1min);
//
// What has gone meanwhile is as good as deleted; another object under its name is left alone. `wait` zero:
// does not wait. Error Timeout: it is still there, as when a finalizer holds it. Thread: the loop's only.
#pragma once

#include "cmd/ctl/session.h"

namespace ctl {

kube::Task<kube::Result<>> remove_object(Cluster cluster, kube::Json object, kube::Duration wait);

}  // namespace ctl
