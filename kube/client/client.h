// Client speaks to one API server: credentials, a deadline on every call, typed errors.
//
//   auto client = Client::create(loop, network, config, {.user_agent = "web-operator/1.0"});
//   JsonApi pods(**client, kPods, "ns");                     // kube/client/api.h: what most code uses
//   Result<Json> version = co_await (*client)->request({.path = "/version"});
//
// Errors: the server's refusals by their reason (Conflict, NotFound …); Unavailable or Timeout when no full
// answer came, with is_ambiguous() when the request may have been carried out. A refusal with 429 was not
// carried out: it is sent again here when Retry-After fits into the deadline, a few times; otherwise it comes
// back with retry_after(). 401 renews the credentials and tries once more.
// Thread: the loop's only. Lifetime: outlives its calls and watches; neither copied nor moved.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kube/async/stream.h"
#include "kube/client/config.h"
#include "kube/core/json.h"
#include "kube/http/client.h"

namespace kube {

// What a finished HTTP exchange is reported as; `code` 0 = no answer came.
using RequestObserver = std::function<void(std::string_view method, int code)>;

struct ClientOptions {
  std::string user_agent = "kube-cpp";
  Duration default_deadline = 30s;
  double qps = 0;  // 0 = no limit of ours: the server's 429 says when it is too much
  int burst = 0;   // 0 = qps, at least 1
  int max_connections = 64;
  int throttle_retries = 5;         // times a 429 with Retry-After is sent again
  RequestObserver on_request = {};  // kube/runtime/rest_client_metrics.h makes one
};

struct ApiRequest {
  std::string method = "GET";
  std::string path = {};       // escaped, as Resource::object_path() makes it
  QueryParameters query = {};  // not escaped
  std::string body = {};
  std::string content_type = "application/json";
  std::string accept = "application/json";
  std::string websocket_protocol = {};    // of open_websocket(): which one we speak
  std::optional<Duration> deadline = {};  // ClientOptions::default_deadline
};

class Client {
 public:
  // Error: InvalidInput when server, certificates or keys of the configuration cannot be used.
  static Result<std::unique_ptr<Client>> create(Loop& loop, Network& network, ClientConfig config,
                                                ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Another client of the same server as the same user, with a rate limit and connections of its own: for
  // calls that must not stand in the queue of all others. Options and observer are this one's, but for the
  // connections; credentials are shared, so that a program or file is asked once for both. It may outlive
  // this one.
  std::unique_ptr<Client> sibling(int max_connections) const;

  // The answer's JSON; {} when there was no body.
  Task<Result<Json>> request(ApiRequest request);
  // The answer's bytes, for bulk decoding.
  Task<Result<std::string>> request_text(ApiRequest request);
  // A 2xx answer whose body comes bit by bit (watch, pod log). The deadline is for its head.
  Task<Result<std::unique_ptr<HttpBody>>> open(ApiRequest request);
  // A GET that becomes a websocket; `max_message` is the longest that it receives. The deadline is for the
  // opening. Error Protocol also: the server speaks another protocol.
  Task<Result<std::unique_ptr<WebSocket>>> open_websocket(ApiRequest request, std::size_t max_message);

  Loop& loop() const;
  const ClientConfig& config() const;
  const ClientOptions& options() const;
  std::string host() const;  // "10.0.0.1:6443", "[::1]:6443"

 private:
  class Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kube
