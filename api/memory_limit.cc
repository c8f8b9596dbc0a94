#include "api/memory_limit.h"

#include <cctype>

#include "kube/base/white_space.h"

namespace api {

std::string memory_limit_as_quantity(std::string_view text) {
  const std::string_view limit = kube::trimmed(text);
  std::string_view number = limit;
  if (number.ends_with('b') || number.ends_with('B')) number.remove_suffix(1);
  const char unit =
      number.empty() ? ' ' : static_cast<char>(std::toupper(static_cast<unsigned char>(number.back())));
  if (std::string_view("KMGTP").find(unit) == std::string_view::npos) return std::string(limit);
  number.remove_suffix(1);
  return std::string(number) + unit + 'i';
}

}  // namespace api
