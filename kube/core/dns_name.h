// The name rules of Kubernetes. Each function returns what is wrong with the name, in the API server's words;
// empty means valid.
//
//   if (auto faults = dns1123_subdomain_faults(name); !faults.empty())
//     return invalid("metadata.name", faults);
//
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kube {

using Faults = std::vector<std::string>;

Faults dns1123_label_faults(
    std::string_view name);  // pods' host names, namespaces, volumes: up to 63 characters
Faults dns1123_subdomain_faults(std::string_view name);  // most object names: up to 253 characters
Faults dns1035_label_faults(std::string_view name);      // services: begins with a letter
Faults qualified_name_faults(std::string_view name);     // label and annotation keys: "prefix/Name", "Name"
Faults label_value_faults(std::string_view value);       // up to 63 characters, may be empty
Faults config_map_key_faults(std::string_view key);      // keys of config maps and secrets
Faults env_var_name_faults(std::string_view name);       // printable ASCII without '='

inline bool is_dns1123_label(std::string_view name) {
  return dns1123_label_faults(name).empty();
}
inline bool is_dns1123_subdomain(std::string_view name) {
  return dns1123_subdomain_faults(name).empty();
}
inline bool is_dns1035_label(std::string_view name) {
  return dns1035_label_faults(name).empty();
}
inline bool is_label_value(std::string_view value) {
  return label_value_faults(value).empty();
}

}  // namespace kube
