// TLS settings as PEM texts (not paths: whoever reads files also notices when they change), and the contexts
// made from them. TLS 1.2 or newer, HTTP/1.1 only (ALPN never agrees on h2); server names are verified (RFC
// 6125: subject alternative names, never the common name) unless told otherwise.
//
//   Result<std::shared_ptr<TlsServerContext>> context = TlsServerContext::create({.certificate_chain = …});
//
// A server's context may be replaced while it serves: new connections use the new one.
// Errors: InvalidInput of create() (says which PEM text and why); Unavailable of a handshake (says what the
// peer or the verification said), Timeout. A stream that the peer cut without TLS's own goodbye ends with
// Unavailable, not as an end: an attacker could have cut it. Thread: contexts are immutable and may be shared
// between loops; streams are the loop's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/async/stream.h"

namespace kube {

struct TlsClientOptions {
  std::string certificate_authorities{};  // PEM bundle; "" = the system's
  std::string certificate_chain{};        // client certificate, PEM; "" = none
  std::string private_key{};
  std::string server_name{};  // "" = the host connected to; SNI and verification
  bool insecure_skip_verify = false;
};

struct TlsServerOptions {
  std::string certificate_chain{};
  std::string private_key{};
  std::string client_certificate_authorities{};  // "" = clients are not asked; otherwise asked, not required
  std::string min_version = "VersionTLS12";      // or VersionTLS13
  // TLS 1.2 suites by IANA name; empty = OpenSSL's default. Those of TLS 1.3 are always on, naming them is no
  // error.
  std::vector<std::string> cipher_suites{};
};

class TlsClientContext {
 public:
  static Result<std::shared_ptr<TlsClientContext>> create(const TlsClientOptions& options);
  virtual ~TlsClientContext() = default;
  // Takes over a connected stream and shakes hands; `host` is verified when options name none.
  virtual Task<Result<std::unique_ptr<Stream>>> connect(std::unique_ptr<Stream> stream, std::string host,
                                                        SteadyTime deadline) = 0;
};

// Who the peer proved to be: subject CN and O of a verified client certificate.
struct TlsPeer {
  std::string common_name;
  std::vector<std::string> organizations;
};

struct TlsAccepted {
  std::unique_ptr<Stream> stream;
  // nullopt: no client certificate, or one that no given authority has signed for clients (such a client is
  // anonymous; it may still bring a token).
  std::optional<TlsPeer> peer;
};

class TlsServerContext {
 public:
  static Result<std::shared_ptr<TlsServerContext>> create(const TlsServerOptions& options);
  virtual ~TlsServerContext() = default;
  virtual Task<Result<TlsAccepted>> accept(std::unique_ptr<Stream> stream, SteadyTime deadline) = 0;
};

}  // namespace kube
