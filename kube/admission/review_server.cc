#include "kube/admission/review_server.h"

#include <algorithm>
#include <utility>

#include "kube/async/deadline.h"

namespace kube {

namespace {

// Bodies over the limit are read up to here, so that their senders get a review that says why; beyond it the
// connection answers a bare 413 by itself.
constexpr std::size_t kReadBeyondLimit = 4u << 20;

// API servers send a review as soon as they have connected; who does not may go when there is no place left.
constexpr Duration kMayBeReplaced = 1s;

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

// What an API server allows for the whole review; it gives up on us afterwards.
Duration time_allowed(std::string_view target, Duration otherwise) {
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return otherwise;
  const auto query = parse_query(target.substr(mark + 1));
  if (!query) return otherwise;
  for (const auto& [name, value] : *query) {
    if (name != "timeout") continue;
    const Result<Duration> timeout = parse_go_duration(value);
    if (timeout && *timeout > Duration::zero()) return std::min(*timeout, otherwise);
  }
  return otherwise;
}

// What an exception says; rethrows cancellation, which is no failure of the handler's.
std::string text_of(const std::exception_ptr& thrown) {
  if (is_cancellation(thrown)) std::rethrow_exception(thrown);
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

}  // namespace

class ReviewServer::Impl {
 public:
  Impl(Loop& loop, const ReviewRoutes& routes, ReviewServerOptions options)
      : loop_(loop), options_(std::move(options)), server_(loop, http_options(), handler(), options_.log) {
    for (const auto& [path, handler] : routes.all())
      routes_.emplace(
          path,
          Route{handler.decide, handler.at_once,
                options_.metrics == nullptr || !handler.counted ? nullptr : &options_.metrics->path(path)});
  }

  HttpServer& server() { return server_; }

 private:
  struct Route {
    std::variant<ReviewRoutes::Decide, ReviewRoutes::DecideLater> handler;
    ReviewRoutes::DecideAtOnce at_once;
    ReviewMetrics::Path* metrics;
  };

  HttpServerOptions http_options() const {
    HttpServerOptions http;
    http.tls = options_.tls;
    http.max_body_bytes = options_.max_body_bytes + kReadBeyondLimit;
    http.max_header_bytes = 1u << 20;
    http.max_connections = options_.max_connections;
    http.replace_after = kMayBeReplaced;
    http.max_buffered_bytes = options_.max_buffered_bytes;
    http.read_timeout = 32s;
    http.idle_timeout = 90s;
    return http;
  }

  HttpServer::Handler handler() {
    return [this](HttpExchange& exchange) { return answer(exchange); };
  }

  Task<> answer(HttpExchange& exchange) {
    const auto found = routes_.find(path_of(exchange.request().target));
    HttpResponse response;
    if (found == routes_.end()) {
      response.status = 404;
      response.headers.add("Content-Type", "text/plain; charset=utf-8");
      response.body = "404 page not found\n";
      (void)co_await exchange.respond(std::move(response));
      co_return;
    }
    const Route& route = found->second;
    const SteadyTime begun = loop_.steady();
    // Counted also when the review is cut off.
    struct Counting {
      ReviewMetrics::Path* metrics;
      Loop& loop;
      SteadyTime begun;
      ~Counting() {
        if (metrics != nullptr) metrics->end(200, loop.steady() - begun);
      }
    } counting{route.metrics, loop_, begun};
    if (route.metrics != nullptr) route.metrics->begin();

    response.headers.add("Content-Type", "application/json");
    response.body = co_await answer_to(route, exchange.request());
    (void)co_await exchange.respond(std::move(response));
  }

  Task<std::string> answer_to(const Route& route, HttpRequest& request) {
    if (request.body.size() >= options_.max_body_bytes)
      co_return encode_verdict(Verdict::error(413, "request entity is too large; limit is " +
                                                       std::to_string(options_.max_body_bytes) + " bytes"));
    if (const auto type = request.headers.get("Content-Type"); !type || *type != "application/json")
      co_return encode_verdict(Verdict::error(
          400, "contentType=" + std::string(type.value_or("")) + ", expected application/json"));
    if (request.body.empty()) co_return encode_verdict(Verdict::error(400, "request body is empty"));
    Result<Review> review = decode_review(request.body);
    if (!review) {
      options_.log.warn("review cannot be read", {{"path", request.target}, {"error", review.error()}});
      co_return encode_verdict(Verdict::error(400, review.error().message()));
    }
    const Verdict verdict = co_await decide(route, *review, request.target);
    co_return encode_verdict(*review, verdict);
  }

  Task<Verdict> decide(const Route& route, const Review& review, std::string_view target) {
    std::exception_ptr thrown;
    try {
      if (const auto* at_once = std::get_if<ReviewRoutes::Decide>(&route.handler))
        co_return (*at_once)(review);
      if (route.at_once)
        if (auto verdict = route.at_once(review)) co_return std::move(*verdict);
      const auto& later = std::get<ReviewRoutes::DecideLater>(route.handler);
      Result<Verdict> decided = co_await with_deadline(
          loop_, loop_.after(time_allowed(target, options_.deadline)), caught(later(review), &thrown));
      if (decided) co_return std::move(*decided);
      if (!thrown) co_return Verdict::error(504, "the review was not decided in time");
    } catch (...) {
      thrown = std::current_exception();
    }
    const std::string text = text_of(thrown);
    options_.log.error("review handler ended by an exception", {{"path", path_of(target)},
                                                                {"requestID", review.uid},
                                                                {"object", review.key().to_string()},
                                                                {"exception", text}});
    if (options_.metrics != nullptr) options_.metrics->count_panic();
    co_return Verdict::error(500, "the webhook failed: " + text);
  }

  // An exception comes out beside the result, so that with_deadline() does not log it as a task that broke.
  static Task<Result<Verdict>> caught(Task<Verdict> task, std::exception_ptr* thrown) {
    try {
      co_return co_await std::move(task);
    } catch (...) {
      if (is_cancellation(std::current_exception())) throw;
      *thrown = std::current_exception();
    }
    co_return fail(ErrorKind::InternalError, "the handler failed");
  }

  Loop& loop_;
  const ReviewServerOptions options_;
  std::map<std::string, Route, std::less<>> routes_;
  HttpServer server_;
};

ReviewServer::ReviewServer(Loop& loop, const ReviewRoutes& routes, ReviewServerOptions options)
    : impl_(std::make_shared<Impl>(loop, routes, std::move(options))) {}

ReviewServer::~ReviewServer() = default;

Task<> ReviewServer::serve(std::unique_ptr<Listener> listener) {
  co_await impl_->server().serve(std::move(listener));
}

void ReviewServer::stop(Duration grace) {
  impl_->server().stop(grace);
}

void ReviewServer::drain() {
  impl_->server().drain();
}

void ReviewServer::set_tls(std::shared_ptr<TlsServerContext> tls) {
  impl_->server().set_tls(std::move(tls));
}

int ReviewServer::connections() const {
  return impl_->server().connections();
}

}  // namespace kube
