#include "kube/base/error.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "kube/base/result.h"

using namespace kube;
using namespace std::chrono_literals;

TEST_CASE("context is added in front, outermost first", "[error]") {
  Error error(ErrorKind::Forbidden, "403 Forbidden: exceeded quota");
  Error full = std::move(error).while_doing("create driver pod ns/pi-driver").while_doing("submit ns/pi");
  CHECK(full.message() == "submit ns/pi: create driver pod ns/pi-driver: 403 Forbidden: exceeded quota");
  const Error& shared = full;
  CHECK(shared.while_doing("x").message().starts_with("x: submit"));
  CHECK(full.message().starts_with("submit"));
}

TEST_CASE("context keeps kind, code, reason and delay", "[error]") {
  Error error(ErrorKind::TooManyRequests, "slow down");
  error.with_http_status(429).with_reason("TooManyRequests").with_retry_after(3s).with_ambiguous(false);
  Error full = std::move(error).while_doing("list pods");
  CHECK(full.kind() == ErrorKind::TooManyRequests);
  CHECK(full.http_status() == 429);
  CHECK(full.reason() == "TooManyRequests");
  CHECK(full.retry_after() == 3s);
  CHECK_FALSE(full.is_ambiguous());
}

TEST_CASE("whether to try again is a property of the kind", "[error]") {
  struct Row {
    ErrorKind kind;
    Retry retry;
  };
  auto row = GENERATE(values<Row>({
      {ErrorKind::Unavailable, Retry::Backoff},
      {ErrorKind::Timeout, Retry::Backoff},
      {ErrorKind::Protocol, Retry::Backoff},
      {ErrorKind::BadRequest, Retry::Never},
      {ErrorKind::Unauthorized, Retry::Backoff},
      {ErrorKind::Forbidden, Retry::Never},
      {ErrorKind::NotFound, Retry::Never},
      {ErrorKind::AlreadyExists, Retry::Never},
      {ErrorKind::Conflict, Retry::Now},
      {ErrorKind::Gone, Retry::Now},
      {ErrorKind::Invalid, Retry::Never},
      {ErrorKind::TooManyRequests, Retry::Backoff},
      {ErrorKind::InternalError, Retry::Backoff},
      {ErrorKind::InvalidInput, Retry::Never},
      {ErrorKind::Io, Retry::Backoff},
      {ErrorKind::ShuttingDown, Retry::Never},
  }));
  INFO(to_string(row.kind));
  CHECK(Error(row.kind, "m").retry() == row.retry);
}

TEST_CASE("a server's delay counts where trying again makes sense", "[error]") {
  CHECK(Error(ErrorKind::TooManyRequests, "m").with_retry_after(1s).retry() == Retry::After);
  CHECK(Error(ErrorKind::Unavailable, "m").with_retry_after(1s).retry() == Retry::After);
  CHECK(Error(ErrorKind::Invalid, "m").with_retry_after(1s).retry() == Retry::Never);
  CHECK(Error(ErrorKind::Conflict, "m").with_retry_after(1s).retry() == Retry::Now);
}

namespace {

Result<std::unique_ptr<int>> positive(int value) {
  if (value <= 0) return fail(ErrorKind::InvalidInput, "not positive: " + std::to_string(value));
  return std::make_unique<int>(value);
}

Result<> check(int value) {
  auto result = positive(value);
  if (!result) return fail(std::move(result));
  return {};
}

}  // namespace

TEST_CASE("a result is a value or an error, and errors pass on", "[result]") {
  auto three = positive(3);
  REQUIRE(three);
  CHECK(**three == 3);
  CHECK(check(3).has_value());
  auto bad = check(-1);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message() == "not positive: -1");
}
