#include "kube/http/wire.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/status.hpp>

namespace kube {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;

namespace {

// What the two roles share; the parser below fills it.
struct Message {
  explicit Message(WireParser::Role r) : role(r) {}

  WireParser::Role role;
  HttpRequest request;
  HttpResponse response;
  std::string body;
  int version = 11;
  bool head_done = false;

  Headers& headers() { return role == WireParser::Role::Request ? request.headers : response.headers; }
};

template <bool kIsRequest>
class Parser final : public http::basic_parser<kIsRequest> {
 public:
  explicit Parser(Message& message) : message_(message) {}

 private:
  void on_request_impl(http::verb, beast::string_view method, beast::string_view target, int version,
                       error_code&) override {
    message_.request.method = method;
    message_.request.target = target;
    message_.version = version;
  }
  void on_response_impl(int code, beast::string_view, int version, error_code&) override {
    message_.response.status = code;
    message_.version = version;
  }
  void on_field_impl(http::field field, beast::string_view name, beast::string_view value,
                     error_code& error) override {
    if (message_.head_done) return;  // trailers carry nothing that we read
    // Any other coding would leave us guessing where the body ends, and with it where the next message
    // starts.
    if (field == http::field::transfer_encoding && !equal_without_case(value, "chunked")) {
      error = http::error::bad_transfer_encoding;
      return;
    }
    message_.headers().add(std::string(name), std::string(value));
  }
  void on_header_impl(error_code&) override { message_.head_done = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    // The announced length is the peer's word only, so no more than this is set aside before bytes have come.
    constexpr std::uint64_t kTrusted = 256u << 10;
    if (length) message_.body.reserve(static_cast<std::size_t>(std::min(*length, kTrusted)));
  }
  std::size_t on_body_impl(beast::string_view bytes, error_code&) override {
    message_.body.append(bytes);
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, error_code&) override {
    message_.body.append(bytes);
    return bytes.size();
  }
  void on_finish_impl(error_code&) override {}

  Message& message_;
};

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

bool is_target(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
}

bool is_framing(std::string_view name) {
  return equal_without_case(name, "Content-Length") || equal_without_case(name, "Transfer-Encoding") ||
         equal_without_case(name, "Connection");
}

Result<> append_fields(std::string& out, const Headers& headers) {
  for (const auto& [name, value] : headers.all()) {
    if (is_framing(name)) continue;
    if (!is_token(name)) return fail(ErrorKind::InvalidInput, "header name \"" + name + "\" is no token");
    if (!is_field_value(value)) {
      return fail(ErrorKind::InvalidInput, "header " + name + ": the value holds control characters");
    }
    out.append(name).append(": ").append(value).append("\r\n");
  }
  return {};
}

}  // namespace

struct WireParser::Impl {
  Impl(Role role, Limits limits_in) : message(role), limits(limits_in) {
    const auto configure = [&](auto& parser) {
      parser.eager(true);
      parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
      if (limits.body_bytes == UINT64_MAX) {
        parser.body_limit(boost::none);
      } else {
        parser.body_limit(limits.body_bytes);
      }
    };
    if (role == Role::Request) {
      configure(request.emplace(message));
    } else {
      configure(response.emplace(message));
      response->skip(role == Role::ResponseToHead);
    }
  }

  template <class Fn>
  auto with(Fn&& fn) {
    return request ? fn(*request) : fn(*response);
  }

  void set_problem(error_code error) {
    if (error == http::error::header_limit) {
      problem = Problem::HeaderTooLarge;
    } else if (error == http::error::body_limit) {
      problem = Problem::BodyTooLarge;
    } else if (error == http::error::partial_message || error == http::error::end_of_stream) {
      problem = Problem::Cut;
    } else {
      problem = Problem::Malformed;
    }
    text = error.message();
  }

  Message message;
  Limits limits;
  std::optional<Parser<true>> request;
  std::optional<Parser<false>> response;
  bool started = false;
  Problem problem = Problem::None;
  std::string text;
};

WireParser::WireParser(Role role, Limits limits) : impl_(std::make_unique<Impl>(role, limits)) {}
WireParser::~WireParser() = default;
WireParser::WireParser(WireParser&&) noexcept = default;
WireParser& WireParser::operator=(WireParser&&) noexcept = default;

std::size_t WireParser::put(std::string_view bytes) {
  if (bytes.empty() || done() || problem() != Problem::None) return 0;
  impl_->started = true;
  error_code error;
  const std::size_t taken = impl_->with(
      [&](auto& p) { return p.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error); });
  if (error && error != http::error::need_more) impl_->set_problem(error);
  // The size line of a chunk has no limit of its own: without this one a peer could make us keep an endless
  // line.
  if (!error || error == http::error::need_more) {
    if (!done() && bytes.size() - taken > impl_->limits.header_bytes + 4) {
      impl_->problem = head_done() ? Problem::Malformed : Problem::HeaderTooLarge;
      impl_->text = "line too long";
    }
  }
  return taken;
}

void WireParser::put_end() {
  if (done() || problem() != Problem::None) return;
  if (!impl_->started) {
    impl_->set_problem(http::error::end_of_stream);
    return;
  }
  error_code error;
  impl_->with([&](auto& p) { p.put_eof(error); });
  if (error) impl_->set_problem(error);
}

WireParser::Problem WireParser::problem() const {
  return impl_->problem;
}
const std::string& WireParser::problem_text() const {
  return impl_->text;
}
bool WireParser::started() const {
  return impl_->started;
}
bool WireParser::head_done() const {
  return impl_->message.head_done;
}
bool WireParser::done() const {
  return impl_->with([](auto& p) { return p.is_done(); });
}
bool WireParser::keep_alive() const {
  return impl_->with([](auto& p) { return p.keep_alive(); });
}
int WireParser::version() const {
  return impl_->message.version;
}
HttpRequest& WireParser::request() {
  return impl_->message.request;
}
HttpResponse& WireParser::response() {
  return impl_->message.response;
}
std::string& WireParser::body() {
  return impl_->message.body;
}

void InputBuffer::consume(std::size_t count) {
  start_ += count;
  if (start_ == text_.size()) {
    text_.clear();
    start_ = 0;
  } else if (start_ > text_.size() / 2 && start_ > 4096) {
    text_.erase(0, start_);
    start_ = 0;
  }
}

Task<Result<std::size_t>> InputBuffer::read_from(Stream& stream) {
  const std::size_t had = text_.size();
  text_.resize(had + read_size_);
  // Also when cancelled: what was not received is cut off again.
  struct Trim {
    std::string& text;
    std::size_t size;
    ~Trim() { text.resize(size); }
  } trim{text_, had};
  Result<std::size_t> got = co_await stream.read_some(std::span(text_.data() + had, text_.size() - had));
  if (got) {
    trim.size += *got;
    if (*got == read_size_) read_size_ = std::min<std::size_t>(read_size_ * 2, 64u << 10);
  }
  co_return got;
}

Result<std::string> request_head(const HttpRequest& request, std::string_view host) {
  if (!is_token(request.method))
    return fail(ErrorKind::InvalidInput, "method \"" + request.method + "\" is no token");
  if (!is_target(request.target)) {
    return fail(ErrorKind::InvalidInput, "request target \"" + percent_encode(request.target) +
                                             "\": spaces and control characters must be percent-encoded");
  }
  std::string out = request.method + " " + request.target + " HTTP/1.1\r\n";
  if (!request.headers.get("Host")) out.append("Host: ").append(host).append("\r\n");
  if (auto done = append_fields(out, request.headers); !done) return fail(done);
  if (request.headers.get("Upgrade")) out.append("Connection: Upgrade\r\n");
  const bool has_body = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (has_body || !request.body.empty()) {
    out.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  }
  out.append("\r\n");
  return out;
}

Result<std::string> response_head(int status, const Headers& headers, std::string_view framing) {
  if (status < 100 || status > 999) {
    return fail(ErrorKind::InvalidInput, "status code " + std::to_string(status) + " does not exist");
  }
  std::string out;
  out.reserve(256);
  out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reason_phrase(status));
  out.append("\r\n");
  if (auto done = append_fields(out, headers); !done) return fail(done);
  out.append(framing).append("\r\n");
  return out;
}

std::string chunk_text(std::string_view bytes) {
  std::array<char, 20> size;
  char* out = size.data() + size.size();
  for (std::size_t rest = bytes.size(); rest != 0; rest /= 16) *--out = "0123456789abcdef"[rest % 16];
  std::string text;
  text.reserve(bytes.size() + 24);
  text.append(out, size.data() + size.size()).append("\r\n").append(bytes).append("\r\n");
  return text;
}

std::string_view reason_phrase(int status) {
  const beast::string_view phrase = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  return {phrase.data(), phrase.size()};
}

std::string http_date(TimePoint time) {
  constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::string text = "Day, 00 Mon 0000 00:00:00 GMT";
  const auto put = [&text](std::size_t at, std::size_t digits, auto number) {
    for (auto rest = static_cast<unsigned>(number); digits-- > 0; rest /= 10)
      text[at + digits] = static_cast<char>('0' + rest % 10);
  };
  text.replace(0, 3, kDays.substr(3 * std::chrono::weekday(day).c_encoding(), 3));
  put(5, 2, unsigned{date.day()});
  text.replace(8, 3, kMonths.substr(3 * (unsigned{date.month()} - 1), 3));
  put(12, 4, int{date.year()});
  put(17, 2, clock.hours().count());
  put(20, 2, clock.minutes().count());
  put(23, 2, clock.seconds().count());
  return text;
}

}  // namespace kube
