#include "kube/apiserver/field_ownership.h"

#include <algorithm>
#include <optional>

namespace kube::apiserver {

namespace {

const Schema* items_of(const Schema* schema) {
  return schema ? schema->items : nullptr;
}

bool merges_as_map(const Json& list, const Schema* schema) {
  return list.is_array() && schema && schema->list == Schema::List::Map && !schema->list_keys.empty();
}
bool merges_as_set(const Json& list, const Schema* schema) {
  return list.is_array() && schema && schema->list == Schema::List::Set;
}
bool merges_members(const Json& value, const Schema* schema) {
  return value.is_object() && !(schema && schema->atomic);
}

const Schema* member_schema(const Schema* schema, std::string_view name) {
  return schema ? schema->member(name) : nullptr;
}

// k:{"containerPort":80,"protocol":"TCP"}: keys that are left out count with their defaults.
std::string item_key(const Json& item, const Schema& list) {
  Json key = Json::object();
  for (const std::string& name : list.list_keys) {
    if (item.is_object() && item.contains(name)) {
      key[name] = item[name];
    } else if (const Schema* member = member_schema(list.items, name);
               member && !member->default_value.is_null()) {
      key[name] = member->default_value;
    }
  }
  return "k:" + dump_json(key);
}

std::string value_key(const Json& item) {
  return "v:" + dump_json(item);
}

Json* find_item(Json& list, const std::string& key, const Schema& schema) {
  for (Json& item : list)
    if ((schema.list == Schema::List::Map ? item_key(item, schema) : value_key(item)) == key) return &item;
  return nullptr;
}

Json fields(const Json& value, const Schema* schema) {
  Json owned = Json::object();
  if (merges_members(value, schema)) {
    for (auto& [name, member] : value.items())
      owned["f:" + name] = fields(member, member_schema(schema, name));
  } else if (merges_as_map(value, schema)) {
    for (const Json& item : value) {
      Json below = fields(item, schema->items);
      below["."] = Json::object();
      owned[item_key(item, *schema)] = std::move(below);
    }
  } else if (merges_as_set(value, schema)) {
    for (const Json& item : value) owned[value_key(item)] = Json::object();
  }
  return owned;
}

Json merged(const Json& live, const Json& config, const Schema* schema) {
  if (merges_members(config, schema) && live.is_object()) {
    Json out = live;
    for (auto& [name, member] : config.items()) {
      auto found = out.find(name);
      if (found == out.end())
        out[name] = member;
      else
        *found = merged(*found, member, member_schema(schema, name));
    }
    return out;
  }
  if (live.is_array() && (merges_as_map(config, schema) || merges_as_set(config, schema))) {
    Json out = live;
    for (const Json& item : config) {
      const bool map = schema->list == Schema::List::Map;
      Json* found = find_item(out, map ? item_key(item, *schema) : value_key(item), *schema);
      if (!found)
        out.push_back(item);
      else if (map)
        *found = merged(*found, item, schema->items);
    }
    return out;
  }
  return config;
}

// Fields of `a` that are not in `b`; a node that is in both stays only for what lies below it.
std::optional<Json> without(const Json& a, const Json& b) {
  Json left = Json::object();
  for (auto& [key, below] : a.items()) {
    auto other = b.find(key);
    if (other == b.end()) {
      left[key] = below;
    } else if (auto rest = without(below, *other); rest) {
      left[key] = std::move(*rest);
    }
  }
  if (left.empty()) return std::nullopt;
  return left;
}

Json together(Json a, const Json& b) {
  for (auto& [key, below] : b.items()) a[key] = a.contains(key) ? together(a[key], below) : below;
  return a;
}

bool is_leaf(const Json& node) {
  return node.empty() || (node.size() == 1 && node.contains("."));
}

// Removes what `gone` names. Returns true when the value itself is named, or has become empty by it.
bool remove_fields(Json& value, const Json& gone, const Schema* schema) {
  if (gone.empty()) return true;
  if (value.is_object()) {
    for (auto& [key, below] : gone.items()) {
      if (!key.starts_with("f:")) continue;
      const std::string name = key.substr(2);
      auto found = value.find(name);
      if (found != value.end() && remove_fields(*found, below, member_schema(schema, name)))
        value.erase(found);
    }
    return value.empty();
  }
  if (value.is_array() && schema) {
    for (auto& [key, below] : gone.items()) {
      Json* item = find_item(value, key, *schema);
      if (!item) continue;
      // "." names the item as such; without it only some of its fields go.
      const bool whole = schema->list != Schema::List::Map || below.contains(".");
      if (!whole) {
        remove_fields(*item, below, items_of(schema));
        continue;
      }
      value.erase(value.begin() + (item - &value[0]));
    }
    return value.empty();
  }
  return false;
}

const Json* value_at(const Json* value, const std::string& key, const Schema*& schema) {
  if (!value) return nullptr;
  if (key.starts_with("f:")) {
    const std::string name = key.substr(2);
    schema = member_schema(schema, name);
    if (!value->is_object()) return nullptr;
    auto found = value->find(name);
    return found == value->end() ? nullptr : &*found;
  }
  if (!value->is_array() || !schema) return nullptr;
  const Schema& list = *schema;
  schema = items_of(schema);
  return find_item(const_cast<Json&>(*value), key, list);
}

// The part of `owned` whose leaves have other values in the two objects.
std::optional<Json> changed(const Json& owned, const Json* a, const Json* b, const Schema* schema) {
  if (is_leaf(owned)) {
    const bool same = a && b ? *a == *b : a == b;
    if (same || (owned.contains(".") && a && b)) return std::nullopt;
    return Json::object();
  }
  Json found = Json::object();
  for (auto& [key, below] : owned.items()) {
    if (key == ".") {
      if (!a || !b) found[key] = Json::object();
      continue;
    }
    const Schema* schema_a = schema;
    const Schema* schema_b = schema;
    const Json* in_a = value_at(a, key, schema_a);
    const Json* in_b = value_at(b, key, schema_b);
    if (auto part = changed(below, in_a, in_b, schema_a); part) found[key] = std::move(*part);
  }
  if (found.empty()) return std::nullopt;
  return found;
}

// `owned` minus the leaves of `gone`.
std::optional<Json> minus_leaves(const Json& owned, const Json& gone) {
  if (is_leaf(gone)) return std::nullopt;
  Json left = Json::object();
  for (auto& [key, below] : owned.items()) {
    auto other = gone.find(key);
    if (other == gone.end()) {
      left[key] = below;
    } else if (auto rest = minus_leaves(below, *other); rest) {
      left[key] = std::move(*rest);
    }
  }
  if (left.empty() || (left.size() == 1 && left.contains("."))) return std::nullopt;
  return left;
}

void list_leaves(const Json& node, const std::string& path, std::vector<std::string>& out) {
  if (is_leaf(node)) {
    out.push_back(path);
    return;
  }
  for (auto& [key, below] : node.items()) {
    if (key == ".") continue;
    const std::string step = key.starts_with("f:") ? "." + key.substr(2) : "[" + key.substr(2) + "]";
    list_leaves(below, path + step, out);
  }
}

// The fields that two managers both own.
std::optional<Json> shared(const Json& a, const Json& b) {
  if (is_leaf(a) || is_leaf(b)) return Json::object();
  Json both = Json::object();
  for (auto& [key, below] : a.items()) {
    auto other = b.find(key);
    if (other == b.end() || key == ".") continue;
    if (auto part = shared(below, *other); part) both[key] = std::move(*part);
  }
  if (both.empty()) return std::nullopt;
  return both;
}

Json managed_of(const Json& object) {
  const Json* found = find_path(object, {"metadata", "managedFields"});
  return found && found->is_array() ? *found : Json::array();
}

void set_managed(Json& object, Json managed) {
  if (managed.empty())
    object["metadata"].erase("managedFields");
  else
    object["metadata"]["managedFields"] = std::move(managed);
}

bool is_by(const Json& entry, const Applier& applier) {
  return string_at(entry, {"operation"}) == "Apply" && string_at(entry, {"manager"}) == applier.manager &&
         string_at(entry, {"subresource"}) == applier.subresource;
}

}  // namespace

Json fields_of(const Json& config, const Schema* schema) {
  Json plain = config;
  if (plain.is_object()) {
    plain.erase("apiVersion");
    plain.erase("kind");
    if (auto metadata = plain.find("metadata"); metadata != plain.end() && metadata->is_object()) {
      for (const char* identity : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp",
                                   "generation", "managedFields"})
        metadata->erase(identity);
      if (metadata->empty()) plain.erase("metadata");
    }
  }
  return fields(plain, schema);
}

Applied apply_configuration(const Json& live, const Json& config, const Schema* schema,
                            const Applier& applier) {
  Applied applied;
  const Json wanted = fields_of(config, schema);
  Json managed = managed_of(live);
  Json managed_after = Json::array();
  Json previous = Json::object(), of_others = Json::object();
  Json candidate = merged(live.is_object() ? live : Json::object(), config, schema);

  for (const Json& entry : managed) {
    const Json* owned = find_path(entry, {"fieldsV1"});
    if (!owned || !owned->is_object()) continue;
    if (is_by(entry, applier)) {
      previous = *owned;
      continue;
    }
    Json kept = *owned;
    if (auto both = shared(wanted, *owned); both) {
      if (auto differing = changed(*both, &live, &candidate, schema); differing) {
        std::vector<std::string> leaves;
        list_leaves(*differing, "", leaves);
        if (!applier.force)
          for (std::string& field : leaves)
            applied.conflicts.push_back({string_at(entry, {"manager"}), std::move(field)});
        auto rest = minus_leaves(kept, *differing);
        kept = rest ? std::move(*rest) : Json::object();
      }
    }
    if (kept.empty()) continue;
    Json entry_after = entry;
    entry_after["fieldsV1"] = kept;
    of_others = together(of_others, kept);
    managed_after.push_back(std::move(entry_after));
  }
  if (!applied.conflicts.empty()) return applied;

  // What this manager applied before, does not apply now, and nobody else owns, goes.
  if (auto dropped = without(previous, wanted); dropped)
    if (auto orphaned = without(*dropped, of_others); orphaned) remove_fields(candidate, *orphaned, schema);

  Json own = {{"manager", applier.manager}, {"operation", "Apply"},     {"apiVersion", applier.api_version},
              {"time", applier.time},       {"fieldsType", "FieldsV1"}, {"fieldsV1", wanted}};
  if (!applier.subresource.empty()) own["subresource"] = applier.subresource;
  // An apply that changes nothing must leave the object as it is, its time included.
  for (const Json& entry : managed)
    if (is_by(entry, applier) && entry.value("fieldsV1", Json()) == wanted && entry.contains("time"))
      own["time"] = entry["time"];
  managed_after.push_back(std::move(own));
  set_managed(candidate, std::move(managed_after));
  applied.object = std::move(candidate);
  return applied;
}

void forget_changed_fields(const Json& before, Json& after, const Schema* schema) {
  const Json managed = managed_of(after);
  if (managed.empty()) return;
  Json kept = Json::array();
  for (const Json& entry : managed) {
    const Json* owned = find_path(entry, {"fieldsV1"});
    if (!owned) continue;
    auto differing = changed(*owned, &before, &after, schema);
    if (!differing) {
      kept.push_back(entry);
      continue;
    }
    auto rest = minus_leaves(*owned, *differing);
    if (!rest) continue;
    Json entry_after = entry;
    entry_after["fieldsV1"] = std::move(*rest);
    kept.push_back(std::move(entry_after));
  }
  set_managed(after, std::move(kept));
}

}  // namespace kube::apiserver
