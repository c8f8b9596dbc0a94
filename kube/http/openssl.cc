#include "kube/http/openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace kube {
namespace {

// Keys with a passphrase are refused; without this OpenSSL would ask for it on the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

BioPtr reader(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

std::string openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

Result<std::vector<CertificatePtr>> read_certificates(std::string_view pem, const std::string& what) {
  ERR_clear_error();
  std::vector<CertificatePtr> certificates;
  const BioPtr bio = reader(pem);
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) {
    certificates.emplace_back(certificate);
    // OpenSSL decodes the extensions at the first look and keeps them in the certificate. Contexts are shared
    // by threads, so that look is taken here, while the certificate is still one thread's.
    X509_check_purpose(certificate, -1, 0);
  }
  // Running out of PEM blocks is how reading ends; anything else is a broken block.
  const unsigned long code = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  const std::string reason = openssl_error();
  if (!at_end) return fail(ErrorKind::InvalidInput, what + ": malformed PEM: " + reason);
  if (certificates.empty())
    return fail(ErrorKind::InvalidInput, what + ": expected a PEM certificate, found none");
  return certificates;
}

Result<KeyPtr> read_private_key(std::string_view pem, const std::string& what) {
  ERR_clear_error();
  const BioPtr bio = reader(pem);
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return fail(ErrorKind::InvalidInput, what + ": expected a PEM private key: " + openssl_error());
  return key;
}

std::vector<std::string> subject_values(const X509& certificate, int nid) {
  std::vector<std::string> values;
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  for (int at = X509_NAME_get_index_by_NID(subject, nid, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(subject, nid, at)) {
    unsigned char* text = nullptr;
    const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (size < 0) continue;
    values.emplace_back(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
    OPENSSL_free(text);
  }
  return values;
}

}  // namespace kube
