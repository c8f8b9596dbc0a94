#include "kube/apiserver/schema.h"

#include <array>
#include <cmath>
#include <utility>

#include "kube/base/clock.h"
#include "kube/core/quantity.h"

namespace kube::apiserver {

namespace {

constexpr std::string_view kMicroTime = "micro-time";  // our own name: the data calls both times date-time

struct TypeName {
  Schema::Type type;
  std::string_view name;
};
constexpr std::array kTypeNames{
    TypeName{Schema::Type::Any, "anything"},     TypeName{Schema::Type::Object, "object"},
    TypeName{Schema::Type::Array, "array"},      TypeName{Schema::Type::String, "string"},
    TypeName{Schema::Type::Integer, "integer"},  TypeName{Schema::Type::Number, "number"},
    TypeName{Schema::Type::Boolean, "boolean"},  TypeName{Schema::Type::IntOrString, "integer,string"},
    TypeName{Schema::Type::Quantity, "quantity"}};

Schema::Type type_named(std::string_view name) {
  for (const TypeName& one : kTypeNames)
    if (one.name == name) return one.type;
  return Schema::Type::Any;
}

std::string join(const std::string& path, std::string_view member) {
  return path.empty() ? std::string(member) : path + "." + std::string(member);
}
std::string join(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

// A typed struct forgets what it does not know; a map or a free-form object keeps all.
bool knows_its_members(const Schema& schema) {
  return schema.type == Schema::Type::Object && !schema.preserve_unknown && !schema.values &&
         !schema.properties.empty();
}

bool is_always_known(const Schema& schema, bool root, std::string_view name) {
  return (root || schema.embedded_resource) && (name == "apiVersion" || name == "kind" || name == "metadata");
}

enum class Unknown { Report, Remove };

template <Unknown kMode, class AnyJson>
void walk_unknown(AnyJson& value, const Schema& schema, const std::string& path, bool root,
                  std::vector<std::string>& found) {
  if (value.is_array() && schema.items) {
    for (std::size_t i = 0; i < value.size(); ++i)
      walk_unknown<kMode>(value[i], *schema.items, join(path, i), false, found);
    return;
  }
  if (!value.is_object()) return;
  // A structural schema's object without properties knows nothing, unless it preserves.
  const bool closed = knows_its_members(schema) || (schema.type == Schema::Type::Object && !schema.values &&
                                                    !schema.preserve_unknown && !schema.rules.is_null());
  for (auto member = value.begin(); member != value.end();) {
    const Schema* below = schema.member(member.key());
    // Of a custom resource, metadata is ObjectMeta, whatever little its definition says of it.
    if (!schema.rules.is_null() && is_always_known(schema, root, member.key())) {
      ++member;
      continue;
    }
    if (below) {
      walk_unknown<kMode>(*member, *below, join(path, member.key()), false, found);
    } else if (closed && !is_always_known(schema, root, member.key())) {
      found.push_back(join(path, member.key()));
      if constexpr (kMode == Unknown::Remove) {
        member = value.erase(member);
        continue;
      }
    }
    ++member;
  }
}

void default_members(Json& value, const Schema& schema) {
  if (value.is_object()) {
    for (const auto& [name, member] : schema.properties) {
      auto found = value.find(name);
      const bool absent = found == value.end() || (found->is_null() && !member->nullable);
      if (absent && !member->default_value.is_null()) {
        value[name] = member->default_value;
        found = value.find(name);
      }
      if (found != value.end()) default_members(*found, *member);
    }
    if (schema.values)
      for (auto& member : value) default_members(member, *schema.values);
  } else if (value.is_array() && schema.items) {
    for (auto& item : value) default_members(item, *schema.items);
  }
}

std::string mismatch(const Json& value, const Schema& schema, const std::string& path) {
  if (value.is_null()) return "";
  if (!is_of_type(value, schema.type)) {
    return (path.empty() ? std::string("object") : path) + ": expected " +
           std::string(type_name(schema.type)) + ", got " + describe_json(value) +
           (schema.type == Schema::Type::Quantity ? ": quantities must match the regular expression "
                                                    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                                                  : "");
  }
  if (value.is_string() && (schema.format == "date-time" || schema.format == kMicroTime)) {
    const std::string& text = value.get_ref<const std::string&>();
    // Six digits after the point, no more and no fewer.
    const bool micro = text.size() > 26 && text[19] == '.' && text.find_first_not_of("0123456789", 20) == 26;
    if (!parse_rfc3339(text) || (schema.format == kMicroTime && !micro))
      return path + ": parsing time " + describe_json(value) + " as RFC 3339" +
             (schema.format == kMicroTime ? " with microseconds" : "") + " failed";
  }
  if (value.is_object()) {
    for (auto& [name, member] : value.items()) {
      const Schema* below = schema.member(name);
      if (!below) continue;
      if (std::string problem = mismatch(member, *below, join(path, name)); !problem.empty()) return problem;
    }
  } else if (value.is_array() && schema.items) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      // A member that is null counts as absent; an item cannot be absent.
      if (value[i].is_null() && schema.items->type != Schema::Type::Any)
        return join(path, i) + ": expected " + std::string(type_name(schema.items->type)) + ", got null";
      if (std::string problem = mismatch(value[i], *schema.items, join(path, i)); !problem.empty())
        return problem;
    }
  }
  return "";
}

}  // namespace

std::string_view type_name(Schema::Type type) {
  for (const TypeName& one : kTypeNames)
    if (one.type == type) return one.name;
  std::unreachable();
}

bool is_of_type(const Json& value, Schema::Type type) {
  switch (type) {
    case Schema::Type::Any:
      return true;
    case Schema::Type::Object:
      return value.is_object();
    case Schema::Type::Array:
      return value.is_array();
    case Schema::Type::String:
      return value.is_string();
    case Schema::Type::Integer:
      return value.is_number_integer() ||
             (value.is_number_float() && std::nearbyint(value.get<double>()) == value.get<double>());
    case Schema::Type::Number:
      return value.is_number();
    case Schema::Type::Boolean:
      return value.is_boolean();
    case Schema::Type::IntOrString:
      return value.is_number_integer() || value.is_string();
    case Schema::Type::Quantity:
      return value.is_number() || (value.is_string() && Quantity::parse(value.get_ref<const std::string&>()));
  }
  std::unreachable();
}

const Schema* Schema::member(std::string_view name) const {
  auto found = properties.find(name);
  if (found != properties.end()) return found->second;
  return values;
}

Schema* SchemaSet::make() {
  return &owned_.emplace_back();
}

const Schema* SchemaSet::find(std::string_view name) const {
  auto found = named_.find(name);
  return found == named_.end() ? nullptr : found->second;
}

void SchemaSet::add_reduced(const Json& schemas) {
  for (auto& [name, json] : schemas.items()) named_[name] = make();
  for (auto& [name, json] : schemas.items()) {
    Schema& schema = *named_[name];
    schema = Schema(*reduced(json));
    if (name.ends_with(".api.resource.Quantity")) schema.type = Schema::Type::Quantity;
    if (name.ends_with(".util.intstr.IntOrString")) schema.type = Schema::Type::IntOrString;
    if (name.ends_with(".meta.v1.MicroTime")) schema.format = kMicroTime;
  }
}

Schema* SchemaSet::reduced(const Json& json) {
  // A reference is shared, not copied: its target may not be filled in yet. What stands beside it in the data
  // (a default of the same struct, a merge mark of a nested struct) says nothing that the target does not.
  if (auto ref = json.find("ref"); ref != json.end()) return named_[ref->get<std::string>()];
  Schema* schema = make();
  schema->type = type_named(string_at(json, {"type"}));
  schema->format = string_at(json, {"format"});
  if (schema->format == "int-or-string") schema->type = Schema::Type::IntOrString;
  schema->atomic = string_at(json, {"map"}) == "atomic";
  const std::string list = string_at(json, {"list"});
  if (list == "map") schema->list = Schema::List::Map;
  if (list == "set") schema->list = Schema::List::Set;
  if (auto keys = json.find("keys"); keys != json.end())
    schema->list_keys = keys->get<std::vector<std::string>>();
  const std::string patch = string_at(json, {"patch"});
  schema->patch_merges = patch.find("merge") != std::string::npos;
  schema->patch_retains_keys = patch.find("retainKeys") != std::string::npos;
  schema->merge_key = string_at(json, {"mergeKey"});
  if (auto fallback = json.find("default"); fallback != json.end()) schema->default_value = *fallback;
  if (auto required = json.find("required"); required != json.end())
    schema->required = required->get<std::vector<std::string>>();
  if (auto properties = json.find("properties"); properties != json.end())
    for (auto& [name, member] : properties->items()) schema->properties[name] = reduced(member);
  if (auto items = json.find("items"); items != json.end()) schema->items = reduced(*items);
  if (auto values = json.find("values"); values != json.end()) schema->values = reduced(*values);
  return schema;
}

const Schema* SchemaSet::add_structural(const Json& json) {
  Schema* schema = make();
  schema->rules = json;
  schema->type = type_named(string_at(json, {"type"}));
  schema->format = string_at(json, {"format"});
  auto flag = [&](std::string_view name) {
    auto found = json.find(name);
    return found != json.end() && found->is_boolean() && found->get<bool>();
  };
  if (flag("x-kubernetes-int-or-string")) schema->type = Schema::Type::IntOrString;
  schema->nullable = flag("nullable");
  schema->preserve_unknown = flag("x-kubernetes-preserve-unknown-fields");
  schema->embedded_resource = flag("x-kubernetes-embedded-resource");
  schema->atomic = string_at(json, {"x-kubernetes-map-type"}) == "atomic";
  const std::string list = string_at(json, {"x-kubernetes-list-type"});
  if (list == "map") schema->list = Schema::List::Map;
  if (list == "set") schema->list = Schema::List::Set;
  if (auto keys = json.find("x-kubernetes-list-map-keys"); keys != json.end() && keys->is_array())
    for (const Json& key : *keys)
      if (key.is_string()) schema->list_keys.push_back(key.get<std::string>());
  if (auto fallback = json.find("default"); fallback != json.end()) schema->default_value = *fallback;
  if (auto required = json.find("required"); required != json.end() && required->is_array())
    for (const Json& name : *required)
      if (name.is_string()) schema->required.push_back(name.get<std::string>());
  if (auto properties = json.find("properties"); properties != json.end() && properties->is_object())
    for (auto& [name, member] : properties->items()) schema->properties[name] = add_structural(member);
  if (auto items = json.find("items"); items != json.end() && items->is_object())
    schema->items = add_structural(*items);
  if (auto values = json.find("additionalProperties"); values != json.end()) {
    if (values->is_object()) schema->values = add_structural(*values);
    if (values->is_boolean() && values->get<bool>()) schema->preserve_unknown = true;
  }
  return schema;
}

std::vector<std::string> prune(Json& object, const Schema& schema) {
  std::vector<std::string> found;
  walk_unknown<Unknown::Remove>(object, schema, "", true, found);
  return found;
}

std::vector<std::string> unknown_fields(const Json& object, const Schema& schema) {
  std::vector<std::string> found;
  walk_unknown<Unknown::Report>(object, schema, "", true, found);
  return found;
}

void drop_nulls(Json& object, const Schema& schema) {
  if (object.is_array()) {
    if (schema.items)
      for (auto& item : object) drop_nulls(item, *schema.items);
    return;
  }
  if (!object.is_object()) return;
  for (auto member = object.begin(); member != object.end();) {
    const Schema* below = schema.member(member.key());
    if (!below) {
      ++member;
      continue;
    }
    if (member->is_null() && !below->nullable && below->type != Schema::Type::Any &&
        !below->preserve_unknown) {
      member = object.erase(member);
      continue;
    }
    drop_nulls(*member, *below);
    ++member;
  }
}

void write_quantities(Json& object, const Schema& schema) {
  if (schema.type == Schema::Type::Quantity) {
    auto quantity = Quantity::parse(object.is_string() ? object.get<std::string>() : dump_json(object));
    if (quantity) object = quantity->to_string();
  } else if (object.is_array()) {
    if (schema.items)
      for (auto& item : object) write_quantities(item, *schema.items);
  } else if (object.is_object()) {
    for (auto& [name, member] : object.items())
      if (const Schema* below = schema.member(name)) write_quantities(member, *below);
  }
}

void apply_defaults(Json& object, const Schema& schema) {
  default_members(object, schema);
}

std::string type_mismatch(const Json& object, const Schema& schema) {
  return mismatch(object, schema, "");
}

}  // namespace kube::apiserver
