#include "kube/core/quantity.h"

#include <algorithm>
#include <array>
#include <limits>

namespace kube {

namespace {

using Wide = unsigned __int128;

constexpr Wide kLimit = static_cast<Wide>(-1) >> 1;  // 2^127 - 1 nano units
constexpr Wide kNano = 1'000'000'000;

constexpr Wide kBinaryLimit = static_cast<Wide>(std::numeric_limits<std::int64_t>::max()) * kNano;

Wide times(Wide left, Wide right) {
  if (left != 0 && right > kLimit / left) return kLimit;
  return left * right;
}

Wide plus(Wide left, Wide right) {
  return left > kLimit - right ? kLimit : left + right;
}

__int128 saturating_sum(__int128 left, __int128 right) {
  __int128 sum = 0;
  const __int128 limit = static_cast<__int128>(kLimit);
  if (!__builtin_add_overflow(left, right, &sum)) return std::clamp(sum, -limit, limit);
  return right > 0 ? limit : -limit;
}

struct Suffix {
  std::string_view name;
  int exponent;  // of 10 or of 2
};
constexpr std::array kDecimal{Suffix{"n", -9}, Suffix{"u", -6}, Suffix{"m", -3}, Suffix{"", 0},
                              Suffix{"k", 3},  Suffix{"M", 6},  Suffix{"G", 9},  Suffix{"T", 12},
                              Suffix{"P", 15}, Suffix{"E", 18}};
constexpr std::array kBinary{Suffix{"Ki", 10}, Suffix{"Mi", 20}, Suffix{"Gi", 30},
                             Suffix{"Ti", 40}, Suffix{"Pi", 50}, Suffix{"Ei", 60}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::unexpected<Error> refuse() {
  return fail(ErrorKind::InvalidInput,
              "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

struct Scale {
  Quantity::Format format;
  int exponent;
};

// The suffix "e3", "E-3", "k", "Mi" …
bool parse_suffix(std::string_view suffix, Scale& scale) {
  for (const Suffix& known : kDecimal)
    if (known.name == suffix) {
      scale = {Quantity::Format::DecimalSI, known.exponent};
      return true;
    }
  for (const Suffix& known : kBinary)
    if (known.name == suffix) {
      scale = {Quantity::Format::BinarySI, known.exponent};
      return true;
    }
  if (!suffix.starts_with('e') && !suffix.starts_with('E')) return false;
  suffix.remove_prefix(1);
  const bool negative = suffix.starts_with('-');
  if (negative || suffix.starts_with('+')) suffix.remove_prefix(1);
  if (suffix.empty() || !std::ranges::all_of(suffix, is_digit)) return false;
  int exponent = 0;
  for (const char c : suffix) exponent = std::min(exponent * 10 + (c - '0'), 10'000);
  scale = {Quantity::Format::DecimalExponent, negative ? -exponent : exponent};
  return true;
}

// digits × 10^exponent in nano units, rounded up.
Wide decimal_nano(std::string_view digits, int exponent) {
  // The last digit stands for 10^(exponent + 9) nano units.
  int power = exponent + 9;
  Wide value = 0;
  bool rounded = false;
  // Digits below a nano unit only decide whether to round up.
  while (power < 0 && !digits.empty()) {
    rounded = rounded || digits.back() != '0';
    digits.remove_suffix(1);
    ++power;
  }
  for (const char c : digits) value = plus(times(value, 10), static_cast<Wide>(c - '0'));
  for (; power > 0 && value > 0 && value < kLimit; --power) value = times(value, 10);
  return rounded ? plus(value, 1) : value;
}

// digits × 10^-decimals × 2^exponent in nano units, rounded up.
Wide binary_nano(std::string_view digits, int decimals, int exponent) {
  Wide value = 0;
  for (const char c : digits) value = plus(times(value, 10), static_cast<Wide>(c - '0'));
  if (value == kLimit) return kLimit;
  // value × 2^exponent × 10^9 / 10^decimals, with the powers of ten cancelled first.
  int nines = 9;
  while (nines > 0 && decimals > 0) {
    --nines;
    --decimals;
  }
  value = times(value, static_cast<Wide>(1) << exponent);
  for (; nines > 0; --nines) value = times(value, 10);
  bool rounded = false;
  for (; decimals > 0; --decimals) {
    rounded = rounded || value % 10 != 0;
    value /= 10;
  }
  return rounded ? plus(value, 1) : value;
}

std::string digits_of(Wide value) {
  std::string text;
  do {
    text += static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
  } while (value != 0);
  std::ranges::reverse(text);
  return text;
}

std::int64_t rounded_up(__int128 nano, Wide unit) {
  const bool negative = nano < 0;
  const Wide magnitude = negative ? static_cast<Wide>(-nano) : static_cast<Wide>(nano);
  const Wide rounded = magnitude / unit + (magnitude % unit != 0 ? 1 : 0);
  const Wide bounded = std::min(rounded, static_cast<Wide>(std::numeric_limits<std::int64_t>::max()));
  return negative ? -static_cast<std::int64_t>(bounded) : static_cast<std::int64_t>(bounded);
}

}  // namespace

Result<Quantity> Quantity::parse(std::string_view text) {
  if (text.empty() || text.size() > 1024) return refuse();
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') text.remove_prefix(1);

  std::string digits;
  int decimals = -1;
  std::size_t at = 0;
  for (; at < text.size() && (is_digit(text[at]) || (text[at] == '.' && decimals < 0)); ++at) {
    if (text[at] == '.') {
      decimals = 0;
    } else {
      digits += text[at];
      if (decimals >= 0) ++decimals;
    }
  }
  if (digits.empty()) return refuse();
  decimals = std::max(decimals, 0);
  // Zeros that say nothing would only cost precision in binary amounts.
  while (decimals > 0 && digits.back() == '0') {
    digits.pop_back();
    --decimals;
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));

  Scale scale{};
  const std::string_view suffix = text.substr(at);
  if (!parse_suffix(suffix, scale)) {
    const bool plausible = std::ranges::all_of(suffix, [](char c) {
      return is_digit(c) || std::string_view("eEinumkKMGTP+-").find(c) != std::string_view::npos;
    });
    if (!plausible) return refuse();
    return fail(ErrorKind::InvalidInput, "unable to parse quantity's suffix");
  }

  Quantity quantity;
  quantity.format_ = scale.format;
  Wide nano = 0;
  if (scale.format == Format::BinarySI) {
    nano = std::min(binary_nano(digits, decimals, scale.exponent), kBinaryLimit);
    if (nano > 0 && nano < kNano)
      quantity.format_ = Format::DecimalSI;  // a part of one byte has no binary suffix
  } else {
    nano = decimal_nano(digits, scale.exponent - decimals);
  }
  quantity.nano_ = negative ? -static_cast<__int128>(nano) : static_cast<__int128>(nano);
  return quantity;
}

Quantity Quantity::of(std::int64_t value, Format format) {
  Quantity quantity;
  quantity.nano_ = static_cast<__int128>(value) * static_cast<__int128>(kNano);
  quantity.format_ = format;
  return quantity;
}

Quantity Quantity::milli(std::int64_t value, Format format) {
  Quantity quantity;
  quantity.nano_ = static_cast<__int128>(value) * 1'000'000;
  quantity.format_ = format;
  return quantity;
}

std::int64_t Quantity::value() const {
  return rounded_up(nano_, kNano);
}
std::int64_t Quantity::milli_value() const {
  return rounded_up(nano_, 1'000'000);
}
double Quantity::to_double() const {
  return static_cast<double>(nano_) / 1e9;
}

Quantity& Quantity::operator+=(const Quantity& other) {
  if (is_zero()) format_ = other.format_;
  nano_ = saturating_sum(nano_, other.nano_);
  return *this;
}

Quantity& Quantity::operator-=(const Quantity& other) {
  if (is_zero()) format_ = other.format_;
  nano_ = saturating_sum(nano_, -other.nano_);
  return *this;
}

std::string Quantity::to_string() const {
  if (nano_ == 0) return "0";
  const std::string sign_text = nano_ < 0 ? "-" : "";
  Wide magnitude = nano_ < 0 ? static_cast<Wide>(-nano_) : static_cast<Wide>(nano_);

  // Binary suffixes serve whole amounts from 1024 on; anything else would have to be rounded.
  if (format_ == Format::BinarySI && magnitude >= 1024 * kNano && magnitude % kNano == 0) {
    Wide whole = magnitude / kNano;
    std::size_t power = 0;
    while (power < kBinary.size() && whole % 1024 == 0) {
      whole /= 1024;
      ++power;
    }
    return sign_text + digits_of(whole) + std::string(power == 0 ? "" : kBinary[power - 1].name);
  }

  // The largest power of a thousand that leaves no fraction.
  int exponent = -9;
  const int largest = format_ == Format::DecimalExponent ? 30 : 18;
  while (exponent < largest && magnitude % 1000 == 0) {
    magnitude /= 1000;
    exponent += 3;
  }
  std::string text = sign_text + digits_of(magnitude);
  if (format_ == Format::DecimalExponent) return exponent == 0 ? text : text + "e" + std::to_string(exponent);
  for (const Suffix& suffix : kDecimal)
    if (suffix.exponent == exponent) text += suffix.name;
  return text;
}

}  // namespace kube
