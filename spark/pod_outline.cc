#include "spark/pod_outline.h"

#include <span>
#include <string>
#include <string_view>

#include "spark/pod_mutation.h"

namespace spark {

using kube::Json;
using kube::JsonView;

namespace {

// What is kept of a value. Values of another type than expected are kept whole: messages show them.
enum class Keep {
  Whole,    // read, merged into or replaced: what differs inside becomes part of the patch
  Hollow,   // an object of which only that it is one matters
  Items,    // a list that grows: null in place of each item
  Objects,  // the same where items must be objects: {} in place of each
};

struct Kept {
  std::string_view name;
  Keep keep;
};

constexpr Kept kMetadata[] = {{"labels", Keep::Hollow}, {"ownerReferences", Keep::Whole}};

constexpr Kept kContainer[] = {{"name", Keep::Whole},
                               {"image", Keep::Whole},
                               {"envFrom", Keep::Items},
                               {"ports", Keep::Items},
                               {"volumeMounts", Keep::Objects},
                               {"args", Keep::Items},
                               {"securityContext", Keep::Whole},
                               {"lifecycle", Keep::Whole}};
constexpr Kept kResources[] = {{"requests", Keep::Hollow}, {"limits", Keep::Whole}};
constexpr Kept kInitContainer[] = {{"name", Keep::Whole}, {"image", Keep::Whole}};

constexpr Kept kSpec[] = {{"volumes", Keep::Objects},
                          {"tolerations", Keep::Items},
                          {"hostAliases", Keep::Items},
                          {"imagePullSecrets", Keep::Items},
                          {"nodeSelector", Keep::Whole},
                          {"affinity", Keep::Whole},
                          {"dnsConfig", Keep::Whole},
                          {"securityContext", Keep::Whole},
                          {"enableServiceLinks", Keep::Whole},
                          {"hostNetwork", Keep::Whole},
                          {"dnsPolicy", Keep::Whole},
                          {"priorityClassName", Keep::Whole},
                          {"priority", Keep::Whole},
                          {"preemptionPolicy", Keep::Whole},
                          {"schedulerName", Keep::Whole},
                          {"terminationGracePeriodSeconds", Keep::Whole},
                          {"shareProcessNamespace", Keep::Whole}};

Json list_of(JsonView list, Json (*item)(JsonView)) {
  if (!list.is_array()) return list.to_json();
  Json::array_t items;
  list.for_each_item([&](JsonView each) { items.push_back(item(each)); });
  return items;
}

Json hollow(JsonView object) {
  return object.is_object() ? Json::object() : object.to_json();
}

Json kept(JsonView value, Keep keep) {
  switch (keep) {
    case Keep::Whole:
      break;
    case Keep::Hollow:
      return hollow(value);
    case Keep::Items:
      return list_of(value, [](JsonView) { return Json(); });
    case Keep::Objects:
      return list_of(value, hollow);
  }
  return value.to_json();
}

// The members named in `fields`, and those that `other` makes something of.
template <class Other>
Json outline(JsonView object, std::span<const Kept> fields, Other other) {
  if (!object.is_object()) return object.to_json();
  Json::object_t members;
  object.for_each_member([&](std::string_view name, JsonView value) {
    for (const Kept& field : fields)
      if (field.name == name) {
        members.insert_or_assign(std::string(name), kept(value, field.keep));
        return;
      }
    other(name, value, members);
  });
  return members;
}

Json only(JsonView object, std::span<const Kept> fields) {
  return outline(object, fields, [](std::string_view, JsonView, Json::object_t&) {});
}

Json mark_of(JsonView annotations) {
  constexpr Kept kMark[] = {{kMutatedAnnotation, Keep::Whole}};
  return only(annotations, kMark);
}

Json metadata(JsonView value) {
  return outline(value, kMetadata, [](std::string_view name, JsonView member, Json::object_t& members) {
    if (name == "annotations") members.insert_or_assign("annotations", mark_of(member));
  });
}

// Environment is compared with what was asked for where Spark may have written over a template of ours.
Json container(JsonView value, Keep environment) {
  return outline(value, kContainer, [&](std::string_view name, JsonView member, Json::object_t& members) {
    if (name == "env") members.insert_or_assign("env", kept(member, environment));
    if (name == "resources") members.insert_or_assign("resources", only(member, kResources));
  });
}

Json spec(JsonView value, Keep environment) {
  return outline(value, kSpec, [&](std::string_view name, JsonView member, Json::object_t& members) {
    if (name == "containers")
      members.insert_or_assign("containers",
                               environment == Keep::Whole
                                   ? list_of(member, [](JsonView c) { return container(c, Keep::Whole); })
                                   : list_of(member, [](JsonView c) { return container(c, Keep::Objects); }));
    if (name == "initContainers")
      members.insert_or_assign("initContainers",
                               list_of(member, [](JsonView c) { return only(c, kInitContainer); }));
  });
}

}  // namespace

Json pod_outline(JsonView pod) {
  if (!pod.is_object()) return pod.to_json();
  Json out = Json::object();
  pod.for_each_member([&](std::string_view name, JsonView value) {
    if (name == "metadata") out["metadata"] = metadata(value);
  });
  const bool marked = !kube::string_at(out, {"metadata", "annotations", kMutatedAnnotation}).empty();
  pod.for_each_member([&](std::string_view name, JsonView value) {
    if (name == "spec") out["spec"] = spec(value, marked ? Keep::Whole : Keep::Objects);
  });
  return out;
}

}  // namespace spark
