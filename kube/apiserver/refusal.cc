#include "kube/apiserver/refusal.h"

#include <utility>

namespace kube::apiserver {

namespace {

Json details_of(const Resource& resource, std::string_view name) {
  Json details = {{"kind", resource.plural}};
  if (!name.empty()) details["name"] = name;
  if (!resource.group.empty()) details["group"] = resource.group;
  return details;
}

Refusal about(int code, std::string reason, const Resource& resource, std::string_view name,
              std::string_view message) {
  Refusal refusal(code, std::move(reason),
                  resource.group_resource() + " \"" + std::string(name) + "\" " + std::string(message));
  refusal.details() = details_of(resource, name);
  return refusal;
}

std::string_view cause_reason(FieldProblem::Type type) {
  switch (type) {
    case FieldProblem::Type::Required:
      return "FieldValueRequired";
    case FieldProblem::Type::Invalid:
      return "FieldValueInvalid";
    case FieldProblem::Type::NotFound:
      return "FieldValueNotFound";
    case FieldProblem::Type::NotSupported:
      return "FieldValueNotSupported";
    case FieldProblem::Type::Forbidden:
      return "FieldValueForbidden";
    case FieldProblem::Type::Duplicate:
      return "FieldValueDuplicate";
    case FieldProblem::Type::TypeInvalid:
      return "FieldValueTypeInvalid";
    case FieldProblem::Type::TooLong:
      return "FieldValueTooLong";
    case FieldProblem::Type::TooMany:
      return "FieldValueTooMany";
  }
  std::unreachable();
}

std::string problem_text(const FieldProblem& problem) {
  auto with_value = [&](std::string_view what) {
    std::string text(what);
    text += ": " + (problem.value.is_structured() ? dump_json(problem.value) : describe_json(problem.value));
    if (!problem.detail.empty()) text += ": " + problem.detail;
    return text;
  };
  auto without_value = [&](std::string_view what) {
    return std::string(what) + (problem.detail.empty() ? "" : ": " + problem.detail);
  };
  switch (problem.type) {
    case FieldProblem::Type::Required:
      return without_value("Required value");
    case FieldProblem::Type::Forbidden:
      return without_value("Forbidden");
    case FieldProblem::Type::TooLong:
      return without_value("Too long");
    case FieldProblem::Type::Duplicate:
      return with_value("Duplicate value");
    case FieldProblem::Type::TooMany:
      return with_value("Too many");
    case FieldProblem::Type::NotFound:
      return with_value("Not found");
    case FieldProblem::Type::NotSupported:
      return with_value("Unsupported value");
    case FieldProblem::Type::Invalid:
    case FieldProblem::Type::TypeInvalid:
      return with_value("Invalid value");
  }
  std::unreachable();
}

}  // namespace

std::string FieldProblem::to_string() const {
  return path + ": " + problem_text(*this);
}

Refusal::Refusal(int code, std::string reason, std::string message)
    : code_(code), reason_(std::move(reason)), message_(std::move(message)) {}

Refusal Refusal::bad_request(std::string message) {
  return {400, "BadRequest", std::move(message)};
}
Refusal Refusal::unauthorized() {
  return {401, "Unauthorized", "Unauthorized"};
}
Refusal Refusal::forbidden(const Resource& resource, std::string_view name, std::string_view why) {
  return about(403, "Forbidden", resource, name, "is forbidden: " + std::string(why));
}
Refusal Refusal::not_found(const Resource& resource, std::string_view name) {
  return about(404, "NotFound", resource, name, "not found");
}
Refusal Refusal::no_such_path() {
  Refusal refusal(404, "NotFound", "the server could not find the requested resource");
  refusal.details() = Json::object();
  return refusal;
}
Refusal Refusal::already_exists(const Resource& resource, std::string_view name) {
  return about(409, "AlreadyExists", resource, name, "already exists");
}
Refusal Refusal::precondition_failed(const Resource& resource, std::string_view name, std::string_view why) {
  Resource by_kind = resource;
  by_kind.plural = resource.kind;
  return conflict(by_kind, name, why);
}
Refusal Refusal::conflict(const Resource& resource, std::string_view name, std::string_view why) {
  Refusal refusal(409, "Conflict",
                  "Operation cannot be fulfilled on " + resource.group_resource() + " \"" +
                      std::string(name) + "\": " + std::string(why));
  refusal.details() = details_of(resource, name);
  return refusal;
}
Refusal Refusal::modified(const Resource& resource, std::string_view name) {
  return conflict(
      resource, name,
      "the object has been modified; please apply your changes to the latest version and try again");
}
Refusal Refusal::invalid(const GroupVersionKind& kind, std::string_view name,
                         const std::vector<FieldProblem>& problems) {
  const std::string group_kind = kind.group.empty() ? kind.kind : kind.kind + "." + kind.group;
  std::string message = group_kind + " \"" + std::string(name) + "\" is invalid: ";
  if (problems.size() > 1) message += "[";
  Json causes = Json::array();
  for (std::size_t i = 0; i < problems.size(); ++i) {
    if (i) message += ", ";
    message += problems[i].to_string();
    causes.push_back({{"reason", cause_reason(problems[i].type)},
                      {"message", problem_text(problems[i])},
                      {"field", problems[i].path}});
  }
  if (problems.size() > 1) message += "]";
  Refusal refusal(422, "Invalid", std::move(message));
  refusal.details() = {{"name", name}, {"kind", kind.kind}, {"causes", std::move(causes)}};
  if (!kind.group.empty()) refusal.details()["group"] = kind.group;
  return refusal;
}
Refusal Refusal::method_not_allowed(std::string_view method) {
  Refusal refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
  refusal.details() = Json::object();
  return refusal;
}
Refusal Refusal::unsupported_media_type(std::string_view accepted) {
  return {415, "UnsupportedMediaType",
          "the body of the request was in an unknown format - accepted media types include: " +
              std::string(accepted)};
}
Refusal Refusal::too_large(std::size_t limit) {
  return {413, "RequestEntityTooLarge", "Request entity too large: limit is " + std::to_string(limit)};
}
Refusal Refusal::expired(std::string message) {
  return {410, "Expired", std::move(message)};
}
Refusal Refusal::version_too_large(std::uint64_t asked, std::uint64_t current) {
  Refusal refusal(504, "Timeout",
                  "Timeout: Too large resource version: " + std::to_string(asked) +
                      ", current: " + std::to_string(current));
  refusal.details() = {
      {"retryAfterSeconds", 1},
      {"causes",
       Json::array({{{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}}})}};
  return refusal;
}
Refusal Refusal::internal(std::string message) {
  return {500, "InternalError", "Internal error occurred: " + std::move(message)};
}

Json Refusal::body() const {
  Json status = {{"kind", "Status"},    {"apiVersion", "v1"},  {"metadata", metadata_},
                 {"status", "Failure"}, {"message", message_}, {"code", code_}};
  if (!reason_.empty()) status["reason"] = reason_;
  if (!details_.is_null()) status["details"] = details_;
  return status;
}

}  // namespace kube::apiserver
