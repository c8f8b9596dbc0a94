// Refusal is an answer that says no: the HTTP status and the metav1.Status body that clients branch on.
//
//   if (!object) return refuse(Refusal::not_found(kPods, "pi-driver"));
//   refusal.body();     // {"kind":"Status","status":"Failure","reason":"NotFound","code":404,…}
//
// Texts follow the real API server's, because people and programs have learned to read them.
// Thread: a value.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "kube/core/gvk.h"
#include "kube/core/json.h"

namespace kube::apiserver {

// One field of an object that cannot be accepted.
struct FieldProblem {
  enum class Type {
    Required,
    Invalid,
    NotFound,
    NotSupported,
    Forbidden,
    Duplicate,
    TypeInvalid,
    TooLong,
    TooMany
  };

  Type type = Type::Invalid;
  std::string path;    // "spec.containers[0].image"
  Json value;          // what stands there; not shown for Required and Forbidden
  std::string detail;  // "must be …"

  std::string to_string() const;
};

class [[nodiscard]] Refusal {
 public:
  Refusal(int code, std::string reason, std::string message);

  static Refusal bad_request(std::string message);
  static Refusal unauthorized();
  static Refusal forbidden(const Resource& resource, std::string_view name, std::string_view why);
  static Refusal not_found(const Resource& resource, std::string_view name);
  // A path that no resource serves.
  static Refusal no_such_path();
  static Refusal already_exists(const Resource& resource, std::string_view name);
  static Refusal conflict(const Resource& resource, std::string_view name, std::string_view why);
  // A conflict as deletions word it: they name the kind, not the resource.
  static Refusal precondition_failed(const Resource& resource, std::string_view name, std::string_view why);
  static Refusal modified(const Resource& resource, std::string_view name);
  static Refusal invalid(const GroupVersionKind& kind, std::string_view name,
                         const std::vector<FieldProblem>& problems);
  static Refusal method_not_allowed(std::string_view method);
  static Refusal unsupported_media_type(std::string_view accepted);
  static Refusal too_large(std::size_t limit);
  static Refusal expired(std::string message);
  static Refusal version_too_large(std::uint64_t asked, std::uint64_t current);
  static Refusal internal(std::string message);

  int code() const { return code_; }
  const std::string& reason() const { return reason_; }
  const std::string& message() const { return message_; }
  Json& details() { return details_; }
  Json& metadata() { return metadata_; }
  // metav1.Status.
  Json body() const;

 private:
  int code_;
  std::string reason_;
  std::string message_;
  Json details_;
  Json metadata_ = Json::object();
};

// A value, or why there is none.
template <class T = void>
using Granted = std::expected<T, Refusal>;

inline std::unexpected<Refusal> refuse(Refusal refusal) {
  return std::unexpected<Refusal>(std::move(refusal));
}
template <class T>
std::unexpected<Refusal> refuse(Granted<T>& refused) {
  return std::unexpected<Refusal>(std::move(refused).error());
}

}  // namespace kube::apiserver
