#include "kube/async/retry.h"

#include <algorithm>
#include <cmath>

namespace kube {

Duration Backoff::delay(int attempt, Random& random) const {
  const double limit = static_cast<double>(max.count());
  const double exact = static_cast<double>(initial.count()) * std::pow(factor, std::max(0, attempt - 1));
  const Duration base(static_cast<Duration::rep>(std::min(exact, limit)));
  return random.jitter(base, jitter);
}

}  // namespace kube
