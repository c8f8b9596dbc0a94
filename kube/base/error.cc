#include "kube/base/error.h"

namespace kube {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Unavailable:
      return "Unavailable";
    case ErrorKind::Timeout:
      return "Timeout";
    case ErrorKind::Protocol:
      return "Protocol";
    case ErrorKind::BadRequest:
      return "BadRequest";
    case ErrorKind::Unauthorized:
      return "Unauthorized";
    case ErrorKind::Forbidden:
      return "Forbidden";
    case ErrorKind::NotFound:
      return "NotFound";
    case ErrorKind::AlreadyExists:
      return "AlreadyExists";
    case ErrorKind::Conflict:
      return "Conflict";
    case ErrorKind::Gone:
      return "Gone";
    case ErrorKind::Invalid:
      return "Invalid";
    case ErrorKind::TooManyRequests:
      return "TooManyRequests";
    case ErrorKind::MethodNotAllowed:
      return "MethodNotAllowed";
    case ErrorKind::NotAcceptable:
      return "NotAcceptable";
    case ErrorKind::UnsupportedMediaType:
      return "UnsupportedMediaType";
    case ErrorKind::RequestTooLarge:
      return "RequestTooLarge";
    case ErrorKind::InternalError:
      return "InternalError";
    case ErrorKind::InvalidInput:
      return "InvalidInput";
    case ErrorKind::Io:
      return "Io";
    case ErrorKind::ShuttingDown:
      return "ShuttingDown";
  }
  return "InternalError";
}

Retry Error::retry() const {
  switch (kind_) {
    case ErrorKind::Conflict:
    case ErrorKind::Gone:
      return Retry::Now;  // both are cured by reading again

    case ErrorKind::Unavailable:
    case ErrorKind::Timeout:
    case ErrorKind::TooManyRequests:
    case ErrorKind::InternalError:
      return retry_after_ ? Retry::After : Retry::Backoff;

    case ErrorKind::Protocol:
    case ErrorKind::Io:
    case ErrorKind::Unauthorized:
      return Retry::Backoff;  // 401: tokens rotate; the next try reads a fresh one

    case ErrorKind::BadRequest:
    case ErrorKind::Forbidden:
    case ErrorKind::NotFound:
    case ErrorKind::AlreadyExists:
    case ErrorKind::Invalid:
    case ErrorKind::MethodNotAllowed:
    case ErrorKind::NotAcceptable:
    case ErrorKind::UnsupportedMediaType:
    case ErrorKind::RequestTooLarge:
    case ErrorKind::InvalidInput:
    case ErrorKind::ShuttingDown:
      return Retry::Never;
  }
  return Retry::Never;
}

Error Error::while_doing(std::string_view what) && {
  message_.insert(0, ": ");
  message_.insert(0, what);
  return std::move(*this);
}

Error Error::while_doing(std::string_view what) const& {
  return Error(*this).while_doing(what);
}

Error& Error::with_http_status(int status) {
  http_status_ = status;
  return *this;
}

Error& Error::with_reason(std::string reason) {
  reason_ = std::move(reason);
  return *this;
}

Error& Error::with_retry_after(std::chrono::nanoseconds after) {
  retry_after_ = after;
  return *this;
}

Error& Error::with_ambiguous(bool ambiguous) {
  ambiguous_ = ambiguous;
  return *this;
}

}  // namespace kube
