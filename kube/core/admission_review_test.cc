#include "kube/core/admission_review.h"

#include <catch2/catch.hpp>

#include "kube/base/random.h"
#include "kube/core/base64.h"
#include "kube/core/patch.h"

using namespace kube;

namespace {

constexpr const char* kReview = R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{
  "uid":"705ab4f5","kind":{"group":"","version":"v1","kind":"Pod"},
  "resource":{"group":"","version":"v1","resource":"pods"},"subResource":"status",
  "requestKind":{"group":"","version":"v1","kind":"Pod"},
  "requestResource":{"group":"","version":"v1","resource":"pods"},"requestSubResource":"status",
  "name":"pi","namespace":"ns","operation":"UPDATE",
  "userInfo":{"username":"admin","uid":"014","groups":["system:authenticated","a"],"extra":{"k":["v"]}},
  "object": {"metadata": {"name":"pi"}, "spec":{"s":"}\"{"}} ,"oldObject":{"a":[1]},"dryRun":true,
  "options":{"kind":"UpdateOptions"}}})";

}  // namespace

TEST_CASE("a review's request is read, with objects as the text they came as", "[admission_review]") {
  JsonReader reader;
  auto request = decode_admission_request(reader, kReview);
  REQUIRE(request);
  CHECK(request->uid == "705ab4f5");
  CHECK(request->kind == GroupVersionKind{"", "v1", "Pod"});
  CHECK(request->resource == GroupVersionResource{"", "v1", "pods"});
  CHECK(request->sub_resource == "status");
  CHECK(request->key() == ObjectKey{"ns", "pi"});
  CHECK(request->operation == "UPDATE");
  CHECK(request->user_info.username == "admin");
  CHECK(request->user_info.groups == std::vector<std::string>{"system:authenticated", "a"});
  CHECK(request->dry_run);
  CHECK(request->object == R"({"metadata": {"name":"pi"}, "spec":{"s":"}\"{"}})");
  CHECK((*request->object_json())["spec"]["s"] == "}\"{");
  CHECK(request->old_object == R"({"a":[1]})");
  CHECK(request->options == R"({"kind":"UpdateOptions"})");
}

TEST_CASE("a request that is written is read as the same request", "[admission_review]") {
  JsonReader reader;
  auto request = decode_admission_request(reader, kReview);
  REQUIRE(request);
  auto again = decode_admission_request(reader, encode_admission_review(*request));
  REQUIRE(again);
  CHECK(*again == *request);

  AdmissionRequest small;
  small.uid = "u";
  small.operation = "DELETE";
  small.old_object = "{}";
  auto read = decode_admission_request(reader, encode_admission_review(small));
  REQUIRE(read);
  CHECK(*read == small);
  CHECK(read->object_json()->is_null());
}

TEST_CASE("what is no review is refused with what was expected", "[admission_review]") {
  struct Row {
    const char* text;
    const char* expected;
  };
  auto row = GENERATE(values<Row>({
      {"", "malformed JSON"},
      {"{}", "expected apiVersion admission.k8s.io/v1"},
      {R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","request":{"uid":"u"}})",
       "apiVersion"},
      {R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"})", "request: expected object"},
      {R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}})", "request.uid"},
  }));
  JsonReader reader;
  auto request = decode_admission_request(reader, row.text);
  REQUIRE_FALSE(request);
  CHECK(request.error().message().find(row.expected) != std::string::npos);
}

TEST_CASE("a response that is written is read as the same response", "[admission_review]") {
  AdmissionResponse response = AdmissionResponse::allow("u1");
  response.patch = create_json_patch({{"a", 1}}, {{"a", 2}, {"b", "x"}});
  response.warnings = {"w1", "w2"};
  response.audit_annotations = {{"k", "v"}};
  CHECK(*decode_admission_response(encode_admission_review(response)) == response);

  const AdmissionResponse denied = AdmissionResponse::deny("u2", "no", "Forbidden", 403);
  auto read = decode_admission_response(encode_admission_review(denied));
  REQUIRE(read);
  CHECK(*read == denied);
  CHECK_FALSE(read->allowed);

  const Json plain = Json::parse(encode_admission_review(AdmissionResponse::allow("u3")));
  CHECK(plain["response"] == Json{{"uid", "u3"}, {"allowed", true}});
  CHECK(plain["apiVersion"] == "admission.k8s.io/v1");
  CHECK(plain["kind"] == "AdmissionReview");
}

TEST_CASE("responses of broken webhooks are refused", "[admission_review]") {
  auto text = GENERATE("", "[]", "{}", R"({"response":{}})", R"({"response":{"allowed":"yes"}})",
                       R"({"response":{"allowed":true,"patch":"W10="}})",
                       R"({"response":{"allowed":true,"patch":"!","patchType":"JSONPatch"}})",
                       R"({"response":{"allowed":true,"patch":"e30","patchType":"JSONPatch"}})",
                       R"({"response":{"allowed":true,"patch":"e3t7","patchType":"JSONPatch"}})");
  INFO(text);
  CHECK_FALSE(decode_admission_response(text));
}

TEST_CASE("base64 is RFC 4648 with padding", "[base64]") {
  struct Row {
    const char* bytes;
    const char* text;
  };
  auto row = GENERATE(values<Row>({{"", ""},
                                   {"f", "Zg=="},
                                   {"fo", "Zm8="},
                                   {"foo", "Zm9v"},
                                   {"foob", "Zm9vYg=="},
                                   {"fooba", "Zm9vYmE="},
                                   {"foobar", "Zm9vYmFy"},
                                   {"\xff\xfe\xfb", "//77"}}));
  CHECK(encode_base64(row.bytes) == row.text);
  CHECK(*decode_base64(row.text) == row.bytes);
}

TEST_CASE("every byte string survives base64, and line breaks do not matter", "[base64]") {
  Random random(5);
  for (int i = 0; i < 500; ++i) {
    std::string bytes;
    for (auto n = random.below(100); n > 0; --n) bytes += static_cast<char>(random.below(256));
    std::string text = encode_base64(bytes);
    REQUIRE(*decode_base64(text) == bytes);
    text.insert(random.below(text.size() + 1), "\r\n");
    REQUIRE(*decode_base64(text) == bytes);
  }
}

TEST_CASE("malformed base64 is refused without quoting it", "[base64]") {
  auto text = GENERATE("Z", "Zg", "Zg=", "Zg===", "Z===", "=", "Zm9v=", "Zm-v", "Zm9v Zg==", "Zg==Zg==");
  INFO(text);
  auto bytes = decode_base64(text);
  REQUIRE_FALSE(bytes);
  CHECK(bytes.error().message().find(text) == std::string::npos);
}
