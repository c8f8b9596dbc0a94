// Review is one question of an API server to a webhook ("may this be created?"), Verdict the webhook's
// answer.
//
//   Result<Review> review = decode_review(body);
//   if (review->operation == "DELETE") return Verdict::allow();
//   Result<JsonView> pod = review->read(reader);              // only for those who look; 3 µs for a pod
//   if ((*pod)["spec"]["hostNetwork"].boolean().value_or(false)) return Verdict::deny("no host network");
//   return Verdict::patch({{{"op", "add"}, {"path", "/spec/hostUsers"}, {"value", false}}});
//   …
//   std::string answer = encode_verdict(*review, verdict);
//
// Decoding is one pass that copies the objects as the text they came as and never makes values of them, so a
// handler that only needs the operation and the name pays microseconds. Reviews of admission.k8s.io/v1 and
// v1beta1 are understood and answered in the version they came in.
//
// Errors: InvalidInput. Thread: values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/base/result.h"
#include "kube/core/admission_review.h"
#include "kube/core/json.h"

namespace kube {

// The request with its envelope's version; members are those of AdmissionRequest: uid, kind, resource,
// operation, namespace_, name, user_info, dry_run; object and old_object as text.
struct Review : AdmissionRequest {
  std::string api_version = "admission.k8s.io/v1";

  // The object (old_object) through `reader`, whose views live until it reads again; absent when the review
  // carries none.
  Result<JsonView> read(JsonReader& reader) const;
  Result<JsonView> read_old(JsonReader& reader) const;
};

struct Verdict {
  bool allowed = true;
  int code = 200;
  std::string reason{};   // of a refusal: "Forbidden"
  std::string message{};  // of a refusal: what the user sees
  Json operations{};      // JSON patch of what was asked for; null or empty: unchanged
  std::vector<std::string> warnings{};
  Json audit_annotations{};

  static Verdict allow() { return {}; }
  // Nothing is patched when there are no operations.
  static Verdict patch(Json operations);
  // The operations that make `before` into `after`.
  static Verdict patch(const Json& before, const Json& after);
  // Refused by a rule: 403 Forbidden.
  static Verdict deny(std::string message);
  // Refused because the review could not be answered, such as 400 (the object cannot be read) or 500.
  static Verdict error(int code, std::string message);

  bool operator==(const Verdict&) const = default;
};

// `body` gets some bytes of room at its end (its capacity, not its size) and is otherwise left alone.
Result<Review> decode_review(std::string& body);

// The whole AdmissionReview, as text.
std::string encode_verdict(const Review& review, const Verdict& verdict);
// An answer to what was no review: no uid, no version.
std::string encode_verdict(const Verdict& verdict);

}  // namespace kube
