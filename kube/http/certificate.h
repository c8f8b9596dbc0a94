// Certificates for a control plane of one's own: an authority, and certificates it signs for servers and
// clients. Keys are ECDSA P-256 unless asked otherwise, serial numbers random, all texts PEM.
//
//   auto ca = make_certificate_authority("kubernetes", {.not_before = now, .not_after = now + 24h * 3650});
//   auto server = sign_certificate(*ca, {.common_name = "apiserver",
//                                        .usage = CertificateUsage::Server,
//                                        .dns_names = {"kubernetes.default.svc"},
//                                        .ip_addresses = {"127.0.0.1", "::1"},
//                                        .validity = {now, now + 24h * 365}});
//   TlsServerContext::create({.certificate_chain = server->certificate, .private_key = server->private_key});
//   if (read_certificate(server->certificate)->validity.not_after < now + 24h * 30) …renew…
//
// Validity has whole seconds. Time comes from the caller's clock; the keys and serials from OpenSSL's random
// bits, as they must be secret even where everything else replays from a seed. Error: InvalidInput (malformed
// PEM, address or name), InternalError (OpenSSL). Thread: any. Signing takes well under a millisecond, making
// an RSA key some 0.1 s.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/base/clock.h"

namespace kube {

struct KeyedCertificate {
  std::string certificate;  // PEM; for a server or client: without its authority's
  std::string private_key;  // PEM, PKCS #8; an RSA key as PKCS #1
};

// Rsa2048 for programs that read no other keys.
enum class CertificateKey { EcdsaP256, Rsa2048 };

struct CertificateValidity {
  TimePoint not_before;
  TimePoint not_after;
};

enum class CertificateUsage { Server, Client };

struct CertificateRequest {
  std::string common_name{};                 // of a client: the user
  std::vector<std::string> organizations{};  // of a client: the groups
  CertificateUsage usage = CertificateUsage::Server;
  std::vector<std::string> dns_names{};  // "*.example.com" is allowed
  std::vector<std::string> ip_addresses{};
  CertificateValidity validity{};
  CertificateKey key = CertificateKey::EcdsaP256;
};

Result<KeyedCertificate> make_certificate_authority(std::string_view common_name,
                                                    CertificateValidity validity,
                                                    CertificateKey key = CertificateKey::EcdsaP256);
Result<KeyedCertificate> sign_certificate(const KeyedCertificate& authority,
                                          const CertificateRequest& request);

// What stands in the first certificate of a PEM text.
struct CertificateDescription {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  CertificateValidity validity;
  bool is_authority;
};

Result<CertificateDescription> read_certificate(std::string_view pem);

// True when `certificate` was signed by the first certificate of `authority` (both PEM; validity is not
// looked at), and when `private_key` is the key of `certificate`.
Result<bool> is_signed_by(std::string_view certificate, std::string_view authority);
Result<bool> is_key_of(std::string_view private_key, std::string_view certificate);

}  // namespace kube
