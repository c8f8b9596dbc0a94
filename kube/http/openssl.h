// Owners for OpenSSL's objects, and its error queue as text. Inside kube/http only, in .cc files.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "kube/base/result.h"

namespace kube {

template <auto kFree>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <class T, auto kFree>
using OpensslPtr = std::unique_ptr<T, OpensslFree<kFree>>;

using BioPtr = OpensslPtr<BIO, BIO_free>;
using SslPtr = OpensslPtr<SSL, SSL_free>;
using SslContextPtr = OpensslPtr<SSL_CTX, SSL_CTX_free>;
using CertificatePtr = OpensslPtr<X509, X509_free>;
using KeyPtr = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;

// The oldest entry of this thread's queue, which is emptied; "" when there was none.
std::string openssl_error();

// Error InvalidInput names `what` ("client certificate").
Result<std::vector<CertificatePtr>> read_certificates(std::string_view pem, const std::string& what);
Result<KeyPtr> read_private_key(std::string_view pem, const std::string& what);

// All values of one attribute of the subject (NID_commonName, NID_organizationName), as UTF-8.
std::vector<std::string> subject_values(const X509& certificate, int nid);

}  // namespace kube
