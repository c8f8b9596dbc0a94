#include "kube/examples/mirror.h"

namespace example {

using namespace kube;

Mirror::Mirror(Manager& manager)
    : manager_(manager),
      maps_(manager.add(std::make_unique<Informer<Map>>(
          manager.client(),
          InformerOptions<Map>{.resource = kConfigMaps,
                               .project = [](JsonView object) -> Result<Map> {
                                 const JsonView meta = object["metadata"];
                                 return Map{std::string(meta["uid"].string_or()),
                                            std::string(meta["labels"]["example.org/mirror-to"].string_or()),
                                            object["data"].to_json()};
                               },
                               .label_selector = "example.org/mirror-to"}))) {
  auto& controller = manager.add(std::make_unique<Controller>(
      manager.loop(), "mirror", [this](ReconcileRequest request) { return reconcile(std::move(request)); },
      ControllerOptions{.log = manager.log(), .metrics = manager.metrics()}));
  maps_.on_change([&controller](const Change<Map>& change) { controller.queue().add(change.key); });
}

Task<Result<ReconcileResult>> Mirror::reconcile(ReconcileRequest request) {
  auto map = maps_.store().get(request.key);  // observe: from the cache
  if (!map) co_return ReconcileResult::done();
  Api copies(manager_.client(), kConfigMaps, map->target);
  Json copy{{"metadata", {{"name", request.key.name}}}, {"data", map->data}};  // decide

  auto written = co_await copies.create(copy);  // act: twice does no harm
  if (!written && written.error().is_already_exists())
    written = co_await copies.patch(request.key.name, Patch::merge(copy));
  if (!written) co_return fail(std::move(written).error().while_doing("mirror " + request.key.to_string()));

  request.log.info("mirrored", {{"to", map->target}});
  manager_.events().normal({"v1", "ConfigMap", request.key.ns, request.key.name, map->uid}, "Mirrored",
                           "to " + map->target);
  co_return ReconcileResult::done();
}

}  // namespace example
