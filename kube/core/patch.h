// The patches of Kubernetes: JSON patch (RFC 6902), merge patch (RFC 7386) and strategic merge patch.
//
//   Json patch = create_merge_patch(before, after);          // {"status": {"state": "RUNNING"}}
//   Json after = apply_merge_patch(before, patch);
//
//   auto result = apply_json_patch(pod, patch);               // error: `op 2: remove /spec/x: path not
//   found` Json ops = create_json_patch(before, after);              // for admission responses
//
//   auto pod = apply_strategic_merge_patch(pod, {{"status", {{"conditions", {{{"type", "Ready"}, …}}}}}});
//
// Laws (tested): apply_merge_patch(a, create_merge_patch(a, b)) == b for every b without nulls in objects,
// and apply_json_patch(a, create_json_patch(a, b)) == b always.
//
// Errors: BadRequest when the patch itself is malformed, Invalid when it does not fit the document. Nothing
// is half applied.
//
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "kube/base/result.h"
#include "kube/core/json.h"

namespace kube {

// Content types of PATCH requests.
inline constexpr std::string_view kJsonPatch = "application/json-patch+json";
inline constexpr std::string_view kMergePatch = "application/merge-patch+json";
inline constexpr std::string_view kStrategicMergePatch = "application/strategic-merge-patch+json";
inline constexpr std::string_view kApplyPatch = "application/apply-patch+yaml";

// All operations: add, remove, replace, move, copy, test.
Result<Json> apply_json_patch(Json document, const Json& patch);
// Operations that make `from` into `to`; empty array when equal.
Json create_json_patch(const Json& from, const Json& to);

Json apply_merge_patch(Json document, const Json& patch);
// The smallest merge patch; {} when equal. Arrays are replaced whole.
Json create_merge_patch(const Json& from, const Json& to);

// For built-in kinds: lists that Kubernetes merges by a key (conditions by type, containers, volumes, env by
// name …) are merged by it, all others replaced. Understands $patch, $deleteFromPrimitiveList,
// $setElementOrder, $retainKeys.
Result<Json> apply_strategic_merge_patch(Json document, const Json& patch);

// "a/b~c" → "a~1b~0c"
std::string escape_json_pointer(std::string_view token);
std::string unescape_json_pointer(std::string_view token);

}  // namespace kube
