// Whatever stands in a body, the answer is a decision: no 500, nothing half applied.

#include <catch2/catch.hpp>

#include "kube/apiserver/test_cluster.h"

namespace kube::apiserver {

namespace {

void collect_paths(const Json& value, const Json::json_pointer& at, std::vector<Json::json_pointer>& paths) {
  if (value.is_object())
    for (auto& [name, member] : value.items()) {
      paths.push_back(at / name);
      collect_paths(member, at / name, paths);
    }
  if (value.is_array())
    for (std::size_t i = 0; i < value.size(); ++i) {
      paths.push_back(at / i);
      collect_paths(value[i], at / i, paths);
    }
}

struct Sample {
  const char* why;
  std::string collection;
  Json object;
};

std::vector<Sample> samples() {
  Json pod = pod_json("a", {{"l", "1"}});
  pod["metadata"]["ownerReferences"] = Json::array(
      {{{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", "o"}, {"uid", "u"}, {"controller", true}}});
  pod["metadata"]["finalizers"] = Json::array({"example.com/f"});
  pod["spec"]["volumes"] = Json::array({{{"name", "v"}, {"configMap", {{"name", "c"}}}}});
  Json& main = pod["spec"]["containers"][0];
  main["volumeMounts"] = Json::array({{{"name", "v"}, {"mountPath", "/v"}}});
  main["env"] =
      Json::array({{{"name", "E"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "metadata.name"}}}}}}});
  main["ports"] = Json::array({{{"name", "http"}, {"containerPort", 80}}});
  main["resources"] = {{"limits", {{"cpu", "1"}}}, {"requests", {{"cpu", "500m"}}}};
  const Json service = {
      {"apiVersion", "v1"},
      {"kind", "Service"},
      {"metadata", {{"name", "a"}}},
      {"spec",
       {{"type", "NodePort"}, {"ports", Json::array({{{"name", "p"}, {"port", 80}, {"nodePort", 30001}}})}}}};
  return {
      {"a pod", kPodsPath, pod},
      {"a service", "/api/v1/namespaces/default/services", service},
      {"a definition", kCrdsPath, widget_crd()},
      {"a custom resource", kWidgetsPath,
       widget_json(
           "a",
           {{"size", 1}, {"parts", Json::array({{{"name", "p"}}})}, {"port", 5}, {"labels", {{"a", "b"}}}})}};
}

}  // namespace

TEST_CASE("no value of any type in any place breaks the server") {
  const std::vector<Json> strange{
      nullptr, "x", -1, true, Json::array(), Json::object(), Json::array({nullptr})};
  for (const Sample& sample : samples()) {
    TestCluster api;
    if (std::string_view(sample.why) != "a definition") api.post(kCrdsPath, widget_crd());
    std::vector<Json::json_pointer> paths;
    collect_paths(sample.object, Json::json_pointer(), paths);
    for (const Json::json_pointer& path : paths)
      for (const Json& value : strange) {
        Json changed = sample.object;
        changed[path] = value;
        INFO(sample.why << ": " << path.to_string() << " = " << value.dump());
        ApiAnswer made = api.post(sample.collection, changed);
        INFO(made.body);
        REQUIRE(made.status != 500);
        const std::string name = string_at(sample.object, {"metadata", "name"});
        if (made.status == 201) {
          const std::string given = string_at(made.json(), {"metadata", "name"});
          REQUIRE(
              api.merge(sample.collection + "/" + given, {{"metadata", {{"finalizers", nullptr}}}}).status ==
              200);
          REQUIRE(api.remove(sample.collection + "/" + given).status == 200);
          api.loop.run_for(1ms);  // definitions go a moment later
        }
        ApiAnswer applied = api.apply(sample.collection + "/" + name + "?fieldManager=m&force=true", changed);
        INFO(applied.body);
        REQUIRE(applied.status != 500);
        if (applied.status < 300) {
          REQUIRE(
              api.merge(sample.collection + "/" + name, {{"metadata", {{"finalizers", nullptr}}}}).status ==
              200);
          REQUIRE(api.remove(sample.collection + "/" + name).status == 200);
          api.loop.run_for(1ms);  // definitions go a moment later
        }
      }
  }
}

TEST_CASE("no patch of any type in any place breaks the server") {
  const std::vector<Json> strange{nullptr, "x", -1, Json::array(), Json::object(), Json::array({nullptr})};
  for (const Sample& sample : samples()) {
    TestCluster api;
    if (std::string_view(sample.why) != "a definition") api.post(kCrdsPath, widget_crd());
    REQUIRE(api.post(sample.collection, sample.object).status == 201);
    const std::string path = sample.collection + "/" + string_at(sample.object, {"metadata", "name"});
    std::vector<Json::json_pointer> places;
    collect_paths(sample.object, Json::json_pointer(), places);
    for (const Json::json_pointer& place : places)
      for (const Json& value : strange) {
        INFO(sample.why << ": " << place.to_string() << " = " << value.dump());
        const Json operations =
            Json::array({{{"op", "replace"}, {"path", place.to_string()}, {"value", value}}});
        ApiAnswer answer =
            api.ask("PATCH", path + "?dryRun=All", operations.dump(), "application/json-patch+json");
        INFO(answer.body);
        REQUIRE(answer.status != 500);
        if (place.to_string().find("/0") == std::string::npos) {
          Json merge;
          merge[place] = value;
          REQUIRE(
              api.ask("PATCH", path + "?dryRun=All", merge.dump(), "application/merge-patch+json").status !=
              500);
          REQUIRE(api.ask("PATCH", path + "/status?dryRun=All", merge.dump(), "application/merge-patch+json")
                      .status != 500);
        }
      }
  }
}

}  // namespace kube::apiserver
