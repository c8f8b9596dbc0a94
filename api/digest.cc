#include "api/digest.h"

#include <openssl/evp.h>

#include <array>

namespace api {

namespace {

std::string hex_digest(const EVP_MD* algorithm, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int length = 0;
  EVP_Digest(text.data(), text.size(), bytes.data(), &length, algorithm, nullptr);
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) {
    hex += "0123456789abcdef"[bytes[i] >> 4];
    hex += "0123456789abcdef"[bytes[i] & 15];
  }
  return hex;
}

}  // namespace

std::string sha256_hex(std::string_view text) {
  return hex_digest(EVP_sha256(), text);
}
std::string md5_hex(std::string_view text) {
  return hex_digest(EVP_md5(), text);
}

}  // namespace api
