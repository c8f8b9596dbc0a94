#include "kube/core/status_error.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace kube {

namespace {

struct ReasonRow {
  std::string_view reason;
  ErrorKind kind;
  int code;
};

// metav1.StatusReason; the first row of a kind is what we send for it.
constexpr std::array kReasons{
    ReasonRow{"BadRequest", ErrorKind::BadRequest, 400},
    ReasonRow{"Unauthorized", ErrorKind::Unauthorized, 401},
    ReasonRow{"Forbidden", ErrorKind::Forbidden, 403},
    ReasonRow{"NotFound", ErrorKind::NotFound, 404},
    ReasonRow{"AlreadyExists", ErrorKind::AlreadyExists, 409},
    ReasonRow{"Conflict", ErrorKind::Conflict, 409},
    ReasonRow{"Expired", ErrorKind::Gone, 410},
    ReasonRow{"Gone", ErrorKind::Gone, 410},
    ReasonRow{"Invalid", ErrorKind::Invalid, 422},
    ReasonRow{"TooManyRequests", ErrorKind::TooManyRequests, 429},
    ReasonRow{"MethodNotAllowed", ErrorKind::MethodNotAllowed, 405},
    ReasonRow{"NotAcceptable", ErrorKind::NotAcceptable, 406},
    ReasonRow{"UnsupportedMediaType", ErrorKind::UnsupportedMediaType, 415},
    ReasonRow{"RequestEntityTooLarge", ErrorKind::RequestTooLarge, 413},
    ReasonRow{"InternalError", ErrorKind::InternalError, 500},
    ReasonRow{"Timeout", ErrorKind::Timeout, 504},
    ReasonRow{"ServerTimeout", ErrorKind::Timeout, 500},
    ReasonRow{"ServiceUnavailable", ErrorKind::Unavailable, 503},
};

struct PhraseRow {
  int code;
  std::string_view phrase;
  ErrorKind kind;  // of an answer without a known reason
};

constexpr std::array kPhrases{
    PhraseRow{400, "Bad Request", ErrorKind::BadRequest},
    PhraseRow{401, "Unauthorized", ErrorKind::Unauthorized},
    PhraseRow{403, "Forbidden", ErrorKind::Forbidden},
    PhraseRow{404, "Not Found", ErrorKind::NotFound},
    PhraseRow{405, "Method Not Allowed", ErrorKind::MethodNotAllowed},
    PhraseRow{406, "Not Acceptable", ErrorKind::NotAcceptable},
    PhraseRow{408, "Request Timeout", ErrorKind::Timeout},
    PhraseRow{409, "Conflict", ErrorKind::Conflict},
    PhraseRow{410, "Gone", ErrorKind::Gone},
    PhraseRow{413, "Request Entity Too Large", ErrorKind::RequestTooLarge},
    PhraseRow{415, "Unsupported Media Type", ErrorKind::UnsupportedMediaType},
    PhraseRow{422, "Unprocessable Entity", ErrorKind::Invalid},
    PhraseRow{429, "Too Many Requests", ErrorKind::TooManyRequests},
    PhraseRow{500, "Internal Server Error", ErrorKind::InternalError},
    PhraseRow{501, "Not Implemented", ErrorKind::MethodNotAllowed},
    PhraseRow{502, "Bad Gateway", ErrorKind::Unavailable},
    PhraseRow{503, "Service Unavailable", ErrorKind::Unavailable},
    PhraseRow{504, "Gateway Timeout", ErrorKind::Timeout},
};

const ReasonRow* row_of(ErrorKind kind) {
  for (const ReasonRow& row : kReasons)
    if (row.kind == kind) return &row;
  return nullptr;
}

std::optional<std::int64_t> integer_at(const Json& json, std::initializer_list<std::string_view> path) {
  const Json* found = find_path(json, path);
  if (found == nullptr || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

std::string headline(int http_status) {
  const std::string_view phrase = http_reason_phrase(http_status);
  std::string text = std::to_string(http_status);
  if (!phrase.empty()) text.append(" ").append(phrase);
  return text;
}

// What a proxy or load balancer sent instead of a Status, fit for one line.
std::string quoted(std::string_view body) {
  constexpr std::size_t kLongest = 256;
  std::string text;
  for (const char c : body.substr(0, kLongest)) text += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return body.size() > kLongest ? text + "…" : text;
}

Error make(int http_status, std::string_view reason, std::string_view message) {
  std::string text = headline(http_status);
  if (!message.empty()) text.append(": ").append(message);
  Error error(kind_of(http_status, reason), std::move(text));
  error.with_http_status(http_status).with_reason(std::string(reason)).with_ambiguous(http_status >= 500);
  return error;
}

void add_details(Json& status, const StatusDetails& details,
                 std::optional<std::chrono::nanoseconds> retry_after) {
  Json json = Json::object();
  if (!details.name.empty()) json["name"] = details.name;
  if (!details.group.empty()) json["group"] = details.group;
  if (!details.kind.empty()) json["kind"] = details.kind;
  if (!details.uid.empty()) json["uid"] = details.uid;
  for (const StatusCause& cause : details.causes) {
    Json item{{"reason", cause.reason}, {"message", cause.message}};
    if (!cause.field.empty()) item["field"] = cause.field;
    json["causes"].push_back(std::move(item));
  }
  if (retry_after) json["retryAfterSeconds"] = std::chrono::ceil<std::chrono::seconds>(*retry_after).count();
  if (!json.empty()) status["details"] = std::move(json);
}

Error server_error(ErrorKind kind, std::string message) {
  Error error(kind, std::move(message));
  error.with_http_status(http_status_of(kind)).with_reason(std::string(reason_of(kind)));
  return error;
}

std::string named(const Resource& resource, std::string_view name) {
  return resource.group_resource() + " \"" + std::string(name) + "\"";
}

}  // namespace

ErrorKind kind_of(int http_status, std::string_view reason) {
  for (const ReasonRow& row : kReasons)
    if (row.reason == reason) return row.kind;
  for (const PhraseRow& row : kPhrases)
    if (row.code == http_status) return row.kind;
  if (http_status >= 400 && http_status < 500) return ErrorKind::BadRequest;
  return ErrorKind::InternalError;
}

int http_status_of(ErrorKind kind) {
  const ReasonRow* row = row_of(kind);
  return row != nullptr ? row->code : 500;
}

std::string_view reason_of(ErrorKind kind) {
  const ReasonRow* row = row_of(kind);
  return row != nullptr ? row->reason : std::string_view();
}

std::string_view http_reason_phrase(int http_status) {
  for (const PhraseRow& row : kPhrases)
    if (row.code == http_status) return row.phrase;
  return {};
}

Error error_from_status(const Json& status, int http_status) {
  if (http_status == 0) http_status = static_cast<int>(integer_at(status, {"code"}).value_or(500));
  Error error = make(http_status, string_at(status, {"reason"}), string_at(status, {"message"}));
  // Forbidden has many causes; this one passes by itself, with everything in the namespace.
  for (const StatusCause& cause : status_details(status).causes)
    if (cause.reason == "NamespaceTerminating") error.with_reason(cause.reason);
  // More than a day is no advice but a mistake; the cap also keeps the conversion to nanoseconds in range.
  if (const auto seconds = integer_at(status, {"details", "retryAfterSeconds"}); seconds && *seconds > 0)
    error.with_retry_after(std::chrono::seconds(std::min<std::int64_t>(*seconds, 86'400)));
  return error;
}

Error error_from_status(int http_status, std::optional<std::string_view> retry_after, std::string_view body) {
  const auto json = parse_json(body);
  const bool is_status = json && string_at(*json, {"kind"}) == "Status";
  Error error = is_status ? error_from_status(*json, http_status) : make(http_status, "", quoted(body));
  if (!retry_after) return error;
  int seconds = 0;
  const auto [end, code] =
      std::from_chars(retry_after->data(), retry_after->data() + retry_after->size(), seconds);
  if (code == std::errc() && end == retry_after->data() + retry_after->size() && seconds >= 0)
    error.with_retry_after(std::chrono::seconds(std::min(seconds, 86'400)));
  return error;
}

StatusDetails status_details(const Json& status) {
  StatusDetails details;
  details.name = string_at(status, {"details", "name"});
  details.group = string_at(status, {"details", "group"});
  details.kind = string_at(status, {"details", "kind"});
  details.uid = string_at(status, {"details", "uid"});
  if (const Json* causes = find_path(status, {"details", "causes"}); causes != nullptr && causes->is_array())
    for (const Json& cause : *causes)
      details.causes.push_back(
          {string_at(cause, {"reason"}), string_at(cause, {"field"}), string_at(cause, {"message"})});
  return details;
}

Json status_body(const Error& error, const StatusDetails& details) {
  const int code = error.http_status() != 0 ? error.http_status() : http_status_of(error.kind());
  Json status{{"apiVersion", "v1"},  {"kind", "Status"},           {"metadata", Json::object()},
              {"status", "Failure"}, {"message", error.message()}, {"code", code}};
  std::string reason = error.reason();
  if (reason.empty()) reason = reason_of(error.kind());
  if (!reason.empty()) status["reason"] = reason;
  add_details(status, details, error.retry_after());
  return status;
}

Json success_status(const StatusDetails& details) {
  Json status{{"apiVersion", "v1"}, {"kind", "Status"}, {"metadata", Json::object()}, {"status", "Success"}};
  add_details(status, details, std::nullopt);
  return status;
}

Error not_found_error(const Resource& resource, std::string_view name) {
  return server_error(ErrorKind::NotFound, named(resource, name) + " not found");
}

Error already_exists_error(const Resource& resource, std::string_view name) {
  return server_error(ErrorKind::AlreadyExists, named(resource, name) + " already exists");
}

Error conflict_error(const Resource& resource, std::string_view name, std::string_view why) {
  return server_error(ErrorKind::Conflict,
                      "Operation cannot be fulfilled on " + named(resource, name) + ": " + std::string(why));
}

Error forbidden_error(const Resource& resource, std::string_view name, std::string_view why) {
  return server_error(ErrorKind::Forbidden, named(resource, name) + " is forbidden: " + std::string(why));
}

Error invalid_error(const GroupVersionKind& gvk, std::string_view name,
                    const std::vector<StatusCause>& causes) {
  std::string message = (gvk.group.empty() ? gvk.kind : gvk.kind + "." + gvk.group) + " \"" +
                        std::string(name) + "\" is invalid: ";
  // Several faults are listed in brackets, as the API server does.
  std::string list;
  for (const StatusCause& cause : causes) {
    if (!list.empty()) list += ", ";
    if (!cause.field.empty()) list += cause.field + ": ";
    list += cause.message;
  }
  return server_error(ErrorKind::Invalid, message + (causes.size() > 1 ? "[" + list + "]" : list));
}

Error bad_request_error(std::string message) {
  return server_error(ErrorKind::BadRequest, std::move(message));
}

}  // namespace kube
