#include "kube/admission/serving_certificate.h"

#include <catch2/catch.hpp>

#include "kube/http/certificate.h"

using namespace kube;

namespace {

const TimePoint kNow = TimePoint{1'780'000'000s};
const ServingNames kNames{.common_name = "hook.ns.svc", .organization = "web"};

ServingCertificate made(TimePoint now = kNow, const ServingCertificate* before = nullptr) {
  auto certificate = make_serving_certificate(kNames, now, before);
  REQUIRE(certificate);
  return std::move(*certificate);
}

}  // namespace

TEST_CASE("a made certificate is what upstream's programs can read and verify", "[serving_certificate]") {
  const ServingCertificate certificate = made();
  CHECK(certificate.authority_key.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
  CHECK(certificate.private_key.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
  const auto served = read_certificate(certificate.certificate);
  REQUIRE(served);
  CHECK(served->common_name == "hook.ns.svc");
  CHECK(served->organizations == std::vector<std::string>{"web"});
  CHECK(served->dns_names == std::vector<std::string>{"localhost", "hook.ns.svc"});
  CHECK_FALSE(served->is_authority);
  CHECK(read_certificate(certificate.authorities)->is_authority);
  CHECK(check_serving_certificate(certificate, "hook.ns.svc", kNow));
  CHECK(check_serving_certificate(certificate, "hook.ns.svc", kNow + 24h * 365 * 9));
  CHECK(*expiry_of(certificate) == kNow + 24h * 3650);
}

TEST_CASE("a name longer than a common name may be is verified by its alternative name",
          "[serving_certificate]") {
  const std::string name = std::string(60, 'a') + "." + std::string(60, 'b') + ".svc";
  auto certificate = make_serving_certificate({.common_name = name, .organization = "web"}, kNow);
  REQUIRE(certificate);
  CHECK(check_serving_certificate(*certificate, name, kNow));
}

TEST_CASE("what is wrong with a certificate is said", "[serving_certificate]") {
  const ServingCertificate good = made(), other = made();
  const auto why = [](const ServingCertificate& certificate, const char* name, TimePoint at) {
    const auto checked = check_serving_certificate(certificate, name, at);
    return checked ? std::string() : checked.error().message();
  };
  CHECK(why(good, "hook.ns.svc", kNow).empty());
  CHECK(why(good, "hook.elsewhere.svc", kNow) == "serving certificate is not for hook.elsewhere.svc");
  CHECK(why(good, "hook.ns.svc", kNow + 24h * 3651).find("ends at") != std::string::npos);
  CHECK(why(good, "hook.ns.svc", kNow - 1h).find("begins at") != std::string::npos);
  ServingCertificate mixed = good;
  mixed.private_key = other.private_key;
  CHECK(why(mixed, "hook.ns.svc", kNow) == "serving key is not that of the certificate");
  mixed = good;
  mixed.authorities = other.authorities;
  CHECK(why(mixed, "hook.ns.svc", kNow) == "serving certificate was not signed by the certificate authority");
  mixed = good;
  mixed.certificate = "nonsense";
  CHECK(why(mixed, "hook.ns.svc", kNow).starts_with("serving certificate: "));
}

TEST_CASE("the authorities of before stay trusted as long as they are valid, at most two",
          "[serving_certificate]") {
  const ServingCertificate first = made();
  const ServingCertificate second = made(kNow + 24h * 365, &first);
  const ServingCertificate third = made(kNow + 24h * 730, &second);
  const ServingCertificate fourth = made(kNow + 24h * 1000, &third);
  const auto of = [](const ServingCertificate& c) { return split_certificates(c.authorities); };
  CHECK(of(first).size() == 1);
  CHECK(of(second) == std::vector{of(second)[0], of(first)[0]});
  CHECK(of(third) == std::vector{of(third)[0], of(second)[0], of(first)[0]});
  CHECK(of(fourth) == std::vector{of(fourth)[0], of(third)[0], of(second)[0]});
  // Ten years after the first, it is worth nothing any more.
  const ServingCertificate late = made(kNow + 24h * 3700, &second);
  CHECK(of(late) == std::vector{of(late)[0], of(second)[0]});
  CHECK(check_serving_certificate(second, "hook.ns.svc", kNow + 24h * 365));
}

TEST_CASE("a Secret keeps all of it under the keys of its layout", "[serving_certificate]") {
  const ServingCertificate certificate{"a", "b", "c", "d"};
  const Json data = to_secret_data(certificate);
  CHECK(data == Json{{"ca-key.pem", "YQ=="},
                     {"ca-cert.pem", "Yg=="},
                     {"server-key.pem", "Yw=="},
                     {"server-cert.pem", "ZA=="}});
  CHECK(*read_secret_data(data, SecretLayout::OwnAuthority) == certificate);
  CHECK(is_complete(certificate, SecretLayout::OwnAuthority));
  CHECK_FALSE(
      is_complete(*read_secret_data(Json::object(), SecretLayout::OwnAuthority), SecretLayout::OwnAuthority));
  CHECK_FALSE(read_secret_data({{"ca-key.pem", "!"}}, SecretLayout::OwnAuthority));

  const auto managed =
      read_secret_data({{"tls.crt", "ZA=="}, {"tls.key", "Yw=="}}, SecretLayout::CertManager);
  REQUIRE(managed);
  CHECK(managed->certificate == "d");
  CHECK(managed->private_key == "c");
  CHECK(is_complete(*managed, SecretLayout::CertManager));
  CHECK_FALSE(is_complete(*managed, SecretLayout::OwnAuthority));
}
