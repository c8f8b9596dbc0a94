// White space at the ends of what people and files say.
//
//   trimmed("  2g\n") == "2g"
//
// As Java's String.trim(): everything up to U+0020 counts, control characters too. Thread: pure function.
#pragma once

#include <string_view>

namespace kube {

// Lifetime: a part of `text`.
inline std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace kube
