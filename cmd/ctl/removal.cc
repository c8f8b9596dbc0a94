#include "cmd/ctl/removal.h"

#include "cmd/ctl/lookup.h"
#include "controller/application/application_view.h"
#include "controller/schedule/schedule_controller.h"
#include "kube/async/retry.h"
#include "kube/client/api.h"
#include "kube/client/remove_if_same.h"

namespace ctl {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;
using kube::Task;

Task<Result<>> remove_object(Cluster cluster, Json object, kube::Duration wait) {
  const bool application = kube::string_at(object, {"kind"}) == "SparkApplication";
  const kube::Resource& resource =
      application ? controller::kSparkApplications : controller::kScheduledSparkApplications;
  const std::string name = name_of(object), uid = uid_of(object), ns = namespace_of(object);
  auto removed = co_await kube::remove_if_same(
      *cluster.client, resource, {ns, name},
      kube::DeleteOptions().uid(uid).propagation(kube::Propagation::Background));
  if (!removed)
    co_return fail(std::move(removed).error().while_doing("delete " + resource.kind + " " + ns + "/" + name));
  if (wait <= kube::Duration::zero()) co_return Result<>{};
  kube::Loop& loop = cluster.client->loop();
  kube::JsonApi api(*cluster.client, resource, ns);
  const auto gone = [&]() -> Task<Result<>> {
    auto there = co_await api.get(name);
    if (!there && there.error().is_not_found()) co_return Result<>{};
    if (!there) co_return fail(std::move(there));
    if (uid_of(*there) != uid) co_return Result<>{};
    co_return fail(ErrorKind::Timeout, resource.kind + " " + ns + "/" + name + " is still there");
  };
  co_return co_await kube::retry(
      loop, kube::Backoff{.initial = std::chrono::milliseconds(200), .max = std::chrono::seconds(1)},
      loop.after(wait), gone);
}

}  // namespace ctl
