#include "api/spec_hash.h"

#include <catch2/catch.hpp>
#include <set>

#include "api/defaults.h"

using api::spec_hash;
using kube::Json;

namespace {

constexpr const char* kUid = "9a3ab0ae-3e5f-4a0e-a6f4-30bfc9ae0c11";

api::SparkApplicationSpec spec_of(const char* text) {
  Json json = Json::parse(R"({"type":"Scala","sparkVersion":"3.5.7","mainClass":"example.Main",
      "mainApplicationFile":"local:///main.jar","driver":{"cores":1},"executor":{"cores":1,"instances":2}})");
  json.merge_patch(Json::parse(text));
  auto spec = kube::decode<api::SparkApplicationSpec>(json, "spec");
  if (!spec) FAIL(spec.error().message());
  return *spec;
}

}  // namespace

TEST_CASE("ids and hashes are the same bytes in every release", "[api]") {
  // A change here restarts every running application on upgrade: give the new hash a format version of its
  // own instead.
  const auto spec =
      spec_of(R"({"sparkConf":{"a":"b"},"volumes":[{"name":"v","emptyDir":{}}],"deps":{"jars":["x"]}})");
  CHECK(
      kube::dump_json(api::normalized_spec(spec)) ==
      R"({"deps":{"jars":["x"]},"driver":{"cores":1,"memory":"1g"},"executor":{"cores":1,"instances":2,"memory":"1g"},"mainApplicationFile":"local:///main.jar","mainClass":"example.Main","mode":"cluster","restartPolicy":{"type":"Never"},"sparkConf":{"a":"b"},"sparkVersion":"3.5.7","type":"Scala","volumes":[{"emptyDir":{},"name":"v"}]})");
  CHECK(api::next_attempt_id(kUid, "", spec_hash(spec)) == "de26717b-3a15-8a31-8321-bc80888d541a");
  CHECK(api::next_attempt_id(kUid, "4c5b1b1f-1bb0-4c5e-9a34-5bfb6f0d7a01",
                             spec_hash(spec, api::HashScope::WithoutExecutorScheduling)) ==
        "55c8eba1-bced-8d39-8421-bc80888d541a");
}

TEST_CASE("an id is a UUID of version 8", "[api]") {
  const std::string id = api::next_attempt_id(kUid, "", spec_hash({}));
  REQUIRE(id.size() == 36);
  CHECK(id[14] == '8');
  CHECK((id[19] == '8' || id[19] == '9' || id[19] == 'a' || id[19] == 'b'));
  CHECK(id.find_first_not_of("0123456789abcdef-") == std::string::npos);
}

TEST_CASE("whoever finds the same status derives the same link, whatever the spec", "[api]") {
  const auto a = spec_hash(spec_of("{}"));
  const auto b = spec_hash(spec_of(R"({"mainClass":"example.Other"})"));
  const std::string first = api::next_attempt_id(kUid, "", a);
  const std::string edited = api::next_attempt_id(kUid, "", b);
  CHECK(first != edited);
  CHECK(api::same_link(first, edited));
  CHECK(api::spec_part(first) == a);
  CHECK(api::spec_part(edited) == b);

  CHECK_FALSE(api::same_link(first, api::next_attempt_id(kUid, first, a)));
  CHECK_FALSE(api::same_link(first, api::next_attempt_id("other-uid", "", a)));
  // The bytes of UID and id cannot be shifted into one another.
  CHECK_FALSE(api::same_link(api::next_attempt_id("ab", "c", a), api::next_attempt_id("a", "bc", a)));
}

TEST_CASE("links of one application's life do not repeat", "[api]") {
  std::set<std::string> links;
  std::string id;
  const auto spec = spec_hash({});
  for (int i = 0; i < 1000; ++i) {
    id = api::next_attempt_id(kUid, id, spec);
    CHECK(links.insert(id.substr(0, 18)).second);
  }
}

TEST_CASE("ids of other makers are not ours, and tell nothing about the spec", "[api]") {
  const auto id =
      GENERATE(as<std::string>{}, "", "x", "4c5b1b1f-1bb0-4c5e-9a34-5bfb6f0d7a01",  // v4: the Go operator
               "5b0e1f3c-9a77-8d21-0104-9fe02b6c1d55",  // not the variant of RFC 9562
               "5b0e1f3c-9a77-8d21-bf04-9fe02b6c1d55",  // format version 63
               "5b0e1f3c-9a77-8d21-8004-9fe02b6c1d55",  // format version 0
               "5B0E1F3C-9A77-8D21-8104-9FE02B6C1D55", "5b0e1f3c-9a77-8d21-8104-9fe02b6c1d5",
               "5b0e1f3c-9a77-8d21-8104-9fe02b6c1d555", "5b0e1f3c09a7708d2108104-9fe02b6c1d55",
               "5b0e1f3c-9a77-8d21-8104-9fe02b6c1dzz");
  INFO(id);
  CHECK_FALSE(api::is_ours(id));
  CHECK_FALSE(api::spec_part(id));
  CHECK_FALSE(api::same_link(id, id));
  CHECK_FALSE(api::spec_changed(id, spec_of("{}")));
}

TEST_CASE("edits that restart nothing leave the hash alone", "[api]") {
  const auto edit = GENERATE(values<const char*>(
      {R"({"suspend":true})", R"({"suspend":false})", R"({"timeToLiveSeconds":60})",
       R"({"driverPodDisruptionBudget":true})", R"({"activeDeadlineSeconds":60})",
       R"({"driver":{"startTimeoutSeconds":60}})",
       R"({"restartPolicy":{"maxRetryInterval":60,"resetAttemptsAfter":60}})",
       R"({"restartPolicy":{"onInfrastructureFailureRetries":1}})",
       // What a default would have been.
       R"({"mode":"cluster","restartPolicy":{"type":"Never"}})", R"({"driver":{"memory":"1g"}})",
       // Absent equals empty.
       R"({"sparkConf":{}})", R"({"arguments":[]})", R"({"driver":{"labels":{},"env":[]}})",
       R"({"nodeSelector":{}})", R"({"deps":{"jars":[]}})", R"({"deps":{}})",
       R"({"executor":{"affinity":null}})"}));
  INFO(edit);
  CHECK(spec_hash(spec_of(edit)) == spec_hash(spec_of("{}")));
}

TEST_CASE("edits that restart change the hash", "[api]") {
  const auto edit = GENERATE(values<const char*>(
      {R"({"mainClass":"example.Other"})", R"({"sparkConf":{"a":""}})", R"({"executor":{"instances":3}})",
       R"({"driver":{"memory":"2g"}})", R"({"restartPolicy":{"type":"Always"}})", R"({"image":""})",
       R"({"sparkUIOptions":{}})", R"({"dynamicAllocation":{}})", R"({"driver":{"hostNetwork":false}})",
       R"({"volumes":[{"name":"v","emptyDir":{}}]})", R"({"aFieldOfTomorrow":1})",
       R"({"executor":{"nodeSelector":{"a":"b"}}})", R"({"restartPolicy":{"onFailureRetries":1}})",
       R"({"executor":{"affinity":{}}})", R"({"arguments":[""]})"}));
  INFO(edit);
  CHECK(spec_hash(spec_of(edit)) != spec_hash(spec_of("{}")));
}

TEST_CASE("an empty struct that says something is not absent", "[api]") {
  CHECK(spec_hash(spec_of(R"({"volumes":[{"name":"v","emptyDir":{}}]})")) !=
        spec_hash(spec_of(R"({"volumes":[{"name":"v"}]})")));
  // All pods against no pods.
  CHECK(spec_hash(spec_of(R"({"executor":{"affinity":{"podAffinity":{"x":[{"labelSelector":{}}]}}}})")) !=
        spec_hash(spec_of(R"({"executor":{"affinity":{"podAffinity":{"x":[{}]}}}})")));
}

TEST_CASE("quantities count by amount", "[api]") {
  struct Row {
    const char* left;
    const char* right;
    bool equal;
  };
  const auto row = GENERATE(values<Row>({{R"("1")", R"("1000m")", true},
                                         {R"(1)", R"("1")", true},
                                         {R"("1Gi")", R"("1024Mi")", true},
                                         {R"("1Ki")", R"("1024")", true},
                                         {R"("0.5")", R"("500m")", true},
                                         {R"("1Gi")", R"("1G")", false},
                                         {R"("0")", R"("1")", false},
                                         {R"("odd")", R"("even")", false}}));
  const auto hash = [](const char* quantity, const char* place) {
    std::string text = place;
    return spec_hash(spec_of(text.replace(text.find('@'), 1, quantity).c_str()));
  };
  const auto* place = GENERATE(values<const char*>(
      {R"({"batchSchedulerOptions":{"resources":{"cpu":@}}})",
       R"({"driver":{"sidecars":[{"name":"s","resources":{"limits":{"cpu":@}}}]}})",
       R"({"executor":{"template":{"spec":{"containers":[{"resources":{"requests":{"cpu":@}}}]}}}})",
       R"({"volumes":[{"name":"v","emptyDir":{"sizeLimit":@}}]})"}));
  INFO(row.left << " " << row.right << " " << place);
  CHECK((hash(row.left, place) == hash(row.right, place)) == row.equal);
}

TEST_CASE("text that only looks like a quantity is compared as text", "[api]") {
  CHECK(spec_hash(spec_of(R"({"sparkConf":{"limits":"1"}})")) !=
        spec_hash(spec_of(R"({"sparkConf":{"limits":"1000m"}})")));
  CHECK(spec_hash(spec_of(R"({"driver":{"coreLimit":"1"}})")) !=
        spec_hash(spec_of(R"({"driver":{"coreLimit":"1000m"}})")));
}

TEST_CASE("with partial restart, where executors are scheduled is no part of the hash", "[api]") {
  constexpr auto kScope = api::HashScope::WithoutExecutorScheduling;
  const auto edit = GENERATE(values<const char*>(
      {R"({"executor":{"nodeSelector":{"a":"b"}}})", R"({"executor":{"priorityClassName":"p"}})",
       R"({"executor":{"tolerations":[{"operator":"Exists"}]}})",
       R"({"executor":{"affinity":{"podAffinity":{}}}})", R"({"executor":{"schedulerName":"s"}})"}));
  INFO(edit);
  CHECK(spec_hash(spec_of(edit), kScope) == spec_hash(spec_of("{}"), kScope));
  CHECK(spec_hash(spec_of(edit)) != spec_hash(spec_of("{}")));
}

TEST_CASE("an edit is seen from the id in status", "[api]") {
  const auto spec = spec_of("{}");
  const auto edited = spec_of(R"({"executor":{"instances":9}})");
  const std::string id = api::next_attempt_id(kUid, "", spec_hash(spec));
  CHECK_FALSE(api::spec_changed(id, spec));
  CHECK(api::spec_changed(id, edited));
  CHECK_FALSE(api::spec_changed("", edited));
}

TEST_CASE("flipping the partial-restart gate changes no spec", "[api]") {
  const auto spec = spec_of("{}");
  const std::string id = api::next_attempt_id(kUid, "", spec_hash(spec));
  CHECK_FALSE(api::spec_changed(id, spec, api::HashScope::WithoutExecutorScheduling));
  CHECK(api::is_ours(
      api::next_attempt_id(kUid, "", spec_hash(spec, api::HashScope::WithoutExecutorScheduling))));
}
