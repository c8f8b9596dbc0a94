#include "kube/admission/review.h"

#include <catch2/catch.hpp>

#include "kube/base/random.h"
#include "kube/core/base64.h"

using namespace kube;

namespace {

constexpr const char* kReview = R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{
  "uid":"705ab4f5","kind":{"group":"","version":"v1","kind":"Pod"},
  "resource":{"group":"","version":"v1","resource":"pods"},"subResource":"status",
  "requestKind":{"group":"","version":"v1","kind":"Pod"},
  "requestResource":{"group":"","version":"v1","resource":"pods"},"requestSubResource":"status",
  "name":"pi","namespace":"ns","operation":"UPDATE",
  "userInfo":{"username":"admin","uid":"014","groups":["system:authenticated","a"],"extra":{"k":["v","w"]}},
  "object": {"metadata": {"name":"pi"}, "spec":{"s":"}\"{"}} ,"oldObject":{"a":[1]},"dryRun":true,
  "options":{"kind":"UpdateOptions"}}})";

Json json_of(const std::string& text) {
  auto json = parse_json(text);
  REQUIRE(json);
  return *json;
}

}  // namespace

TEST_CASE("a review is read in one pass, with objects as the text they came as", "[review]") {
  std::string body = kReview;
  auto review = decode_review(body);
  REQUIRE(review);
  CHECK(body == kReview);
  CHECK(review->api_version == "admission.k8s.io/v1");
  CHECK(review->uid == "705ab4f5");
  CHECK(review->kind == GroupVersionKind{"", "v1", "Pod"});
  CHECK(review->resource == GroupVersionResource{"", "v1", "pods"});
  CHECK(review->sub_resource == "status");
  CHECK(review->request_kind == GroupVersionKind{"", "v1", "Pod"});
  CHECK(review->request_sub_resource == "status");
  CHECK(review->key() == ObjectKey{"ns", "pi"});
  CHECK(review->operation == "UPDATE");
  CHECK(review->user_info.username == "admin");
  CHECK(review->user_info.groups == std::vector<std::string>{"system:authenticated", "a"});
  CHECK(review->user_info.extra == Json{{"k", {"v", "w"}}});
  CHECK(review->dry_run);
  CHECK(review->object == R"({"metadata": {"name":"pi"}, "spec":{"s":"}\"{"}})");
  CHECK(review->old_object == R"({"a":[1]})");
  CHECK(review->options == R"({"kind":"UpdateOptions"})");
  JsonReader reader;
  CHECK((*review->read(reader))["spec"]["s"].string_or() == "}\"{");
  CHECK((*review->read_old(reader))["a"].is_array());
}

TEST_CASE("both decoders of a review agree", "[review]") {
  JsonReader reader;
  std::string body = kReview;
  auto review = decode_review(body);
  auto request = decode_admission_request(reader, kReview);
  REQUIRE(review);
  REQUIRE(request);
  CHECK(static_cast<const AdmissionRequest&>(*review) == *request);
}

TEST_CASE("absent and null members of a review are empty", "[review]") {
  std::string body =
      R"({"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","response":null,
          "request":{"uid":"u","name":null,"userInfo":null,"object":null,"oldObject":null,"dryRun":null,
                     "requestKind":null,"somethingNew":[{}],"operation":"DELETE"}})";
  auto review = decode_review(body);
  REQUIRE(review);
  CHECK(review->name.empty());
  CHECK(review->object.empty());
  CHECK_FALSE(review->dry_run);
  CHECK_FALSE(review->request_kind);
  JsonReader reader;
  CHECK_FALSE(review->read(reader)->exists());
}

TEST_CASE("what is no review is refused with the place where reading stopped", "[review]") {
  struct Row {
    const char* text;
    const char* expected;
  };
  auto row = GENERATE(values<Row>({
      {"{", "body"},
      {"[]", "body"},
      {"nonsense", "body"},
      {"{}", "expected apiVersion admission.k8s.io/v1"},
      {R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v2","request":{"uid":"u"}})",
       "got apiVersion \"admission.k8s.io/v2\""},
      {R"({"kind":"Review","apiVersion":"admission.k8s.io/v1","request":{"uid":"u"}})", "kind \"Review\""},
      {R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"})", "request: expected object"},
      {R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":5})", "request"},
      {R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"name":"x"}})",
       "request.uid"},
      {R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":7}})", "request.uid"},
      {R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","object":[]}})",
       "request.object"},
      {R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","dryRun":"yes"}})",
       "request.dryRun"},
      {R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u"}} x)", "end"},
  }));
  INFO(row.text);
  std::string body = row.text;
  auto review = decode_review(body);
  REQUIRE_FALSE(review);
  INFO(review.error().message());
  CHECK(review.error().kind() == ErrorKind::InvalidInput);
  CHECK(review.error().message().find(row.expected) != std::string::npos);
}

TEST_CASE("no cut or changed review breaks the decoder", "[review]") {
  const std::string whole = kReview;
  Random random(11);
  for (int i = 0; i < 3000; ++i) {
    std::string body = whole.substr(0, i < static_cast<int>(whole.size()) ? i : whole.size());
    if (i >= static_cast<int>(whole.size()))
      for (int n = 0; n < 3; ++n) body[random.below(body.size())] = static_cast<char>(random.below(256));
    body.shrink_to_fit();
    (void)decode_review(body);  // the sanitizers look
  }
}

TEST_CASE("an allowed review has code 200 and no patch", "[review]") {
  Review review;
  review.uid = "u1";
  CHECK(json_of(encode_verdict(review, Verdict::allow())) ==
        Json{{"apiVersion", "admission.k8s.io/v1"},
             {"kind", "AdmissionReview"},
             {"response", {{"uid", "u1"}, {"allowed", true}, {"status", {{"code", 200}}}}}});
  CHECK_FALSE(json_of(encode_verdict(review, Verdict::patch(Json::array())))["response"].contains("patch"));
}

TEST_CASE("a patch is base64 of its operations", "[review]") {
  Review review;
  review.uid = "u1";
  review.api_version = "admission.k8s.io/v1beta1";
  Verdict verdict = Verdict::patch({{"a", 1}}, {{"a", 2}});
  verdict.warnings = {"old field"};
  verdict.audit_annotations = {{"why", "test"}};
  const Json answer = json_of(encode_verdict(review, verdict));
  CHECK(answer["apiVersion"] == "admission.k8s.io/v1beta1");
  CHECK(answer["response"]["patchType"] == "JSONPatch");
  CHECK(json_of(*decode_base64(answer["response"]["patch"].get<std::string>())) ==
        Json::array({{{"op", "replace"}, {"path", "/a"}, {"value", 2}}}));
  CHECK(answer["response"]["warnings"] == Json{"old field"});
  CHECK(answer["response"]["auditAnnotations"] == Json{{"why", "test"}});
}

TEST_CASE("a refusal says why, and patches nothing", "[review]") {
  Review review;
  review.uid = "u1";
  Verdict verdict = Verdict::deny("not here");
  verdict.operations = Json::array({{{"op", "remove"}, {"path", "/a"}}});
  const Json response = json_of(encode_verdict(review, verdict))["response"];
  CHECK(response == Json{{"uid", "u1"},
                         {"allowed", false},
                         {"status", {{"code", 403}, {"reason", "Forbidden"}, {"message", "not here"}}}});
}

TEST_CASE("whatever stands in a uid or a message comes back as it was", "[review]") {
  Review review;
  for (const char* text : {"", "u1", "a \"b\" \\ c", "line\nline\t\x01", "\xc3\xa9 \xe2\x9c\x93", "\x7f"}) {
    INFO(text);
    review.uid = text;
    Verdict verdict = Verdict::deny(text);
    verdict.reason = text;
    const Json response = json_of(encode_verdict(review, verdict))["response"];
    CHECK(response["uid"] == text);
    CHECK(response["status"].value("message", "") == text);
    CHECK(response["status"].value("reason", "") == text);
  }
  review.uid = "cut \xc3";
  CHECK(json_of(encode_verdict(review, Verdict::allow()))["response"]["uid"] == "cut \xef\xbf\xbd");
}

TEST_CASE("the answer to no review has neither version nor kind", "[review]") {
  CHECK(json_of(encode_verdict(Verdict::error(400, "empty"))) ==
        Json{{"response",
              {{"uid", ""}, {"allowed", false}, {"status", {{"code", 400}, {"message", "empty"}}}}}});
}
