#include "kube/core/patch.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace kube {

namespace {

std::unexpected<Error> malformed(std::string message) {
  return fail(ErrorKind::BadRequest, std::move(message));
}
std::unexpected<Error> misfit(std::string message) {
  return fail(ErrorKind::Invalid, std::move(message));
}

using Tokens = std::vector<std::string>;

Result<Tokens> tokens_of(std::string_view pointer) {
  Tokens tokens;
  if (pointer.empty()) return tokens;
  if (pointer.front() != '/') return malformed("JSON pointer must be empty or begin with /");
  for (;;) {
    pointer.remove_prefix(1);
    const std::size_t slash = pointer.find('/');
    const std::string_view token = pointer.substr(0, slash);
    for (std::size_t i = 0; i < token.size(); ++i)
      if (token[i] == '~' && (i + 1 == token.size() || (token[i + 1] != '0' && token[i + 1] != '1')))
        return malformed("~ in a JSON pointer must be followed by 0 or 1");
    tokens.push_back(unescape_json_pointer(token));
    if (slash == std::string_view::npos) return tokens;
    pointer.remove_prefix(slash);
  }
}

// An index into an array of `size` elements, at most `limit`.
Result<std::size_t> index_of(const std::string& token, std::size_t limit) {
  const bool digits =
      !token.empty() && token.size() < 10 && token.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || (token.size() > 1 && token[0] == '0')) return misfit("\"" + token + "\" is no array index");
  const std::size_t index = std::stoul(token);
  if (index > limit) return misfit("array index " + token + " is out of range");
  return index;
}

Result<Json*> child_of(Json& parent, const std::string& token) {
  if (parent.is_object()) {
    auto& object = parent.get_ref<Json::object_t&>();
    const auto found = object.find(token);
    if (found == object.end()) return misfit("path not found");
    return &found->second;
  }
  if (parent.is_array()) {
    if (parent.empty()) return misfit("path not found");
    auto index = index_of(token, parent.size() - 1);
    if (!index) return fail(std::move(index));
    return &parent[*index];
  }
  return misfit("path not found: \"" + token + "\" is looked for in a " +
                std::string(json_type_name(parent)));
}

Result<Json*> resolve(Json& document, const Tokens& tokens, std::size_t count) {
  Json* at = &document;
  for (std::size_t i = 0; i < count; ++i) {
    auto child = child_of(*at, tokens[i]);
    if (!child) return child;
    at = *child;
  }
  return at;
}

Result<> add(Json& document, const Tokens& path, Json value) {
  if (path.empty()) {
    document = std::move(value);
    return {};
  }
  auto parent = resolve(document, path, path.size() - 1);
  if (!parent) return fail(std::move(parent));
  Json& target = **parent;
  const std::string& token = path.back();
  if (target.is_object()) {
    target[token] = std::move(value);
    return {};
  }
  if (!target.is_array())
    return misfit("cannot add \"" + token + "\" to a " + std::string(json_type_name(target)));
  if (token == "-") {
    target.push_back(std::move(value));
    return {};
  }
  auto index = index_of(token, target.size());
  if (!index) return fail(std::move(index));
  target.insert(target.begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
  return {};
}

Result<Json> take(Json& document, const Tokens& path) {
  if (path.empty()) return std::exchange(document, Json());
  auto parent = resolve(document, path, path.size() - 1);
  if (!parent) return fail(std::move(parent));
  auto child = child_of(**parent, path.back());
  if (!child) return fail(std::move(child));
  Json taken = std::move(**child);
  if ((*parent)->is_object()) {
    (*parent)->erase(path.back());
  } else {
    (*parent)->erase(static_cast<std::size_t>(*child - &(**parent)[0]));
  }
  return taken;
}

bool is_prefix(const Tokens& prefix, const Tokens& path) {
  return prefix.size() < path.size() && std::equal(prefix.begin(), prefix.end(), path.begin());
}

Result<> apply_one(Json& document, const Json& operation) {
  const std::string op = string_at(operation, {"op"});
  const Json* path_text = find_path(operation, {"path"});
  if (path_text == nullptr || !path_text->is_string()) return malformed("\"path\" is missing");
  auto path = tokens_of(path_text->get_ref<const std::string&>());
  if (!path) return fail(std::move(path));

  const Json* value = find_path(operation, {"value"});
  if (op == "add" || op == "replace" || op == "test") {
    // An absent value of add means null to Kubernetes' patch library, to RFC 6902 an error; we keep to the
    // RFC.
    if (value == nullptr) return malformed("\"value\" is missing");
    if (op == "add") return add(document, *path, *value);
    auto target = resolve(document, *path, path->size());
    if (!target) return fail(std::move(target));
    if (op == "replace") {
      **target = *value;
    } else if (**target != *value) {
      return misfit("test failed: expected " + describe_json(*value) + ", found " + describe_json(**target));
    }
    return {};
  }
  if (op == "remove") {
    auto removed = take(document, *path);
    if (!removed) return fail(std::move(removed));
    return {};
  }
  if (op != "move" && op != "copy")
    return malformed("\"op\" must be one of add, remove, replace, move, copy, test");

  const Json* from_text = find_path(operation, {"from"});
  if (from_text == nullptr || !from_text->is_string()) return malformed("\"from\" is missing");
  auto from = tokens_of(from_text->get_ref<const std::string&>());
  if (!from) return fail(std::move(from));
  if (op == "copy") {
    auto source = resolve(document, *from, from->size());
    if (!source) return fail(std::move(source));
    return add(document, *path, Json(**source));
  }
  if (is_prefix(*from, *path)) return misfit("cannot move a value into itself");
  auto moved = take(document, *from);
  if (!moved) return fail(std::move(moved));
  return add(document, *path, std::move(*moved));
}

std::string describe_operation(std::size_t index, const Json& operation) {
  return "op " + std::to_string(index) + ": " + string_at(operation, {"op"}) + " " +
         string_at(operation, {"path"});
}

// One walk over both values, side by side. The path grows and shrinks with it, and is copied only where
// something differs.
class Differences {
 public:
  void compare(const Json& from, const Json& to) {
    if (from.is_object() && to.is_object()) {
      members(from.get_ref<const Json::object_t&>(), to.get_ref<const Json::object_t&>());
    } else if (from.is_array() && to.is_array()) {
      elements(from, to);
    } else if (from != to) {
      put("replace", &to);
    }
  }

  Json operations() { return std::move(operations_); }

 private:
  void members(const Json::object_t& from, const Json::object_t& to) {
    auto before = from.begin();
    auto after = to.begin();
    while (before != from.end() || after != to.end()) {
      const int order = before == from.end() ? 1
                        : after == to.end()  ? -1
                                             : before->first.compare(after->first);
      const std::size_t here = enter(order <= 0 ? before->first : after->first);
      if (order < 0) {
        put("remove", nullptr);
      } else if (order > 0) {
        put("add", &after->second);
      } else {
        compare(before->second, after->second);
      }
      path_.resize(here);
      if (order <= 0) ++before;
      if (order >= 0) ++after;
    }
  }

  void elements(const Json& from, const Json& to) {
    const std::size_t both = std::min(from.size(), to.size());
    for (std::size_t i = 0; i < both; ++i) {
      const std::size_t here = enter(std::to_string(i));
      compare(from[i], to[i]);
      path_.resize(here);
    }
    // From behind, so that no index moves before it is used.
    for (std::size_t i = from.size(); i > both; --i) {
      const std::size_t here = enter(std::to_string(i - 1));
      put("remove", nullptr);
      path_.resize(here);
    }
    for (std::size_t i = both; i < to.size(); ++i) {
      const std::size_t here = enter("-");
      put("add", &to[i]);
      path_.resize(here);
    }
  }

  // Returns the length to go back to.
  std::size_t enter(std::string_view token) {
    const std::size_t length = path_.size();
    path_ += '/';
    if (token.find_first_of("~/") == std::string_view::npos) {
      path_ += token;
    } else {
      path_ += escape_json_pointer(token);
    }
    return length;
  }

  void put(const char* op, const Json* value) {
    Json::object_t operation;  // an initializer list would make arrays of it first
    operation.emplace("op", op);
    operation.emplace("path", path_);
    if (value != nullptr) operation.emplace("value", *value);
    operations_.emplace_back(std::move(operation));
  }

  std::string path_;
  Json::array_t operations_;
};

void merge(Json& target, const Json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = Json::object();
  for (const auto& [key, value] : patch.items()) {
    if (value.is_null()) {
      target.erase(key);
    } else {
      merge(target[key], value);
    }
  }
}

}  // namespace

std::string escape_json_pointer(std::string_view token) {
  std::string escaped;
  for (const char c : token) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string unescape_json_pointer(std::string_view token) {
  std::string plain;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size()) {
      plain += token[++i] == '1' ? '/' : '~';
    } else {
      plain += token[i];
    }
  }
  return plain;
}

Result<Json> apply_json_patch(Json document, const Json& patch) {
  if (!patch.is_array()) return malformed("JSON patch: expected array, got " + describe_json(patch));
  // Copies may double the document with every operation; nobody needs that many.
  constexpr std::size_t kMostOperations = 10'000;
  if (patch.size() > kMostOperations)
    return malformed("JSON patch has more than " + std::to_string(kMostOperations) + " operations");
  for (std::size_t i = 0; i < patch.size(); ++i)
    if (auto applied = apply_one(document, patch[i]); !applied)
      return fail(std::move(applied).error().while_doing(describe_operation(i, patch[i])));
  return document;
}

Json create_json_patch(const Json& from, const Json& to) {
  Differences differences;
  differences.compare(from, to);
  return differences.operations();
}

Json apply_merge_patch(Json document, const Json& patch) {
  merge(document, patch);
  return document;
}

Json create_merge_patch(const Json& from, const Json& to) {
  if (!from.is_object() || !to.is_object()) return to;
  Json patch = Json::object();
  for (const auto& [key, value] : from.items())
    if (!to.contains(key)) patch[key] = nullptr;
  for (const auto& [key, value] : to.items()) {
    const auto before = from.find(key);
    if (before == from.end()) {
      patch[key] = value;
    } else if (*before != value) {
      patch[key] = create_merge_patch(*before, value);
    }
  }
  return patch;
}

}  // namespace kube
