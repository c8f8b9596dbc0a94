// Random is where chance comes from: seeded by the kernel in production, by the seed in a simulation, so that
// a failing simulation replays exactly. Nothing else in the project draws random bits (TLS aside, which is
// OpenSSL's).
//
// Not for secrets: whoever sees a few values can compute the next.
// Thread: the loop's only.
#pragma once

#include <cstdint>
#include <string>

#include "kube/base/clock.h"

namespace kube {

class Random {
 public:
  explicit Random(std::uint64_t seed);
  static Random from_kernel();

  std::uint64_t next();                      // uniform over 64 bits
  std::uint64_t below(std::uint64_t bound);  // uniform over [0, bound); 0 for bound 0
  double unit();                             // uniform over [0, 1)
  bool chance(double probability);
  Duration jitter(Duration base, double factor);  // base * (1 + factor * unit())
  std::string uuid_v4();                          // "f47ac10b-58cc-4372-a567-0e02b2c3d479"
  std::string name_suffix(int length = 5);        // Kubernetes' generateName alphabet, without vowels

 private:
  std::uint64_t state_[4];  // xoshiro256**
};

}  // namespace kube
