#include "kube/client/client.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include "kube/async/timer.h"
#include "kube/client/credentials.h"
#include "kube/core/status_error.h"
#include "kube/http/url.h"

namespace kube {

namespace {

// What a refusal's body may measure; messages quote far less.
constexpr std::size_t kMaxErrorBody = 1u << 20;

struct ServerUrl {
  bool tls = true;
  Endpoint endpoint;
  std::string prefix;  // path in front of "/api", without its last slash
};

Result<ServerUrl> parse_server(std::string_view text) {
  auto url = parse_http_url(text, "server", UrlScheme::HttpsUnlessSaid);
  if (!url) return fail(std::move(url));
  ServerUrl server{.tls = url->tls, .endpoint = std::move(url->origin), .prefix = std::move(url->target)};
  while (server.prefix.ends_with('/')) server.prefix.pop_back();
  return server;
}

}  // namespace

// Shared with calls in flight, which may outlast a change of the client certificate.
class Client::Impl {
 public:
  Impl(Loop& loop, Network& network, ClientConfig config, ClientOptions options, ServerUrl server)
      : loop_(loop),
        network_(network),
        config_(std::move(config)),
        options_(std::move(options)),
        server_(std::move(server)),
        credentials_(std::make_shared<Credentials>(loop, config_)) {}

  // Connects with its first call.
  Impl(const Impl& other, int max_connections)
      : loop_(other.loop_),
        network_(other.network_),
        config_(other.config_),
        options_(with_connections(other.options_, max_connections)),
        server_(other.server_),
        credentials_(other.credentials_) {}

  Result<> connect_as(const Credential& who) {
    HttpClientOptions http{.origin = server_.endpoint, .max_connections = options_.max_connections};
    if (server_.tls) {
      auto tls = TlsClientContext::create({.certificate_authorities = config_.certificate_authorities,
                                           .certificate_chain = who.client_certificate,
                                           .private_key = who.client_key,
                                           .server_name = config_.tls_server_name,
                                           .insecure_skip_verify = config_.insecure_skip_verify});
      if (!tls) return fail(std::move(tls).error().while_doing("TLS for " + config_.server));
      http.tls = std::move(*tls);
    }
    http_ = std::make_shared<HttpClient>(loop_, network_, std::move(http));
    connected_as_ = who;
    return {};
  }

  Task<Result<HttpResponse>> send(ApiRequest request) {
    const SteadyTime deadline = loop_.after(request.deadline.value_or(options_.default_deadline));
    auto call = [](Impl* self, HttpRequest http, SteadyTime until) -> Task<Result<HttpResponse>> {
      auto client = self->http_;
      auto answer = co_await client->send(std::move(http), until);
      if (answer && answer->status >= 400) {
        co_return fail(error_from_status(answer->status, answer->headers.get("Retry-After"), answer->body));
      }
      co_return answer;
    };
    return attempts<HttpResponse>(std::move(request), deadline, call);
  }

  Task<Result<std::unique_ptr<HttpBody>>> open(ApiRequest request) {
    const SteadyTime deadline = loop_.after(request.deadline.value_or(options_.default_deadline));
    auto call = [](Impl* self, HttpRequest http,
                   SteadyTime until) -> Task<Result<std::unique_ptr<HttpBody>>> {
      auto client = self->http_;
      auto body = co_await client->open(std::move(http), until);
      if (body && (*body)->head().status >= 400) {
        const HttpResponse head = (*body)->head();
        auto text = co_await (*body)->read_all(kMaxErrorBody, until);
        co_return fail(error_from_status(head.status, head.headers.get("Retry-After"), text ? *text : ""));
      }
      co_return body;
    };
    return attempts<std::unique_ptr<HttpBody>>(std::move(request), deadline, call);
  }

  Task<Result<WebSocketAnswer>> open_websocket(ApiRequest request, std::size_t max_message) {
    const SteadyTime deadline = loop_.after(request.deadline.value_or(options_.default_deadline));
    // A named function has parameters where a lambda would have to capture.
    const auto call = std::bind_front(&Impl::upgrade, max_message);
    return attempts<WebSocketAnswer>(std::move(request), deadline, call);
  }

  Loop& loop() const { return loop_; }
  const ClientConfig& config() const { return config_; }
  const ClientOptions& options() const { return options_; }
  std::string host() const { return server_.endpoint.to_string(); }

 private:
  static ClientOptions with_connections(ClientOptions options, int max_connections) {
    options.max_connections = max_connections;
    return options;
  }

  static Task<Result<WebSocketAnswer>> upgrade(std::size_t max_message, Impl* self, HttpRequest http,
                                               SteadyTime until) {
    auto client = self->http_;
    auto answer = co_await client->open_websocket(std::move(http), max_message, until);
    if (answer && answer->head.status >= 400) {
      const HttpResponse& head = answer->head;
      co_return fail(error_from_status(head.status, head.headers.get("Retry-After"), head.body));
    }
    if (answer && !answer->socket)
      co_return fail(ErrorKind::Protocol,
                     "expected a websocket, got status " + std::to_string(answer->head.status));
    co_return answer;
  }

  // Sends until there is an answer other than "who are you?" and "not now".
  template <class Answer, class Call>
  Task<Result<Answer>> attempts(ApiRequest request, SteadyTime deadline, Call call) {
    int renewals = 0;
    int throttled = 0;
    while (true) {
      auto ready = co_await prepare(deadline);
      if (!ready) co_return fail(std::move(ready));
      Result<Answer> answer = co_await call(this, http_request(request, *ready), deadline);
      report(request.method, answer);
      if (answer) co_return answer;
      const Error& error = answer.error();
      if (error.http_status() == 401 && credentials_->renewable() && renewals++ == 0) {
        credentials_->refused();
        continue;
      }
      const auto wait = error.retry_after();
      if (error.http_status() == 429 && wait && throttled++ < options_.throttle_retries &&
          loop_.after(*wait) < deadline) {
        co_await sleep(loop_, *wait);
        continue;
      }
      co_return fail(std::move(answer).error().while_doing(request.method + " " + request.path));
    }
  }

  // Waits for our own limit, and makes sure that we are connected as who we are now.
  Task<Result<Credential>> prepare(SteadyTime deadline) {
    if (options_.qps > 0) {
      const auto wait = throttle(deadline);
      if (!wait)
        co_return fail(ErrorKind::Timeout,
                       "deadline is shorter than the wait for the client's own rate limit");
      if (*wait > Duration::zero()) co_await sleep(loop_, *wait);
    }
    auto who = co_await credentials_->get(deadline);
    if (!who) co_return fail(std::move(who));
    const bool same_certificate = connected_as_.client_certificate == who->client_certificate &&
                                  connected_as_.client_key == who->client_key;
    if (!http_ || !same_certificate) {
      if (auto connected = connect_as(*who); !connected) co_return fail(std::move(connected));
    }
    co_return who;
  }

  // Takes a token, and says how long to wait for it; nothing taken when that is not before the deadline, so
  // that calls which are refused do not keep those after them waiting.
  std::optional<Duration> throttle(SteadyTime deadline) {
    const double burst = options_.burst > 0 ? options_.burst : std::max(1.0, options_.qps);
    const SteadyTime now = loop_.steady();
    tokens_ = tokens_filled_
                  ? tokens_ + std::chrono::duration<double>(now - *tokens_filled_).count() * options_.qps
                  : burst;
    tokens_ = std::min(burst, tokens_);
    tokens_filled_ = now;
    const double left = tokens_ - 1;
    const auto wait = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(std::max(0.0, -left) / options_.qps));
    if (loop_.after(wait) >= deadline) return std::nullopt;
    tokens_ = left;
    return wait;
  }

  HttpRequest http_request(const ApiRequest& request, const Credential& who) const {
    HttpRequest http{.method = request.method,
                     .target = server_.prefix + request.path,
                     .headers = {},
                     .body = request.body};
    char separator = '?';
    for (const auto& [key, value] : request.query) {
      http.target += separator + percent_encode(key) + "=" + percent_encode(value);
      separator = '&';
    }
    http.headers.set("User-Agent", options_.user_agent);
    http.headers.set("Accept", request.accept);
    if (!request.body.empty()) http.headers.set("Content-Type", request.content_type);
    if (!request.websocket_protocol.empty())
      http.headers.set("Sec-WebSocket-Protocol", request.websocket_protocol);
    if (!who.token.empty()) http.headers.set("Authorization", "Bearer " + who.token);
    return http;
  }

  template <class Answer>
  void report(const std::string& method, const Result<Answer>& answer) const {
    if (!options_.on_request) return;
    if (!answer) return options_.on_request(method, answer.error().http_status());
    if constexpr (std::is_same_v<Answer, HttpResponse>) {
      options_.on_request(method, answer->status);
    } else if constexpr (std::is_same_v<Answer, WebSocketAnswer>) {
      options_.on_request(method, answer->head.status);
    } else {
      options_.on_request(method, (*answer)->head().status);
    }
  }

  Loop& loop_;
  Network& network_;
  const ClientConfig config_;
  const ClientOptions options_;
  const ServerUrl server_;
  const std::shared_ptr<Credentials> credentials_;  // of all siblings
  std::shared_ptr<HttpClient> http_;
  Credential connected_as_;
  double tokens_ = 0;
  std::optional<SteadyTime> tokens_filled_;
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::create(Loop& loop, Network& network, ClientConfig config,
                                               ClientOptions options) {
  auto server = parse_server(config.server);
  if (!server) return fail(std::move(server));
  auto impl =
      std::make_unique<Impl>(loop, network, std::move(config), std::move(options), std::move(*server));
  // Now, so that unusable certificates are found at the start.
  const ClientConfig& known = impl->config();
  if (auto connected = impl->connect_as({known.token, known.client_certificate, known.client_key});
      !connected)
    return fail(std::move(connected));
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

std::unique_ptr<Client> Client::sibling(int max_connections) const {
  return std::unique_ptr<Client>(new Client(std::make_unique<Impl>(*impl_, max_connections)));
}

Task<Result<std::string>> Client::request_text(ApiRequest request) {
  auto answer = co_await impl_->send(std::move(request));
  if (!answer) co_return fail(std::move(answer));
  co_return std::move(answer->body);
}

Task<Result<Json>> Client::request(ApiRequest request) {
  const std::string what = request.method + " " + request.path;
  auto text = co_await request_text(std::move(request));
  if (!text) co_return fail(std::move(text));
  if (text->empty()) co_return Json::object();
  auto json = parse_json(*text);
  if (!json)
    co_return fail(
        Error(ErrorKind::Protocol, what + ": answer: " + json.error().message()).with_ambiguous(true));
  co_return json;
}

Task<Result<std::unique_ptr<HttpBody>>> Client::open(ApiRequest request) {
  return impl_->open(std::move(request));
}

Task<Result<std::unique_ptr<WebSocket>>> Client::open_websocket(ApiRequest request, std::size_t max_message) {
  const std::string protocol = request.websocket_protocol;
  const std::string what = request.method + " " + request.path;
  auto answer = co_await impl_->open_websocket(std::move(request), max_message);
  if (!answer) co_return fail(std::move(answer));
  const std::string taken(answer->head.headers.get("Sec-WebSocket-Protocol").value_or(""));
  if (taken != protocol)
    co_return fail(ErrorKind::Protocol,
                   what + ": websocket: expected protocol \"" + protocol + "\", got \"" + taken + "\"");
  co_return std::move(answer->socket);
}

Loop& Client::loop() const {
  return impl_->loop();
}
const ClientConfig& Client::config() const {
  return impl_->config();
}
const ClientOptions& Client::options() const {
  return impl_->options();
}
std::string Client::host() const {
  return impl_->host();
}

}  // namespace kube
