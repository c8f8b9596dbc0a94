#include "kube/core/json.h"

namespace kube {

namespace {

// Whether brackets outside of strings nest deeper than allowed; found before parsing, because the value tree
// of hostile nesting is already too deep to be walked safely.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxJsonDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

// The library's message without its own prefix and exception number.
std::string plain(std::string_view message) {
  const std::size_t at = message.find("] ");
  if (at != std::string_view::npos) message.remove_prefix(at + 2);
  return std::string(message);
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  if (too_deep(text))
    return fail(ErrorKind::InvalidInput,
                "JSON nests deeper than " + std::to_string(kMaxJsonDepth) + " levels");
  try {
    return Json::parse(text);
  } catch (const Json::exception& e) {
    return fail(ErrorKind::InvalidInput, "malformed JSON: " + plain(e.what()));
  }
}

std::string dump_json(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

const Json* find_path(const Json& json, std::initializer_list<std::string_view> path) {
  const Json* at = &json;
  for (std::string_view key : path) {
    if (!at->is_object()) return nullptr;
    const auto& object = at->get_ref<const Json::object_t&>();
    const auto found = object.find(key);
    if (found == object.end()) return nullptr;
    at = &found->second;
  }
  return at;
}

std::string string_at(const Json& json, std::initializer_list<std::string_view> path) {
  const Json* found = find_path(json, path);
  return found != nullptr && found->is_string() ? found->get_ref<const std::string&>() : std::string();
}

std::string_view json_type_name(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "object";
    case Json::value_t::array:
      return "array";
    case Json::value_t::string:
      return "string";
    case Json::value_t::boolean:
      return "boolean";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return "integer";
    case Json::value_t::number_float:
      return "number";
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  return "nothing";
}

std::string describe_json(const Json& json) {
  if (json.is_structured()) return std::string(json_type_name(json));
  constexpr std::size_t kLongest = 64;  // a message is read by people, and may carry somebody's secret
  std::string text = dump_json(json);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "…";
  return text;
}

}  // namespace kube
