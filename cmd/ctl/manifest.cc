#include "cmd/ctl/manifest.h"

#include "api/scheduled_spark_application.h"
#include "kube/core/fields.h"
#include "kube/core/yaml.h"

namespace ctl {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;

namespace {

constexpr const char* kRunSuffix = "-run";

Result<Manifest> read(Json object, const std::string& ns) {
  Manifest out;
  const std::string kind = kube::string_at(object, {"kind"});
  out.is_schedule = kind == api::ScheduledSparkApplication::kKind;
  const std::string version = kube::string_at(object, {"apiVersion"});
  if (version != api::kApiVersion)
    return fail(ErrorKind::InvalidInput, std::string("apiVersion: expected \"") + api::kApiVersion +
                                             "\" for a " + kind + ", got \"" + version + "\"");
  if (!object["metadata"].is_object() || kube::string_at(object, {"metadata", "name"}).empty())
    return fail(ErrorKind::InvalidInput, "metadata.name: expected text, found none");
  if (kube::string_at(object, {"metadata", "namespace"}).empty()) object["metadata"]["namespace"] = ns;
  if (out.is_schedule) {
    auto schedule = kube::decode<api::ScheduledSparkApplication>(object);
    if (!schedule) return fail(std::move(schedule));
    out.app.metadata = schedule->metadata;
    out.app.metadata.name += kRunSuffix;
    out.app.spec = schedule->spec.app_template;
  } else {
    auto app = kube::decode<api::SparkApplication>(object);
    if (!app) return fail(std::move(app));
    out.app = *std::move(app);
  }
  out.what = kind + " " + kube::string_at(object, {"metadata", "namespace"}) + "/" +
             kube::string_at(object, {"metadata", "name"});
  out.object = std::move(object);
  return out;
}

}  // namespace

Result<std::vector<Manifest>> applications_in(std::string_view text, const std::string& source,
                                              const std::string& ns) {
  auto documents = kube::parse_yaml(text, source);
  if (!documents) return fail(std::move(documents));
  std::vector<Manifest> found;
  for (std::size_t i = 0; i < documents->size(); ++i) {
    Json& document = (*documents)[i];
    const std::string where =
        documents->size() == 1 ? source : source + ", document " + std::to_string(i + 1);
    if (!document.is_object())
      return fail(ErrorKind::InvalidInput, where + ": expected an object with apiVersion and kind");
    const std::string kind = kube::string_at(document, {"kind"});
    if (kind.empty()) return fail(ErrorKind::InvalidInput, where + ": kind: expected text, found none");
    if (kind != api::SparkApplication::kKind && kind != api::ScheduledSparkApplication::kKind) continue;
    auto manifest = read(std::move(document), ns);
    if (!manifest) return fail(std::move(manifest).error().while_doing(where));
    found.push_back(*std::move(manifest));
  }
  if (found.empty())
    return fail(ErrorKind::InvalidInput,
                source + ": expected a SparkApplication or a ScheduledSparkApplication, found none");
  return found;
}

}  // namespace ctl
