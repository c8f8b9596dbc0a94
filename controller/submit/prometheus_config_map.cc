#include "controller/submit/prometheus_config_map.h"

namespace controller {

kube::Task<kube::Result<>> apply_config_map(kube::Client& client, std::optional<kube::Json> map) {
  if (!map) co_return kube::Result<>{};
  const std::string ns = map->at("metadata").at("namespace");
  const std::string name = map->at("metadata").at("name");
  auto applied = co_await kube::JsonApi(client, kube::kConfigMaps, ns)
                     .patch(name, kube::Patch::apply(std::move(*map), "spark-operator"));
  if (!applied)
    co_return kube::fail(std::move(applied).error().while_doing("apply ConfigMap " + ns + "/" + name));
  co_return kube::Result<>{};
}

}  // namespace controller
