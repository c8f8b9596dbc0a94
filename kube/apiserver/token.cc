#include "kube/apiserver/token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <memory>

#include "kube/core/base64.h"

namespace kube::apiserver {

namespace {

// Base64 for URLs, without padding (RFC 7515).
std::string encode_segment(std::string_view bytes) {
  std::string text = encode_base64(bytes);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::optional<std::string> decode_segment(std::string_view segment) {
  std::string text(segment);
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4) text += '=';
  auto bytes = decode_base64(text);
  if (!bytes) return std::nullopt;
  return std::move(*bytes);
}

std::string hmac_sha256(const std::string& key, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &length);
  return {reinterpret_cast<const char*>(digest), length};
}

// A fresh Ed25519 private key is 32 random bytes.
std::string draw_key() {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pair(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"),
                                                           &EVP_PKEY_free);
  std::string key(32, '\0');
  std::size_t length = key.size();
  if (!pair ||
      EVP_PKEY_get_raw_private_key(pair.get(), reinterpret_cast<unsigned char*>(key.data()), &length) != 1)
    return "";
  key.resize(length);
  return key;
}

}  // namespace

TokenSigner::TokenSigner(std::string key) : key_(key.empty() ? draw_key() : std::move(key)) {}

std::string TokenSigner::sign(const Json& claims) const {
  const std::string head = encode_segment(dump_json({{"alg", "HS256"}, {"typ", "JWT"}}));
  const std::string signed_part = head + "." + encode_segment(dump_json(claims));
  return signed_part + "." + encode_segment(hmac_sha256(key_, signed_part));
}

std::optional<Json> TokenSigner::verify(std::string_view token) const {
  const std::size_t first = token.find('.'), last = token.rfind('.');
  if (key_.empty() || first == std::string_view::npos || first == last) return std::nullopt;
  auto head = decode_segment(token.substr(0, first));
  auto head_json = head ? parse_json(*head) : Result<Json>(fail(ErrorKind::InvalidInput, ""));
  if (!head_json || string_at(*head_json, {"alg"}) != "HS256") return std::nullopt;
  auto signature = decode_segment(token.substr(last + 1));
  const std::string expected = hmac_sha256(key_, token.substr(0, last));
  if (!signature || signature->size() != expected.size() ||
      CRYPTO_memcmp(signature->data(), expected.data(), expected.size()) != 0)
    return std::nullopt;
  auto body = decode_segment(token.substr(first + 1, last - first - 1));
  auto claims = body ? parse_json(*body) : Result<Json>(fail(ErrorKind::InvalidInput, ""));
  if (!claims || !claims->is_object()) return std::nullopt;
  return std::move(*claims);
}

}  // namespace kube::apiserver
