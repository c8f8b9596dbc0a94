// TLS settings as PEM texts (not paths: whoever reads files also notices when they change), and the contexts made
// from them. TLS 1.2 or newer; server names are verified (RFC 6125) unless told otherwise.
//
//   Result<std::shared_ptr<TlsServerContext>> context = TlsServerContext::create({.certificate_chain = …});
//
// A server's context may be replaced while it serves: new connections use the new one.
// Thread: contexts are immutable and may be shared between loops.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kube/async/stream.h"

namespace kube {

struct TlsClientOptions {
  std::string certificate_authorities;   // PEM bundle; "" = the system's
  std::string certificate_chain;         // client certificate, PEM; "" = none
  std::string private_key;
  std::string server_name;               // "" = the host connected to; SNI and verification
  bool insecure_skip_verify = false;
};

struct TlsServerOptions {
  std::string certificate_chain;
  std::string private_key;
  std::string client_certificate_authorities;   // "" = clients are not asked; otherwise asked, not required
  std::string min_version = "VersionTLS12";     // or VersionTLS13
  std::vector<std::string> cipher_suites;       // TLS 1.2 suites by IANA name; empty = OpenSSL's default
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
  std::optional<TlsPeer> peer;   // nullopt: no client certificate
};

class TlsServerContext {
 public:
  static Result<std::shared_ptr<TlsServerContext>> create(const TlsServerOptions& options);
  virtual ~TlsServerContext() = default;
  virtual Task<Result<TlsAccepted>> accept(std::unique_ptr<Stream> stream, SteadyTime deadline) = 0;
};

}  // namespace kube
