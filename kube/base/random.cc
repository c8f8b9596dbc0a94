#include "kube/base/random.h"

#include <sys/random.h>

#include <bit>
#include <cstdlib>
#include <string_view>

namespace kube {

namespace {

// Spreads one seed over the generator's state, which must not be all zero.
std::uint64_t splitmix(std::uint64_t& seed) {
  std::uint64_t z = (seed += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

Random::Random(std::uint64_t seed) {
  for (std::uint64_t& word : state_) word = splitmix(seed);
}

Random Random::from_kernel() {
  std::uint64_t seed = 0;
  // Cannot fail for so few bytes once the kernel has booted; without chance no name is safe from collisions.
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) std::abort();
  return Random(seed);
}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) {
  if (bound < 2) return 0;
  // Values under the threshold are drawn again, or small results would be likelier.
  const std::uint64_t threshold = (0 - bound) % bound;
  std::uint64_t value = next();
  while (value < threshold) value = next();
  return value % bound;
}

double Random::unit() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

bool Random::chance(double probability) {
  return unit() < probability;
}

Duration Random::jitter(Duration base, double factor) {
  const double stretched = static_cast<double>(base.count()) * (1 + factor * unit());
  if (stretched >= static_cast<double>(Duration::max().count())) return Duration::max();
  return Duration(static_cast<std::int64_t>(stretched));
}

std::string Random::uuid_v4() {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::uint64_t words[2] = {next(), next()};
  words[0] = (words[0] & 0xffffffffffff0fff) | 0x4000;              // version 4
  words[1] = (words[1] & 0x3fffffffffffffff) | 0x8000000000000000;  // variant 1
  std::string text;
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) text += '-';
    text += kHex[(words[nibble / 16] >> (60 - 4 * (nibble % 16))) & 0xf];
  }
  return text;
}

std::string Random::name_suffix(int length) {
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string text;
  for (int i = 0; i < length; ++i) text += kAlphabet[below(kAlphabet.size())];
  return text;
}

}  // namespace kube
