#include "kube/core/yaml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "kube/core/yaml_scalar.h"

namespace kube {

namespace {

// Aliases can make a few lines of text into gigabytes of value.
constexpr int kMostNodes = 1'000'000;

std::string where(std::string_view source, const YAML::Mark& mark) {
  if (mark.is_null()) return source.empty() ? "" : std::string(source) + ": ";
  const std::string line = std::to_string(mark.line + 1), column = std::to_string(mark.column + 1);
  if (source.empty()) return "line " + line + ", column " + column + ": ";
  return std::string(source) + ":" + line + ":" + column + ": ";
}

struct Fault {
  YAML::Mark mark;
  std::string message;
};

class Converter {
 public:
  Result<Json> convert(const YAML::Node& node, std::string_view source) {
    Json json;
    if (!value(node, json, 0))
      return fail(ErrorKind::InvalidInput, where(source, fault_.mark) + fault_.message);
    return json;
  }

 private:
  bool refuse(const YAML::Node& node, std::string message) {
    fault_ = {node.Mark(), std::move(message)};
    return false;
  }

  bool value(const YAML::Node& node, Json& out, int depth) {
    if (depth > kMaxJsonDepth)
      return refuse(node, "nests deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    if (++nodes_ > kMostNodes) return refuse(node, "aliases expand to more than a million values");
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        out = nullptr;
        return true;
      case YAML::NodeType::Scalar:
        return scalar(node, out);
      case YAML::NodeType::Sequence:
        out = Json::array();
        for (const YAML::Node& item : node) {
          Json json;
          if (!value(item, json, depth + 1)) return false;
          out.push_back(std::move(json));
        }
        return true;
      case YAML::NodeType::Map:
        return mapping(node, out, depth);
    }
    return refuse(node, "unknown node");
  }

  bool mapping(const YAML::Node& node, Json& out, int depth) {
    out = Json::object();
    Json merged = Json::object();
    for (const auto& entry : node) {
      const YAML::Node& key = entry.first;
      if (!key.IsScalar()) return refuse(key, "a key must be plain text");
      if (key.Scalar() == "<<" && key.Tag() == "?") {
        if (!merge(entry.second, merged, depth)) return false;
        continue;
      }
      if (out.contains(key.Scalar()))
        return refuse(key, "key \"" + key.Scalar() + "\" is already set in this mapping");
      Json json;
      if (!value(entry.second, json, depth + 1)) return false;
      out[key.Scalar()] = std::move(json);
    }
    // Keys of the mapping itself win over merged ones.
    for (auto& [key, json] : merged.items())
      if (!out.contains(key)) out[key] = std::move(json);
    return true;
  }

  bool merge(const YAML::Node& node, Json& merged, int depth) {
    if (node.IsSequence()) {
      for (const YAML::Node& item : node)
        if (!merge_one(item, merged, depth)) return false;
      return true;
    }
    return merge_one(node, merged, depth);
  }

  bool merge_one(const YAML::Node& node, Json& merged, int depth) {
    if (!node.IsMap()) return refuse(node, "<< needs a mapping or a list of mappings");
    Json json;
    if (!value(node, json, depth + 1)) return false;
    for (auto& [key, item] : json.items())
      if (!merged.contains(key)) merged[key] = std::move(item);
    return true;
  }

  bool scalar(const YAML::Node& node, Json& out) {
    const std::string& text = node.Scalar();
    const std::string& tag = node.Tag();
    constexpr std::string_view kCore = "tag:yaml.org,2002:";
    if (tag == "!" || tag == std::string(kCore) + "str" || tag == std::string(kCore) + "binary") {
      out = text;
      return true;
    }
    if (is_yaml_infinity_or_nan(text)) return refuse(node, "JSON cannot hold the number " + text);
    if (auto plain = plain_yaml_scalar(text)) {
      out = std::move(*plain);
    } else {
      out = text;
    }
    const bool is_number = out.is_number();
    if ((tag == std::string(kCore) + "int" && !out.is_number_integer()) ||
        (tag == std::string(kCore) + "float" && !is_number) ||
        (tag == std::string(kCore) + "bool" && !out.is_boolean()))
      return refuse(node, "\"" + text + "\" is not what its tag " + tag + " says");
    return true;
  }

  int nodes_ = 0;
  Fault fault_;
};

bool looks_like_json(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
}

bool digits_only(std::string_view text, int base) {
  return !text.empty() && std::ranges::all_of(text, [base](char c) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : 99;
    return digit < base;
  });
}

// "12", "0x1F", "0o17", "0b11", "0644" after the sign.
std::optional<Json> integer(std::string_view digits, bool negative) {
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    const char kind = static_cast<char>(digits[1] | 0x20);
    base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
    digits.remove_prefix(kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1);
  }
  if (!digits_only(digits, base)) return std::nullopt;
  std::uint64_t magnitude = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  if (code != std::errc()) return std::nullopt;
  constexpr std::uint64_t kSmallest = std::uint64_t{1} << 63;
  if (!negative)
    return std::in_range<std::int64_t>(magnitude) ? Json(static_cast<std::int64_t>(magnitude))
                                                  : Json(magnitude);
  if (magnitude > kSmallest) return std::nullopt;
  return Json(static_cast<std::int64_t>(0 - magnitude));
}

// [0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)? or the same with a leading point.
bool float_shape(std::string_view text) {
  const auto digits = [&] {
    const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count;
  };
  std::size_t count = digits();
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    count += digits();
  }
  if (count == 0) return false;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

std::optional<Json> number(std::string_view word) {
  std::string plain;
  for (const char c : word)
    if (c != '_') plain += c;  // "1_000", as manifests' readers take it
  std::string_view rest = plain;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (auto value = integer(rest, negative)) return value;
  if (!float_shape(rest)) return std::nullopt;
  double value = 0;
  const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (code != std::errc()) return std::nullopt;
  if (negative) value = -value;
  // What goes over the wire has no 1.0: kubectl, too, sends whole numbers as integers.
  if (std::floor(value) == value && std::abs(value) < 0x1p53) return Json(static_cast<std::int64_t>(value));
  return Json(value);
}

}  // namespace

std::optional<Json> plain_yaml_scalar(std::string_view word) {
  if (word.empty() || word == "~" || word == "null" || word == "Null" || word == "NULL") return Json();
  if (word == "true" || word == "True" || word == "TRUE") return Json(true);
  if (word == "false" || word == "False" || word == "FALSE") return Json(false);
  const char first = word.front();
  if ((first >= '0' && first <= '9') || first == '.' || first == '-' || first == '+') return number(word);
  return std::nullopt;
}

bool is_yaml_infinity_or_nan(std::string_view word) {
  if (word == ".nan" || word == ".NaN" || word == ".NAN") return true;
  if (word.starts_with('-') || word.starts_with('+')) word.remove_prefix(1);
  return word == ".inf" || word == ".Inf" || word == ".INF";
}

Result<std::vector<Json>> parse_yaml(std::string_view text, std::string_view source) {
  // JSON's escapes include surrogate pairs, which YAML's do not; and this way it is faster.
  if (looks_like_json(text))
    if (auto json = parse_json(text)) return std::vector<Json>{std::move(*json)};
  std::vector<Json> documents;
  try {
    for (const YAML::Node& node : YAML::LoadAll(std::string(text))) {
      auto json = Converter().convert(node, source);
      if (!json) return fail(std::move(json));
      if (!json->is_null()) documents.push_back(std::move(*json));
    }
  } catch (const YAML::Exception& e) {
    return fail(ErrorKind::InvalidInput, where(source, e.mark) + "malformed YAML: " + e.msg);
  }
  return documents;
}

Result<Json> parse_yaml_document(std::string_view text, std::string_view source) {
  auto documents = parse_yaml(text, source);
  if (!documents) return fail(std::move(documents));
  if (documents->size() != 1)
    return fail(ErrorKind::InvalidInput, (source.empty() ? "" : std::string(source) + ": ") +
                                             "expected one YAML document, got " +
                                             std::to_string(documents->size()));
  return std::move(documents->front());
}

}  // namespace kube
