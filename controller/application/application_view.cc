#include "controller/application/application_view.h"

#include "kube/core/fields.h"
#include "kube/core/projection.h"

namespace controller {

kube::Result<api::SparkApplication> ApplicationView::decode() const {
  const kube::Json object = kube::Json::parse(text, nullptr, false);
  if (object.is_discarded()) return kube::fail(kube::ErrorKind::InvalidInput, key.to_string() + ": not JSON");
  return kube::decode<api::SparkApplication>(object);
}

kube::Result<ReadApplication> ApplicationView::read() const {
  kube::Json object = kube::Json::parse(text, nullptr, false);
  if (object.is_discarded()) return kube::fail(kube::ErrorKind::InvalidInput, key.to_string() + ": not JSON");
  auto app = kube::decode<api::SparkApplication>(object);
  if (app) return ReadApplication{std::move(*app), ""};
  kube::Json rest = kube::Json::object();
  // What users and schedulers flip must work on any spec.
  for (const char* field : {"suspend", "timeToLiveSeconds"})
    if (const kube::Json* value = kube::find_path(object, {"spec", field})) rest[field] = *value;
  object["spec"] = std::move(rest);
  auto without = kube::decode<api::SparkApplication>(object);
  if (!without) return kube::fail(std::move(app));
  return ReadApplication{std::move(*without), app.error().message()};
}

kube::Result<ApplicationView> project_application(kube::JsonView object) {
  static const kube::MetaWants wants{.labels = std::vector<std::string>{}};
  auto meta = kube::project_meta(object, wants);
  if (!meta) return kube::fail(std::move(meta));
  ApplicationView view{meta->key, meta->uid, meta->resource_version, api::State::New, ""};
  const std::string_view state = object["status"]["applicationState"]["state"].string_or();
  for (const auto& known : api::kStates) {
    if (known.name == state) view.state = known.value;
  }
  kube::Json json = object.to_json();
  if (auto metadata = json.find("metadata"); metadata != json.end()) metadata->erase("managedFields");
  view.text = json.dump();
  return view;
}

}  // namespace controller
