#include "kube/client/remove_if_same.h"

namespace kube {

Task<Result<>> remove_if_same(Client& client, Resource resource, ObjectKey key, DeleteOptions preconditions) {
  auto removed =
      co_await JsonApi(client, std::move(resource), key.ns).remove(key.name, std::move(preconditions));
  if (!removed && !removed.error().is_not_found() && !removed.error().is_conflict())
    co_return fail(std::move(removed));
  co_return Result<>{};
}

}  // namespace kube
