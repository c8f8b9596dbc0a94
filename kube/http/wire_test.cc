#include "kube/http/wire.h"

#include <catch2/catch.hpp>

using namespace kube;
using Role = WireParser::Role;
using Problem = WireParser::Problem;

namespace {

// Feeds `text` in pieces, as a connection would; returns what was not taken.
std::string feed(WireParser& parser, std::string_view text, std::size_t piece) {
  std::string pending;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    pending += text.substr(at, piece);
    pending.erase(0, parser.put(pending));
  }
  return pending;
}

Problem problem_of(std::string_view text, Role role = Role::Request, WireParser::Limits limits = {}) {
  WireParser parser(role, limits);
  feed(parser, text, text.size());
  return parser.problem();
}

}  // namespace

TEST_CASE("a message is read the same however it is cut into pieces") {
  struct Row {
    const char* why;
    std::string text;
    std::string body;
  };
  const Row rows[] = {
      {"no body", "GET /x?y=1 HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\r\n", ""},
      {"length", "POST /x?y=1 HTTP/1.1\r\nHost: h\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello", "hello"},
      {"chunks",
       "POST /x?y=1 HTTP/1.1\r\nHost: h\r\nX-A:   b\r\nTransfer-Encoding: Chunked\r\n\r\n"
       "3\r\nhel\r\n002;ext=1\r\nlo\r\n0\r\nTrailer: t\r\n\r\n",
       "hello"},
  };
  for (const Row& row : rows) {
    for (std::size_t piece = 1; piece <= row.text.size(); ++piece) {
      INFO(row.why << ", pieces of " << piece);
      WireParser parser(Role::Request, {});
      // Behind it comes the next request, of which nothing may be taken.
      const std::string rest = feed(parser, row.text + "GET", piece);
      REQUIRE(parser.done());
      CHECK(rest == "GET");
      CHECK(parser.request().target == "/x?y=1");
      CHECK(parser.request().headers.get("x-a") == "b");
      CHECK_FALSE(parser.request().headers.get("Trailer"));
      CHECK(parser.body() == row.body);
      CHECK(parser.keep_alive());
    }
  }
}

TEST_CASE("a message that ends too early is cut, at every byte") {
  const std::string texts[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  };
  for (const std::string& text : texts) {
    for (std::size_t size = 0; size < text.size(); ++size) {
      INFO(text.substr(0, size));
      WireParser parser(Role::Response, {});
      feed(parser, std::string_view(text).substr(0, size), 7);
      parser.put_end();
      CHECK(parser.problem() == Problem::Cut);
    }
  }
}

TEST_CASE("an answer without a length ends with the connection") {
  WireParser parser(Role::Response, {});
  feed(parser, "HTTP/1.1 200 OK\r\n\r\nall of it", 100);
  CHECK(parser.head_done());
  CHECK_FALSE(parser.done());
  parser.put_end();
  CHECK(parser.done());
  CHECK(parser.body() == "all of it");
  CHECK_FALSE(parser.keep_alive());
}

TEST_CASE("answers that have no body whatever they announce") {
  for (const char* start :
       {"HTTP/1.1 204 No Content", "HTTP/1.1 304 Not Modified", "HTTP/1.1 100 Continue"}) {
    WireParser parser(Role::Response, {});
    CHECK(feed(parser, std::string(start) + "\r\nContent-Length: 5\r\n\r\nHTTP", 100) == "HTTP");
    CHECK(parser.done());
  }
  WireParser head(Role::ResponseToHead, {});
  feed(head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 100);
  CHECK(head.done());
}

TEST_CASE("messages whose end could be read in two ways are refused") {
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n";
  for (const char* fields :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\n", "Transfer-Encoding: xchunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: +5\r\n", "Content-Length: 5x\r\n",
        "Content-Length: -1\r\n", "Content-Length: 99999999999999999999999\r\n", "Content-Length : 5\r\n",
        "X: a\n", "X\x01: a\r\n", "X: a\x01\r\n", " folded: a\r\n: empty\r\n"}) {
    INFO(fields);
    CHECK(problem_of(start + fields + "\r\nhello") == Problem::Malformed);
  }
  for (const char* text : {"GET / HTTP/2.0\r\n\r\n", "GET /\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n",
                           "\r\n\r\n\r\n\r\n", "G\xff / HTTP/1.1\r\n\r\n", "GET /\x01 HTTP/1.1\r\n\r\n"}) {
    INFO(text);
    CHECK(problem_of(text) == Problem::Malformed);
  }
}

TEST_CASE("limits hold wherever the bytes are") {
  const WireParser::Limits limits{.header_bytes = 200, .body_bytes = 10};
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n";
  CHECK(problem_of(start + "X: " + std::string(300, 'x') + "\r\n\r\n", Role::Request, limits) ==
        Problem::HeaderTooLarge);
  CHECK(problem_of("GET /" + std::string(300, 'x'), Role::Request, limits) == Problem::HeaderTooLarge);
  std::string many = start;
  for (int i = 0; i < 100; ++i) many += "X: y\r\n";
  CHECK(problem_of(many, Role::Request, limits) == Problem::HeaderTooLarge);
  CHECK(problem_of(start + "Content-Length: 11\r\n\r\n", Role::Request, limits) == Problem::BodyTooLarge);
  CHECK(problem_of(start + "Content-Length: 10\r\n\r\n", Role::Request, limits) == Problem::None);
  CHECK(problem_of(start + "Transfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n5\r\n", Role::Request, limits) ==
        Problem::BodyTooLarge);
  // The line of a chunk's size has no end.
  CHECK(problem_of(start + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(400, 'x'), Role::Request,
                   limits) == Problem::Malformed);
}

TEST_CASE("keep-alive follows version and Connection") {
  struct Row {
    const char* head;
    bool keep_alive;
  };
  for (const Row& row :
       {Row{"GET / HTTP/1.1\r\n\r\n", true}, Row{"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false},
        Row{"GET / HTTP/1.0\r\n\r\n", false},
        Row{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true}}) {
    INFO(row.head);
    WireParser parser(Role::Request, {});
    feed(parser, row.head, 100);
    REQUIRE(parser.done());
    CHECK(parser.keep_alive() == row.keep_alive);
  }
}

TEST_CASE("a request is written with its host and length") {
  HttpRequest request{
      .method = "POST", .target = "/x", .headers = {{"Accept", "a"}, {"content-length", "99"}}};
  request.body = "hello";
  CHECK(*request_head(request, "h:80") ==
        "POST /x HTTP/1.1\r\nHost: h:80\r\nAccept: a\r\nContent-Length: 5\r\n\r\n");
  CHECK(*request_head({.method = "GET", .target = "/"}, "h") == "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(*request_head({.method = "PUT", .target = "/"}, "h") ==
        "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("what would break the framing is refused before it is written") {
  CHECK_FALSE(request_head({.method = "GET x"}, "h"));
  CHECK_FALSE(request_head({.target = "/a b"}, "h"));
  CHECK_FALSE(request_head({.target = "/a\r\nX: y"}, "h"));
  CHECK_FALSE(request_head({.headers = {{"X", "a\r\nY: b"}}}, "h"));
  CHECK_FALSE(request_head({.headers = {{"X: y", "a"}}}, "h"));
  CHECK_FALSE(response_head(200, {{"X", "a\nb"}}, ""));
  CHECK_FALSE(response_head(99, {}, ""));
  CHECK(request_head({.headers = {{"X", "a\r\nY: b"}}}, "h").error().kind() == ErrorKind::InvalidInput);
}

TEST_CASE("chunks carry their size in hex") {
  CHECK(chunk_text("hello") == "5\r\nhello\r\n");
  CHECK(chunk_text(std::string(4096, 'x')).starts_with("1000\r\nxxx"));
}

TEST_CASE("a date is written as HTTP wants it") {
  CHECK(http_date(*parse_rfc3339("2026-11-21T04:05:06Z")) == "Sat, 21 Nov 2026 04:05:06 GMT");
  CHECK(http_date(*parse_rfc3339("1999-01-01T23:59:59.9Z")) == "Fri, 01 Jan 1999 23:59:59 GMT");
  CHECK(http_date(*parse_rfc3339("2024-12-31T10:20:30Z")) == "Tue, 31 Dec 2024 10:20:30 GMT");
}

TEST_CASE("the input buffer gives back what was appended, less what was consumed") {
  InputBuffer input;
  std::string expected;
  for (int round = 0; round < 2000; ++round) {
    const std::string text(static_cast<std::size_t>(round % 97), static_cast<char>('a' + round % 26));
    input.append(text);
    expected += text;
    const std::size_t take = std::min(expected.size(), static_cast<std::size_t>(round % 89));
    input.consume(take);
    expected.erase(0, take);
    REQUIRE(input.bytes() == expected);
  }
}
