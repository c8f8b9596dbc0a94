// ApiServer is a Kubernetes API server in one object: what a client of a real one sees, without etcd and
// without other processes. A laptop runs a cluster on it, tests and simulations run a world on it.
//
//   ApiServer server(loop, network, {.listen = {"127.0.0.1", 6443}, .tls = true});
//   if (auto started = server.start(); !started) …             // the port is bound
//   write_file("kubeconfig", server.admin_kubeconfig());
//   group.spawn("apiserver", server.run());
// In process, without any connection (tests, invariants, faults):
//   ApiAnswer answer = co_await server.handle({.method = "GET", .target = "/api/v1/pods"});
//   server.on_commit([](const Commit& commit) { … });
//   server.store().get("pods", key);
//   server.faults().add(…);
//
// It serves discovery, the built-in kinds of kube/apiserver/builtin_kinds.cc and custom resources; runs the
// garbage collector, the namespace controller and the service account controller itself. State lives in
// memory only and ends with the object. Everybody who authenticates may do everything: there is no RBAC.
//
// Thread: the loop's only. Lifetime: outlives run().
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kube/apiserver/faults.h"
#include "kube/apiserver/store.h"
#include "kube/async/stream.h"
#include "kube/base/log.h"
#include "kube/http/message.h"

namespace kube {
class WebSocket;
}

namespace kube::apiserver {

struct StaticToken {
  std::string token{};
  UserInfo user{};
};

struct ApiServerOptions {
  Endpoint listen{"127.0.0.1", 0};
  bool tls = true;
  // Names and addresses the certificate is good for, besides the usual ones (localhost,
  // kubernetes.default.svc …) and the one listened on.
  std::vector<std::string> certificate_names{};
  // PEM of an earlier run, so that kubeconfigs stay valid over restarts; empty: made anew (see tls_files()).
  std::string ca_certificate{}, ca_key{};
  // Signs service account tokens; empty: drawn anew.
  std::string token_key{};
  std::string token_issuer = "https://kubernetes.default.svc.cluster.local";
  std::vector<StaticToken> static_tokens{};
  // Simulation only: the X-Remote-User header of any client is believed.
  bool trust_user_header = false;
  std::string service_cidr = "10.96.0.0/16";  // IPv4, at most /16 is used
  StoreOptions store{};
  Duration bookmark_interval = 60s;
  // How long after the fact the garbage collector and the namespace controller act.
  Duration controller_delay{};
  std::size_t max_body_bytes = 3u << 20;
  std::string git_version = "v1.35.4";
  // Pods bound to a node whose kubelet serves plain HTTP instead of HTTPS (a simulated one).
  bool kubelet_plain_http = false;
};

// A request as it comes out of HTTP, or straight from a test.
struct ApiRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, percent-encoded
  Headers headers{};
  std::string body{};
  UserInfo user{"admin", "", {"system:masters", "system:authenticated"}, {}};
};

// What a watch or a followed log says, bit by bit.
class AnswerStream {
 public:
  virtual ~AnswerStream() = default;
  // The next piece (of a watch: one event with its newline); nullopt at the end. Cancellable.
  virtual Task<std::optional<std::string>> next() = 0;
  // True when the end was a cut: the connection is closed without the end mark.
  virtual bool was_cut() const { return false; }
};

struct ApiAnswer {
  int status = 200;
  std::string content_type = "application/json";
  Headers headers{};  // others
  std::string body{};
  std::unique_ptr<AnswerStream> stream{};  // instead of a body
  // Of a kubelet, to be joined with the client's; status 101, and the protocol is among the headers.
  std::shared_ptr<WebSocket> socket{};
  bool cut = false;  // a fault: close the connection without answering

  Json json() const;  // of the body; null when it is none
};

// One change that was made, and who asked for it.
struct Commit {
  std::string table{};  // "pods", "leases.coordination.k8s.io"
  Change change{};
  RequestInfo request{};  // verb "" and user "system:…" for what the server's own controllers do
};

class ApiServer {
 public:
  ApiServer(Loop& loop, Network& network, ApiServerOptions options, Log log = {});
  ~ApiServer();

  // Binds the port and makes certificates. Error Io: the address is in use; InvalidInput: an option is wrong.
  Result<> start();
  // Serves until stop() or cancellation; calls start() when nobody has.
  Task<> run();
  void stop();

  // After start().
  Endpoint endpoint() const;
  std::string admin_kubeconfig() const;
  struct TlsFiles {
    std::string ca_certificate, ca_key;
  };
  const TlsFiles& tls_files() const;
  // A token as TokenRequest gives it, without asking for a pod.
  std::string service_account_token(const std::string& ns, const std::string& name, Duration lifetime = 24h);

  Task<ApiAnswer> handle(ApiRequest request);

  Store& store();
  FaultPlan& faults();
  void on_commit(std::function<void(const Commit&)> hook);
  // Called when a request was answered; code 0: cut or hung.
  void on_request(std::function<void(const RequestInfo&, int code)> hook);
  // All watches now open end, properly (false) or by a cut (true).
  void end_watches(bool cut);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kube::apiserver

namespace kube {
using apiserver::ApiServer;
using apiserver::ApiServerOptions;
}  // namespace kube
