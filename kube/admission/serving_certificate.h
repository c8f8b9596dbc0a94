// ServingCertificate is what a webhook shows to API servers, with the authorities that they must trust to
// believe it, and how both are written into a Secret. Deciding only; certificate_keeper.h does.
//
//   auto made = make_serving_certificate({.common_name = "webhook.ns.svc", .organization = "web"}, now);
//   Json data = to_secret_data(*made);                          // ca-key.pem, ca-cert.pem, server-key.pem …
//   auto read = read_secret_data(secret["data"], SecretLayout::OwnAuthority);
//   if (auto fine = check_serving_certificate(*read, "webhook.ns.svc", now + 24h * 180); !fine) …make anew…
//
// The first certificate of `authorities` has signed the served one; further ones are authorities of before,
// kept so that a webhook which still serves the previous certificate stays trusted while all change over.
// Error: InvalidInput (says which key and why), InternalError (OpenSSL). Thread: pure functions; making takes
// some 0.1 s for the RSA keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/base/clock.h"
#include "kube/core/json.h"

namespace kube {

struct ServingCertificate {
  std::string authority_key{};  // PEM; "" where another party signs
  std::string authorities{};    // PEM, newest first: the caBundle of the webhook's configurations
  std::string private_key{};
  std::string certificate{};  // PEM, with the chain behind it

  bool operator==(const ServingCertificate&) const = default;
};

struct ServingNames {
  std::string common_name{};  // "SERVICE.NAMESPACE.svc": also the name that is verified
  std::string organization{};
};

enum class SecretLayout {
  OwnAuthority,  // ca-key.pem, ca-cert.pem, server-key.pem, server-cert.pem
  CertManager,   // ca.crt, tls.crt, tls.key
};

// Ten years, RSA 2048 as PKCS #1, valid for the common name and localhost. `before` (may be null) gives the
// authorities that stay trusted: those that are still valid, at most two.
Result<ServingCertificate> make_serving_certificate(const ServingNames& names, TimePoint now,
                                                    const ServingCertificate* before = nullptr);

// Is this certificate good for `name` at that time: signed by the first authority, both valid, the key its
// own?
Result<> check_serving_certificate(const ServingCertificate& certificate, std::string_view name,
                                   TimePoint at);
// The earlier end of the certificate and of the authority that signed it.
Result<TimePoint> expiry_of(const ServingCertificate& certificate);

// `data` as the API shows it, base64. Keys that are missing read as ""; nothing is verified.
Result<ServingCertificate> read_secret_data(const Json& data, SecretLayout layout);
// Layout OwnAuthority.
Json to_secret_data(const ServingCertificate& certificate);
// True when nothing that serving needs is missing.
bool is_complete(const ServingCertificate& certificate, SecretLayout layout);

// The single certificates of a PEM text, in order.
std::vector<std::string> split_certificates(std::string_view pem);

}  // namespace kube
