#include "controller/children/child_plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include "api/constants.h"
#include "api/names.h"
#include "api/spec_hash.h"

namespace controller {

using kube::Json;
using kube::ObjectKey;

namespace {

// What of an object is compared: the rest is the server's or never changes.
Json content_of(const Json& object) {
  Json content = Json::object();
  for (const char* part : {"labels", "annotations"}) {
    if (object.at("metadata").contains(part)) content["metadata"][part] = object["metadata"][part];
  }
  for (const char* part : {"spec", "data"}) {
    if (object.contains(part)) content[part] = object[part];
  }
  return content;
}

// What a service selects by is all ours: a key too many, and it leads nowhere.
const Json* selector_of(const ChildView& present, const Json& content) {
  return present.resource == kube::kServices ? kube::find_path(content, {"spec", "selector"}) : nullptr;
}

bool differs(const ChildView& present, const Json& wanted) {
  const Json content = present.decode(), wants = content_of(wanted);
  if (!covers(content, wants)) return true;
  const Json *selects = selector_of(present, content), *is_to = selector_of(present, wants);
  if (selects != nullptr && is_to != nullptr && *selects != *is_to) return true;
  // A config map's data is all ours.
  return wants.contains("data") && content.value("data", Json::object()) != wants["data"];
}

// What was written once and is not wanted any more (api::annotation::kWrittenFields).
void take_back(const Json& content, Json& patch) {
  const auto written = kube::parse_json(
      kube::string_at(content, {"metadata", "annotations", api::annotation::kWrittenFields}));
  if (!written) return;
  const auto clear = [&](const char* list, Json& parent) {
    const Json* names = kube::find_path(*written, {list});
    // A part that the patch does not have is nobody's to touch: null would take all of it.
    if (names == nullptr || !names->is_array() || !parent.contains(list)) return;
    Json& part = parent[list];
    for (const Json& name : *names)
      if (name.is_string() && !part.contains(name.get<std::string>()))
        part[name.get<std::string>()] = nullptr;
  };
  if (patch.contains("metadata")) {
    clear("labels", patch["metadata"]);
    clear("annotations", patch["metadata"]);
  }
  clear("spec", patch);
}

bool is_next(const ChildView& child, const AttemptIds& ids) {
  return !child.submission_id.empty() && child.submission_id != ids.current &&
         api::same_link(child.submission_id, ids.next);
}

// A scheduler makes a group for a driver that has none, and gives it the driver's owner.
bool may_be_deleted(const ChildView& child) {
  if (child.resource != kVolcanoPodGroups && child.resource != kSchedulerPodGroups) return true;
  return child.key.name == api::volcano_pod_group_name(child.app_name) ||
         child.key.name == api::kube_scheduler_pod_group_name(child.app_name);
}

bool is_of_other_attempt(const ChildView& child, const AttemptIds& ids) {
  return !child.submission_id.empty() && child.submission_id != ids.current;
}

}  // namespace

bool covers(const Json& present, const Json& wanted) {
  if (wanted.is_object()) {
    if (!present.is_object()) return false;
    return std::ranges::all_of(wanted.items(), [&](const auto& member) {
      const auto found = present.find(member.key());
      return found != present.end() && covers(*found, member.value());
    });
  }
  if (wanted.is_array()) {
    return present.is_array() && std::ranges::equal(present, wanted, covers);
  }
  return present == wanted;
}

Json child_patch(const ChildView& present, const Json& wanted) {
  Json patch = content_of(wanted);
  const Json content = present.decode();
  if (const Json* selects = selector_of(present, content); selects && selector_of(present, patch)) {
    for (const auto& [name, value] : selects->items()) {
      if (!patch["spec"]["selector"].contains(name)) patch["spec"]["selector"][name] = nullptr;
    }
  }
  if (patch.contains("data")) {
    const Json before = content.value("data", Json::object());
    for (const auto& [name, text] : before.items()) {
      if (!patch["data"].contains(name)) patch["data"][name] = nullptr;
    }
  }
  take_back(content, patch);
  return patch;
}

std::vector<ChildStep> plan_children(const std::vector<Json>& wanted, const std::vector<ChildView>& present,
                                     const AttemptIds& ids) {
  using What = ChildStep::What;
  using Place = std::pair<kube::Resource, ObjectKey>;
  std::map<Place, const ChildView*> there;
  for (const ChildView& child : present) there[{child.resource, child.key}] = &child;

  std::vector<ChildStep> steps;
  for (const Json& object : wanted) {
    const auto resource = child_resource(object);
    if (!resource) continue;
    const ObjectKey key{kube::string_at(object, {"metadata", "namespace"}),
                        kube::string_at(object, {"metadata", "name"})};
    const auto found = there.find({*resource, key});
    if (found == there.end()) {
      steps.push_back({What::Create, *resource, key, object, {}, false});
      continue;
    }
    const ChildView& child = *found->second;
    there.erase(found);
    // Its last event brings us back.
    if (child.terminating || is_next(child, ids)) continue;
    if (is_of_other_attempt(child, ids))
      steps.push_back({What::Replace, *resource, key, object, child, true});
    else if (differs(child, object))
      steps.push_back({What::Patch, *resource, key, object, child, false});
  }
  for (const auto& [place, child] : there) {
    if (child->terminating || is_next(*child, ids) || !may_be_deleted(*child)) continue;
    steps.push_back(
        {What::Delete, place.first, place.second, nullptr, *child, child->submission_id != ids.current});
  }
  return steps;
}

bool is_definite(const kube::Error& error) {
  if (error.is_ambiguous()) return false;
  using kube::ErrorKind;
  switch (error.kind()) {
    case ErrorKind::BadRequest:
    case ErrorKind::Forbidden:
    case ErrorKind::NotFound:
    case ErrorKind::AlreadyExists:
    case ErrorKind::Invalid:
    case ErrorKind::MethodNotAllowed:
    case ErrorKind::RequestTooLarge:
      return true;
    default:
      return false;
  }
}

}  // namespace controller
