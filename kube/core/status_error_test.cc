#include "kube/core/status_error.h"

#include <catch2/catch.hpp>

#include "kube/core/conditions.h"
#include "kube/core/fields.h"

using namespace kube;
using namespace std::chrono_literals;

TEST_CASE("a refusal keeps its kind, code, reason and words", "[status_error]") {
  const Error error =
      error_from_status(404, std::nullopt,
                        R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",
          "message":"pods \"pi\" not found","reason":"NotFound","details":{"name":"pi","kind":"pods"},"code":404})");
  CHECK(error.is_not_found());
  CHECK(error.http_status() == 404);
  CHECK(error.reason() == "NotFound");
  CHECK(error.message() == "404 Not Found: pods \"pi\" not found");
  CHECK_FALSE(error.is_ambiguous());
}

TEST_CASE("the reason decides before the code; 5xx is ambiguous and 4xx is not", "[status_error]") {
  struct Row {
    int code;
    const char* reason;
    ErrorKind kind;
    bool ambiguous;
  };
  auto row = GENERATE(values<Row>({
      {409, "AlreadyExists", ErrorKind::AlreadyExists, false},
      {409, "Conflict", ErrorKind::Conflict, false},
      {409, "", ErrorKind::Conflict, false},
      {410, "Expired", ErrorKind::Gone, false},
      {410, "Gone", ErrorKind::Gone, false},
      {403, "Forbidden", ErrorKind::Forbidden, false},
      {422, "Invalid", ErrorKind::Invalid, false},
      {400, "SomethingNew", ErrorKind::BadRequest, false},
      {418, "", ErrorKind::BadRequest, false},
      {429, "TooManyRequests", ErrorKind::TooManyRequests, false},
      {401, "Unauthorized", ErrorKind::Unauthorized, false},
      {413, "RequestEntityTooLarge", ErrorKind::RequestTooLarge, false},
      {500, "InternalError", ErrorKind::InternalError, true},
      {500, "ServerTimeout", ErrorKind::Timeout, true},
      {504, "Timeout", ErrorKind::Timeout, true},
      {502, "", ErrorKind::Unavailable, true},
      {503, "ServiceUnavailable", ErrorKind::Unavailable, true},
      {599, "", ErrorKind::InternalError, true},
  }));
  INFO(row.code << row.reason);
  const Json status{{"kind", "Status"}, {"reason", row.reason}, {"message", "m"}, {"code", row.code}};
  const Error error = error_from_status(row.code, std::nullopt, status.dump());
  CHECK(error.kind() == row.kind);
  CHECK(error.is_ambiguous() == row.ambiguous);
}

TEST_CASE("delays come from the header first, then from the body", "[status_error]") {
  const char* body = R"({"kind":"Status","reason":"TooManyRequests","details":{"retryAfterSeconds":7}})";
  CHECK(error_from_status(429, "3", body).retry_after() == 3s);
  CHECK(error_from_status(429, std::nullopt, body).retry_after() == 7s);
  CHECK(error_from_status(429, "soon", body).retry_after() == 7s);
  CHECK(error_from_status(429, "-1", "").retry_after() == std::nullopt);
  CHECK(error_from_status(429, "999999999", "").retry_after() == 24h);
  CHECK(error_from_status(429, std::nullopt,
                          R"({"kind":"Status","details":{"retryAfterSeconds":9000000000000000000}})")
            .retry_after() == 24h);
}

TEST_CASE("answers of proxies are quoted on one line and shortened", "[status_error]") {
  CHECK(error_from_status(502, std::nullopt, "<html>\r\nbad\n").message() == "502 Bad Gateway: <html>  bad");
  CHECK(error_from_status(503, std::nullopt, "").message() == "503 Service Unavailable");
  CHECK(error_from_status(500, std::nullopt, std::string(100'000, 'x')).message().size() < 400);
  CHECK(error_from_status(500, std::nullopt, "[1,2]").kind() == ErrorKind::InternalError);
  CHECK(error_from_status(500, std::nullopt, R"({"kind":"Status","message":5,"details":[],"code":"x"})")
            .message() == "500 Internal Server Error");
}

TEST_CASE("an error of a watch takes its code from the body", "[status_error]") {
  const Error error = error_from_status(
      Json{{"kind", "Status"}, {"code", 410}, {"reason", "Expired"}, {"message", "too old"}});
  CHECK(error.is_gone());
  CHECK(error.http_status() == 410);
}

TEST_CASE("a server's error reaches the client as the same kind", "[status_error]") {
  auto kind = GENERATE(ErrorKind::BadRequest, ErrorKind::Unauthorized, ErrorKind::Forbidden,
                       ErrorKind::NotFound, ErrorKind::AlreadyExists, ErrorKind::Conflict, ErrorKind::Gone,
                       ErrorKind::Invalid, ErrorKind::TooManyRequests, ErrorKind::MethodNotAllowed,
                       ErrorKind::NotAcceptable, ErrorKind::UnsupportedMediaType, ErrorKind::RequestTooLarge,
                       ErrorKind::InternalError, ErrorKind::Unavailable, ErrorKind::Timeout);
  const Json body = status_body(Error(kind, "why"));
  const Error error = error_from_status(body["code"].get<int>(), std::nullopt, body.dump());
  CHECK(error.kind() == kind);
  CHECK(error.message().ends_with(": why"));
  CHECK(body["status"] == "Failure");
}

TEST_CASE("details with causes travel both ways", "[status_error]") {
  const StatusDetails details{
      "pi", "g", "pods", "u1", {{"FieldValueInvalid", "spec.x", "Invalid value: 1"}, {"R", "", "m"}}};
  Error error = invalid_error(kPods.gvk(), "pi", details.causes);
  error.with_retry_after(1500ms);
  const Json body = status_body(error, details);
  CHECK(status_details(body) == details);
  CHECK(body["details"]["retryAfterSeconds"] == 2);
  CHECK(body["message"] == "Pod \"pi\" is invalid: [spec.x: Invalid value: 1, m]");
  CHECK(status_details(Json::object()) == StatusDetails{});
  CHECK(success_status({.name = "pi"})["details"]["name"] == "pi");
}

TEST_CASE("servers word their errors as the API server does", "[status_error]") {
  CHECK(not_found_error(kPods, "pi").message() == "pods \"pi\" not found");
  CHECK(already_exists_error(kLeases, "l").message() == "leases.coordination.k8s.io \"l\" already exists");
  CHECK(conflict_error(kPods, "pi", "modified").message() ==
        "Operation cannot be fulfilled on pods \"pi\": modified");
  CHECK(forbidden_error(kPods, "pi", "no").message() == "pods \"pi\" is forbidden: no");
  CHECK(invalid_error(kLeases.gvk(), "l", {{"R", "spec", "Required value"}}).message() ==
        "Lease.coordination.k8s.io \"l\" is invalid: spec: Required value");
  CHECK(conflict_error(kPods, "pi", "x").http_status() == 409);
}

TEST_CASE("a condition's time moves only with its status word", "[conditions]") {
  const TimePoint first(100s), second(200s);
  std::vector<Condition> conditions;
  CHECK(set_condition(conditions, {.type = "Ready", .status = "False", .reason = "A"}, first));
  CHECK_FALSE(set_condition(conditions, {.type = "Ready", .status = "False", .reason = "A"}, second));
  CHECK(set_condition(conditions, {.type = "Ready", .status = "False", .reason = "B"}, second));
  CHECK(find_condition(conditions, "Ready")->last_transition_time == first);
  CHECK_FALSE(is_condition_true(conditions, "Ready"));
  CHECK(set_condition(conditions, {.type = "Ready", .status = "True"}, second));
  CHECK(find_condition(conditions, "Ready")->last_transition_time == second);
  CHECK(is_condition_true(conditions, "Ready"));
  CHECK(find_condition(conditions, "Other") == nullptr);
  const Json json = encode(conditions);
  CHECK(*decode<std::vector<Condition>>(json) == conditions);
}
