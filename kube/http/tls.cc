#include "kube/http/tls.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <openssl/err.h>

#include "kube/http/openssl.h"

namespace kube {
namespace {

// TLS over a Stream: OpenSSL works on two memory buffers, and what it leaves in one goes to the stream, what
// comes from the stream goes to the other. One reader and one writer may be at work at once, as on every
// stream.
class TlsStream final : public Stream {
 public:
  TlsStream(SslPtr ssl, std::unique_ptr<Stream> lower) : ssl_(std::move(ssl)), lower_(std::move(lower)) {
    received_ = BIO_new(BIO_s_mem());
    to_send_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(received_, -1);
    SSL_set_bio(ssl_.get(), received_, to_send_);  // takes over both
  }

  Task<Result<>> handshake(SteadyTime deadline) {
    lower_->set_deadline(deadline);
    while (true) {
      ERR_clear_error();
      const int done = SSL_do_handshake(ssl_.get());
      const int reason = SSL_get_error(ssl_.get(), done);
      const bool failed = done != 1 && reason != SSL_ERROR_WANT_READ;
      const std::string error = failed ? handshake_error() : "";
      // Also after a failure: the alert tells the peer why.
      Result<> flushed = co_await flush();
      if (failed)
        co_return fail(ErrorKind::Unavailable, "TLS handshake with " + peer().to_string() + ": " + error);
      if (!flushed) co_return fail(std::move(flushed).error().while_doing("TLS handshake"));
      if (done == 1) break;
      Result<std::size_t> got = co_await receive();
      if (!got) co_return fail(std::move(got).error().while_doing("TLS handshake"));
      if (*got == 0) {
        co_return fail(ErrorKind::Unavailable,
                       "TLS handshake with " + peer().to_string() + ": the peer closed the connection");
      }
    }
    lower_->set_deadline(kNever);
    co_return Result<>{};
  }

  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    if (into.empty()) co_return std::size_t{0};
    while (true) {
      if (broken_) co_return fail(gone());
      ERR_clear_error();
      const int got =
          SSL_read(ssl_.get(), into.data(), static_cast<int>(std::min<std::size_t>(into.size(), kMax)));
      if (got > 0) co_return static_cast<std::size_t>(got);
      const int reason = SSL_get_error(ssl_.get(), got);
      if (reason == SSL_ERROR_ZERO_RETURN) co_return std::size_t{0};
      if (reason != SSL_ERROR_WANT_READ) {
        const std::string error = openssl_error();
        broken_ = true;
        (void)co_await flush();
        co_return fail(ErrorKind::Unavailable, "read from " + peer().to_string() + ": TLS: " + error);
      }
      // Reading may have made something to send (a key update); a writer at work takes it along.
      if (BIO_ctrl_pending(to_send_) > 0)
        if (Result<> flushed = co_await flush(); !flushed) co_return fail(flushed);
      Result<std::size_t> received = co_await receive();
      if (!received) co_return fail(received);
      if (*received == 0) {
        broken_ = true;
        co_return fail(ErrorKind::Unavailable,
                       "read from " + peer().to_string() + ": the connection was cut");
      }
    }
  }

  Task<Result<>> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      if (broken_ || flush_failed_) co_return fail(gone());
      // One record at a time: encrypting all at once would copy a large answer as a whole.
      const std::string_view record = bytes.substr(0, kMax);
      ERR_clear_error();
      const int took = SSL_write(ssl_.get(), record.data(), static_cast<int>(record.size()));
      if (took <= 0) {
        broken_ = true;
        co_return fail(ErrorKind::Unavailable,
                       "write to " + peer().to_string() + ": TLS: " + openssl_error());
      }
      bytes.remove_prefix(static_cast<std::size_t>(took));
      if (BIO_ctrl_pending(to_send_) < kFlushAt && !bytes.empty()) continue;
      if (Result<> flushed = co_await flush(); !flushed) co_return flushed;
    }
    co_return Result<>{};
  }

  Task<Result<>> shutdown() override {
    if (!broken_) {
      ERR_clear_error();
      SSL_shutdown(ssl_.get());
      ERR_clear_error();
      if (Result<> flushed = co_await flush(); !flushed) co_return flushed;
    }
    co_return co_await lower_->shutdown();
  }

  void close() override { lower_->close(); }
  void set_deadline(SteadyTime deadline) override { lower_->set_deadline(deadline); }
  Endpoint peer() const override { return lower_->peer(); }
  Endpoint local() const override { return lower_->local(); }

  SSL* ssl() const { return ssl_.get(); }

 private:
  static constexpr std::size_t kMax = 16u << 10;      // a TLS record's
  static constexpr std::size_t kFlushAt = 64u << 10;  // several records in one write to the kernel

  Error gone() const {
    return Error(ErrorKind::Unavailable, "TLS connection to " + peer().to_string() + " is broken");
  }

  std::string handshake_error() const {
    std::string text = openssl_error();
    const long verified = SSL_get_verify_result(ssl_.get());
    if (verified != X509_V_OK && !SSL_is_server(ssl_.get())) {
      text = std::string("certificate refused: ") + X509_verify_cert_error_string(verified);
    }
    return text.empty() ? "failed" : text;
  }

  // Sends what OpenSSL has left to send. The lower stream takes one write at a time: whoever comes while
  // another flushes leaves its bytes to that one, which goes on until nothing is left. (This happens only
  // when a read answers a key update just then; a failure is kept for the next operation.)
  Task<Result<>> flush() {
    if (flushing_) co_return Result<>{};
    struct Flushing {
      TlsStream& stream;
      bool whole = false;
      explicit Flushing(TlsStream& s) : stream(s) { stream.flushing_ = true; }
      ~Flushing() {
        stream.flushing_ = false;
        if (!whole) stream.flush_failed_ = true;  // a record was cut in two
      }
    } flushing(*this);
    while (BIO_ctrl_pending(to_send_) > 0) {
      std::string bytes(BIO_ctrl_pending(to_send_), '\0');
      BIO_read(to_send_, bytes.data(), static_cast<int>(bytes.size()));
      Result<> written = co_await lower_->write(bytes);
      if (!written) co_return written;
    }
    flushing.whole = true;
    co_return Result<>{};
  }

  // The only place that reads from below. Bytes go to OpenSSL with no suspension in between, so a cancelled
  // read has either taken nothing or lost nothing.
  Task<Result<std::size_t>> receive() {
    if (!buffer_) buffer_ = std::make_unique<std::array<char, kMax + 512>>();
    Result<std::size_t> got = co_await lower_->read_some(*buffer_);
    if (got && *got > 0) BIO_write(received_, buffer_->data(), static_cast<int>(*got));
    co_return got;
  }

  SslPtr ssl_;
  std::unique_ptr<Stream> lower_;
  BIO* received_;  // both owned by ssl_
  BIO* to_send_;
  std::unique_ptr<std::array<char, kMax + 512>> buffer_;
  bool flushing_ = false;
  bool flush_failed_ = false;
  bool broken_ = false;
};

Result<SslContextPtr> make_context(const SSL_METHOD* method) {
  ERR_clear_error();
  SslContextPtr context(SSL_CTX_new(method));
  if (!context) return fail(ErrorKind::InternalError, "TLS context: " + openssl_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Thousands of mostly idle connections: buffers are given back between records.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

Result<> use_certificate(SSL_CTX* context, const std::string& chain_pem, const std::string& key_pem,
                         const std::string& whose) {
  Result<std::vector<CertificatePtr>> chain = read_certificates(chain_pem, whose + " certificate");
  if (!chain) return fail(chain);
  Result<KeyPtr> key = read_private_key(key_pem, whose + " key");
  if (!key) return fail(key);
  ERR_clear_error();
  bool used = SSL_CTX_use_certificate(context, chain->front().get()) == 1;
  for (std::size_t i = 1; used && i < chain->size(); ++i) {
    used = SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) == 1;
  }
  used = used && SSL_CTX_use_PrivateKey(context, key->get()) == 1 && SSL_CTX_check_private_key(context) == 1;
  if (!used)
    return fail(ErrorKind::InvalidInput, whose + " certificate and key do not fit: " + openssl_error());
  return {};
}

Result<> trust(SSL_CTX* context, const std::string& pem, const std::string& what) {
  Result<std::vector<CertificatePtr>> authorities = read_certificates(pem, what);
  if (!authorities) return fail(authorities);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const CertificatePtr& authority : *authorities) X509_STORE_add_cert(store, authority.get());
  // An intermediate or the server's own certificate in a bundle is trusted as it stands.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  ERR_clear_error();  // duplicates are no error
  return {};
}

bool is_ip_address(const std::string& host) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(host.c_str());
  ASN1_OCTET_STRING_free(address);
  ERR_clear_error();
  return address != nullptr;
}

class OpensslClientContext final : public TlsClientContext {
 public:
  OpensslClientContext(SslContextPtr context, std::string server_name, bool verify)
      : context_(std::move(context)), server_name_(std::move(server_name)), verify_(verify) {}

  Task<Result<std::unique_ptr<Stream>>> connect(std::unique_ptr<Stream> stream, std::string host,
                                                SteadyTime deadline) override {
    ERR_clear_error();
    SslPtr ssl(SSL_new(context_.get()));
    if (!ssl) co_return fail(ErrorKind::InternalError, "TLS: " + openssl_error());
    SSL_set_connect_state(ssl.get());
    const std::string& name = server_name_.empty() ? host : server_name_;
    const bool is_ip = is_ip_address(name);
    if (!is_ip) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
    if (verify_) {
      X509_VERIFY_PARAM* rules = SSL_get0_param(ssl.get());
      X509_VERIFY_PARAM_set_hostflags(
          rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
      const int set = is_ip ? X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str())
                            : X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size());
      if (set != 1 || name.empty()) co_return fail(ErrorKind::InvalidInput, "TLS: no server name to verify");
      SSL_set_verify(ssl.get(), SSL_VERIFY_PEER, nullptr);
    }
    auto secure = std::make_unique<TlsStream>(std::move(ssl), std::move(stream));
    Result<> shaken = co_await secure->handshake(deadline);
    if (!shaken) co_return fail(shaken);
    co_return std::unique_ptr<Stream>(std::move(secure));
  }

 private:
  SslContextPtr context_;
  std::string server_name_;
  bool verify_;
};

std::optional<TlsPeer> verified_peer(SSL* ssl) {
  if (SSL_get_verify_result(ssl) != X509_V_OK) return std::nullopt;
  const CertificatePtr certificate(SSL_get1_peer_certificate(ssl));
  if (!certificate) return std::nullopt;
  const std::vector<std::string> names = subject_values(*certificate, NID_commonName);
  return TlsPeer{names.empty() ? "" : names.front(), subject_values(*certificate, NID_organizationName)};
}

class OpensslServerContext final : public TlsServerContext {
 public:
  explicit OpensslServerContext(SslContextPtr context) : context_(std::move(context)) {}

  Task<Result<TlsAccepted>> accept(std::unique_ptr<Stream> stream, SteadyTime deadline) override {
    ERR_clear_error();
    SslPtr ssl(SSL_new(context_.get()));
    if (!ssl) co_return fail(ErrorKind::InternalError, "TLS: " + openssl_error());
    SSL_set_accept_state(ssl.get());
    auto secure = std::make_unique<TlsStream>(std::move(ssl), std::move(stream));
    Result<> shaken = co_await secure->handshake(deadline);
    if (!shaken) co_return fail(shaken);
    std::optional<TlsPeer> peer = verified_peer(secure->ssl());
    co_return TlsAccepted{std::move(secure), std::move(peer)};
  }

 private:
  SslContextPtr context_;
};

// HTTP/1.1 or nothing: a client that also offers h2 must not be led to believe that we speak it.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  constexpr std::string_view kHttp11 = "http/1.1";
  for (unsigned int at = 0; at < offered_size; at += 1u + offered[at]) {
    const std::string_view protocol(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (protocol != kHttp11) continue;
    *chosen = offered + at + 1;
    *size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

// Certificates that do not verify are noted (verified_peer() looks), not refused: the client may bring a
// token.
int note_only(int, X509_STORE_CTX*) {
  return 1;
}

Result<> restrict_suites(SSL_CTX* context, const std::vector<std::string>& wanted) {
  // All that OpenSSL has, not only what it would offer by itself.
  SslContextPtr all(SSL_CTX_new(TLS_method()));
  SSL_CTX_set_cipher_list(all.get(), "ALL:COMPLEMENTOFALL:@SECLEVEL=0");
  std::string list;
  for (std::string name : wanted) {
    // Two suites also go by the names they had before RFC 7905.
    if (name.ends_with("_CHACHA20_POLY1305") && !name.starts_with("TLS_CHACHA20")) name += "_SHA256";
    const SSL_CIPHER* found = nullptr;
    STACK_OF(SSL_CIPHER)* suites = SSL_CTX_get_ciphers(all.get());
    for (int i = 0; i < sk_SSL_CIPHER_num(suites) && found == nullptr; ++i) {
      const SSL_CIPHER* suite = sk_SSL_CIPHER_value(suites, i);
      const char* standard = SSL_CIPHER_standard_name(suite);
      if (standard != nullptr && name == standard) found = suite;
    }
    if (found == nullptr) return fail(ErrorKind::InvalidInput, "cipher suite \"" + name + "\" is not known");
    if (std::string_view(SSL_CIPHER_get_version(found)) == "TLSv1.3") continue;
    list += (list.empty() ? "" : ":") + std::string(SSL_CIPHER_get_name(found));
  }
  if (list.empty()) return {};
  if (SSL_CTX_set_cipher_list(context, list.c_str()) != 1) {
    return fail(ErrorKind::InvalidInput, "cipher suites: " + openssl_error());
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<TlsClientContext>> TlsClientContext::create(const TlsClientOptions& options) {
  Result<SslContextPtr> context = make_context(TLS_client_method());
  if (!context) return fail(context);
  if (options.certificate_authorities.empty()) {
    SSL_CTX_set_default_verify_paths(context->get());
  } else if (auto trusted = trust(context->get(), options.certificate_authorities, "certificate authorities");
             !trusted) {
    return fail(trusted);
  }
  if (!options.certificate_chain.empty()) {
    auto used = use_certificate(context->get(), options.certificate_chain, options.private_key, "client");
    if (!used) return fail(used);
  }
  constexpr unsigned char kHttp11[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context->get(), kHttp11, sizeof(kHttp11) - 1);
  return std::make_shared<OpensslClientContext>(std::move(*context), options.server_name,
                                                !options.insecure_skip_verify);
}

Result<std::shared_ptr<TlsServerContext>> TlsServerContext::create(const TlsServerOptions& options) {
  Result<SslContextPtr> made = make_context(TLS_server_method());
  if (!made) return fail(made);
  SSL_CTX* context = made->get();
  if (auto used = use_certificate(context, options.certificate_chain, options.private_key, "server"); !used) {
    return fail(used);
  }
  if (options.min_version == "VersionTLS13") {
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  } else if (options.min_version != "VersionTLS12") {
    return fail(
        ErrorKind::InvalidInput,
        "minimum TLS version: expected VersionTLS12 or VersionTLS13, got \"" + options.min_version + "\"");
  }
  if (auto suites = restrict_suites(context, options.cipher_suites); !suites) return fail(suites);
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  if (!options.client_certificate_authorities.empty()) {
    constexpr const char* kWhat = "client certificate authorities";
    if (auto trusted = trust(context, options.client_certificate_authorities, kWhat); !trusted)
      return fail(trusted);
    // The names tell clients with several certificates which one to show.
    Result<std::vector<CertificatePtr>> authorities =
        read_certificates(options.client_certificate_authorities, kWhat);
    if (!authorities) return fail(authorities);
    for (const CertificatePtr& authority : *authorities) SSL_CTX_add_client_CA(context, authority.get());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, note_only);
  }
  // Sessions are only resumed where the same question about client certificates was asked.
  constexpr unsigned char kSessions[] = "kube";
  SSL_CTX_set_session_id_context(context, kSessions, sizeof(kSessions) - 1);
  return std::make_shared<OpensslServerContext>(std::move(*made));
}

}  // namespace kube
