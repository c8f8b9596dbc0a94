// metav1.Status is how the API server says what went wrong; kube::Error is how we do. Both ways.
//
//   Error error = error_from_status(response.status, response.header("Retry-After"), response.body);
//   Json body = status_body(error, {.name = "pi", .kind = "pods"});   // for servers
//
// The kind comes from `reason` first and from the HTTP code where the reason is missing or unknown. 5xx
// answers are ambiguous (the request may have been carried out), 4xx never are.
//
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/base/error.h"
#include "kube/core/gvk.h"
#include "kube/core/json.h"

namespace kube {

// One fault of an Invalid answer.
struct StatusCause {
  std::string reason = {};   // "FieldValueInvalid"
  std::string field = {};    // "spec.containers[0].name"
  std::string message = {};  // `Invalid value: "x": …`

  bool operator==(const StatusCause&) const = default;
};

struct StatusDetails {
  std::string name = {};
  std::string group = {};
  std::string kind = {};  // as Kubernetes fills it: the plural ("pods")
  std::string uid = {};
  std::vector<StatusCause> causes = {};

  bool operator==(const StatusDetails&) const = default;
};

// The error of an HTTP answer >= 400, or of the object of a watch's ERROR event (then http_status 0: taken
// from the body's code). `body` may be anything; what is no Status is quoted, shortened. The message reads
// `404 Not Found: pods "pi" not found`. reason() is NamespaceTerminating where that is the cause.
Error error_from_status(int http_status, std::optional<std::string_view> retry_after, std::string_view body);
Error error_from_status(const Json& status, int http_status = 0);

// Details of a Status body; empty when it has none.
StatusDetails status_details(const Json& status);

// A Status of this error for clients, with its code, reason and message (context included).
Json status_body(const Error& error, const StatusDetails& details = {});
// Answer of deletions: {"kind": "Status", "status": "Success", "details": …}.
Json success_status(const StatusDetails& details = {});

// Errors as an API server words them, with code and reason set.
Error not_found_error(const Resource& resource, std::string_view name);
Error already_exists_error(const Resource& resource, std::string_view name);
Error conflict_error(const Resource& resource, std::string_view name, std::string_view why);
Error forbidden_error(const Resource& resource, std::string_view name, std::string_view why);
// `pods "pi" is invalid: spec.x: Required value`; the causes go to status_body() by StatusDetails.
Error invalid_error(const GroupVersionKind& gvk, std::string_view name,
                    const std::vector<StatusCause>& causes);
Error bad_request_error(std::string message);

// 404 for NotFound …; 500 for kinds that no server answers with.
int http_status_of(ErrorKind kind);
// "NotFound" …; "" for kinds that no server answers with.
std::string_view reason_of(ErrorKind kind);
ErrorKind kind_of(int http_status, std::string_view reason);

// "Not Found" for 404 …; "" for unknown codes.
std::string_view http_reason_phrase(int http_status);

}  // namespace kube
