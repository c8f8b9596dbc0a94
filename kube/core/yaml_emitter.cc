#include <algorithm>
#include <array>

#include "kube/core/yaml.h"
#include "kube/core/yaml_scalar.h"

namespace kube {

namespace {

// Words that readers of YAML 1.1 take for booleans.
constexpr std::array<std::string_view, 8> kOldBooleans{"y", "n", "yes", "no", "on", "off", "true", "false"};

bool old_boolean(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 'a' - 'A');
  return std::ranges::find(kOldBooleans, lower) != kOldBooleans.end();
}

// Whether every reader takes the bare word for this very string.
bool is_plain(std::string_view text) {
  if (text.empty() || text.back() == ' ' || text.back() == ':') return false;
  const auto alpha = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/';
  };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!alpha(text.front()) && !digit(text.front())) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ':' && text[i + 1] == ' ') return false;
    if (c == ' ' && text[i + 1] == '#') return false;
    if (!alpha(c) && !digit(c) && std::string_view(" .-:@+=,;()*~$%^?!").find(c) == std::string_view::npos)
      return false;
  }
  if (plain_yaml_scalar(text) || old_boolean(text)) return false;
  // Dates, base-60 numbers, exotic integers: made of these characters only, somebody reads a number.
  return !digit(text.front()) ||
         text.find_first_not_of("0123456789abcdefABCDEFxXoOTtZz.+_:- ") != std::string_view::npos;
}

// Whether a literal block shows the text as it is: several lines of printable characters, the first not
// indented.
bool is_block(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || text.front() == ' ' || text.front() == '\n' ||
      text.front() == '\t')
    return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // Beyond ASCII some characters break lines; telling them apart is not worth it here.
    if (c != '\n' && c != '\t' && (c < 0x20 || c > 0x7e)) return false;
    // Readers disagree about blanks on otherwise empty lines.
    const bool ends_line = i + 1 == text.size() || text[i + 1] == '\n';
    if ((c == ' ' || c == '\t') && ends_line) return false;
  }
  return true;
}

std::string quoted(const std::string& text) {
  return dump_json(Json(text));
}

class Emitter {
 public:
  std::string take() { return std::move(out_); }

  // Everything after "key:" or "-"; begins with the blank or line end that must come first.
  void value(const Json& json, int indent) {
    if (json.is_object() && !json.empty()) {
      out_ += '\n';
      members(json, indent);
    } else if (json.is_array() && !json.empty()) {
      out_ += '\n';
      items(json, indent);
    } else {
      out_ += ' ';
      scalar(json, indent);
      out_ += '\n';
    }
  }

  void document(const Json& json) {
    if (json.is_object() && !json.empty()) return members(json, 0);
    if (json.is_array() && !json.empty()) return items(json, 0);
    scalar(json, 0);
    out_ += '\n';
  }

 private:
  void members(const Json& object, int indent) {
    bool first = true;
    for (const auto& [key, json] : object.items()) {
      if (!std::exchange(first, false) || !skip_first_indent_) pad(indent);
      skip_first_indent_ = false;
      // A key longer than this must be announced with "? ".
      constexpr std::size_t kLongestKey = 1000;
      const std::string text = is_plain(key) ? key : quoted(key);
      if (text.size() > kLongestKey) {
        out_ += "? " + text + "\n";
        pad(indent);
        out_ += ':';
      } else {
        out_ += text + ":";
      }
      // Lists stand under their key without further indent, as kubectl prints them.
      value(json, json.is_array() ? indent : indent + 2);
    }
  }

  void items(const Json& array, int indent) {
    bool first = true;
    for (const Json& json : array) {
      if (!std::exchange(first, false) || !skip_first_indent_) pad(indent);
      skip_first_indent_ = false;
      out_ += '-';
      if (json.is_structured() && !json.empty()) {
        // The first line of what the element holds stands on the dash's own line.
        out_ += ' ';
        skip_first_indent_ = true;
        json.is_object() ? members(json, indent + 2) : items(json, indent + 2);
      } else {
        value(json, indent + 2);
      }
    }
  }

  void scalar(const Json& json, int indent) {
    if (!json.is_string()) {
      out_ += json.is_object() ? "{}" : json.is_array() ? "[]" : dump_json(json);
      return;
    }
    const auto& text = json.get_ref<const std::string&>();
    if (is_plain(text)) {
      out_ += text;
    } else if (is_block(text)) {
      block(text, std::max(indent, 2));
    } else {
      out_ += quoted(text);
    }
  }

  void block(std::string_view text, int indent) {
    const bool ended = text.ends_with('\n');
    out_ += !ended ? "|-" : text.ends_with("\n\n") ? "|+" : "|";
    if (ended) text.remove_suffix(1);
    for (;;) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      out_ += '\n';
      if (!line.empty()) {
        pad(indent);
        out_ += line;
      }
      if (end == std::string_view::npos) return;
      text.remove_prefix(end + 1);
    }
  }

  void pad(int indent) { out_.append(static_cast<std::size_t>(indent), ' '); }

  std::string out_;
  bool skip_first_indent_ = false;
};

}  // namespace

std::string to_yaml(const Json& json) {
  Emitter emitter;
  emitter.document(json);
  return emitter.take();
}

std::string to_yaml(const std::vector<Json>& documents) {
  std::string text;
  for (const Json& json : documents) {
    if (!text.empty()) text += "---\n";
    text += to_yaml(json);
  }
  return text;
}

}  // namespace kube
