#include "kube/http/certificate.h"

#include <array>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "kube/http/openssl.h"

namespace kube {
namespace {

using AltNamesPtr = OpensslPtr<GENERAL_NAMES, GENERAL_NAMES_free>;
using ExtensionPtr = OpensslPtr<X509_EXTENSION, X509_EXTENSION_free>;
using NumberPtr = OpensslPtr<BIGNUM, BN_free>;

std::unexpected<Error> openssl_failed(const std::string& what) {
  return fail(ErrorKind::InternalError, what + ": " + openssl_error());
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<KeyedCertificate> to_pem(X509* certificate, EVP_PKEY* key) {
  const BioPtr certificate_text(BIO_new(BIO_s_mem()));
  const BioPtr key_text(BIO_new(BIO_s_mem()));
  const bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
  const int key_written =
      rsa ? PEM_write_bio_PrivateKey_traditional(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr)
          : PEM_write_bio_PKCS8PrivateKey(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  if (PEM_write_bio_X509(certificate_text.get(), certificate) != 1 || key_written != 1) {
    return openssl_failed("write PEM");
  }
  return KeyedCertificate{text_of(certificate_text.get()), text_of(key_text.get())};
}

// 159 random bits: positive, and within the 20 bytes that RFC 5280 allows.
bool set_serial(X509* certificate) {
  const NumberPtr serial(BN_new());
  return BN_rand(serial.get(), 159, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_time(ASN1_TIME* out, TimePoint time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  return ASN1_TIME_set(out, static_cast<time_t>(seconds)) != nullptr;
}

bool add_name(X509_NAME* name, int nid, std::string_view text) {
  return X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool is_dns_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  return !name.empty() &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
             std::string_view::npos;
}

// Built by hand, not from OpenSSL's configuration syntax, where a comma in a name would start another one.
Result<> add_alternative_names(X509* certificate, const CertificateRequest& request) {
  if (request.dns_names.empty() && request.ip_addresses.empty()) return {};
  const AltNamesPtr names(GENERAL_NAMES_new());
  const auto add = [&](int type, ASN1_STRING* value) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, type, value);
    sk_GENERAL_NAME_push(names.get(), name);
  };
  for (const std::string& dns : request.dns_names) {
    if (!is_dns_name(dns)) return fail(ErrorKind::InvalidInput, "\"" + dns + "\" is no DNS name");
    ASN1_IA5STRING* value = ASN1_IA5STRING_new();
    ASN1_STRING_set(value, dns.data(), static_cast<int>(dns.size()));
    add(GEN_DNS, value);
  }
  for (const std::string& ip : request.ip_addresses) {
    ASN1_OCTET_STRING* value = a2i_IPADDRESS(ip.c_str());
    ERR_clear_error();
    if (value == nullptr) return fail(ErrorKind::InvalidInput, "\"" + ip + "\" is no IP address");
    add(GEN_IPADD, value);
  }
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) != 1) {
    return openssl_failed("subject alternative names");
  }
  return {};
}

KeyPtr make_key(CertificateKey kind) {
  return KeyPtr(kind == CertificateKey::Rsa2048 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
}

// All but subject, issuer and extensions.
Result<CertificatePtr> begin_certificate(EVP_PKEY* key, CertificateValidity validity) {
  CertificatePtr certificate(X509_new());
  const bool made = certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                    set_serial(certificate.get()) &&
                    set_time(X509_getm_notBefore(certificate.get()), validity.not_before) &&
                    set_time(X509_getm_notAfter(certificate.get()), validity.not_after) &&
                    X509_set_pubkey(certificate.get(), key) == 1;
  if (!made) return openssl_failed("make certificate");
  return certificate;
}

TimePoint to_time(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return {};
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&fields)));
}

std::string ip_text(const ASN1_OCTET_STRING* address) {
  const unsigned char* bytes = ASN1_STRING_get0_data(address);
  const int size = ASN1_STRING_length(address);
  std::string text;
  if (size == 4) {
    for (int i = 0; i < 4; ++i) text += (i == 0 ? "" : ".") + std::to_string(bytes[i]);
    return text;
  }
  // Not shortened ("0:0:0:0:0:0:0:1"), which is enough to compare and to read.
  constexpr char kDigits[] = "0123456789abcdef";
  for (int i = 0; i + 1 < size; i += 2) {
    const unsigned group = bytes[i] * 256u + bytes[i + 1];
    std::string digits;
    for (int shift = 12; shift >= 0; shift -= 4) {
      const unsigned digit = group >> shift & 15u;
      if (digit != 0 || !digits.empty() || shift == 0) digits += kDigits[digit];
    }
    text += (i == 0 ? "" : ":") + digits;
  }
  return text;
}

}  // namespace

Result<KeyedCertificate> make_certificate_authority(std::string_view common_name,
                                                    CertificateValidity validity, CertificateKey kind) {
  ERR_clear_error();
  const KeyPtr key = make_key(kind);
  if (!key) return openssl_failed("make key");
  Result<CertificatePtr> begun = begin_certificate(key.get(), validity);
  if (!begun) return fail(begun);
  X509* certificate = begun->get();
  X509_NAME* subject = X509_get_subject_name(certificate);
  const bool made = add_name(subject, NID_commonName, common_name) &&
                    X509_set_issuer_name(certificate, subject) == 1 &&
                    add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE") &&
                    add_extension(certificate, certificate, NID_key_usage,
                                  "critical,digitalSignature,keyEncipherment,keyCertSign") &&
                    add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
                    X509_sign(certificate, key.get(), EVP_sha256()) > 0;
  if (!made) return openssl_failed("make certificate authority");
  return to_pem(certificate, key.get());
}

Result<KeyedCertificate> sign_certificate(const KeyedCertificate& authority,
                                          const CertificateRequest& request) {
  Result<std::vector<CertificatePtr>> issuers =
      read_certificates(authority.certificate, "certificate authority");
  if (!issuers) return fail(issuers);
  Result<KeyPtr> issuer_key = read_private_key(authority.private_key, "key of the certificate authority");
  if (!issuer_key) return fail(issuer_key);
  X509* issuer = issuers->front().get();

  ERR_clear_error();
  const KeyPtr key = make_key(request.key);
  if (!key) return openssl_failed("make key");
  Result<CertificatePtr> begun = begin_certificate(key.get(), request.validity);
  if (!begun) return fail(begun);
  X509* certificate = begun->get();

  X509_NAME* subject = X509_get_subject_name(certificate);
  bool made = true;
  for (const std::string& organization : request.organizations) {
    made = made && add_name(subject, NID_organizationName, organization);
  }
  made = made && (request.common_name.empty() || add_name(subject, NID_commonName, request.common_name));
  if (!made) {
    // Such as a common name of more than 64 characters.
    return fail(ErrorKind::InvalidInput, "subject \"" + request.common_name + "\": " + openssl_error());
  }
  if (auto named = add_alternative_names(certificate, request); !named) return fail(named);
  const char* usage = request.usage == CertificateUsage::Server ? "serverAuth" : "clientAuth";
  made = X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
         add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
         add_extension(certificate, issuer, NID_ext_key_usage, usage) &&
         add_extension(certificate, issuer, NID_authority_key_identifier, "keyid") &&
         X509_sign(certificate, issuer_key->get(), EVP_sha256()) > 0;
  if (!made) return openssl_failed("sign certificate");
  return to_pem(certificate, key.get());
}

Result<CertificateDescription> read_certificate(std::string_view pem) {
  Result<std::vector<CertificatePtr>> read = read_certificates(pem, "certificate");
  if (!read) return fail(read);
  X509* certificate = read->front().get();
  CertificateDescription description{};
  const std::vector<std::string> names = subject_values(*certificate, NID_commonName);
  description.common_name = names.empty() ? "" : names.front();
  description.organizations = subject_values(*certificate, NID_organizationName);
  description.validity = {to_time(X509_get0_notBefore(certificate)),
                          to_time(X509_get0_notAfter(certificate))};
  description.is_authority = X509_check_ca(certificate) == 1;
  const AltNamesPtr alternatives(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; alternatives && i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) {
      const ASN1_STRING* text = name->d.dNSName;
      description.dns_names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                         static_cast<std::size_t>(ASN1_STRING_length(text)));
    } else if (name->type == GEN_IPADD) {
      description.ip_addresses.push_back(ip_text(name->d.iPAddress));
    }
  }
  ERR_clear_error();
  return description;
}

Result<bool> is_signed_by(std::string_view certificate, std::string_view authority) {
  Result<std::vector<CertificatePtr>> signed_one = read_certificates(certificate, "certificate");
  if (!signed_one) return fail(signed_one);
  Result<std::vector<CertificatePtr>> signer = read_certificates(authority, "certificate authority");
  if (!signer) return fail(signer);
  const bool right = X509_verify(signed_one->front().get(), X509_get0_pubkey(signer->front().get())) == 1;
  ERR_clear_error();
  return right;
}

Result<bool> is_key_of(std::string_view private_key, std::string_view certificate) {
  Result<std::vector<CertificatePtr>> read = read_certificates(certificate, "certificate");
  if (!read) return fail(read);
  Result<KeyPtr> key = read_private_key(private_key, "private key");
  if (!key) return fail(key);
  const bool fits = X509_check_private_key(read->front().get(), key->get()) == 1;
  ERR_clear_error();
  return fits;
}

}  // namespace kube
