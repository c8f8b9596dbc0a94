#include "kube/apiserver/json_path.h"

#include <charconv>
#include <string>

namespace kube::apiserver {

namespace {

using Found = std::vector<const Json*>;

Found members(const Found& at, const std::string& name) {
  Found next;
  for (const Json* value : at)
    if (value->is_object())
      if (auto found = value->find(name); found != value->end()) next.push_back(&*found);
  return next;
}

Found elements(const Found& at) {
  Found next;
  for (const Json* value : at)
    if (value->is_structured())
      for (const Json& item : *value) next.push_back(&item);
  return next;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool is_quoted(std::string_view text) {
  return text.size() >= 2 && (text.front() == '\'' || text.front() == '"') && text.back() == text.front();
}

// @.type=="Ready", @.type!="Ready"
Found filtered(const Found& at, std::string_view condition) {
  const bool negated = condition.find("!=") != std::string_view::npos;
  const std::size_t op = condition.find(negated ? "!=" : "==");
  if (op == std::string_view::npos) return {};
  std::string_view left = trimmed(condition.substr(0, op)), right = trimmed(condition.substr(op + 2));
  if (!left.starts_with('@')) return {};
  left.remove_prefix(1);
  Json wanted;
  if (is_quoted(right)) {
    wanted = std::string(right.substr(1, right.size() - 2));
  } else {
    auto parsed = parse_json(right);
    if (!parsed) return {};
    wanted = std::move(*parsed);
  }
  Found next;
  for (const Json* item : elements(at)) {
    const Found value = find_json_path(*item, left);
    if ((!value.empty() && *value[0] == wanted) != negated) next.push_back(item);
  }
  return next;
}

Found subscript(const Found& at, std::string_view inside) {
  inside = trimmed(inside);
  if (inside == "*") return elements(at);
  if (is_quoted(inside)) return members(at, std::string(inside.substr(1, inside.size() - 2)));
  if (inside.starts_with("?(") && inside.ends_with(')'))
    return filtered(at, inside.substr(2, inside.size() - 3));
  std::int64_t index = 0;
  auto [end, failed] = std::from_chars(inside.data(), inside.data() + inside.size(), index);
  if (failed != std::errc() || end != inside.data() + inside.size()) return {};
  Found next;
  for (const Json* value : at) {
    if (!value->is_array()) continue;
    const auto size = static_cast<std::int64_t>(value->size());
    const std::int64_t place = index < 0 ? size + index : index;
    if (place >= 0 && place < size) next.push_back(&(*value)[static_cast<std::size_t>(place)]);
  }
  return next;
}

// The end of a [ ] that may hold quoted brackets.
std::size_t closing(std::string_view path) {
  char quote = 0;
  for (std::size_t i = 1; i < path.size(); ++i) {
    if (quote) {
      if (path[i] == quote) quote = 0;
    } else if (path[i] == '\'' || path[i] == '"') {
      quote = path[i];
    } else if (path[i] == ']') {
      return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::vector<const Json*> find_json_path(const Json& object, std::string_view path) {
  Found at{&object};
  if (path.starts_with('{') && path.ends_with('}')) path = path.substr(1, path.size() - 2);
  if (path.starts_with('$')) path.remove_prefix(1);
  while (!path.empty() && !at.empty()) {
    if (path.front() == '[') {
      const std::size_t end = closing(path);
      if (end == std::string_view::npos) return {};
      at = subscript(at, path.substr(1, end - 1));
      path.remove_prefix(end + 1);
      continue;
    }
    if (path.front() != '.') return {};
    path.remove_prefix(1);
    std::string name;
    while (!path.empty() && path.front() != '.' && path.front() != '[') {
      if (path.front() == '\\' && path.size() > 1) path.remove_prefix(1);
      name += path.front();
      path.remove_prefix(1);
    }
    if (name == "*")
      at = elements(at);
    else if (!name.empty())
      at = members(at, name);
  }
  return at;
}

}  // namespace kube::apiserver
