// AdmissionRequest and AdmissionResponse are the two halves of admission.k8s.io/v1 AdmissionReview, for those
// who answer reviews (webhooks) and those who ask for them (API servers).
//
//   auto request = decode_admission_request(reader, body);       // webhook
//   auto pod = reader.read(request->object);                      // fast, for those who only look
//   AdmissionResponse response = AdmissionResponse::allow(request->uid);
//   response.patch = create_json_patch(before, after);
//   send(encode_admission_review(response));
//
//   send(encode_admission_review(request));                       // API server
//   auto response = decode_admission_response(body);
//
// Objects stay text until somebody wants a value. Thread: values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kube/core/gvk.h"
#include "kube/core/json.h"
#include "kube/core/json_reader.h"

namespace kube {

struct GroupVersionResource {
  std::string group;
  std::string version;
  std::string resource;

  auto operator<=>(const GroupVersionResource&) const = default;
};

struct UserInfo {
  std::string username;
  std::string uid;
  std::vector<std::string> groups;
  Json extra;  // name → list of values

  bool operator==(const UserInfo&) const = default;
};

struct AdmissionRequest {
  std::string uid;
  GroupVersionKind kind;
  GroupVersionResource resource;
  std::string sub_resource;
  // What the client sent, where matchPolicy Equivalent made the above from it.
  std::optional<GroupVersionKind> request_kind;
  std::optional<GroupVersionResource> request_resource;
  std::string request_sub_resource;
  std::string name;  // "" on creation with generateName
  std::string namespace_;
  std::string operation;  // "CREATE", "UPDATE", "DELETE", "CONNECT"
  UserInfo user_info;
  bool dry_run = false;
  std::string object;      // JSON text; "" when absent (DELETE)
  std::string old_object;  // JSON text; "" when absent (CREATE)
  std::string options;     // JSON text; "" when absent

  ObjectKey key() const { return {namespace_, name}; }
  // Null when absent. Error: InvalidInput.
  Result<Json> object_json() const;
  Result<Json> old_object_json() const;

  bool operator==(const AdmissionRequest&) const = default;
};

struct AdmissionResponse {
  std::string uid;
  bool allowed = true;
  // Of a refusal; the message is what the user sees.
  int code = 0;
  std::string reason;
  std::string message;
  Json patch;  // JSON patch (array); null or empty for none
  std::vector<std::string> warnings;
  Json audit_annotations;

  static AdmissionResponse allow(std::string uid);
  // 403 with the message, as controller-runtime's Denied().
  static AdmissionResponse deny(std::string uid, std::string message, std::string reason = "Forbidden",
                                int code = 403);

  bool operator==(const AdmissionResponse&) const = default;
};

// The reader is used during the call only. Error: InvalidInput, also when uid is missing.
Result<AdmissionRequest> decode_admission_request(JsonReader& reader, std::string_view review);
Result<AdmissionResponse> decode_admission_response(std::string_view review);

std::string encode_admission_review(const AdmissionRequest& request);
std::string encode_admission_review(const AdmissionResponse& response);

}  // namespace kube
