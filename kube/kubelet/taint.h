// Taints keep pods away from a node; tolerations of a pod let it go there all the same.
//
//   Result<Taint> taint = parse_taint("dedicated=batch:NoSchedule");
//   tolerates({{.key = "dedicated", .any_value = true}}, *taint);        // true
//
// Thread: values, pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/base/result.h"

namespace kube {

struct Taint {
  std::string key, value;
  std::string effect;  // NoSchedule, PreferNoSchedule, NoExecute
  bool operator==(const Taint&) const = default;
};

struct Toleration {
  std::string key = {}, value = {},
              effect = {};  // "" as effect: every one; as key with any_value: every taint
  bool any_value = false;   // operator Exists
};

bool tolerates(const std::vector<Toleration>& tolerations, const Taint& taint);

// "key:Effect" or "key=value:Effect", as kubectl writes it. Error: InvalidInput.
Result<Taint> parse_taint(std::string_view text);

}  // namespace kube
