#include "controller/children/child_plan.h"

#include <catch2/catch.hpp>

#include "api/spec_hash.h"

using namespace controller;
using kube::Json;
using What = ChildStep::What;

namespace {

const api::SpecHash kSpec = api::spec_hash({});
const std::string kCurrent = api::next_attempt_id("u", "", kSpec);
const std::string kNext = api::next_attempt_id("u", kCurrent, kSpec);
const std::string kEarlier = api::next_attempt_id("u", "earlier", kSpec);

Json service(const std::string& id, int port = 4040) {
  Json object{{"apiVersion", "v1"},
              {"kind", "Service"},
              {"metadata", {{"name", "s"}, {"namespace", "ns"}}},
              {"spec", {{"ports", {{{"port", port}}}}}}};
  if (!id.empty()) object["metadata"]["labels"]["sparkoperator.k8s.io/submission-id"] = id;
  return object;
}
ChildView view(Json object) {
  object["metadata"]["uid"] = "1";
  return project_child(object, kube::kServices).value();
}
std::vector<ChildStep> plan(const std::vector<Json>& wanted, const std::vector<ChildView>& present) {
  return plan_children(wanted, present, {.current = kCurrent, .next = kNext});
}

}  // namespace

TEST_CASE("what is there and right needs no step", "[children]") {
  Json there = service(kCurrent);
  there["metadata"]["annotations"] = {{"of", "others"}};
  there["spec"]["clusterIP"] = "10.0.0.1";
  there["spec"]["ports"][0]["protocol"] = "TCP";
  CHECK(plan({service(kCurrent)}, {view(there)}).empty());
}

TEST_CASE("what says which fields were written takes out no part that a patch does not have", "[children]") {
  Json there = service(kCurrent);
  there["metadata"]["annotations"]["sparkoperator.k8s.io/written-fields"] =
      R"({"labels": ["a"], "annotations": ["b"], "spec": ["ports", "c"]})";
  const Json patch =
      child_patch(view(there), {{"metadata", Json::object()}, {"spec", {{"ports", Json::array()}}}});
  CHECK(patch == Json{{"spec", {{"ports", Json::array()}, {"c", nullptr}}}});
}

TEST_CASE("pod groups that a scheduler made for the driver are left alone", "[children]") {
  struct Row {
    kube::Resource resource;
    const char* name;
    bool deleted;
  };
  auto row = GENERATE(values<Row>({{kVolcanoPodGroups, "spark-pi-pg", true},
                                   {kVolcanoPodGroups, "podgroup-5b0e1f3c", false},
                                   {kSchedulerPodGroups, "pi-pg", true},
                                   {kSchedulerPodGroups, "podgroup-5b0e1f3c", false},
                                   {kube::kServices, "podgroup-5b0e1f3c", true}}));
  const Json group{{"metadata",
                    {{"name", row.name},
                     {"namespace", "ns"},
                     {"uid", "1"},
                     {"ownerReferences",
                      {{{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                        {"kind", "SparkApplication"},
                        {"name", "pi"},
                        {"uid", "u"},
                        {"controller", true}}}}}}};
  CAPTURE(row.name);
  CHECK(plan({}, {project_child(group, row.resource).value()}).size() == (row.deleted ? 1 : 0));
}

TEST_CASE("one step for what differs, and whether the view must be proven for it", "[children]") {
  struct Row {
    const char* why;
    std::string id;  // of what is there
    int port;
    bool wanted;
    std::optional<What> step;
    bool needs_live_view;
  };
  auto row = GENERATE(values<Row>({
      {"another port", kCurrent, 80, true, What::Patch, false},
      {"of an earlier attempt", kEarlier, 4040, true, What::Replace, true},
      {"of the next attempt: our view is old", kNext, 80, true, std::nullopt, false},
      {"not wanted any more", kCurrent, 4040, false, What::Delete, false},
      {"not wanted, of an earlier attempt", kEarlier, 4040, false, What::Delete, true},
      {"not wanted, attempt unknown", "", 4040, false, What::Delete, true},
      {"not wanted by this one, of the next attempt", kNext, 4040, false, std::nullopt, false},
  }));
  INFO(row.why);
  std::vector<Json> wanted;
  if (row.wanted) wanted.push_back(service(kCurrent));
  const auto steps = plan(wanted, {view(service(row.id, row.port))});
  REQUIRE(steps.size() == (row.step ? 1 : 0));
  if (!row.step) return;
  CHECK(steps[0].what == *row.step);
  CHECK(steps[0].needs_live_view == row.needs_live_view);
}

TEST_CASE("what terminates is waited for", "[children]") {
  Json going = service(kEarlier);
  going["metadata"]["deletionTimestamp"] = "2026-11-21T10:00:00Z";
  CHECK(plan({service(kCurrent)}, {view(going)}).empty());
  CHECK(plan({}, {view(going)}).empty());
  CHECK(plan({service(kCurrent)}, {}).size() == 1);
}

TEST_CASE("a config map says what is wanted and nothing else", "[children]") {
  Json wanted{{"apiVersion", "v1"},
              {"kind", "ConfigMap"},
              {"metadata", {{"name", "m"}, {"namespace", "ns"}}},
              {"data", {{"a", "1"}}}};
  Json there = wanted;
  there["metadata"]["uid"] = "1";
  there["data"]["b"] = "2";
  const ChildView present = project_child(there, kube::kConfigMaps).value();
  REQUIRE(plan({wanted}, {present}).size() == 1);
  there.merge_patch(child_patch(present, wanted));
  CHECK(there["data"] == Json({{"a", "1"}}));
}

TEST_CASE("a service selects by what is wanted and nothing else", "[children]") {
  Json wanted = service(kCurrent);
  wanted["spec"]["selector"] = {{"role", "server"}};
  Json there = wanted;
  there["spec"]["selector"]["version"] = "3.5.7";
  REQUIRE(plan({wanted}, {view(there)}).size() == 1);
  there.merge_patch(child_patch(view(there), wanted));
  CHECK(there["spec"]["selector"] == wanted["spec"]["selector"]);
  CHECK(plan({wanted}, {view(there)}).empty());
}

TEST_CASE("lists cover each other item by item", "[children]") {
  CHECK(covers({{"a", {{{"x", 1}, {"y", 2}}}}}, {{"a", {{{"x", 1}}}}}));
  CHECK_FALSE(covers({{"a", {1, 2}}}, {{"a", {1}}}));
  CHECK_FALSE(covers({{"a", {{{"y", 2}}}}}, {{"a", {{{"x", 1}}}}}));
  CHECK_FALSE(covers(Json::array({1}), {{"a", 1}}));
}
