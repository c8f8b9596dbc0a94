// TokenSigner makes and checks service account tokens: JWTs signed with HMAC-SHA256 by the server's key.
// Nobody but the server reads them, so nobody else needs a key.
//
//   std::string token = signer.sign(claims);
//   Granted<Json> claims = signer.verify(token);      // refused: 401
//
// Whether the account and the pod a token is bound to still exist is the authenticator's question.
// Thread: immutable.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kube/core/json.h"

namespace kube::apiserver {

class TokenSigner {
 public:
  // "" draws a key from OpenSSL.
  explicit TokenSigner(std::string key);

  std::string sign(const Json& claims) const;
  // nullopt: malformed, or not signed by this key. Times are not looked at.
  std::optional<Json> verify(std::string_view token) const;

 private:
  std::string key_;
};

}  // namespace kube::apiserver
