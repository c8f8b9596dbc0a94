#include "kube/core/dns_name.h"

#include <algorithm>

namespace kube {

namespace {

bool lower_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool alnum(char c) {
  return lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

constexpr std::size_t kLabelLength = 63;
constexpr std::size_t kSubdomainLength = 253;

std::string too_long(std::size_t limit) {
  return "must be no more than " + std::to_string(limit) + " characters";
}

bool label_shape(std::string_view name) {
  return !name.empty() && lower_alnum(name.front()) && lower_alnum(name.back()) &&
         std::ranges::all_of(name, [](char c) { return lower_alnum(c) || c == '-'; });
}

bool subdomain_shape(std::string_view name) {
  for (;;) {
    const std::size_t dot = name.find('.');
    if (!label_shape(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

// Alphanumeric at both ends; '-', '_' and '.' between.
bool name_shape(std::string_view name) {
  return !name.empty() && alnum(name.front()) && alnum(name.back()) &&
         std::ranges::all_of(name, [](char c) { return alnum(c) || c == '-' || c == '_' || c == '.'; });
}

constexpr const char* kLabelRule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end "
    "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr const char* kSubdomainRule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr const char* kDns1035Rule =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')";
constexpr const char* kNameRule =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr const char* kLabelValueRule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start "
    "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
    "validation "
    "is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

}  // namespace

Faults dns1123_label_faults(std::string_view name) {
  Faults faults;
  if (name.size() > kLabelLength) faults.push_back(too_long(kLabelLength));
  if (!label_shape(name)) faults.emplace_back(kLabelRule);
  return faults;
}

Faults dns1123_subdomain_faults(std::string_view name) {
  Faults faults;
  if (name.size() > kSubdomainLength) faults.push_back(too_long(kSubdomainLength));
  if (!subdomain_shape(name)) faults.emplace_back(kSubdomainRule);
  return faults;
}

Faults dns1035_label_faults(std::string_view name) {
  Faults faults;
  if (name.size() > kLabelLength) faults.push_back(too_long(kLabelLength));
  if (!label_shape(name) || (name.front() >= '0' && name.front() <= '9')) faults.emplace_back(kDns1035Rule);
  return faults;
}

Faults qualified_name_faults(std::string_view whole) {
  Faults faults;
  std::string_view name = whole;
  if (const std::size_t slash = whole.find('/'); slash != std::string_view::npos) {
    const std::string_view prefix = whole.substr(0, slash);
    name = whole.substr(slash + 1);
    if (name.find('/') != std::string_view::npos)
      return {std::string("a qualified name ") + kNameRule +
              " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"};
    if (prefix.empty()) {
      faults.emplace_back("prefix part must be non-empty");
    } else {
      for (const std::string& fault : dns1123_subdomain_faults(prefix))
        faults.push_back("prefix part " + fault);
    }
  }
  if (name.empty()) {
    faults.emplace_back("name part must be non-empty");
  } else if (name.size() > kLabelLength) {
    faults.push_back("name part " + too_long(kLabelLength));
  }
  if (!name_shape(name)) faults.push_back(std::string("name part ") + kNameRule);
  return faults;
}

Faults label_value_faults(std::string_view value) {
  Faults faults;
  if (value.size() > kLabelLength) faults.push_back(too_long(kLabelLength));
  if (!value.empty() && !name_shape(value)) faults.emplace_back(kLabelValueRule);
  return faults;
}

Faults config_map_key_faults(std::string_view key) {
  Faults faults;
  if (key.size() > kSubdomainLength) faults.push_back(too_long(kSubdomainLength));
  if (key.empty() ||
      !std::ranges::all_of(key, [](char c) { return alnum(c) || c == '-' || c == '_' || c == '.'; })) {
    faults.emplace_back(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
        "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')");
  }
  if (key == ".") faults.emplace_back("must not be '.'");
  if (key == "..") {
    faults.emplace_back("must not be '..'");
  } else if (key.starts_with("..")) {
    faults.emplace_back("must not start with '..'");
  }
  return faults;
}

Faults env_var_name_faults(std::string_view name) {
  const auto allowed = [](char c) { return c >= ' ' && c <= '~' && c != '='; };
  if (!name.empty() && std::ranges::all_of(name, allowed)) return {};
  return {"a valid environment variable name must consist only of printable ASCII characters other than '='"};
}

}  // namespace kube
