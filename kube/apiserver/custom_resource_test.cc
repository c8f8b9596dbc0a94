#include <catch2/catch.hpp>

#include "kube/apiserver/json_path.h"
#include "kube/apiserver/test_cluster.h"

namespace kube::apiserver {

namespace {

struct WidgetCluster : TestCluster {
  WidgetCluster() {
    REQUIRE(post(kCrdsPath, widget_crd()).status == 201);
    loop.run_for(1s);
  }
};

}  // namespace

TEST_CASE("a definition is established and serves its kind") {
  WidgetCluster api;
  const Json crd = api.get(kCrdsPath + "/widgets.example.com").json();
  CHECK(crd["status"]["conditions"][1]["type"] == "Established");
  CHECK(crd["status"]["conditions"][1]["status"] == "True");
  CHECK(crd["status"]["acceptedNames"]["listKind"] == "WidgetList");
  CHECK(api.get(kWidgetsPath).json()["kind"] == "WidgetList");
  const Json resources = api.get("/apis/example.com/v1").json()["resources"];
  CHECK(resources[0]["shortNames"][0] == "wd");
  CHECK(resources[1]["name"] == "widgets/status");
}

TEST_CASE("custom resources get defaults and lose unknown fields") {
  WidgetCluster api;
  const Json made =
      api.post(kWidgetsPath, widget_json("a", {{"size", 2},
                                               {"colour", "red"},
                                               {"free", {{"any", {{"thing", 1}}}}},
                                               {"parts", Json::array({{{"name", "p"}, {"x", 1}}})}}))
          .json();
  CHECK(made["spec"] == Json{{"size", 2},
                             {"mode", "Fast"},
                             {"free", {{"any", {{"thing", 1}}}}},
                             {"parts", Json::array({{{"name", "p"}, {"weight", 1}}})}});
  CHECK(made["metadata"]["generation"] == 1);
}

TEST_CASE("custom resources that break their schema are invalid") {
  struct Row {
    const char* why;
    Json spec;
    const char* says;
  };
  const std::vector<Row> rows{
      {"a wrong type", {{"size", "two"}}, "spec.size in body must be of type integer: \"string\""},
      {"a missing field", Json::object(), "spec.size: Required value"},
      {"too small", {{"size", 0}}, "spec.size in body should be greater than or equal to 1"},
      {"not of the list",
       {{"size", 1}, {"mode", "Warp"}},
       "spec.mode: Unsupported value: \"Warp\": supported values: \"Fast\", \"Slow\""},
      {"a pattern", {{"size", 1}, {"name", "A1"}}, "spec.name in body should match '^[a-z]+$'"},
      {"a map of strings",
       {{"size", 1}, {"labels", {{"a", 1}}}},
       "spec.labels.a in body must be of type string: \"integer\""},
      {"a key twice",
       {{"size", 1}, {"parts", Json::array({{{"name", "p"}}, {{"name", "p"}}})}},
       "spec.parts[1]: Duplicate value: {\"name\":\"p\"}"},
      {"an object for a number", {{"size", 1}, {"port", Json::object()}}, "spec.port"},
  };
  WidgetCluster api;
  for (const Row& row : rows) {
    INFO(row.why);
    ApiAnswer refused = api.post(kWidgetsPath, widget_json("a", row.spec));
    INFO(refused.body);
    CHECK(refused.status == 422);
    CHECK(string_at(refused.json(), {"message"}).find(row.says) != std::string::npos);
    CHECK(refused.json()["details"]["causes"].size() >= 1);
  }
  CHECK(api.get(kWidgetsPath).json()["items"].empty());
  CHECK(api.post(kWidgetsPath, widget_json("p", {{"size", 1}, {"port", "http"}})).status == 201);
  CHECK(api.post(kWidgetsPath, widget_json("q", {{"size", 1}, {"port", 80}})).status == 201);
}

TEST_CASE("generation counts changes of the spec, not of status or metadata") {
  WidgetCluster api;
  api.post(kWidgetsPath, widget_json("a"));
  auto generation = [&] { return api.get(kWidgetsPath + "/a").json()["metadata"]["generation"]; };
  api.merge(kWidgetsPath + "/a", {{"metadata", {{"labels", {{"x", "1"}}}}}});
  CHECK(generation() == 1);
  api.merge(kWidgetsPath + "/a/status", {{"status", {{"state", "Ready"}}}});
  CHECK(generation() == 1);
  api.merge(kWidgetsPath + "/a", {{"spec", {{"size", 4}}}});
  CHECK(generation() == 2);
  CHECK(api.get(kWidgetsPath + "/a").json()["status"]["state"] == "Ready");
}

TEST_CASE("status is its own door for custom resources") {
  WidgetCluster api;
  Json with_status = widget_json("a");
  with_status["status"] = {{"state", "Ready"}};
  CHECK_FALSE(api.post(kWidgetsPath, with_status).json().contains("status"));
  CHECK_FALSE(api.merge(kWidgetsPath + "/a", {{"status", {{"state", "Ready"}}}}).json().contains("status"));
  const Json after = api.merge(kWidgetsPath + "/a/status", {{"status", {{"state", "Ready"}}},
                                                            {"spec", {{"size", 9}}},
                                                            {"metadata", {{"labels", {{"x", "1"}}}}}})
                         .json();
  CHECK(after["status"]["state"] == "Ready");
  CHECK(after["spec"]["size"] == 3);
  CHECK_FALSE(after["metadata"].contains("labels"));
  CHECK(api.strategic(kWidgetsPath + "/a", Json::object()).status == 415);
  CHECK(api.merge(kWidgetsPath + "/a/status", {{"status", {{"state", 5}}}}).status == 422);
}

TEST_CASE("a stale status patch is a conflict") {
  WidgetCluster api;
  const Json widget = api.post(kWidgetsPath, widget_json("a")).json();
  const Json patch = {{"metadata", {{"resourceVersion", widget["metadata"]["resourceVersion"]}}},
                      {"status", {{"state", "A"}}}};
  CHECK(api.merge(kWidgetsPath + "/a/status", patch).status == 200);
  CHECK(api.merge(kWidgetsPath + "/a/status", patch).status == 409);
  Json without = widget;
  without["metadata"].erase("resourceVersion");
  ApiAnswer refused = api.put(kWidgetsPath + "/a", without);
  CHECK(refused.status == 422);
  CHECK(string_at(refused.json(), {"message"}).find("must be specified for an update") != std::string::npos);
}

TEST_CASE("printer columns show what their paths find") {
  WidgetCluster api;
  api.post(kWidgetsPath, widget_json("a"));
  api.merge(kWidgetsPath + "/a/status", {{"status", {{"state", "Ready"}}}});
  api.loop.run_for(90s);
  const Json table =
      api.ask("GET", kWidgetsPath, "", "", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
          .json();
  CHECK(table["columnDefinitions"].size() == 4);
  CHECK(table["columnDefinitions"][1]["name"] == "State");
  CHECK(table["rows"][0]["cells"] == Json{"a", "Ready", 3, "90s"});
}

TEST_CASE("simple JSON paths") {
  const Json object = Json::parse(R"({"a":{"b":[{"n":"x","v":1},{"n":"y","v":2}],"c.d/e":"dots","t":true}})");
  struct Row {
    const char* path;
    Json found;
  };
  const std::vector<Row> rows{
      {".a.b[0].n", {"x"}},         {".a.b[-1].v", {2}},          {".a.b[*].n", {"x", "y"}},
      {".a['c.d/e']", {"dots"}},    {".a.c\\.d/e", {"dots"}},     {".a.b[?(@.n==\"y\")].v", {2}},
      {".a.b[?(@.n!='y')].v", {1}}, {".a.b[?(@.v==2)].n", {"y"}}, {"{.a.t}", {true}},
      {".a.zz", Json::array()},     {".a.b[7]", Json::array()},   {"nonsense", Json::array()},
      {".a.b[", Json::array()}};
  for (const Row& row : rows) {
    INFO(row.path);
    Json found = Json::array();
    for (const Json* value : find_json_path(object, row.path)) found.push_back(*value);
    CHECK(found == row.found);
  }
}

TEST_CASE("a definition that goes takes its objects with it") {
  WidgetCluster api;
  api.post(kWidgetsPath, widget_json("a"));
  ApiAnswer watch = api.get(kWidgetsPath + "?watch=true");
  api.event(watch);
  api.post(kWidgetsPath, [] {
    Json held = widget_json("held");
    held["metadata"]["finalizers"] = {"example.com/hold"};
    return held;
  }());
  CHECK(api.remove(kCrdsPath + "/widgets.example.com").status == 200);
  api.loop.run_for(1s);
  CHECK(api.get(kWidgetsPath + "/a").status == 404);
  CHECK(api.get(kWidgetsPath + "/held").json()["metadata"].contains("deletionTimestamp"));
  CHECK(api.get(kCrdsPath + "/widgets.example.com").status == 200);
  api.merge(kWidgetsPath + "/held", {{"metadata", {{"finalizers", nullptr}}}});
  api.loop.run_for(1s);
  CHECK(api.get(kCrdsPath + "/widgets.example.com").status == 404);
  CHECK(api.get(kWidgetsPath).status == 404);
  CHECK(api.server.store().table("widgets.example.com").empty());
}

TEST_CASE("a definition that is none is refused") {
  TestCluster api;
  Json crd = widget_crd();
  crd["metadata"]["name"] = "gadgets.example.com";
  CHECK(api.post(kCrdsPath, crd).status == 422);
  crd = widget_crd();
  crd["spec"]["versions"][0]["storage"] = false;
  CHECK(api.post(kCrdsPath, crd).status == 422);
  crd = widget_crd();
  crd["spec"]["versions"][0].erase("schema");
  CHECK(api.post(kCrdsPath, crd).status == 422);
}

TEST_CASE("an owner reference to a custom resource is followed") {
  WidgetCluster api;
  const Json widget = api.post(kWidgetsPath, widget_json("a")).json();
  Json map = config_map_json("below");
  map["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "example.com/v1"},
                                                     {"kind", "Widget"},
                                                     {"name", "a"},
                                                     {"uid", widget["metadata"]["uid"]}}});
  api.post(kMapsPath, map);
  api.loop.run_for(1s);
  CHECK(api.get(kMapsPath + "/below").status == 200);
  api.remove(kWidgetsPath + "/a");
  api.loop.run_for(1s);
  CHECK(api.get(kMapsPath + "/below").status == 404);
}

}  // namespace kube::apiserver
