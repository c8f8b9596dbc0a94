#include "kube/core/admission_review.h"

#include <simdjson.h>

#include "kube/core/base64.h"
#include "kube/core/status_error.h"

namespace kube {

namespace {

std::string text_of(JsonView view) {
  return std::string(view.string_or());
}

GroupVersionKind kind_in(JsonView view) {
  return {text_of(view["group"]), text_of(view["version"]), text_of(view["kind"])};
}

GroupVersionResource resource_in(JsonView view) {
  return {text_of(view["group"]), text_of(view["version"]), text_of(view["resource"])};
}

Json json_of(const GroupVersionKind& kind) {
  return {{"group", kind.group}, {"version", kind.version}, {"kind", kind.kind}};
}

Json json_of(const GroupVersionResource& resource) {
  return {{"group", resource.group}, {"version", resource.version}, {"resource", resource.resource}};
}

std::unexpected<Error> refuse(std::string_view why) {
  return fail(ErrorKind::InvalidInput, "admission review: " + std::string(why));
}

// The text of the objects inside `request`, in one pass that does not build anything.
Result<> slice_objects(std::string_view review, AdmissionRequest& request) {
  const simdjson::padded_string padded(review);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  simdjson::ondemand::object fields;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.find_field_unordered("request").get_object().get(fields) != simdjson::SUCCESS)
    return refuse("request: expected object");
  for (auto field : fields) {
    std::string_view key;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS) return refuse("malformed JSON");
    std::string* target = key == "object"      ? &request.object
                          : key == "oldObject" ? &request.old_object
                          : key == "options"   ? &request.options
                                               : nullptr;
    if (target == nullptr) continue;
    simdjson::ondemand::object object;
    std::string_view raw;
    if (field.value().get_object().get(object) != simdjson::SUCCESS) continue;  // null
    if (object.raw_json().get(raw) != simdjson::SUCCESS) return refuse("malformed JSON");
    // The raw text reaches up to the next token.
    raw = raw.substr(0, raw.find_last_of('}') + 1);
    *target = raw;
  }
  return {};
}

Result<Json> parsed(const std::string& text) {
  if (text.empty()) return Json();
  return parse_json(text);
}

std::string embedded(std::string_view text) {
  return text.empty() ? "null" : std::string(text);
}

constexpr std::string_view kHead = R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview",)";

}  // namespace

Result<Json> AdmissionRequest::object_json() const {
  return parsed(object);
}
Result<Json> AdmissionRequest::old_object_json() const {
  return parsed(old_object);
}

AdmissionResponse AdmissionResponse::allow(std::string uid) {
  AdmissionResponse response;
  response.uid = std::move(uid);
  return response;
}

AdmissionResponse AdmissionResponse::deny(std::string uid, std::string message, std::string reason,
                                          int code) {
  AdmissionResponse response;
  response.uid = std::move(uid);
  response.allowed = false;
  response.code = code;
  response.reason = std::move(reason);
  response.message = std::move(message);
  return response;
}

Result<AdmissionRequest> decode_admission_request(JsonReader& reader, std::string_view review) {
  auto root = reader.read(review);
  if (!root) return refuse(root.error().message());
  const JsonView view = (*root)["request"];
  if ((*root)["apiVersion"].string_or() != "admission.k8s.io/v1" ||
      (*root)["kind"].string_or() != "AdmissionReview")
    return refuse("expected apiVersion admission.k8s.io/v1, kind AdmissionReview");
  if (!view.is_object()) return refuse("request: expected object");

  AdmissionRequest request;
  request.uid = text_of(view["uid"]);
  if (request.uid.empty()) return refuse("request.uid: expected string");
  request.kind = kind_in(view["kind"]);
  request.resource = resource_in(view["resource"]);
  request.sub_resource = text_of(view["subResource"]);
  if (view["requestKind"].is_object()) request.request_kind = kind_in(view["requestKind"]);
  if (view["requestResource"].is_object()) request.request_resource = resource_in(view["requestResource"]);
  request.request_sub_resource = text_of(view["requestSubResource"]);
  request.name = text_of(view["name"]);
  request.namespace_ = text_of(view["namespace"]);
  request.operation = text_of(view["operation"]);
  const JsonView user = view["userInfo"];
  request.user_info.username = text_of(user["username"]);
  request.user_info.uid = text_of(user["uid"]);
  user["groups"].for_each_item([&](JsonView group) { request.user_info.groups.push_back(text_of(group)); });
  request.user_info.extra = user["extra"].to_json();
  request.dry_run = view["dryRun"].boolean().value_or(false);
  if (auto sliced = slice_objects(review, request); !sliced) return fail(std::move(sliced));
  return request;
}

Result<AdmissionResponse> decode_admission_response(std::string_view review) {
  auto root = parse_json(review);
  if (!root) return refuse(root.error().message());
  const Json* json = find_path(*root, {"response"});
  if (json == nullptr || !json->is_object()) return refuse("response: expected object");
  const auto flag = json->find("allowed");
  if (flag == json->end() || !flag->is_boolean()) return refuse("response.allowed: expected boolean");

  AdmissionResponse response;
  response.uid = string_at(*json, {"uid"});
  response.allowed = flag->get<bool>();
  if (const Json* code = find_path(*json, {"status", "code"}); code != nullptr && code->is_number_integer())
    response.code = code->get<int>();
  response.reason = string_at(*json, {"status", "reason"});
  response.message = string_at(*json, {"status", "message"});
  if (const Json* warnings = find_path(*json, {"warnings"}); warnings != nullptr && warnings->is_array())
    for (const Json& warning : *warnings)
      if (warning.is_string()) response.warnings.push_back(warning.get<std::string>());
  if (const Json* annotations = find_path(*json, {"auditAnnotations"}))
    response.audit_annotations = *annotations;

  const std::string patch = string_at(*json, {"patch"});
  if (patch.empty()) return response;
  if (string_at(*json, {"patchType"}) != "JSONPatch")
    return refuse("response.patchType: expected \"JSONPatch\"");
  auto bytes = decode_base64(patch);
  if (!bytes) return refuse("response.patch: " + bytes.error().message());
  auto operations = parse_json(*bytes);
  if (!operations) return refuse("response.patch: " + operations.error().message());
  response.patch = std::move(*operations);
  return response;
}

std::string encode_admission_review(const AdmissionRequest& request) {
  Json json{{"uid", request.uid},
            {"kind", json_of(request.kind)},
            {"resource", json_of(request.resource)},
            {"operation", request.operation},
            {"dryRun", request.dry_run}};
  if (!request.sub_resource.empty()) json["subResource"] = request.sub_resource;
  if (request.request_kind) json["requestKind"] = json_of(*request.request_kind);
  if (request.request_resource) json["requestResource"] = json_of(*request.request_resource);
  if (!request.request_sub_resource.empty()) json["requestSubResource"] = request.request_sub_resource;
  if (!request.name.empty()) json["name"] = request.name;
  if (!request.namespace_.empty()) json["namespace"] = request.namespace_;
  Json user = Json::object();
  if (!request.user_info.username.empty()) user["username"] = request.user_info.username;
  if (!request.user_info.uid.empty()) user["uid"] = request.user_info.uid;
  if (!request.user_info.groups.empty()) user["groups"] = request.user_info.groups;
  if (!request.user_info.extra.is_null()) user["extra"] = request.user_info.extra;
  json["userInfo"] = std::move(user);

  // The objects are text already: they are put in as they are, between the closing brace and what is before
  // it.
  std::string fields = dump_json(json);
  fields.pop_back();
  return std::string(kHead) + "\"request\":" + fields + ",\"object\":" + embedded(request.object) +
         ",\"oldObject\":" + embedded(request.old_object) + ",\"options\":" + embedded(request.options) +
         "}}";
}

std::string encode_admission_review(const AdmissionResponse& response) {
  Json json{{"uid", response.uid}, {"allowed", response.allowed}};
  if (!response.patch.empty()) {
    json["patchType"] = "JSONPatch";
    json["patch"] = encode_base64(dump_json(response.patch));
  }
  Json status = Json::object();
  if (response.code != 0) status["code"] = response.code;
  if (!response.reason.empty()) status["reason"] = response.reason;
  if (!response.message.empty()) status["message"] = response.message;
  if (!status.empty()) json["status"] = std::move(status);
  if (!response.warnings.empty()) json["warnings"] = response.warnings;
  if (!response.audit_annotations.empty()) json["auditAnnotations"] = response.audit_annotations;
  return std::string(kHead) + "\"response\":" + dump_json(json) + "}";
}

}  // namespace kube
