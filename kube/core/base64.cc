#include "kube/core/base64.h"

#include <cstdint>

namespace kube {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int sextet(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

std::string encode_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '=');
  char* out = text.data();
  const auto byte_at = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(bytes[i])}; };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t group = byte_at(i) << 16 | byte_at(i + 1) << 8 | byte_at(i + 2);
    *out++ = kAlphabet[group >> 18];
    *out++ = kAlphabet[group >> 12 & 63];
    *out++ = kAlphabet[group >> 6 & 63];
    *out++ = kAlphabet[group & 63];
  }
  if (i == bytes.size()) return text;
  // One or two bytes are left, and the rest is padding.
  const bool two = i + 2 == bytes.size();
  const std::uint32_t group = byte_at(i) << 16 | (two ? byte_at(i + 1) << 8 : 0);
  *out++ = kAlphabet[group >> 18];
  *out++ = kAlphabet[group >> 12 & 63];
  if (two) *out++ = kAlphabet[group >> 6 & 63];
  return text;
}

Result<std::string> decode_base64(std::string_view text) {
  const auto refuse = [](std::size_t at) {
    return fail(ErrorKind::InvalidInput, "illegal base64 data at input byte " + std::to_string(at));
  };
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  int count = 0, padding = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n' || c == '\r') continue;
    if (c == '=') {
      if (count + padding < 2 || count + padding >= 4) return refuse(i);
      ++padding;
      continue;
    }
    const int value = sextet(c);
    if (value < 0 || padding > 0) return refuse(i);
    group = group << 6 | static_cast<std::uint32_t>(value);
    if (++count < 4) continue;
    for (int shift = 16; shift >= 0; shift -= 8) bytes += static_cast<char>(group >> shift & 0xff);
    group = 0;
    count = 0;
  }
  if (count == 0 && padding == 0) return bytes;
  if (count + padding != 4) return refuse(text.size());
  group <<= 6 * padding;
  for (int k = 0; k < count - 1; ++k) bytes += static_cast<char>(group >> (16 - 8 * k) & 0xff);
  return bytes;
}

}  // namespace kube
