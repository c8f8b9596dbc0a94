#include "kube/http/client.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/async/wait_list.h"
#include "kube/http/wire.h"

namespace kube {
namespace {

struct Connection {
  std::unique_ptr<Stream> stream;
  InputBuffer input;
  int generation = 0;
  bool reused = false;
  SteadyTime idle_since{};
};

// How long a connection may rest before a request with an effect looks first whether it is still there: such
// a request cannot be repeated when it turns out that it was not.
constexpr Duration kTrusted = 1s;

bool has_no_effect(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

// "GET /api/v1/pods on 10.0.0.1:6443": without the query, which is long and rarely tells more.
std::string describe(const HttpRequest& request, const Endpoint& origin) {
  return request.method + " " + request.target.substr(0, request.target.find('?')) + " on " +
         origin.to_string();
}

std::string host_of(const HttpClientOptions& options) {
  if (!options.host_header.empty()) return options.host_header;
  const std::string& host = options.origin.host;
  const std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  const std::uint16_t usual = options.tls ? 443 : 80;
  return options.origin.port == usual ? text : text + ":" + std::to_string(options.origin.port);
}

// Parses what has come, reading more until `enough(parser)`. A response that breaks the rules is a Protocol
// error.
template <class Enough>
Task<Result<>> read_until(Connection& connection, WireParser& parser, Enough enough) {
  while (!enough(parser)) {
    connection.input.consume(parser.put(connection.input.bytes()));
    if (parser.problem() == WireParser::Problem::Cut) {
      co_return fail(ErrorKind::Unavailable,
                     parser.started() ? "the server closed the connection in the middle of its answer"
                                      : "the server closed the connection without an answer");
    }
    if (parser.problem() != WireParser::Problem::None) {
      co_return fail(ErrorKind::Protocol, "malformed answer: " + parser.problem_text());
    }
    if (enough(parser)) break;
    Result<std::size_t> got = co_await connection.input.read_from(*connection.stream);
    if (!got) co_return fail(got);
    if (*got == 0) parser.put_end();
  }
  co_return Result<>{};
}

}  // namespace

class HttpClient::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Loop& loop_in, Network& network, HttpClientOptions options_in)
      : loop(loop_in),
        options(std::move(options_in)),
        network_(network),
        places_(loop_in),
        idle_timer_(loop_in, [this] { close_expired(); }) {}

  enum class Counted { Yes, No };

  // A connection in use. Given back to the pool by finish(), closed by the destructor otherwise.
  class Lease {
   public:
    explicit Lease(std::shared_ptr<Impl> owner, Counted counted)
        : owner_(std::move(owner)), counted_(counted) {
      ++owner_->in_use_;
      if (counted_ == Counted::Yes) ++owner_->places_taken_;
    }
    Lease(Lease&& other) noexcept
        : connection(std::move(other.connection)),
          owner_(std::move(other.owner_)),
          counted_(other.counted_) {}
    Lease& operator=(Lease&& other) noexcept {
      if (this == &other) return *this;
      end();
      connection = std::move(other.connection);
      owner_ = std::move(other.owner_);
      counted_ = other.counted_;
      return *this;
    }
    ~Lease() { end(); }

    bool ended() const { return !owner_; }
    // The answer has been read to its end.
    void finish(bool keep_alive) {
      const auto owner = owner_;
      auto used = std::move(connection);
      end();
      if (keep_alive && used->input.empty()) owner->keep(std::move(used));
    }
    void end() {
      connection.reset();
      if (!owner_) return;
      const auto owner = std::move(owner_);
      --owner->in_use_;
      if (counted_ == Counted::Yes) {
        --owner->places_taken_;
        owner->places_.wake_one();
      }
    }

    std::unique_ptr<Connection> connection;

   private:
    std::shared_ptr<Impl> owner_;
    Counted counted_;
  };

  // An answer whose head has come.
  struct Opened {
    Lease lease;
    WireParser parser;
  };

  Task<Result<Opened>> open(const HttpRequest& request, SteadyTime deadline, Counted counted);
  Task<Result<HttpResponse>> send(const HttpRequest& request, SteadyTime deadline);
  void drop_idle();
  void drop() {
    ++generation_;
    drop_idle();
  }
  int connections() const { return in_use_ + static_cast<int>(idle_.size()); }

  Loop& loop;
  HttpClientOptions options;

 private:
  friend class Lease;
  enum class Source { PoolOrNew, New };
  enum class Effect { No, Possible };

  Task<Result<Lease>> acquire(SteadyTime deadline, Counted counted);
  Task<Result<>> connect(Lease& lease, SteadyTime deadline, Source source, Effect effect);
  Task<bool> is_alive(Connection& connection);
  Task<Result<WireParser>> exchange(Connection& connection, const HttpRequest& request,
                                    const std::string& head, bool& handed_over);
  void keep(std::unique_ptr<Connection> connection);
  void close_expired();

  Network& network_;
  WaitList places_;
  std::deque<std::unique_ptr<Connection>> idle_;  // longest idle first
  Timer idle_timer_;
  int in_use_ = 0;        // leases
  int places_taken_ = 0;  // those that count
  int generation_ = 0;    // raised by drop_connections()
};

Task<Result<HttpClient::Impl::Lease>> HttpClient::Impl::acquire(SteadyTime deadline, Counted counted) {
  if (counted == Counted::Yes) {
    while (places_taken_ >= options.max_connections) {
      if (!co_await places_.wait_until(deadline)) {
        co_return fail(ErrorKind::Timeout, "all " + std::to_string(options.max_connections) +
                                               " connections were in use until the deadline");
      }
    }
  }
  co_return Lease(shared_from_this(), counted);
}

// A look at whether the server has closed an idle connection: a read that is taken back at once. It completes
// by itself only when the end (or something unasked for) has come already.
Task<bool> HttpClient::Impl::is_alive(Connection& connection) {
  bool heard = false;
  auto listen = [](Connection& idle, bool& out) -> Task<> {
    (void)co_await idle.input.read_from(*idle.stream);
    out = true;
  };
  TaskGroup look(loop);
  look.spawn("look at an idle connection", listen(connection, heard));
  // Due at once, but after what is ready now, so that the read has begun.
  Timer enough(loop, [&look] { look.cancel(); });
  enough.set(loop.steady());
  co_await look.join_or_cancel();
  co_return !heard;
}

Task<Result<>> HttpClient::Impl::connect(Lease& lease, SteadyTime deadline, Source source, Effect effect) {
  while (source == Source::PoolOrNew && !idle_.empty()) {
    // The one used last: those at the other end may fall idle for good.
    lease.connection = std::move(idle_.back());
    idle_.pop_back();
    lease.connection->reused = true;
    const bool rested = loop.steady() - lease.connection->idle_since >= kTrusted;
    if (effect == Effect::No || !rested || co_await is_alive(*lease.connection)) co_return Result<>{};
    lease.connection.reset();
  }
  const int generation = generation_;
  auto stream = co_await network_.connect(options.origin, deadline);
  if (!stream) co_return fail(stream);
  if (options.tls) {
    const auto tls = options.tls;  // set_tls() may replace it meanwhile
    stream = co_await tls->connect(std::move(*stream), options.origin.host, deadline);
    if (!stream) co_return fail(stream);
  }
  lease.connection = std::make_unique<Connection>();
  lease.connection->stream = std::move(*stream);
  lease.connection->generation = generation;
  co_return Result<>{};
}

Task<Result<WireParser>> HttpClient::Impl::exchange(Connection& connection, const HttpRequest& request,
                                                    const std::string& head, bool& handed_over) {
  handed_over = true;
  // A small body travels with its head, a large one is not copied.
  constexpr std::size_t kSmall = 16u << 10;
  Result<> written;
  if (request.body.empty()) {
    written = co_await connection.stream->write(head);
  } else if (request.body.size() <= kSmall) {
    const std::string text = head + request.body;
    written = co_await connection.stream->write(text);
  } else {
    written = co_await connection.stream->write(head);
    if (written) written = co_await connection.stream->write(request.body);
  }
  // A server may refuse (413) and close before it has read everything: its answer is worth more than our
  // error.
  if (!written && written.error().kind() == ErrorKind::Timeout) co_return fail(written);

  const auto role = request.method == "HEAD" ? WireParser::Role::ResponseToHead : WireParser::Role::Response;
  while (true) {
    WireParser parser(role, {.header_bytes = 256u << 10});
    Result<> read =
        co_await read_until(connection, parser, [](const WireParser& p) { return p.head_done(); });
    if (!read) co_return fail(written ? read : written);
    const int status = parser.response().status;
    if (status == 101 && !request.headers.get("Upgrade"))
      co_return fail(ErrorKind::Protocol, "the server switched protocols unasked");
    if (status == 101 || status >= 200) co_return parser;
  }
}

Task<Result<HttpClient::Impl::Opened>> HttpClient::Impl::open(const HttpRequest& request, SteadyTime deadline,
                                                              Counted counted) {
  const auto failed = [&](Error error, bool ambiguous) {
    error.with_ambiguous(ambiguous);
    return fail(std::move(error).while_doing(describe(request, options.origin)));
  };
  Result<std::string> head = request_head(request, host_of(options));
  if (!head) co_return failed(head.error(), false);
  if (loop.steady() >= deadline) co_return failed(Error(ErrorKind::Timeout, "deadline exceeded"), false);

  Result<Lease> lease = co_await acquire(deadline, counted);
  if (!lease) co_return failed(lease.error(), false);
  Source source = Source::PoolOrNew;
  const Effect effect = has_no_effect(request.method) ? Effect::No : Effect::Possible;
  while (true) {
    Result<> connected = co_await connect(*lease, deadline, source, effect);
    if (!connected) co_return failed(connected.error(), false);
    Connection& connection = *lease->connection;
    connection.stream->set_deadline(deadline);
    bool handed_over = false;
    Result<WireParser> parser = co_await exchange(connection, request, *head, handed_over);
    if (parser) co_return Opened{std::move(*lease), std::move(*parser)};

    const Error& error = parser.error();
    if (connection.reused && error.kind() == ErrorKind::Unavailable && connection.input.empty()) {
      // Where one kept-alive connection has died the others have, too (the server restarted).
      drop_idle();
      if (has_no_effect(request.method)) {
        lease->connection.reset();
        source = Source::New;
        continue;
      }
    }
    co_return failed(error, handed_over && !has_no_effect(request.method));
  }
}

Task<Result<HttpResponse>> HttpClient::Impl::send(const HttpRequest& request, SteadyTime deadline) {
  Result<Opened> opened = co_await open(request, deadline, Counted::Yes);
  if (!opened) co_return fail(opened);
  WireParser& parser = opened->parser;
  const std::size_t limit = options.max_response_bytes;
  Result<> read = co_await read_until(*opened->lease.connection, parser,
                                      [limit](WireParser& p) { return p.done() || p.body().size() > limit; });
  if (read && parser.body().size() > limit) {
    read = fail(ErrorKind::Protocol, "the answer is longer than " + std::to_string(limit) + " bytes");
  }
  if (!read) {
    Error error = std::move(read).error();
    error.with_ambiguous(!has_no_effect(request.method));
    co_return fail(std::move(error).while_doing(describe(request, options.origin)));
  }
  HttpResponse response = std::move(parser.response());
  response.body = std::move(parser.body());
  opened->lease.finish(parser.keep_alive());
  co_return response;
}

void HttpClient::Impl::keep(std::unique_ptr<Connection> connection) {
  const bool full = places_taken_ + static_cast<int>(idle_.size()) >= options.max_connections;
  if (full || connection->generation != generation_ || options.idle_timeout <= Duration::zero()) return;
  connection->stream->set_deadline(kNever);
  connection->idle_since = loop.steady();
  idle_.push_back(std::move(connection));
  if (!idle_timer_.is_set()) idle_timer_.set(loop.after(options.idle_timeout));
}

void HttpClient::Impl::close_expired() {
  while (!idle_.empty() && loop.steady() - idle_.front()->idle_since >= options.idle_timeout)
    idle_.pop_front();
  if (!idle_.empty()) idle_timer_.set(idle_.front()->idle_since + options.idle_timeout);
}

void HttpClient::Impl::drop_idle() {
  idle_.clear();
  idle_timer_.cancel();
}

namespace {

template <class Opened>
class Body final : public HttpBody {
 public:
  Body(Opened opened, std::string what, Loop& loop)
      : opened_(std::move(opened)),
        head_(std::move(opened_.parser.response())),
        what_(std::move(what)),
        loop_(loop) {
    opened_.lease.connection->stream->set_deadline(kNever);
    if (opened_.parser.done()) release();
  }

  const HttpResponse& head() const override { return head_; }

  Task<Result<std::optional<std::string>>> read_line(SteadyTime deadline) override {
    while (true) {
      const auto end = line_.find('\n', searched_);
      if (end != std::string::npos) {
        const bool carriage_return = end > line_start_ && line_[end - 1] == '\r';
        std::string line = line_.substr(line_start_, end - line_start_ - (carriage_return ? 1 : 0));
        searched_ = line_start_ = end + 1;
        if (line_start_ == line_.size()) drop_read();
        co_return line;
      }
      searched_ = line_.size();
      if (line_.size() - line_start_ > kMaxLine) {
        co_return fail(broken_.emplace(
            ErrorKind::Protocol, what_ + ": a line is longer than " + std::to_string(kMaxLine) + " bytes"));
      }
      drop_read();
      Result<bool> more = co_await read_more(deadline);
      if (!more) co_return fail(more);
      if (!*more) break;
      if (line_.empty()) {
        line_ = std::exchange(opened_.parser.body(), {});
      } else {
        line_ += opened_.parser.body();
        opened_.parser.body().clear();
      }
    }
    if (line_.empty()) co_return std::optional<std::string>();
    searched_ = 0;
    co_return std::exchange(line_, {});  // the last line need not have an end
  }

  Task<Result<std::optional<std::string>>> read_some(SteadyTime deadline) override {
    drop_read();
    if (!line_.empty()) {
      searched_ = 0;
      co_return std::exchange(line_, {});
    }
    Result<bool> more = co_await read_more(deadline);
    if (!more) co_return fail(more);
    if (!*more) co_return std::optional<std::string>();
    co_return std::exchange(opened_.parser.body(), {});
  }

  Task<Result<std::string>> read_all(std::size_t limit, SteadyTime deadline) override {
    std::string all;
    while (true) {
      Result<std::optional<std::string>> some = co_await read_some(deadline);
      if (!some) co_return fail(some);
      if (!*some) co_return all;
      if (all.size() + (*some)->size() > limit) {
        co_return fail(broken_.emplace(
            ErrorKind::Protocol, what_ + ": the body is longer than " + std::to_string(limit) + " bytes"));
      }
      all += **some;
    }
  }

 private:
  void drop_read() {
    line_.erase(0, line_start_);
    searched_ -= line_start_;
    line_start_ = 0;
  }

  void release() { opened_.lease.finish(opened_.parser.keep_alive()); }

  // Until the parser holds body bytes (true) or the body has ended (false).
  Task<Result<bool>> read_more(SteadyTime deadline) {
    if (broken_) co_return fail(*broken_);
    WireParser& parser = opened_.parser;
    if (!parser.body().empty()) co_return true;
    if (parser.done()) co_return false;
    if (deadline != kNever && loop_.steady() >= deadline) {
      co_return fail(broken_.emplace(ErrorKind::Timeout, what_ + ": deadline exceeded"));
    }
    Stream& stream = *opened_.lease.connection->stream;
    stream.set_deadline(deadline);
    Result<> read = co_await read_until(*opened_.lease.connection, parser,
                                        [](WireParser& p) { return p.done() || !p.body().empty(); });
    if (!read) {
      opened_.lease.end();
      co_return fail(broken_.emplace(std::move(read).error().while_doing(what_)));
    }
    stream.set_deadline(kNever);
    if (parser.done()) release();
    co_return !parser.body().empty();
  }

  Opened opened_;
  HttpResponse head_;
  std::string what_;
  Loop& loop_;
  std::optional<Error> broken_;
  std::string line_;  // received, not yet given out; from line_start_ on
  std::size_t line_start_ = 0;
  std::size_t searched_ = 0;  // no end of line before this
};

}  // namespace

HttpClient::HttpClient(Loop& loop, Network& network, HttpClientOptions options)
    : impl_(std::make_shared<Impl>(loop, network, std::move(options))) {}

HttpClient::~HttpClient() {
  impl_->drop();
}

Task<Result<HttpResponse>> HttpClient::send(HttpRequest request, SteadyTime deadline) {
  co_return co_await impl_->send(request, deadline);
}

Task<Result<std::unique_ptr<HttpBody>>> HttpClient::open(HttpRequest request, SteadyTime deadline) {
  Result<Impl::Opened> opened = co_await impl_->open(request, deadline, Impl::Counted::No);
  if (!opened) co_return fail(opened);
  co_return std::make_unique<Body<Impl::Opened>>(std::move(*opened), describe(request, impl_->options.origin),
                                                 impl_->loop);
}

Task<Result<WebSocketAnswer>> HttpClient::open_websocket(HttpRequest request, std::size_t max_message,
                                                         SteadyTime deadline) {
  constexpr std::size_t kMaxRefusal = 1u << 20;
  const std::string key = websocket_key(impl_->loop.random());
  request.headers.set("Upgrade", "websocket");
  request.headers.set("Sec-WebSocket-Version", "13");
  request.headers.set("Sec-WebSocket-Key", key);
  const std::string what = describe(request, impl_->options.origin);
  Result<Impl::Opened> opened = co_await impl_->open(request, deadline, Impl::Counted::No);
  if (!opened) co_return fail(opened);
  WebSocketAnswer answer{opened->parser.response(), nullptr};
  if (answer.head.status != 101) {
    Body<Impl::Opened> body(std::move(*opened), what, impl_->loop);
    Result<std::string> text = co_await body.read_all(kMaxRefusal, deadline);
    if (!text) co_return fail(text);
    answer.head.body = std::move(*text);
    co_return answer;
  }
  const auto wrong = [&](const char* why) { return fail(ErrorKind::Protocol, what + ": websocket: " + why); };
  const Headers& headers = answer.head.headers;
  if (!headers.has_token("Upgrade", "websocket") || !headers.has_token("Connection", "Upgrade") ||
      headers.get("Sec-WebSocket-Extensions") ||
      headers.get("Sec-WebSocket-Accept").value_or("") != websocket_accept(key))
    co_return wrong("the answer does not fit the question");
  if (const auto taken = headers.get("Sec-WebSocket-Protocol");
      taken && !request.headers.has_token("Sec-WebSocket-Protocol", *taken))
    co_return wrong("the server took a protocol that was not offered");
  const auto owner = std::make_shared<Impl::Opened>(std::move(*opened));
  Connection& connection = *owner->lease.connection;
  connection.stream->set_deadline(kNever);
  answer.socket =
      make_websocket(impl_->loop, *connection.stream, connection.input,
                     {.peer = WebSocketReader::From::Server, .max_message = max_message, .owner = owner});
  co_return answer;
}

void HttpClient::drop_connections() {
  impl_->drop();
}

void HttpClient::set_tls(std::shared_ptr<TlsClientContext> tls) {
  impl_->options.tls = std::move(tls);
}

int HttpClient::connections() const {
  return impl_->connections();
}

}  // namespace kube
