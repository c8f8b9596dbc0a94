#include "kube/http/certificate.h"

#include <catch2/catch.hpp>

using namespace kube;

namespace {

const TimePoint kNow = std::chrono::sys_days(std::chrono::year{2026} / 11 / 21);
const CertificateValidity kYear{kNow, kNow + 24h * 365};

}  // namespace

TEST_CASE("an authority signs servers and clients, and what it signed can be read again") {
  const auto ca = make_certificate_authority("kubernetes", kYear);
  REQUIRE(ca);
  const auto about_ca = read_certificate(ca->certificate);
  REQUIRE(about_ca);
  CHECK(about_ca->common_name == "kubernetes");
  CHECK(about_ca->is_authority);
  CHECK(*is_signed_by(ca->certificate, ca->certificate));

  const auto server = sign_certificate(*ca, {.common_name = "apiserver",
                                             .usage = CertificateUsage::Server,
                                             .dns_names = {"localhost", "*.svc.cluster.local"},
                                             .ip_addresses = {"127.0.0.1", "::1", "2001:db8::10"},
                                             .validity = {kNow - 1h, kNow + 1h}});
  REQUIRE(server);
  const auto about = read_certificate(server->certificate);
  REQUIRE(about);
  CHECK(about->common_name == "apiserver");
  CHECK_FALSE(about->is_authority);
  CHECK(about->dns_names == std::vector<std::string>{"localhost", "*.svc.cluster.local"});
  CHECK(about->ip_addresses ==
        std::vector<std::string>{"127.0.0.1", "0:0:0:0:0:0:0:1", "2001:db8:0:0:0:0:0:10"});
  CHECK(about->validity.not_before == kNow - 1h);
  CHECK(about->validity.not_after == kNow + 1h);
  CHECK(*is_signed_by(server->certificate, ca->certificate));
  CHECK(*is_key_of(server->private_key, server->certificate));
  CHECK_FALSE(*is_key_of(ca->private_key, server->certificate));

  const auto client = sign_certificate(*ca, {.common_name = "admin",
                                             .organizations = {"system:masters", "größe, with comma"},
                                             .usage = CertificateUsage::Client,
                                             .validity = kYear});
  REQUIRE(client);
  const auto about_client = read_certificate(client->certificate);
  CHECK(about_client->organizations == std::vector<std::string>{"system:masters", "größe, with comma"});
  CHECK(client->certificate != server->certificate);
}

TEST_CASE("another authority of the same name has signed nothing") {
  const auto ca = make_certificate_authority("kubernetes", kYear);
  const auto other = make_certificate_authority("kubernetes", kYear);
  const auto server = sign_certificate(*ca, {.common_name = "a", .validity = kYear});
  REQUIRE(server);
  CHECK_FALSE(*is_signed_by(server->certificate, other->certificate));
}

TEST_CASE("what cannot be signed or read is refused with a reason") {
  const auto ca = make_certificate_authority("kubernetes", kYear);
  struct Row {
    CertificateRequest request;
    std::string reason;
  };
  for (const Row& row : {Row{{.dns_names = {"a,DNS:b"}}, "\"a,DNS:b\" is no DNS name"},
                         Row{{.dns_names = {""}}, "\"\" is no DNS name"},
                         Row{{.ip_addresses = {"1.2.3"}}, "\"1.2.3\" is no IP address"},
                         Row{{.common_name = std::string(65, 'x')}, "subject \"xxx"}}) {
    const auto made = sign_certificate(*ca, row.request);
    REQUIRE_FALSE(made);
    CHECK(made.error().kind() == ErrorKind::InvalidInput);
    CHECK(made.error().message().starts_with(row.reason));
  }
  CHECK(read_certificate("").error().message() == "certificate: expected a PEM certificate, found none");
  CHECK(read_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").error().kind() ==
        ErrorKind::InvalidInput);
  CHECK_FALSE(sign_certificate({.certificate = ca->certificate, .private_key = "no key"}, {}));
}

TEST_CASE("an RSA authority signs, and its keys are PKCS #1", "[certificate]") {
  const CertificateValidity validity{TimePoint{1'800'000'000s}, TimePoint{1'900'000'000s}};
  auto authority = make_certificate_authority("ca", validity, CertificateKey::Rsa2048);
  REQUIRE(authority);
  CHECK(authority->private_key.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
  CertificateRequest request;
  request.dns_names = {"web.ns.svc"};
  request.validity = validity;
  request.key = CertificateKey::Rsa2048;
  auto signed_one = sign_certificate(*authority, request);
  REQUIRE(signed_one);
  CHECK(signed_one->private_key.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
  CHECK(*is_signed_by(signed_one->certificate, authority->certificate));
  CHECK(*is_key_of(signed_one->private_key, signed_one->certificate));
  CHECK_FALSE(*is_key_of(signed_one->private_key, authority->certificate));
}
