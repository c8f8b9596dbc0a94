// Error says what went wrong so that callers branch on a kind, never on text, and so that only one place
// decides whether to try again.
//
//   if (!created && created.error().is_already_exists()) co_return co_await adopt(pod);
//   if (!created) return std::move(created).error().while_doing("create driver pod ns/pi-driver");
//
// A message reads outside-in: `submit ns/pi: create driver pod ns/pi-driver: 403 Forbidden: exceeded quota`.
//
// Kinds of API answers and their HTTP codes are those of metav1.Status `reason` (Kubernetes API conventions).
// Thread: a value; share nothing. No secret may be put into a message: it ends in logs, events and status.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace kube {

enum class ErrorKind {
  // The request did not get a full answer.
  Unavailable,  // refused, reset, name not found, or a 502/503 of the API server
  Timeout,      // our deadline, or a 504 of the API server
  Protocol,     // the peer sent what its protocol does not allow
  // The API server answered (reason of metav1.Status).
  BadRequest,
  Unauthorized,
  Forbidden,
  NotFound,
  AlreadyExists,
  Conflict,
  Gone,     // 410, reason Expired or Gone: the resourceVersion or continue token is too old
  Invalid,  // 422
  TooManyRequests,
  MethodNotAllowed,
  NotAcceptable,
  UnsupportedMediaType,
  RequestTooLarge,
  InternalError,  // 500 and everything unknown
  // Nobody was asked.
  InvalidInput,  // what we were given cannot be used: wrong type, malformed text; the message carries the
                 // path
  Io,            // file system, processes
  ShuttingDown,
};

std::string_view to_string(ErrorKind kind);

// Whether and when the same call may be tried again. The only classification; the work queue and retry() act
// on it.
enum class Retry {
  Never,    // a person must change something: Invalid, Forbidden, InvalidInput …
  Now,      // Conflict: with a fresh read
  Backoff,  // Unavailable, Timeout, InternalError …
  After,    // the server said when (retry_after())
};

class [[nodiscard]] Error {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }

  // HTTP status code of the answer; 0 when there was none.
  int http_status() const { return http_status_; }
  // metav1.Status.reason as sent, "" when there was none.
  const std::string& reason() const { return reason_; }
  std::optional<std::chrono::nanoseconds> retry_after() const { return retry_after_; }

  Retry retry() const;

  bool is_not_found() const { return kind_ == ErrorKind::NotFound; }
  bool is_already_exists() const { return kind_ == ErrorKind::AlreadyExists; }
  bool is_conflict() const { return kind_ == ErrorKind::Conflict; }
  bool is_gone() const { return kind_ == ErrorKind::Gone; }

  // True when the request may have been carried out although this error came back (time-out, cut connection,
  // 5xx). Only then must an effect be assumed possible; otherwise the server definitely refused.
  bool is_ambiguous() const { return ambiguous_; }

  // Adds context in front: "create pod a/b" + ": " + message.
  Error while_doing(std::string_view what) &&;
  Error while_doing(std::string_view what) const&;

  Error& with_http_status(int status);
  Error& with_reason(std::string reason);
  Error& with_retry_after(std::chrono::nanoseconds after);
  Error& with_ambiguous(bool ambiguous);

 private:
  ErrorKind kind_;
  bool ambiguous_ = false;
  int http_status_ = 0;
  std::string reason_;
  std::string message_;
  std::optional<std::chrono::nanoseconds> retry_after_;
};

}  // namespace kube
