#include "spark/memory_size.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <utility>

#include "api/memory_limit.h"
#include "kube/base/white_space.h"
#include "kube/core/quantity.h"

namespace spark {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

constexpr std::array<std::pair<std::string_view, ByteUnit>, 11> kSuffixes{{{"b", ByteUnit::Byte},
                                                                           {"k", ByteUnit::KiB},
                                                                           {"kb", ByteUnit::KiB},
                                                                           {"m", ByteUnit::MiB},
                                                                           {"mb", ByteUnit::MiB},
                                                                           {"g", ByteUnit::GiB},
                                                                           {"gb", ByteUnit::GiB},
                                                                           {"t", ByteUnit::TiB},
                                                                           {"tb", ByteUnit::TiB},
                                                                           {"p", ByteUnit::PiB},
                                                                           {"pb", ByteUnit::PiB}}};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::unexpected<kube::Error> no_size() {
  return fail(ErrorKind::InvalidInput,
              "expected a size such as 512m or 2g (whole number, suffix b, k, m, g, t or p)");
}

}  // namespace

Result<MemorySize> parse_memory_size(std::string_view text, ByteUnit unit_of_bare_number) {
  const std::string size = lower(std::string(kube::trimmed(text)));
  const std::size_t digits = std::min(size.find_first_not_of("0123456789"), size.size());
  if (digits == 0) return no_size();
  const std::string_view suffix = std::string_view(size).substr(digits);
  auto factor = static_cast<std::int64_t>(unit_of_bare_number);
  if (!suffix.empty()) {
    const auto* known = std::ranges::find(kSuffixes, suffix, [](const auto& row) { return row.first; });
    if (known == kSuffixes.end()) return no_size();
    factor = static_cast<std::int64_t>(known->second);
  }
  std::int64_t amount = 0;
  for (char digit : size.substr(0, digits)) {
    if (amount > (std::numeric_limits<std::int64_t>::max() / factor - (digit - '0')) / 10)
      return fail(ErrorKind::InvalidInput, "size is beyond 8 EiB");
    amount = amount * 10 + (digit - '0');
  }
  return MemorySize{amount * factor};
}

std::string to_quantity(MemorySize size) {
  return std::to_string(size.mebibytes()) + "Mi";
}

Result<std::string> memory_limit_quantity(std::string_view text) {
  std::string limit = api::memory_limit_as_quantity(text);
  if (!kube::Quantity::parse(limit)) return no_size();
  return limit;
}

}  // namespace spark
