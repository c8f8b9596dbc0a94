// ResourceRegistry knows every resource the server serves: the built-in ones and those that CRDs define.
//
//   const ServedResource* pods = registry.find("", "v1", "pods");
//   pods->table();                       // "pods": where the store keeps them
//   registry.serve_crd(crd_json);        // replaces what an earlier version of that CRD served
//
// Thread: the loop's only. A ServedResource is shared: whoever works on a request keeps it although its CRD
// goes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kube/apiserver/schema.h"
#include "kube/core/gvk.h"

namespace kube::apiserver {

struct PrinterColumn {
  std::string name;
  std::string type;  // string, integer, number, boolean, date
  std::string format;
  std::string description;
  int priority = 0;
  std::string json_path;  // ".status.applicationState.state"
};

struct ServedResource {
  Resource resource;
  std::string singular;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  std::set<std::string> subresources;          // "status", "log", "binding" …
  const Schema* schema = nullptr;              // null: anything goes
  std::shared_ptr<const SchemaSet> schemas;    // keeps a CRD's alive
  std::vector<PrinterColumn> columns;          // of a CRD
  std::vector<std::string> selectable_fields;  // of a CRD: ".spec.type"
  bool custom = false;
  bool listed_only_for_create = false;  // reviews: create and nothing else
  bool storage_version = true;          // of a CRD; others are shown with their apiVersion
  std::string stored_version;           // of a CRD
  std::string table_name;

  const std::string& table() const { return table_name; }
  bool has(std::string_view subresource) const { return subresources.contains(std::string(subresource)); }
  std::string list_kind() const { return resource.kind + "List"; }
};
using ServedRef = std::shared_ptr<const ServedResource>;

class ResourceRegistry {
 public:
  // Built-in kinds with their schemas.
  ResourceRegistry();

  ServedRef find(std::string_view group, std::string_view version, std::string_view plural) const;
  ServedRef find_kind(std::string_view group, std::string_view version, std::string_view kind) const;
  // Any served version of a group's kind: owner references may name another than the stored one.
  ServedRef find_kind_any_version(std::string_view group, std::string_view kind) const;
  // By group, version and plural, in order; groups as discovery lists them.
  std::vector<ServedRef> all() const;
  std::vector<ServedRef> of_table(std::string_view table) const;

  // Names a CRD's resources; those of its served versions. `crd` is valid.
  void serve_crd(const Json& crd);
  void drop_crd(const std::string& crd_name);

  const SchemaSet& builtin_schemas() const { return *builtin_; }

 private:
  using Key = std::tuple<std::string, std::string, std::string>;  // group, version, plural
  std::shared_ptr<const SchemaSet> builtin_;
  std::map<Key, ServedRef> resources_;
  std::map<std::string, std::vector<Key>> of_crd_;
};

// The reduced data of the built-in kinds, parsed once.
const Json& builtin_schema_data();

}  // namespace kube::apiserver
