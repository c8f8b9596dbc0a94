// WireParser turns received bytes into one HTTP/1.1 message, the functions below turn messages into bytes;
// InputBuffer holds what was received and not yet parsed. No Kubernetes, no sockets: what client.cc and
// server.cc share.
//
//   WireParser parser(WireParser::Role::Request, {.header_bytes = 64 << 10, .body_bytes = 3 << 20});
//   while (!parser.done() && parser.problem() == WireParser::Problem::None) {
//     input.consume(parser.put(input.bytes()));
//     …read more…
//   }
//
// One parser reads one message. The parsing itself is Boost.Beast's, instantiated in wire.cc and nowhere
// else. Thread: the loop's only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "kube/async/stream.h"
#include "kube/http/message.h"

namespace kube {

class WireParser {
 public:
  enum class Role {
    Request,
    Response,
    ResponseToHead
  };  // the answer to HEAD has no body, whatever it announces
  enum class Problem {
    None,
    Malformed,
    HeaderTooLarge,
    BodyTooLarge,
    Cut,  // the peer ended in the middle
  };
  struct Limits {
    std::size_t header_bytes = 64u << 10;
    std::uint64_t body_bytes = UINT64_MAX;
  };

  WireParser(Role role, Limits limits);
  ~WireParser();
  WireParser(WireParser&&) noexcept;
  WireParser& operator=(WireParser&&) noexcept;

  // Returns how many bytes were taken; the rest comes again with more behind it (or belongs to the next
  // message).
  std::size_t put(std::string_view bytes);
  // The peer has ended its side: the end of some bodies, a Cut in the middle of others.
  void put_end();

  Problem problem() const;
  const std::string& problem_text() const;
  bool started() const;  // something was taken
  bool head_done() const;
  bool done() const;
  bool keep_alive() const;  // once head_done()
  int version() const;      // 10 or 11, once head_done()

  HttpRequest& request();
  HttpResponse& response();
  std::string& body();  // decoded so far; may be taken bit by bit

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Received bytes in a queue: appended behind, taken from the front, without moving the rest each time.
class InputBuffer {
 public:
  std::string_view bytes() const { return std::string_view(text_).substr(start_); }
  bool empty() const { return start_ == text_.size(); }
  void consume(std::size_t count);
  void append(std::string_view bytes) { text_.append(bytes); }
  // Reads once from `stream`, at most 64 KiB; 0 when the peer has ended its side. Bytes that a cancelled read
  // has already received are kept here.
  Task<Result<std::size_t>> read_from(Stream& stream);

 private:
  std::string text_;
  std::size_t start_ = 0;
  // Grows with what the peer sends: most messages are small, and thousands of idle connections keep their
  // buffer.
  std::size_t read_size_ = 4u << 10;
};

// Start line and fields with the empty line. Fields of framing in `headers` are dropped in favour of
// `framing`
// ("Content-Length: 5\r\n"). A request with the field Upgrade says so in Connection, too. Error InvalidInput:
// a character that would end a line or a name early.
Result<std::string> request_head(const HttpRequest& request, std::string_view host);
Result<std::string> response_head(int status, const Headers& headers, std::string_view framing);
std::string chunk_text(std::string_view bytes);
std::string_view reason_phrase(int status);
// "Sat, 21 Nov 2026 04:31:07 GMT"
std::string http_date(TimePoint time);

}  // namespace kube
