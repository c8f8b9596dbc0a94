// ObjectKey names one object of a kind: namespace and name. Ordered by namespace first, so that walks are
// stable.
//
//   ObjectKey key{"ns", "pi"};
//   key.to_string();              // "ns/pi"; "node-1" for cluster-scoped objects
//
// Thread: a value.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace kube {

struct ObjectKey {
  std::string ns;  // "" for cluster-scoped objects
  std::string name;

  // "ns/name" or "name".
  static ObjectKey parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return {"", std::string(text)};
    return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  }
  std::string to_string() const { return ns.empty() ? name : ns + "/" + name; }

  auto operator<=>(const ObjectKey&) const = default;
};

}  // namespace kube

template <>
struct std::hash<kube::ObjectKey> {
  std::size_t operator()(const kube::ObjectKey& key) const noexcept {
    const std::size_t ns = std::hash<std::string>{}(key.ns);
    return std::hash<std::string>{}(key.name) ^ (ns + 0x9e3779b97f4a7c15 + (ns << 6) + (ns >> 2));
  }
};
