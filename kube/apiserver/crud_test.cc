#include <catch2/catch.hpp>

#include "kube/apiserver/test_cluster.h"

namespace kube::apiserver {

TEST_CASE("a created pod comes back with identity, defaults and a pending status") {
  TestCluster api;
  ApiAnswer made = api.post(kPodsPath, pod_json("a", {{"app", "x"}}));
  REQUIRE(made.status == 201);
  const Json pod = made.json();
  CHECK(string_at(pod, {"metadata", "uid"}).size() == 36);
  CHECK_FALSE(string_at(pod, {"metadata", "creationTimestamp"}).empty());
  CHECK_FALSE(string_at(pod, {"metadata", "resourceVersion"}).empty());
  CHECK(pod["spec"]["restartPolicy"] == "Always");
  CHECK(pod["spec"]["dnsPolicy"] == "ClusterFirst");
  CHECK(pod["spec"]["terminationGracePeriodSeconds"] == 30);
  CHECK(pod["spec"]["enableServiceLinks"] == true);
  CHECK(pod["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent");
  CHECK(pod["status"]["phase"] == "Pending");
  CHECK(pod["status"]["qosClass"] == "BestEffort");
  CHECK(api.get(kPodsPath + "/a").json() == pod);
}

TEST_CASE("a pod gets its service account's token volume") {
  TestCluster api;
  const Json pod = api.post(kPodsPath, pod_json("a")).json();
  CHECK(pod["spec"]["serviceAccountName"] == "default");
  const Json volume = pod["spec"]["volumes"].back();
  const std::string name = volume["name"];
  CHECK(name.starts_with("kube-api-access-"));
  CHECK(volume["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] == 3607);
  CHECK(volume["projected"]["sources"][1]["configMap"]["name"] == "kube-root-ca.crt");
  CHECK(pod["spec"]["containers"][0]["volumeMounts"][0]["mountPath"] ==
        "/var/run/secrets/kubernetes.io/serviceaccount");

  Json without = pod_json("b");
  without["spec"]["automountServiceAccountToken"] = false;
  CHECK_FALSE(api.post(kPodsPath, without).json()["spec"].contains("volumes"));
  Json unknown = pod_json("c");
  unknown["spec"]["serviceAccountName"] = "nobody";
  CHECK(api.post(kPodsPath, unknown).status == 403);
}

TEST_CASE("refusals carry the Status that clients branch on") {
  struct Row {
    const char* why;
    const char* method;
    std::string target;
    Json body;
    int code;
    const char* reason;
    const char* says;
  };
  Json no_image = pod_json("x");
  no_image["spec"]["containers"][0].erase("image");
  Json wrong_type = pod_json("x");
  wrong_type["spec"]["containers"][0]["ports"] = "8080";
  Json bad_mount = pod_json("x");
  bad_mount["spec"]["containers"][0]["volumeMounts"] = Json::array({{{"name", "nope"}, {"mountPath", "/m"}}});
  Json other_ns = pod_json("x");
  other_ns["metadata"]["namespace"] = "elsewhere";
  const std::vector<Row> rows{
      {"no such object", "GET", kPodsPath + "/x", nullptr, 404, "NotFound", "pods \"x\" not found"},
      {"no such kind", "GET", "/apis/example.com/v1/widgets", nullptr, 404, "NotFound", "could not find"},
      {"no such namespace", "POST", "/api/v1/namespaces/nowhere/pods", pod_json("x"), 404, "NotFound",
       "namespaces \"nowhere\" not found"},
      {"a name twice", "POST", kPodsPath, pod_json("twice"), 409, "AlreadyExists",
       "pods \"twice\" already exists"},
      {"no image", "POST", kPodsPath, no_image, 422, "Invalid", "spec.containers[0].image: Required value"},
      {"a wrong type", "POST", kPodsPath, wrong_type, 400, "BadRequest",
       "spec.containers[0].ports: expected array"},
      {"a mount of no volume", "POST", kPodsPath, bad_mount, 422, "Invalid",
       "volumeMounts[0].name: Not found: \"nope\""},
      {"a name that is none", "POST", kPodsPath, pod_json("Bad_Name"), 422, "Invalid",
       "metadata.name: Invalid value"},
      {"another namespace", "POST", kPodsPath, other_ns, 400, "BadRequest", "does not match the namespace"},
      {"a kind elsewhere", "POST", kPodsPath, config_map_json("x"), 400, "BadRequest", "ConfigMap"},
      {"a method that is none", "POST", kPodsPath + "/twice", pod_json("twice"), 405, "MethodNotAllowed",
       "method"},
      {"no field of this kind", "GET", kPodsPath + "?fieldSelector=spec.color%3Dred", nullptr, 400,
       "BadRequest", "field label not supported: spec.color"},
      {"a selector that is none", "GET", kPodsPath + "?labelSelector=a%3D%3D%3Db", nullptr, 400, "BadRequest",
       ""},
      {"an unknown field, strictly",
       "POST",
       kMapsPath + "?fieldValidation=Strict",
       {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "s"}}}, {"dat", {{"a", "b"}}}},
       400,
       "BadRequest",
       "unknown field \"dat\""},
  };
  TestCluster api;
  REQUIRE(api.post(kPodsPath, pod_json("twice")).status == 201);
  for (const Row& row : rows) {
    INFO(row.why);
    ApiAnswer answer = api.ask(row.method, row.target, row.body.is_null() ? "" : row.body.dump());
    const Json status = answer.json();
    INFO(answer.body);
    CHECK(answer.status == row.code);
    CHECK(status["kind"] == "Status");
    CHECK(status["code"] == row.code);
    CHECK(status["reason"] == row.reason);
    CHECK(string_at(status, {"message"}).find(row.says) != std::string::npos);
  }
  CHECK(api.ask("POST", kPodsPath, "{not json").status == 400);
  CHECK(api.ask("POST", kPodsPath, "x", "text/plain").status == 415);
  CHECK(api.ask("PATCH", kPodsPath + "/twice", "{}", "application/json").status == 415);
  CHECK(
      api.ask("POST", kMapsPath, config_map_json("big", {{"k", std::string(4 << 20, 'x')}}).dump()).status ==
      413);
}

TEST_CASE("an unknown field is dropped with a warning unless asked otherwise") {
  TestCluster api;
  Json map = config_map_json("a");
  map["colour"] = "red";
  ApiAnswer made = api.post(kMapsPath, map);
  CHECK(made.status == 201);
  CHECK_FALSE(made.json().contains("colour"));
  CHECK(made.headers.get("Warning").value_or("").find("unknown field \\\"colour\\\"") !=
        std::string_view::npos);
}

TEST_CASE("generateName makes distinct names") {
  TestCluster api;
  Json pod = pod_json("");
  pod["metadata"] = {{"generateName", "run-"}};
  const std::string a = string_at(api.post(kPodsPath, pod).json(), {"metadata", "name"});
  const std::string b = string_at(api.post(kPodsPath, pod).json(), {"metadata", "name"});
  CHECK(a.starts_with("run-"));
  CHECK(a.size() == 9);
  CHECK(a != b);
}

TEST_CASE("an update with a stale resourceVersion is a conflict and changes nothing") {
  TestCluster api;
  Json map = api.post(kMapsPath, config_map_json("a")).json();
  Json stale = map;
  map["data"]["k"] = "2";
  CHECK(api.put(kMapsPath + "/a", map).status == 200);
  stale["data"]["k"] = "3";
  ApiAnswer refused = api.put(kMapsPath + "/a", stale);
  CHECK(refused.status == 409);
  CHECK(refused.json()["reason"] == "Conflict");
  CHECK(api.get(kMapsPath + "/a").json()["data"]["k"] == "2");
  CHECK(
      api.merge(kMapsPath + "/a", {{"metadata", {{"resourceVersion", stale["metadata"]["resourceVersion"]}}},
                                   {"data", {{"k", "4"}}}})
          .status == 409);
}

TEST_CASE("a write that changes nothing keeps the resourceVersion") {
  TestCluster api;
  const Json map = api.post(kMapsPath, config_map_json("a")).json();
  CHECK(api.put(kMapsPath + "/a", map).json() == map);
  CHECK(api.merge(kMapsPath + "/a", {{"data", {{"k", "v"}}}}).json() == map);
}

TEST_CASE("metadata that is the server's cannot be written") {
  TestCluster api;
  const Json map = api.post(kMapsPath, config_map_json("a")).json();
  Json after = api.merge(kMapsPath + "/a",
                         {{"metadata", {{"creationTimestamp", "2001-01-01T00:00:00Z"}, {"generation", 9}}}})
                   .json();
  CHECK(after == map);
  CHECK(api.merge(kMapsPath + "/a", {{"metadata", {{"uid", "other"}}}}).status == 422);
  Json other = map;
  other["metadata"]["uid"] = "other";
  CHECK(api.put(kMapsPath + "/a", other).status == 409);
}

TEST_CASE("the three patches change what they say") {
  TestCluster api;
  api.post(kPodsPath, pod_json("a", {{"x", "1"}}));
  CHECK(api.merge(kPodsPath + "/a", {{"metadata", {{"labels", {{"x", nullptr}, {"y", "2"}}}}}})
            .json()["metadata"]["labels"] == Json{{"y", "2"}});
  CHECK(api.ask("PATCH", kPodsPath + "/a", R"([{"op":"add","path":"/metadata/labels/z","value":"3"}])",
                "application/json-patch+json")
            .json()["metadata"]["labels"] == Json{{"y", "2"}, {"z", "3"}});
  CHECK(api.ask("PATCH", kPodsPath + "/a", R"([{"op":"test","path":"/metadata/labels/z","value":"4"}])",
                "application/json-patch+json")
            .status == 422);
  const Json ready = {{"type", "Ready"}, {"status", "True"}};
  const Json scheduled = {{"type", "PodScheduled"}, {"status", "True"}};
  api.strategic(kPodsPath + "/a/status", {{"status", {{"conditions", Json::array({ready})}}}});
  const Json both =
      api.strategic(kPodsPath + "/a/status",
                    {{"status", {{"phase", "Running"}, {"conditions", Json::array({scheduled})}}}})
          .json();
  CHECK(both["status"]["conditions"].size() == 2);
  CHECK(both["status"]["phase"] == "Running");
}

TEST_CASE("status and the rest are written by different doors") {
  TestCluster api;
  api.post(kPodsPath, pod_json("a"));
  CHECK(api.merge(kPodsPath + "/a", {{"status", {{"phase", "Running"}}}}).json()["status"]["phase"] ==
        "Pending");
  CHECK(
      api.merge(kPodsPath + "/a/status", {{"status", {{"phase", "Running"}}}, {"spec", {{"nodeName", "n"}}}})
          .json()["spec"]
          .contains("nodeName") == false);
  CHECK(api.get(kPodsPath + "/a").json()["status"]["phase"] == "Running");
}

TEST_CASE("the spec of a pod does not change after it was made") {
  TestCluster api;
  Json pod = api.post(kPodsPath, pod_json("a")).json();
  pod["spec"]["containers"][0]["command"] = Json::array({"sh"});
  ApiAnswer refused = api.put(kPodsPath + "/a", pod);
  CHECK(refused.status == 422);
  CHECK(string_at(refused.json(), {"message"}).find("pod updates may not change fields other than") !=
        std::string::npos);
  CHECK(api.merge(kPodsPath + "/a", {{"metadata", {{"annotations", {{"a", "b"}}}}}}).status == 200);
}

TEST_CASE("an immutable config map keeps its data") {
  TestCluster api;
  Json map = config_map_json("a");
  map["immutable"] = true;
  api.post(kMapsPath, map);
  CHECK(api.merge(kMapsPath + "/a", {{"data", {{"k", "2"}}}}).status == 422);
  CHECK(api.merge(kMapsPath + "/a", {{"metadata", {{"labels", {{"l", "1"}}}}}}).status == 200);
}

TEST_CASE("items of a list say no kind, custom resources do") {
  TestCluster api;
  api.post(kMapsPath, config_map_json("a", {{"kind", "ConfigMap"}}));
  const Json item = api.get(kMapsPath + "?fieldSelector=metadata.name%3Da").json()["items"][0];
  CHECK_FALSE(item.contains("kind"));
  CHECK_FALSE(item.contains("apiVersion"));
  CHECK(item["data"]["kind"] == "ConfigMap");
  CHECK(item["metadata"]["name"] == "a");
  api.post(kCrdsPath, widget_crd());
  api.post(kWidgetsPath, widget_json("w"));
  CHECK(api.get(kWidgetsPath).json()["items"][0]["kind"] == "Widget");
}

TEST_CASE("quantities are kept in their canonical form") {
  TestCluster api;
  Json pod = pod_json("a");
  pod["spec"]["containers"][0]["resources"] = {{"requests", {{"cpu", "0.1"}, {"memory", "1024Mi"}}}};
  CHECK(api.post(kPodsPath, pod).json()["spec"]["containers"][0]["resources"]["requests"] ==
        Json{{"cpu", "100m"}, {"memory", "1Gi"}});
}

TEST_CASE("a member that stands twice is refused strictly, else the last counts") {
  TestCluster api;
  const std::string twice = R"({"metadata":{"name":"a"},"data":{"a":"1","b":"2","a":"3"}})";
  ApiAnswer refused = api.ask("POST", kMapsPath + "?fieldValidation=Strict", twice);
  CHECK(refused.status == 400);
  CHECK(refused.body.find("duplicate field \\\"data.a\\\"") != std::string::npos);
  CHECK(api.ask("POST", kMapsPath, twice).json()["data"]["a"] == "3");
}

TEST_CASE("a JSON patch may replace a member that is not there, but nothing below it") {
  TestCluster api;
  api.post(kMapsPath, config_map_json("a"));
  auto patch = [&](const char* path) {
    return api.ask("PATCH", kMapsPath + "/a",
                   Json::array({{{"op", "replace"}, {"path", path}, {"value", "x"}}}).dump(),
                   "application/json-patch+json");
  };
  CHECK(patch("/data/new").json()["data"] == Json{{"k", "v"}, {"new", "x"}});
  CHECK(patch("/none/new").status == 422);
  CHECK(patch("no pointer").status >= 400);
}

TEST_CASE("some kinds are replaced by their version only, and made by a PUT") {
  TestCluster api;
  const std::string path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l";
  const Json lease = {{"metadata", {{"name", "l"}}}, {"spec", {{"holderIdentity", "me"}}}};
  CHECK(api.put(path, lease).status == 201);
  CHECK(api.put(path, lease).status == 422);
  CHECK(api.put(kMapsPath + "/none", config_map_json("none")).status == 404);
  CHECK(api.put(kMapsPath + "/none", {{"data", {{"a", "b"}}}}).status == 400);
}

TEST_CASE("times are checked where a kind has them") {
  TestCluster api;
  const std::string path = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  auto renewed = [&](const char* time) {
    return api.post(path, {{"metadata", {{"generateName", "l"}}}, {"spec", {{"renewTime", time}}}}).status;
  };
  CHECK(renewed("2024-01-02T03:04:05.000000Z") == 201);
  CHECK(renewed("2024-01-02T03:04:05Z") == 400);
  CHECK(renewed("now") == 400);
}

TEST_CASE("an eviction must name its pod, and may be a trial") {
  TestCluster api;
  api.post(kPodsPath, pod_json("a"));
  auto evict = [&](const char* name, Json options) {
    return api.post(kPodsPath + "/a/eviction", {{"metadata", {{"name", name}}}, {"deleteOptions", options}});
  };
  CHECK(evict("other", Json::object()).status == 400);
  CHECK(evict("a", {{"dryRun", {"All"}}}).status == 201);
  CHECK(api.get(kPodsPath + "/a").status == 200);
  CHECK(evict("a", Json::object()).status == 201);
  CHECK(api.get(kPodsPath + "/a").status == 404);
}

TEST_CASE("binding assigns a pod once") {
  TestCluster api;
  api.post(kPodsPath, pod_json("a"));
  const Json binding = {{"apiVersion", "v1"},
                        {"kind", "Binding"},
                        {"metadata", {{"name", "a"}}},
                        {"target", {{"kind", "Node"}, {"name", "n1"}}}};
  CHECK(api.post(kPodsPath + "/a/binding", binding).status == 201);
  const Json pod = api.get(kPodsPath + "/a").json();
  CHECK(pod["spec"]["nodeName"] == "n1");
  CHECK(pod["status"]["conditions"][0]["type"] == "PodScheduled");
  CHECK(api.post(kPodsPath + "/a/binding", binding).status == 409);
  CHECK(api.get(kPodsPath + "?fieldSelector=spec.nodeName%3Dn1").json()["items"].size() == 1);
  CHECK(api.get(kPodsPath + "?fieldSelector=spec.nodeName%3D").json()["items"].empty());
}

TEST_CASE("services get addresses of the range, headless ones none") {
  TestCluster api;
  auto service = [](const char* name) {
    return Json{{"apiVersion", "v1"},
                {"kind", "Service"},
                {"metadata", {{"name", name}}},
                {"spec", {{"selector", {{"a", "b"}}}, {"ports", Json::array({{{"port", 80}}})}}}};
  };
  const std::string path = "/api/v1/namespaces/default/services";
  const Json first = api.post(path, service("one")).json();
  const Json second = api.post(path, service("two")).json();
  CHECK(string_at(first, {"spec", "clusterIP"}).starts_with("10.96."));
  CHECK(first["spec"]["clusterIP"] != second["spec"]["clusterIP"]);
  CHECK(first["spec"]["ports"][0]["targetPort"] == 80);
  CHECK(first["spec"]["ports"][0]["protocol"] == "TCP");
  Json headless = service("three");
  headless["spec"]["clusterIP"] = "None";
  CHECK(api.post(path, headless).json()["spec"]["clusterIP"] == "None");
  CHECK(api.merge(path + "/one", {{"spec", {{"clusterIP", "10.96.9.9"}}}}).status == 422);
  CHECK(api.get(path + "/kubernetes").json()["spec"]["clusterIP"] == "10.96.0.1");
}

TEST_CASE("a dry run answers and changes nothing") {
  TestCluster api;
  const std::uint64_t before = api.server.store().version();
  CHECK(api.post(kMapsPath + "?dryRun=All", config_map_json("a")).status == 201);
  CHECK(api.get(kMapsPath + "/a").status == 404);
  CHECK(api.server.store().version() == before);
}

TEST_CASE("secrets keep what was given as text in base64") {
  TestCluster api;
  const Json secret = api.post("/api/v1/namespaces/default/secrets", {{"apiVersion", "v1"},
                                                                      {"kind", "Secret"},
                                                                      {"metadata", {{"name", "s"}}},
                                                                      {"stringData", {{"p", "hi"}}}})
                          .json();
  CHECK(secret["data"]["p"] == "aGk=");
  CHECK(secret["type"] == "Opaque");
  CHECK_FALSE(secret.contains("stringData"));
}

TEST_CASE("an event shows both its faces") {
  TestCluster api;
  const Json event = {{"apiVersion", "events.k8s.io/v1"},
                      {"kind", "Event"},
                      {"metadata", {{"name", "e"}}},
                      {"regarding", {{"kind", "Pod"}, {"name", "p"}}},
                      {"note", "hello"},
                      {"reason", "R"},
                      {"type", "Normal"}};
  REQUIRE(api.post("/apis/events.k8s.io/v1/namespaces/default/events", event).status == 201);
  const Json core = api.get("/api/v1/namespaces/default/events/e").json();
  CHECK(core["apiVersion"] == "v1");
  CHECK(core["message"] == "hello");
  CHECK(core["involvedObject"]["name"] == "p");
  CHECK(api.get("/apis/events.k8s.io/v1/namespaces/default/events/e").json()["note"] == "hello");
  CHECK(api.get("/api/v1/events?fieldSelector=involvedObject.name%3Dp").json()["items"].size() == 1);
}

}  // namespace kube::apiserver
