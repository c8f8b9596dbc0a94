// Strategic merge patch: lists of built-in kinds merge by a key. The rules are data (kMergeKeys), the
// directives ($patch …) come with the patch.
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "kube/core/patch.h"

namespace kube {

namespace {

std::unexpected<Error> malformed(const std::string& path, std::string_view what) {
  return fail(ErrorKind::BadRequest, (path.empty() ? "" : path + ": ") + std::string(what));
}

// How one list merges. `parent` narrows a field name that means different lists in different places.
struct MergeKey {
  std::string_view field;
  std::string_view key;     // "" merges a list of plain values as a set
  std::string_view parent;  // name of the field that holds the struct; "" is any
};

// patchStrategy and patchMergeKey of the built-in kinds. First match wins.
constexpr std::array kMergeKeys{
    MergeKey{"containers", "name", "spec"},
    MergeKey{"initContainers", "name", ""},
    MergeKey{"ephemeralContainers", "name", ""},
    MergeKey{"volumes", "name", ""},
    MergeKey{"env", "name", ""},
    MergeKey{"volumeMounts", "mountPath", ""},
    MergeKey{"volumeDevices", "devicePath", ""},
    MergeKey{"ports", "containerPort", "containers"},
    MergeKey{"ports", "containerPort", "initContainers"},
    MergeKey{"ports", "containerPort", "ephemeralContainers"},
    MergeKey{"ports", "port", "spec"},
    MergeKey{"imagePullSecrets", "name", "spec"},
    MergeKey{"secrets", "name", ""},
    MergeKey{"hostAliases", "ip", ""},
    MergeKey{"topologySpreadConstraints", "topologyKey", ""},
    MergeKey{"resourceClaims", "name", "spec"},
    MergeKey{"resourceClaimStatuses", "name", "status"},
    MergeKey{"schedulingGates", "name", ""},
    MergeKey{"conditions", "type", "status"},
    MergeKey{"podIPs", "ip", "status"},
    MergeKey{"hostIPs", "ip", "status"},
    MergeKey{"addresses", "type", "status"},
    MergeKey{"podCIDRs", "", "spec"},
    MergeKey{"ownerReferences", "uid", "metadata"},
    MergeKey{"finalizers", "", ""},
    MergeKey{"webhooks", "name", ""},
};

const MergeKey* merge_key_of(std::string_view parent, std::string_view field) {
  for (const MergeKey& row : kMergeKeys)
    if (row.field == field && (row.parent.empty() || row.parent == parent)) return &row;
  return nullptr;
}

bool is_directive(std::string_view key) {
  return key == "$patch" || key == "$retainKeys" || key.starts_with("$setElementOrder/") ||
         key.starts_with("$deleteFromPrimitiveList/");
}

// A patch put where nothing was: without its directives and nulls.
void strip(Json& json) {
  if (json.is_array()) {
    for (Json& item : json) strip(item);
    std::erase_if(json.get_ref<Json::array_t&>(),
                  [](const Json& item) { return string_at(item, {"$patch"}) == "delete"; });
  }
  if (!json.is_object()) return;
  std::erase_if(json.get_ref<Json::object_t&>(),
                [](const auto& item) { return is_directive(item.first) || item.second.is_null(); });
  for (auto& [key, value] : json.items()) strip(value);
}

Json stripped(Json json) {
  strip(json);
  return json;
}

// What tells two elements of a merged list apart.
const Json* identity(const Json& item, std::string_view key) {
  return key.empty() ? &item : find_path(item, {key});
}

std::optional<std::size_t> position(const Json& list, std::string_view key, const Json& wanted) {
  for (std::size_t i = 0; i < list.size(); ++i)
    if (const Json* id = identity(list[i], key); id != nullptr && *id == wanted) return i;
  return std::nullopt;
}

// Orders `merged` by the order the patch asks for; elements it does not name keep their places relative to
// `before`.
Json ordered(const Json& merged, const Json& before, const Json& order, std::string_view key) {
  std::vector<Json> named, others;
  for (const Json& wanted : order)
    if (const Json* id = identity(wanted, key))
      if (const auto at = position(merged, key, *id)) named.push_back(merged[*at]);
  for (const Json& item : merged) {
    const Json* id = identity(item, key);
    if (id == nullptr || !position(order, key, *id)) others.push_back(item);
  }
  const auto place = [&](const Json& item) {
    const Json* id = identity(item, key);
    return id != nullptr ? position(before, key, *id) : std::nullopt;
  };
  Json result = Json::array();
  std::size_t n = 0, o = 0;
  while (n < named.size() || o < others.size()) {
    bool take_other = n == named.size();
    if (n < named.size() && o < others.size()) {
      const auto left = place(named[n]), right = place(others[o]);
      take_other = left && right && *right < *left;
    }
    result.push_back(take_other ? others[o++] : named[n++]);
  }
  return result;
}

Result<> merge_object(Json& target, const Json& patch, const std::string& path, std::string_view name);

Result<> merge_list(Json& target, const Json& patch, const std::string& path, const MergeKey& rule) {
  if (!target.is_array()) target = Json::array();
  for (const Json& item : patch)
    if (string_at(item, {"$patch"}) == "replace") {
      target = Json::array();
      for (const Json& kept : patch)
        if (!kept.contains("$patch")) target.push_back(stripped(kept));
      return {};
    }
  for (std::size_t i = 0; i < patch.size(); ++i) {
    const Json& item = patch[i];
    const std::string where = path + "[" + std::to_string(i) + "]";
    if (!rule.key.empty() && !item.is_object())
      return malformed(where, "expected object, got " + describe_json(item));
    const Json* id = identity(item, rule.key);
    if (id == nullptr)
      return malformed(where, "does not contain declared merge key: " + std::string(rule.key));
    const auto at = position(target, rule.key, *id);
    const std::string directive = string_at(item, {"$patch"});
    if (directive == "delete") {
      if (at) target.erase(*at);
    } else if (!at) {
      target.push_back(stripped(item));
    } else if (!rule.key.empty()) {
      if (auto merged = merge_object(target[*at], item, where, rule.field); !merged) return merged;
    }
  }
  return {};
}

Result<> merge_field(Json& target, const std::string& field, const Json& value, const Json& patch,
                     const std::string& path, std::string_view parent) {
  const std::string where = path.empty() ? field : path + "." + field;
  const auto present = target.find(field);
  if (value.is_object()) {
    if (present == target.end() || !present->is_object()) {
      if (string_at(value, {"$patch"}) != "delete") target[field] = stripped(value);
      return {};
    }
    if (string_at(value, {"$patch"}) == "delete") {
      target.erase(field);
      return {};
    }
    return merge_object(*present, value, where, field);
  }
  const MergeKey* rule = value.is_array() ? merge_key_of(parent, field) : nullptr;
  if (rule == nullptr) {
    target[field] = value;
    return {};
  }
  return merge_list(target[field], value, where, *rule);
}

Result<> merge_object(Json& target, const Json& patch, const std::string& path, std::string_view name) {
  if (!patch.is_object()) return malformed(path, "expected object, got " + describe_json(patch));
  const auto directive = patch.find("$patch");
  if (directive != patch.end()) {
    if (*directive == "replace") {
      target = stripped(patch);
      return {};
    }
    if (*directive == "delete") {
      target = Json::object();
      return {};
    }
    if (*directive != "merge")
      return malformed(path, "unknown $patch directive " + describe_json(*directive));
  }
  if (const auto retained = patch.find("$retainKeys"); retained != patch.end()) {
    if (!retained->is_array())
      return malformed(path, "$retainKeys: expected array, got " + describe_json(*retained));
    std::erase_if(target.get_ref<Json::object_t&>(), [&](const auto& item) {
      return std::ranges::find(*retained, Json(item.first)) == retained->end();
    });
  }

  const Json before = target;
  constexpr std::string_view kDelete = "$deleteFromPrimitiveList/", kOrder = "$setElementOrder/";
  for (const auto& [key, value] : patch.items()) {
    if (!key.starts_with(kDelete)) continue;
    const auto list = target.find(key.substr(kDelete.size()));
    if (!value.is_array()) return malformed(path, key + ": expected array, got " + describe_json(value));
    if (list == target.end() || !list->is_array()) continue;
    std::erase_if(list->get_ref<Json::array_t&>(),
                  [&](const Json& item) { return std::ranges::find(value, item) != value.end(); });
  }
  for (const auto& [key, value] : patch.items()) {
    if (is_directive(key)) continue;
    if (value.is_null()) {
      target.erase(key);
    } else if (auto merged = merge_field(target, key, value, patch, path, name); !merged) {
      return merged;
    }
  }
  for (const auto& [key, value] : patch.items()) {
    if (!key.starts_with(kOrder)) continue;
    const std::string field = key.substr(kOrder.size());
    const auto list = target.find(field);
    const MergeKey* rule = merge_key_of(name, field);
    if (!value.is_array()) return malformed(path, key + ": expected array, got " + describe_json(value));
    if (list == target.end() || !list->is_array() || rule == nullptr) continue;
    const auto was = before.find(field);
    *list = ordered(*list, was != before.end() && was->is_array() ? *was : Json::array(), value, rule->key);
  }
  return {};
}

}  // namespace

Result<Json> apply_strategic_merge_patch(Json document, const Json& patch) {
  if (!document.is_object()) document = Json::object();
  if (auto merged = merge_object(document, patch, "", ""); !merged) return fail(std::move(merged));
  return document;
}

}  // namespace kube
