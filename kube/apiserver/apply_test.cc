#include <catch2/catch.hpp>

#include "kube/apiserver/test_cluster.h"

namespace kube::apiserver {

namespace {

const std::string kServicesPath = "/api/v1/namespaces/default/services";

Json service(Json ports, Json labels = {{"a", "1"}}) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", {{"name", "s"}, {"labels", std::move(labels)}}},
          {"spec", {{"clusterIP", "None"}, {"selector", {{"x", "y"}}}, {"ports", std::move(ports)}}}};
}

Json port(int number, const char* name) {
  return {{"name", name}, {"port", number}, {"targetPort", number}};
}

}  // namespace

TEST_CASE("apply creates what is absent and merges what is there") {
  TestCluster api;
  const std::string path = kServicesPath + "/s?fieldManager=fabric8&force=true";
  ApiAnswer made = api.apply(path, service(Json::array({port(7078, "rpc")})));
  REQUIRE(made.status == 201);
  CHECK(made.json()["metadata"]["managedFields"][0]["manager"] == "fabric8");
  CHECK(made.json()["metadata"]["managedFields"][0]["operation"] == "Apply");

  ApiAnswer again = api.apply(path, service(Json::array({port(7078, "rpc")})));
  CHECK(again.status == 200);
  CHECK(again.json()["metadata"]["resourceVersion"] == made.json()["metadata"]["resourceVersion"]);

  const Json two =
      api.apply(path, service(Json::array({port(7078, "rpc"), port(4040, "ui")}), {{"a", "1"}, {"b", "2"}}))
          .json();
  CHECK(two["spec"]["ports"].size() == 2);
  CHECK(two["metadata"]["labels"] == Json{{"a", "1"}, {"b", "2"}});
}

TEST_CASE("a field that its applier leaves out is removed") {
  TestCluster api;
  const std::string path = kServicesPath + "/s?fieldManager=fabric8&force=true";
  api.apply(path, service(Json::array({port(1, "a"), port(2, "b")}), {{"x", "1"}, {"y", "2"}}));
  api.merge(kServicesPath + "/s", {{"metadata", {{"labels", {{"foreign", "1"}}}}}});
  const Json after = api.apply(path, service(Json::array({port(2, "b")}), {{"y", "2"}})).json();
  CHECK(after["spec"]["ports"].size() == 1);
  CHECK(after["spec"]["ports"][0]["name"] == "b");
  CHECK(after["metadata"]["labels"] == Json{{"foreign", "1"}, {"y", "2"}});
}

TEST_CASE("another applier's fields conflict unless forced, and stay when not mentioned") {
  TestCluster api;
  auto map = [](Json data) { return config_map_json("m", std::move(data)); };
  api.apply(kMapsPath + "/m?fieldManager=one", map({{"a", "1"}, {"b", "1"}}));
  ApiAnswer refused = api.apply(kMapsPath + "/m?fieldManager=two", map({{"b", "2"}, {"c", "2"}}));
  CHECK(refused.status == 409);
  CHECK(refused.json()["details"]["causes"][0]["reason"] == "FieldManagerConflict");
  CHECK(refused.json()["details"]["causes"][0]["field"] == ".data.b");
  CHECK(api.get(kMapsPath + "/m").json()["data"] == Json{{"a", "1"}, {"b", "1"}});
  // The same value is no conflict: both own it.
  CHECK(api.apply(kMapsPath + "/m?fieldManager=two", map({{"b", "1"}, {"c", "2"}})).status == 200);
  CHECK(api.apply(kMapsPath + "/m?fieldManager=two&force=true", map({{"b", "3"}})).json()["data"] ==
        Json{{"a", "1"}, {"b", "3"}});
  // Now b is two's alone, so one may leave it out without effect.
  CHECK(api.apply(kMapsPath + "/m?fieldManager=one", map({{"a", "1"}})).json()["data"] ==
        Json{{"a", "1"}, {"b", "3"}});
}

TEST_CASE("what somebody changed by other means is no longer the applier's to remove") {
  TestCluster api;
  api.apply(kMapsPath + "/m?fieldManager=one", config_map_json("m", {{"a", "1"}, {"b", "1"}}));
  api.merge(kMapsPath + "/m", {{"data", {{"b", "changed"}}}});
  CHECK(api.apply(kMapsPath + "/m?fieldManager=one", config_map_json("m", {{"a", "1"}})).json()["data"] ==
        Json{{"a", "1"}, {"b", "changed"}});
}

TEST_CASE("an apply that says too little is refused") {
  TestCluster api;
  CHECK(api.apply(kMapsPath + "/m", config_map_json("m")).status == 422);
  CHECK(api.merge(kMapsPath + "/m?force=true", config_map_json("m")).status == 422);
  CHECK(api.apply(kMapsPath + "/m?fieldManager=x", {{"data", {{"a", "b"}}}}).status == 400);
  CHECK(api.apply(kMapsPath + "/other?fieldManager=x", config_map_json("m")).status == 400);
  ApiAnswer typed = api.apply(kMapsPath + "/m?fieldManager=x", config_map_json("m", {{"a", 1}}));
  CHECK(typed.status == 400);
  CHECK(string_at(typed.json(), {"message"}).find("data.a: expected string, got 1") != std::string::npos);
}

TEST_CASE("lists of custom resources merge by their keys") {
  TestCluster api;
  api.post(kCrdsPath, widget_crd());
  auto parts = [](std::initializer_list<const char*> names) {
    Json list = Json::array();
    for (const char* name : names) list.push_back({{"name", name}});
    return widget_json("w", {{"size", 1}, {"parts", std::move(list)}});
  };
  CHECK(api.apply(kWidgetsPath + "/w?fieldManager=one", parts({"a", "b"})).status == 201);
  auto other = parts({"c"});
  CHECK(api.apply(kWidgetsPath + "/w?fieldManager=two", other).json()["spec"]["parts"].size() == 3);
  const Json after = api.apply(kWidgetsPath + "/w?fieldManager=one", parts({"a"})).json();
  CHECK(after["spec"]["parts"].size() == 2);
  CHECK(after["metadata"]["generation"] == 3);
}

}  // namespace kube::apiserver
