// Authenticator says who asks: a verified client certificate, a static token, or a service account's token
// that is signed, in time, and whose account (and pod) still exist.
//
//   std::optional<UserInfo> user = authenticator.authenticate(headers, tls_peer);   // nullopt: 401
//
// Thread: the loop's only.
#pragma once

#include <optional>

#include "kube/apiserver/api_server.h"
#include "kube/apiserver/cluster.h"
#include "kube/apiserver/token.h"
#include "kube/http/tls.h"

namespace kube::apiserver {

class Authenticator {
 public:
  Authenticator(Cluster& cluster, const ApiServerOptions& options);

  std::optional<UserInfo> authenticate(const Headers& headers, const std::optional<TlsPeer>& peer) const;
  // Of a token that is good for one of the audiences; none given: for this server.
  struct TokenUser {
    UserInfo user;
    std::vector<std::string> audiences;  // of those asked for; empty for static tokens
  };
  std::optional<TokenUser> user_of_token(std::string_view token,
                                         std::vector<std::string> audiences = {}) const;

  // The TokenRequest subresource: fills status.token of the request.
  Granted<Json> issue(const ObjectKey& account, Json request) const;
  // Bound to nothing but the account.
  std::string sign_for(const ObjectKey& account, Duration lifetime) const;

 private:
  std::string sign(const StoredObject& account, const Json& bound_pod, const Json& audiences,
                   Duration lifetime) const;

  Cluster& cluster_;
  std::vector<StaticToken> static_tokens_;
  bool trust_user_header_;
  std::string issuer_;
  TokenSigner signer_;
};

}  // namespace kube::apiserver
