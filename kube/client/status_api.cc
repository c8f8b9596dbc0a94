#include "kube/client/status_api.h"

namespace kube {

Task<Result<Json>> StatusApi::write(ObjectKey key, std::string resource_version, Json status) {
  JsonApi api(client_, resource_, key.ns);
  if (!patch_refused_) {
    // Replacing the resourceVersion makes the server answer 409 unless the object still has it.
    Json operations = Json::array({
        {{"op", "replace"}, {"path", "/metadata/resourceVersion"}, {"value", resource_version}},
        {{"op", "add"}, {"path", "/status"}, {"value", status}},
    });
    auto patched = co_await api.patch(key.name, Patch::json(std::move(operations)), "status");
    if (patched || patched.error().kind() != ErrorKind::Forbidden) co_return patched;
  }
  Json object = {
      {"apiVersion", resource_.api_version()},
      {"kind", resource_.kind},
      {"metadata", {{"name", key.name}, {"namespace", key.ns}, {"resourceVersion", resource_version}}},
      {"status", std::move(status)}};
  auto put = co_await api.replace(key.name, std::move(object), "status");
  patch_refused_ = put.has_value() || put.error().kind() != ErrorKind::Forbidden;
  co_return put;
}

}  // namespace kube
