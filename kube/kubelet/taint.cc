#include "kube/kubelet/taint.h"

#include <algorithm>

namespace kube {

bool tolerates(const std::vector<Toleration>& tolerations, const Taint& taint) {
  return std::ranges::any_of(tolerations, [&](const Toleration& one) {
    return (one.key.empty() ? one.any_value : one.key == taint.key) &&
           (one.any_value || one.value == taint.value) && (one.effect.empty() || one.effect == taint.effect);
  });
}

Result<Taint> parse_taint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::string_view head = text.substr(0, colon);
  const std::size_t equals = head.find('=');
  Taint taint{std::string(head.substr(0, equals)),
              equals == std::string_view::npos ? "" : std::string(head.substr(equals + 1)),
              colon == std::string_view::npos ? "" : std::string(text.substr(colon + 1))};
  const bool known =
      taint.effect == "NoSchedule" || taint.effect == "PreferNoSchedule" || taint.effect == "NoExecute";
  if (taint.key.empty() || !known) {
    return fail(ErrorKind::InvalidInput,
                "\"" + std::string(text) +
                    "\" is no taint: expected key=value:Effect or key:Effect, with the effect NoSchedule, "
                    "PreferNoSchedule or NoExecute");
  }
  return taint;
}

}  // namespace kube
