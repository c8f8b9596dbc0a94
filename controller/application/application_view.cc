#include "controller/application/application_view.h"

#include "controller/application/stored_object.h"

namespace controller {

kube::Result<api::SparkApplication> ApplicationView::decode() const {
  auto object = parse_stored(key, text);
  if (!object) return kube::fail(object);
  return kube::decode<api::SparkApplication>(*object);
}

kube::Result<ReadApplication> ApplicationView::read() const {
  auto object = parse_stored(key, text);
  if (!object) return kube::fail(object);
  auto app = kube::decode<api::SparkApplication>(*object);
  if (app) return ReadApplication{std::move(*app), ""};
  kube::Json rest = kube::Json::object();
  // What users and schedulers flip must work on any spec.
  for (const char* field : {"suspend", "timeToLiveSeconds"})
    if (const kube::Json* value = kube::find_path(*object, {"spec", field})) rest[field] = *value;
  (*object)["spec"] = std::move(rest);
  auto without = kube::decode<api::SparkApplication>(*object);
  if (!without) return kube::fail(std::move(app));
  return ReadApplication{std::move(*without), app.error().message()};
}

kube::Result<ApplicationView> project_application(kube::JsonView object) {
  static const kube::MetaWants wants{.labels = std::vector<std::string>{}};
  auto meta = kube::project_meta(object, wants);
  if (!meta) return kube::fail(std::move(meta));
  ApplicationView view{meta->key,
                       meta->uid,
                       meta->resource_version,
                       api::State::New,
                       std::string(object["status"]["submissionID"].string_or()),
                       ""};
  const std::string_view state = object["status"]["applicationState"]["state"].string_or();
  for (const auto& known : api::kStates) {
    if (known.name == state) view.state = known.value;
  }
  view.text = stored_text(object);
  return view;
}

}  // namespace controller
