// Result<T> is a value or an Error; ignoring one does not compile.
//
//   Result<Pod> pod = co_await pods.get(key);
//   if (!pod) return fail(std::move(pod));                 // pass the error on
//   use(*pod);
//
//   return fail(ErrorKind::InvalidInput, "spec.driver.cores: expected integer, got \"two\"");
//   return {};                                             // success of Result<void>
//
// Wrapped once around std::expected so that [[nodiscard]] holds and the error type is fixed. libstdc++ 12 has
// std::expected without its monadic members; they are not used.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "kube/base/error.h"

namespace kube {

template <class T = void>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
  Result(std::expected<T, Error>&& other) : std::expected<T, Error>(std::move(other)) {}
};

inline std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(std::move(error));
}
inline std::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return std::unexpected<Error>(Error(kind, std::move(message)));
}
template <class T>
std::unexpected<Error> fail(Result<T>&& failed) {
  return std::unexpected<Error>(std::move(failed).error());
}
template <class T>
std::unexpected<Error> fail(Result<T>& failed) {
  return std::unexpected<Error>(failed.error());
}

}  // namespace kube
