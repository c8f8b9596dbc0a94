// Schema is what the server knows about the shape of a kind: types, defaults, and how its lists and maps
// merge. One form for both sources: the reduced OpenAPI data of built-in kinds and the structural schemas of
// CRDs.
//
//   SchemaSet set;
//   const Schema* root = set.add_structural(crd_version["schema"]["openAPIV3Schema"]);
//   std::vector<std::string> unknown = prune(object, *root);      // removes them; "spec.drvier"
//   apply_defaults(object, *root);
//   std::vector<FieldProblem> problems = validate(object, *root); // types and values
//
// Thread: immutable once built. Lifetime: schemas live as long as their set.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kube/apiserver/refusal.h"
#include "kube/core/json.h"

namespace kube::apiserver {

struct Schema {
  enum class Type { Any, Object, Array, String, Integer, Number, Boolean, IntOrString, Quantity };
  enum class List { Atomic, Map, Set };

  Type type = Type::Any;
  std::string format;
  bool nullable = false;
  bool preserve_unknown = false;
  bool embedded_resource = false;  // apiVersion, kind and metadata are known in it
  bool atomic = false;             // a map or struct that is replaced as a whole
  std::map<std::string, const Schema*, std::less<>> properties;
  const Schema* values = nullptr;  // of a map
  const Schema* items = nullptr;
  std::vector<std::string> required;
  Json default_value;

  List list = List::Atomic;            // how server-side apply merges it
  std::vector<std::string> list_keys;  // of List::Map
  bool patch_merges = false;           // strategic merge: patchStrategy merge
  bool patch_retains_keys = false;     // strategic merge: patchStrategy retainKeys
  std::string merge_key;               // "" for lists of scalars

  Json rules;  // a CRD's node as written: enum, pattern, minimum …

  // The schema of a member; null when nothing is known about it.
  const Schema* member(std::string_view name) const;
};

// "integer", as schemas write it; "integer,string" for an IntOrString.
std::string_view type_name(Schema::Type type);
// Whether a value is of the type. An integer may be written as 3.0; null is of no type but Any.
bool is_of_type(const Json& value, Schema::Type type);

class SchemaSet {
 public:
  // The "schemas" member of the reduced data.
  void add_reduced(const Json& schemas);
  // A CRD version's openAPIV3Schema.
  const Schema* add_structural(const Json& schema);
  const Schema* find(std::string_view name) const;

 private:
  Schema* make();
  Schema* reduced(const Json& json);

  std::deque<Schema> owned_;
  std::map<std::string, Schema*, std::less<>> named_;
};

// Removes what the schema does not know and returns its paths. The root's apiVersion, kind and metadata
// always stay.
std::vector<std::string> prune(Json& object, const Schema& schema);
// The same without removing.
std::vector<std::string> unknown_fields(const Json& object, const Schema& schema);
// Removes nulls where null is no value, as decoding into a typed struct would; with `defaults` they become
// those.
void drop_nulls(Json& object, const Schema& schema);
// Quantities in their canonical form, as a typed struct writes them: "0.1" becomes "100m".
void write_quantities(Json& object, const Schema& schema);
void apply_defaults(Json& object, const Schema& schema);
// "spec.containers[0].ports: expected array, got string"; "" when all types fit. Stops at the first.
std::string type_mismatch(const Json& object, const Schema& schema);
// Types, required fields and value rules of a custom resource, in the API server's words.
std::vector<FieldProblem> validate(const Json& object, const Schema& schema);

}  // namespace kube::apiserver
