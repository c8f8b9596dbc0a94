#include "webhook/validators.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "kube/core/fields.h"
#include "spark/conf_faults.h"

namespace webhook {

using kube::Json;
using kube::Verdict;

namespace {

// With the most digits that the time of a run can have in its name; a dash stands in front.
constexpr std::size_t kLabel = 63, kLongestTime = 19;

std::vector<api::Fault> joined(std::vector<api::Fault> faults, std::vector<api::Fault> more) {
  faults.insert(faults.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  return faults;
}

std::vector<api::Fault> faults_in(const api::SparkApplication& app, const api::ValidationOptions& options) {
  return joined(api::validate_submission(app, options), spark::conf_faults(app.spec, "spec"));
}
std::vector<api::Fault> faults_in(const api::ScheduledSparkApplication& app,
                                  const api::ValidationOptions& options) {
  return joined(api::validate(app, options), spark::conf_faults(app.spec.app_template, "spec.template"));
}
std::vector<api::Fault> faults_in(const api::SparkConnect& connect, const api::ValidationOptions& options) {
  return api::validate(connect, options);
}

template <class Kind>
kube::Result<std::vector<api::Fault>> faults_of(const Json& object, const api::ValidationOptions& options) {
  auto decoded = kube::decode<Kind>(object);
  if (!decoded) return kube::fail(std::move(decoded));
  return faults_in(*decoded, options);
}

// A review has no name of its own where the API server makes one up (generateName).
std::string name_of(const Json& object) {
  return kube::string_at(object, {"metadata", "name"});
}

template <class Kind>
Verdict validate(const kube::Review& review, const api::ValidationOptions& options) {
  if (review.operation == "DELETE" || review.operation == "CONNECT") return Verdict::allow();
  if (review.operation != "CREATE" && review.operation != "UPDATE")
    return Verdict::error(400, "unknown operation \"" + review.operation + "\"");
  // The status of an object is nobody's to validate; the API server does not even ask, if set up as it
  // should.
  if (!review.sub_resource.empty()) return Verdict::allow();
  auto object = review.object_json();
  if (!object) return Verdict::error(400, object.error().message());
  auto faults = faults_of<Kind>(*object, options);
  if (!faults) return Verdict::error(400, faults.error().message());
  if (review.operation == "UPDATE") {
    auto old_object = review.old_object_json();
    if (!old_object) return Verdict::error(400, old_object.error().message());
    // One that cannot be decoded must be repairable: then every fault of the new one counts.
    if (auto old_faults = faults_of<Kind>(*old_object, options))
      *faults = new_faults(*old_faults, *faults, *old_object, *object);
  }
  if (faults->empty()) return Verdict::allow();
  return Verdict::deny(std::string(Kind::kKind) + " " +
                       kube::ObjectKey{review.namespace_, name_of(*object)}.to_string() +
                       " is invalid: " + api::describe(*faults));
}

}  // namespace

Verdict validate_application(const kube::Review& review, const api::ValidationOptions& options) {
  return validate<api::SparkApplication>(review, options);
}
Verdict validate_scheduled_application(const kube::Review& review, const api::ValidationOptions& options) {
  Verdict verdict = validate<api::ScheduledSparkApplication>(review, options);
  if (!verdict.allowed || review.operation != "CREATE") return verdict;
  const auto object = review.object_json();
  if (object && name_of(*object).size() > kLabel - 1 - kLongestTime)
    verdict.warnings.push_back(
        "metadata.name: with the time appended, the names of runs are longer than 63 characters unless the "
        "controller's --scheduled-spark-application-timestamp-precision is coarser than nanos");
  return verdict;
}
Verdict validate_connect(const kube::Review& review, const api::ValidationOptions& options) {
  return validate<api::SparkConnect>(review, options);
}

std::vector<api::Fault> new_faults(const std::vector<api::Fault>& before, const std::vector<api::Fault>& now,
                                   const Json& old_object, const Json& new_object) {
  std::vector<api::Fault> fresh;
  for (const api::Fault& fault : now) {
    const Json* was = value_at(old_object, fault.path);
    const Json* is = value_at(new_object, fault.path);
    const bool same_value = (was == nullptr) == (is == nullptr) && (was == nullptr || *was == *is);
    if (!same_value || std::ranges::find(before, fault) == before.end()) fresh.push_back(fault);
  }
  return fresh;
}

const Json* value_at(const Json& object, std::string_view path) {
  const Json* here = &object;
  while (!path.empty()) {
    if (path.front() == '[') {
      // A key of a map may hold dots.
      const std::size_t end = path.find(']');
      if (end == std::string_view::npos) return nullptr;
      const std::string_view key = path.substr(1, end - 1);
      std::size_t index = 0;
      const auto [stop, error] = std::from_chars(key.data(), key.data() + key.size(), index);
      if (here->is_array() && error == std::errc() && stop == key.data() + key.size()) {
        if (index >= here->size()) return nullptr;
        here = &(*here)[index];
      } else {
        here = kube::find_path(*here, {key});
      }
      path.remove_prefix(end + 1);
    } else {
      if (path.front() == '.') path.remove_prefix(1);
      const std::size_t end = path.find_first_of(".[");
      here = kube::find_path(*here, {path.substr(0, end)});
      path.remove_prefix(std::min(end, path.size()));
    }
    if (here == nullptr) return nullptr;
  }
  return here;
}

}  // namespace webhook
