#include "kube/core/object_meta.h"

namespace kube {

namespace {

std::string value_of(const std::map<std::string, std::string>& map, std::string_view name) {
  const auto found = map.find(std::string(name));
  return found == map.end() ? std::string() : found->second;
}

}  // namespace

const OwnerReference* controller_of(const std::vector<OwnerReference>& owners) {
  for (const OwnerReference& owner : owners)
    if (owner.controller.value_or(false)) return &owner;
  return nullptr;
}

const OwnerReference* controller_of(const ObjectMeta& meta) {
  return controller_of(meta.owner_references);
}

std::string label_of(const ObjectMeta& meta, std::string_view name) {
  return value_of(meta.labels, name);
}

std::string annotation_of(const ObjectMeta& meta, std::string_view name) {
  return value_of(meta.annotations, name);
}

}  // namespace kube
