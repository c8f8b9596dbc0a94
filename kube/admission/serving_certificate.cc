#include "kube/admission/serving_certificate.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "kube/core/base64.h"
#include "kube/http/certificate.h"

namespace kube {

namespace {

constexpr Duration kTenYears = 24h * 3650;
// Clocks of API servers may be a little behind.
constexpr Duration kBackdated = 5min;
// RFC 5280 allows no longer common name; the subject alternative names carry the whole one.
constexpr std::size_t kLongestCommonName = 64;
constexpr std::size_t kKeptAuthorities = 2;

struct Member {
  const char* key;
  std::string ServingCertificate::* text;
  bool needed;
};

constexpr std::array kOwnAuthority{Member{"ca-key.pem", &ServingCertificate::authority_key, true},
                                   Member{"ca-cert.pem", &ServingCertificate::authorities, true},
                                   Member{"server-key.pem", &ServingCertificate::private_key, true},
                                   Member{"server-cert.pem", &ServingCertificate::certificate, true}};
constexpr std::array kCertManager{Member{"ca.crt", &ServingCertificate::authorities, false},
                                  Member{"tls.key", &ServingCertificate::private_key, true},
                                  Member{"tls.crt", &ServingCertificate::certificate, true}};

std::span<const Member> members_of(SecretLayout layout) {
  if (layout == SecretLayout::CertManager) return kCertManager;
  return kOwnAuthority;
}

bool matches(std::string_view pattern, std::string_view name) {
  if (pattern == name) return true;
  if (!pattern.starts_with("*.")) return false;
  const auto dot = name.find('.');
  return dot != std::string_view::npos && name.substr(dot) == pattern.substr(1);
}

Result<> valid_at(const CertificateDescription& described, const std::string& what, TimePoint at) {
  if (at >= described.validity.not_after)
    return fail(ErrorKind::InvalidInput, what + " ends at " + to_rfc3339(described.validity.not_after));
  if (at < described.validity.not_before)
    return fail(ErrorKind::InvalidInput, what + " begins at " + to_rfc3339(described.validity.not_before));
  return {};
}

// Those of before that are still worth something.
std::string authorities_kept(const ServingCertificate& before, TimePoint now) {
  std::string kept;
  std::size_t count = 0;
  for (const std::string& pem : split_certificates(before.authorities)) {
    const auto described = read_certificate(pem);
    if (!described || described->validity.not_after <= now) continue;
    if (++count > kKeptAuthorities) break;
    kept += pem;
  }
  return kept;
}

}  // namespace

Result<ServingCertificate> make_serving_certificate(const ServingNames& names, TimePoint now,
                                                    const ServingCertificate* before) {
  const CertificateValidity validity{now - kBackdated, now + kTenYears};
  const std::string name = names.common_name.substr(0, kLongestCommonName);
  // Named differently: OpenSSL takes a certificate for self-signed whose issuer has its own name.
  constexpr std::string_view kAuthority = "-ca";
  const std::string authority_name =
      name.substr(0, kLongestCommonName - kAuthority.size()) + std::string(kAuthority);
  auto authority = make_certificate_authority(authority_name, validity, CertificateKey::Rsa2048);
  if (!authority) return fail(std::move(authority).error().while_doing("make certificate authority"));
  CertificateRequest request;
  request.common_name = name;
  if (!names.organization.empty()) request.organizations = {names.organization};
  request.dns_names = {"localhost", names.common_name};
  request.validity = validity;
  request.key = CertificateKey::Rsa2048;
  auto served = sign_certificate(*authority, request);
  if (!served) return fail(std::move(served).error().while_doing("make serving certificate"));
  return ServingCertificate{
      authority->private_key,
      authority->certificate + (before == nullptr ? std::string() : authorities_kept(*before, now)),
      served->private_key, served->certificate};
}

Result<> check_serving_certificate(const ServingCertificate& certificate, std::string_view name,
                                   TimePoint at) {
  const auto served = read_certificate(certificate.certificate);
  if (!served) return fail(ErrorKind::InvalidInput, "serving certificate: " + served.error().message());
  const auto authority = read_certificate(certificate.authorities);
  if (!authority)
    return fail(ErrorKind::InvalidInput, "certificate authority: " + authority.error().message());
  if (auto valid = valid_at(*served, "serving certificate", at); !valid) return valid;
  if (auto valid = valid_at(*authority, "certificate authority", at); !valid) return valid;
  if (std::ranges::none_of(served->dns_names,
                           [&](const std::string& pattern) { return matches(pattern, name); }))
    return fail(ErrorKind::InvalidInput, "serving certificate is not for " + std::string(name));
  const auto fits = is_key_of(certificate.private_key, certificate.certificate);
  if (!fits) return fail(ErrorKind::InvalidInput, "serving key: " + fits.error().message());
  if (!*fits) return fail(ErrorKind::InvalidInput, "serving key is not that of the certificate");
  const auto signed_by = is_signed_by(certificate.certificate, certificate.authorities);
  if (!signed_by || !*signed_by)
    return fail(ErrorKind::InvalidInput, "serving certificate was not signed by the certificate authority");
  return {};
}

Result<TimePoint> expiry_of(const ServingCertificate& certificate) {
  const auto served = read_certificate(certificate.certificate);
  if (!served) return fail(ErrorKind::InvalidInput, "serving certificate: " + served.error().message());
  TimePoint end = served->validity.not_after;
  if (!certificate.authorities.empty())
    if (const auto authority = read_certificate(certificate.authorities))
      end = std::min(end, authority->validity.not_after);
  return end;
}

Result<ServingCertificate> read_secret_data(const Json& data, SecretLayout layout) {
  ServingCertificate certificate;
  for (const Member& member : members_of(layout)) {
    auto text = decode_base64(string_at(data, {member.key}));
    if (!text) return fail(ErrorKind::InvalidInput, std::string(member.key) + ": " + text.error().message());
    certificate.*member.text = std::move(*text);
  }
  return certificate;
}

Json to_secret_data(const ServingCertificate& certificate) {
  Json data = Json::object();
  for (const Member& member : kOwnAuthority) data[member.key] = encode_base64(certificate.*member.text);
  return data;
}

bool is_complete(const ServingCertificate& certificate, SecretLayout layout) {
  return std::ranges::all_of(members_of(layout), [&](const Member& member) {
    return !member.needed || !(certificate.*member.text).empty();
  });
}

std::vector<std::string> split_certificates(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::vector<std::string> certificates;
  while (true) {
    const auto begin = pem.find(kBegin);
    if (begin == std::string_view::npos) return certificates;
    pem.remove_prefix(begin);
    const auto end = pem.find(kEnd);
    if (end == std::string_view::npos) return certificates;
    certificates.push_back(std::string(pem.substr(0, end + kEnd.size())) + "\n");
    pem.remove_prefix(end + kEnd.size());
  }
}

}  // namespace kube
