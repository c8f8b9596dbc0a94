// Quantity is a Kubernetes amount: "500m", "1Gi", "2e3", "0.1". Arithmetic is exact in steps of 10^-9.
//
//   auto memory = Quantity::parse("1.5Gi");
//   memory->to_string();            // "1536Mi": canonical, in the format it was written in
//   memory->value();                // 1610612736, rounded up
//   Quantity::milli(2500).to_string();   // "2500m"
//
// More digits than nine after the point are rounded away from zero, as Kubernetes does. Magnitudes
// beyond 1.7e29 stay at that bound; binary amounts (Ki …) beyond 2^63-1 stay there, also as Kubernetes does.
// Comparison is by amount, not by format.
//
// Thread: a value.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "kube/base/result.h"

namespace kube {

class Quantity {
 public:
  enum class Format { DecimalSI, BinarySI, DecimalExponent };

  Quantity() = default;  // 0
  // Error: InvalidInput with the API server's words.
  static Result<Quantity> parse(std::string_view text);
  static Quantity of(std::int64_t value, Format format = Format::DecimalSI);
  static Quantity milli(std::int64_t value, Format format = Format::DecimalSI);

  // Whole units and thousandths, rounded up (away from zero for negative amounts), limited to 64 bits.
  std::int64_t value() const;
  std::int64_t milli_value() const;
  double to_double() const;

  Format format() const { return format_; }
  bool is_zero() const { return nano_ == 0; }
  int sign() const { return nano_ > 0 ? 1 : nano_ < 0 ? -1 : 0; }

  // The sum has the left side's format, or the right's when the left is zero.
  Quantity& operator+=(const Quantity& other);
  Quantity& operator-=(const Quantity& other);
  friend Quantity operator+(Quantity left, const Quantity& right) { return left += right; }
  friend Quantity operator-(Quantity left, const Quantity& right) { return left -= right; }

  // "1536Mi", "2500m", "0".
  std::string to_string() const;

  bool operator==(const Quantity& other) const { return nano_ == other.nano_; }
  std::strong_ordering operator<=>(const Quantity& other) const { return nano_ <=> other.nano_; }

 private:
  __int128 nano_ = 0;
  Format format_ = Format::DecimalSI;
};

}  // namespace kube
