// Some commands of kubectl (create namespace, create token, auth can-i …) send protobuf whatever the server
// prefers. The few kinds they send are read into Json here; answers are JSON, which they accept.
//
//   if (is_protobuf(content_type)) Result<Json> object = read_protobuf_body(body);
//
// Thread: pure functions.
#pragma once

#include <string_view>

#include "kube/base/result.h"
#include "kube/core/json.h"

namespace kube::apiserver {

inline bool is_protobuf(std::string_view content_type) {
  return content_type == "application/vnd.kubernetes.protobuf";
}

// With apiVersion and kind. Error: InvalidInput (malformed), UnsupportedMediaType (a kind that is not known
// here).
Result<Json> read_protobuf_body(std::string_view body);

}  // namespace kube::apiserver
