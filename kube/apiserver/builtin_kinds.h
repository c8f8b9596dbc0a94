// The built-in kinds as a table; ResourceRegistry serves them.
// Thread: constants.
#pragma once

#include <span>
#include <string_view>

namespace kube::apiserver {

enum class Scope {
  Namespace,
  Cluster,
  Review,  // cluster-scoped; answered at once, never stored
};

struct BuiltinKind {
  std::string_view group, version, kind, plural;
  Scope scope;
  std::string_view short_names, subresources, categories;  // words, blank between
};

std::span<const BuiltinKind> builtin_kinds();

}  // namespace kube::apiserver
