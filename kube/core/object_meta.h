// ObjectMeta is metav1.ObjectMeta: the fields we decide on; the rest (managedFields, selfLink …) passes
// through.
//
//   auto meta = decode<ObjectMeta>(object["metadata"], "metadata");
//   if (meta->deletion_timestamp) …                       // somebody has asked for its deletion
//   const OwnerReference* owner = controller_of(*meta);   // null when nobody controls it
//
// Thread: values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kube/base/clock.h"
#include "kube/core/json.h"
#include "kube/core/object_key.h"

namespace kube {

struct OwnerReference {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;
  std::optional<bool> controller;
  std::optional<bool> block_owner_deletion;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("apiVersion", self.api_version);
    field("kind", self.kind);
    field("name", self.name);
    field("uid", self.uid);
    field("controller", self.controller);
    field("blockOwnerDeletion", self.block_owner_deletion);
  }
  bool operator==(const OwnerReference&) const = default;
};

struct ObjectMeta {
  std::string name;
  std::string generate_name;
  std::string namespace_;
  std::string uid;
  std::string resource_version;
  std::optional<std::int64_t> generation;
  std::optional<TimePoint> creation_timestamp;
  std::optional<TimePoint> deletion_timestamp;
  std::optional<std::int64_t> deletion_grace_period_seconds;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::vector<OwnerReference> owner_references;
  std::vector<std::string> finalizers;
  Json unknown;

  ObjectKey key() const { return {namespace_, name}; }

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("name", self.name);
    field("generateName", self.generate_name);
    field("namespace", self.namespace_);
    field("uid", self.uid);
    field("resourceVersion", self.resource_version);
    field("generation", self.generation);
    field("creationTimestamp", self.creation_timestamp);
    field("deletionTimestamp", self.deletion_timestamp);
    field("deletionGracePeriodSeconds", self.deletion_grace_period_seconds);
    field("labels", self.labels);
    field("annotations", self.annotations);
    field("ownerReferences", self.owner_references);
    field("finalizers", self.finalizers);
  }
  bool operator==(const ObjectMeta&) const = default;
};

// The one owner with controller: true; null when there is none.
const OwnerReference* controller_of(const ObjectMeta& meta);
const OwnerReference* controller_of(const std::vector<OwnerReference>& owners);

// "" when absent.
std::string label_of(const ObjectMeta& meta, std::string_view name);
std::string annotation_of(const ObjectMeta& meta, std::string_view name);

}  // namespace kube
