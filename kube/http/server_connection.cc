#include "kube/http/server_connection.h"

#include <algorithm>
#include <utility>

#include "kube/http/websocket.h"

namespace kube {
namespace {

using Problem = WireParser::Problem;

// After a refusal the client may still be sending. Closing at once would reset the connection and destroy the
// refusal before the client has read it, so a while is spent reading what it sends.
constexpr Duration kDrainTime = 5s;
constexpr std::size_t kDrainBytes = 64u << 20;

// What a client may send while it watches, which is nothing; a pipelined request or two is kept for later.
constexpr std::size_t kEarlyBytes = 64u << 10;

int status_of(Problem problem) {
  switch (problem) {
    case Problem::HeaderTooLarge:
      return 431;
    case Problem::BodyTooLarge:
      return 413;
    default:
      return 400;
  }
}

// "http://host/path" of a client that believes us to be a proxy, as a path.
void drop_authority(std::string& target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    const auto path = target.find_first_of("/?", scheme.size());
    target = path == std::string::npos ? "/"
             : target[path] == '?'     ? "/" + target.substr(path)
                                       : target.substr(path);
    return;
  }
}

Error out_of_order(const char* what) {
  return Error(ErrorKind::InternalError, std::string("answer out of order: ") + what);
}

}  // namespace

ServerConnection::ServerConnection(Loop& loop, const HttpServerOptions& options,
                                   const HttpServer::Handler& handler, Log log,
                                   std::unique_ptr<Stream> stream, std::optional<TlsPeer> tls_peer,
                                   std::size_t& buffered)
    : loop_(loop),
      options_(options),
      handler_(handler),
      log_(std::move(log)),
      stream_(std::move(stream)),
      tls_peer_(std::move(tls_peer)),
      buffered_(buffered) {}

Task<> ServerConnection::run() {
  while (co_await serve_one()) {
  }
  if (answer_ != Answer::Broken) {
    stream_->set_deadline(loop_.after(kDrainTime));
    (void)co_await stream_->shutdown();
  }
  stream_->close();
}

void ServerConnection::wind_down() {
  winding_down_ = true;
  if (idle_) stream_->set_deadline(loop_.after(kLastRequestTime));
}

void ServerConnection::cut() {
  answer_ = Answer::Broken;
  stream_->close();
}

bool ServerConnection::count_buffered(std::size_t bytes) {
  const bool more = bytes > counted_;
  buffered_ += bytes - counted_;  // unsigned: wraps to a decrease
  counted_ = bytes;
  return !more || options_.max_buffered_bytes == 0 || buffered_ <= options_.max_buffered_bytes;
}

// True when another request may follow.
Task<bool> ServerConnection::serve_one() {
  answer_ = Answer::None;
  request_ = {};
  WireParser parser(WireParser::Role::Request,
                    {.header_bytes = options_.max_header_bytes, .body_bytes = options_.max_body_bytes});
  waiting_since_ = loop_.steady();
  const bool whole = co_await read_request(parser);
  waiting_since_.reset();
  if (!whole) co_return false;
  request_ = std::move(parser.request());
  request_.body = std::move(parser.body());
  drop_authority(request_.target);

  stream_->set_deadline(kNever);
  co_await run_handler();
  if (answer_ == Answer::Complete) was_answered_ = true;
  request_.body = {};
  count_buffered(0);
  co_return (keep_alive_ && answer_ == Answer::Complete);
}

// False: the connection is to be closed (a refusal has been sent where there was something to refuse).
Task<bool> ServerConnection::read_request(WireParser& parser) {
  stream_->set_deadline(loop_.after(winding_down_ ? kLastRequestTime : options_.idle_timeout));
  idle_ = input_.empty();
  if (!idle_) stream_->set_deadline(loop_.after(options_.read_timeout));
  bool body_expected = false;
  while (true) {
    input_.consume(parser.put(input_.bytes()));
    if (parser.problem() == Problem::Cut) {
      answer_ = Answer::Broken;
      co_return false;
    }
    if (parser.head_done() && !body_expected) {
      body_expected = true;
      version_ = parser.version();
      keep_alive_ = parser.keep_alive();
      request_.method = parser.request().method;
      if (parser.problem() == Problem::None && !co_await expect_body(parser)) co_return false;
    }
    if (parser.problem() != Problem::None) {
      co_await refuse(status_of(parser.problem()), parser.problem_text());
      co_return false;
    }
    if (parser.done()) co_return true;
    if (!count_buffered(parser.body().size())) {
      co_await refuse(503, "too much is being sent at once");
      co_return false;
    }

    Result<std::size_t> got = co_await input_.read_from(*stream_);
    if (!got) {
      // Our deadline closes the stream, so 408 can no longer be said; the log tells.
      if (got.error().kind() == ErrorKind::Timeout && !idle_) {
        log_.info("request did not come in time", {{"peer", stream_->peer().to_string()}});
      }
      answer_ = Answer::Broken;
      co_return false;
    }
    if (*got == 0) {
      parser.put_end();
    } else if (idle_) {
      idle_ = false;
      waiting_since_ = loop_.steady();
      stream_->set_deadline(loop_.after(options_.read_timeout));
    }
  }
}

// The head has come: is it one that we want the body of?
Task<bool> ServerConnection::expect_body(WireParser& parser) {
  const Headers& headers = parser.request().headers;
  const auto hosts = std::ranges::count_if(
      headers.all(), [](const Headers::Field& field) { return equal_without_case(field.first, "Host"); });
  if (hosts > 1 || (hosts == 0 && version_ == 11)) {
    co_await refuse(400, "exactly one Host header is required");
    co_return false;
  }
  const auto expectation = headers.get("Expect");
  if (!expectation || parser.done() || version_ == 10) co_return true;
  if (!equal_without_case(*expectation, "100-continue")) {
    co_await refuse(417, "only 100-continue can be expected");
    co_return false;
  }
  if (!parser.body().empty()) co_return true;  // it did not wait
  Result<> sent = co_await stream_->write("HTTP/1.1 100 Continue\r\n\r\n");
  if (!sent) answer_ = Answer::Broken;
  co_return sent.has_value();
}

Task<> ServerConnection::run_handler() {
  std::exception_ptr thrown;
  try {
    co_await handler_(*this);
  } catch (...) {
    thrown = std::current_exception();
    if (is_cancellation(thrown)) throw;
  }
  if (thrown) {
    std::string text = "of unknown type";
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
      text = exception.what();
    } catch (...) {
    }
    log_.error("request handler ended by an exception",
               {{"method", request_.method},
                {"path", request_.target.substr(0, request_.target.find('?'))},
                {"exception", text}});
  }
  switch (answer_) {
    case Answer::None:
      (void)co_await respond({.status = 500, .body = "the request was not answered\n"});
      break;
    case Answer::Started:
      // Without its last chunk the client sees that the answer is not whole.
      abort();
      break;
    case Answer::Complete:
    case Answer::Websocket:
    case Answer::Broken:
      break;
  }
}

Task<> ServerConnection::refuse(int status, std::string reason) {
  keep_alive_ = false;
  HttpResponse response{.status = status, .headers = {{"Content-Type", "text/plain; charset=utf-8"}}};
  response.body = std::move(reason) + "\n";
  log_.debug("request refused", {{"peer", stream_->peer().to_string()}, {"status", status}});
  if (!co_await respond(std::move(response))) co_return;
  co_await drain();
}

Task<> ServerConnection::drain() {
  stream_->set_deadline(loop_.after(kDrainTime));
  if (!co_await stream_->shutdown()) co_return;
  std::size_t drained = 0;
  while (drained < kDrainBytes) {
    input_.consume(input_.bytes().size());
    Result<std::size_t> got = co_await input_.read_from(*stream_);
    if (!got || *got == 0) break;
    drained += *got;
  }
  answer_ = Answer::Broken;
}

Task<Result<>> ServerConnection::send(std::string_view bytes) {
  constexpr std::size_t kPiece = 256u << 10;
  const Answer before = std::exchange(answer_, Answer::Broken);  // also when cancelled half-way
  const auto waited_for = std::exchange(waiting_since_, loop_.steady());
  while (!bytes.empty()) {
    stream_->set_deadline(loop_.after(options_.write_timeout));
    const std::string_view piece = bytes.substr(0, kPiece);
    Result<> written = co_await stream_->write(piece);
    if (!written) co_return written;
    bytes.remove_prefix(piece.size());
  }
  stream_->set_deadline(kNever);
  waiting_since_ = waited_for;
  if (!aborted_) answer_ = before;
  co_return Result<>{};
}

std::string ServerConnection::framing(std::string_view length_field) const {
  std::string fields(length_field);
  if (!keep_alive_) {
    fields += "Connection: close\r\n";
  } else if (version_ == 10) {
    fields += "Connection: keep-alive\r\n";
  }
  return fields;
}

Headers ServerConnection::dated(Headers headers) const {
  if (!headers.get("Date")) headers.add("Date", http_date(loop_.now()));
  return headers;
}

Task<Result<>> ServerConnection::respond(HttpResponse response) {
  if (answer_ == Answer::Broken) co_return fail(ErrorKind::Unavailable, "the connection is closed");
  if (answer_ != Answer::None) co_return fail(out_of_order("there is one already"));
  if (winding_down_ || winding_down_after_next_) keep_alive_ = false;
  const bool no_body = response.status == 204 || response.status == 304;
  const std::string length =
      no_body ? std::string() : "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  Result<std::string> text =
      response_head(response.status, dated(std::move(response.headers)), framing(length));
  if (!text) co_return fail(text);

  const bool send_body = !no_body && request_.method != "HEAD";
  constexpr std::size_t kSmall = 64u << 10;
  const bool together = send_body && response.body.size() <= kSmall;
  if (together) *text += response.body;
  Result<> sent = co_await send(*text);
  if (sent && send_body && !together) sent = co_await send(response.body);
  if (sent) answer_ = Answer::Complete;
  co_return sent;
}

Task<Result<>> ServerConnection::start(HttpResponse head) {
  if (answer_ == Answer::Broken) co_return fail(ErrorKind::Unavailable, "the connection is closed");
  if (answer_ != Answer::None) co_return fail(out_of_order("there is one already"));
  chunked_ = version_ == 11;
  if (winding_down_ || winding_down_after_next_ || !chunked_) keep_alive_ = false;
  Result<std::string> text = response_head(head.status, dated(std::move(head.headers)),
                                           framing(chunked_ ? "Transfer-Encoding: chunked\r\n" : ""));
  if (!text) co_return fail(text);
  answer_ = Answer::Started;
  co_return co_await send(*text);
}

Task<Result<>> ServerConnection::write_chunk(std::string_view bytes) {
  if (answer_ == Answer::Broken) co_return fail(ErrorKind::Unavailable, "the connection is closed");
  if (answer_ != Answer::Started) co_return fail(out_of_order("a chunk without start()"));
  if (bytes.empty() || request_.method == "HEAD") co_return Result<>{};  // an empty chunk would be the end
  if (!chunked_) co_return co_await send(bytes);
  const std::string chunk = chunk_text(bytes);
  co_return co_await send(chunk);
}

Task<Result<>> ServerConnection::finish() {
  if (answer_ == Answer::Broken) co_return fail(ErrorKind::Unavailable, "the connection is closed");
  if (answer_ != Answer::Started) co_return fail(out_of_order("finish() without start()"));
  if (chunked_ && request_.method != "HEAD") {
    Result<> sent = co_await send("0\r\n\r\n");
    if (!sent) co_return sent;
  }
  answer_ = Answer::Complete;
  co_return Result<>{};
}

Task<> ServerConnection::wait_peer_gone() {
  while (input_.bytes().size() < kEarlyBytes) {
    Result<std::size_t> got = co_await input_.read_from(*stream_);
    if (!got || *got == 0) co_return;
  }
}

Task<Result<std::unique_ptr<WebSocket>>> ServerConnection::accept_websocket(std::string protocol,
                                                                            std::size_t max_message) {
  if (answer_ != Answer::None) co_return fail(out_of_order("no upgrade after an answer"));
  const auto version = request_.headers.get("Sec-WebSocket-Version");
  if (version != "13") {
    (void)co_await respond({.status = 426,
                            .headers = {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}},
                            .body = "websocket version 13 is required\n"});
    co_return fail(ErrorKind::Protocol, "websocket: version 13 is required");
  }
  const auto key = request_.headers.get("Sec-WebSocket-Key");
  if (!wants_websocket() || !key || !valid_websocket_key(*key)) {
    (void)co_await respond({.status = 400, .body = "no valid websocket upgrade\n"});
    co_return fail(ErrorKind::Protocol, "websocket: no valid upgrade");
  }
  Headers headers{{"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", websocket_accept(*key)}};
  if (!protocol.empty()) headers.add("Sec-WebSocket-Protocol", std::move(protocol));
  Result<std::string> head = response_head(101, headers, "Connection: Upgrade\r\n");
  if (!head) co_return fail(head);
  answer_ = Answer::Websocket;
  keep_alive_ = false;
  Result<> sent = co_await send(*head);
  if (!sent) co_return fail(sent);
  co_return make_websocket(loop_, *stream_, input_,
                           {.max_message = max_message, .write_timeout = options_.write_timeout});
}

void ServerConnection::abort() {
  aborted_ = true;
  keep_alive_ = false;
  answer_ = Answer::Broken;
  stream_->close();
}

bool HttpExchange::wants_websocket() const {
  const Headers& headers = request().headers;
  return request().method == "GET" && headers.has_token("Connection", "Upgrade") &&
         headers.has_token("Upgrade", "websocket");
}

}  // namespace kube
