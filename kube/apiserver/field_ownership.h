// Server-side apply: who owns which fields, and how an applied configuration merges into an object.
//
//   auto applied = apply_configuration(live, config, schema, {"fabric8", force, "v1", now});
//   if (!applied) …   // the fields that other managers own with other values: answer 409
//
// Owned fields stand in metadata.managedFields as FieldsV1 ("f:spec", k:{"name":"x"}, v:"a"). Only appliers
// are recorded; a write by other means takes away from them the fields whose values it changed
// (forget_changed_fields), as ownership by update would. So a field that an applier gave up is removed
// exactly when nobody has touched it since.
//
// Thread: pure functions.
#pragma once

#include <string>
#include <vector>

#include "kube/apiserver/schema.h"
#include "kube/core/json.h"

namespace kube::apiserver {

struct Applier {
  std::string manager;
  bool force = false;
  std::string api_version;
  std::string time;         // RFC 3339
  std::string subresource;  // "status": the same manager by another door is another
};

struct ApplyConflict {
  std::string manager;
  std::string field;  // ".spec.replicas"
};

struct Applied {
  Json object;
  std::vector<ApplyConflict> conflicts;  // not empty: object is not to be used
};

// `schema` may be null: then lists are atomic.
Applied apply_configuration(const Json& live, const Json& config, const Schema* schema,
                            const Applier& applier);

// FieldsV1 of a configuration (without apiVersion, kind, name, namespace).
Json fields_of(const Json& config, const Schema* schema);

// Takes from every applier the fields whose value differs between the two; drops appliers that own nothing.
void forget_changed_fields(const Json& before, Json& after, const Schema* schema);

}  // namespace kube::apiserver
