#include <catch2/catch.hpp>

#include "kube/apiserver/test_cluster.h"

namespace kube::apiserver {

namespace {

std::vector<std::string> names(const Json& list) {
  std::vector<std::string> found;
  for (const Json& item : list["items"]) found.push_back(item["metadata"]["name"]);
  return found;
}

std::string version_of(const Json& object) {
  return string_at(object, {"metadata", "resourceVersion"});
}

}  // namespace

TEST_CASE("lists select by labels and fields") {
  struct Row {
    const char* query;
    std::vector<std::string> found;
  };
  const std::vector<Row> rows{
      {"", {"a", "b", "c"}},
      {"?labelSelector=role%3Dx", {"a", "b"}},
      {"?labelSelector=role%3Dx,done%21%3Dtrue", {"a"}},
      {"?labelSelector=role%20in%20(x,y)", {"a", "b", "c"}},
      {"?labelSelector=%21done", {"a", "c"}},
      {"?fieldSelector=metadata.name%3Db", {"b"}},
      {"?fieldSelector=metadata.name%21%3Db", {"a", "c"}},
      {"?fieldSelector=status.phase%3DPending,spec.nodeName%3D", {"a", "b", "c"}},
      {"?labelSelector=role%3Dy&fieldSelector=metadata.name%3Da", {}},
  };
  TestCluster api;
  api.post(kPodsPath, pod_json("a", {{"role", "x"}}));
  api.post(kPodsPath, pod_json("b", {{"role", "x"}, {"done", "true"}}));
  api.post(kPodsPath, pod_json("c", {{"role", "y"}}));
  for (const Row& row : rows) {
    INFO(row.query);
    CHECK(names(api.get(kPodsPath + row.query).json()) == row.found);
  }
  CHECK(names(api.get("/api/v1/pods?labelSelector=role").json()).size() == 3);
}

TEST_CASE("pages show the version of the first page") {
  TestCluster api;
  for (const char* name : {"a", "b", "c", "d", "e"}) api.post(kMapsPath, config_map_json(name));
  const Json first = api.get(kMapsPath + "?limit=2").json();
  CHECK(names(first) == std::vector<std::string>{"a", "b"});
  CHECK(first["metadata"]["remainingItemCount"] == 4);  // and kube-root-ca.crt
  // What changes meanwhile is not seen by the later pages.
  api.remove(kMapsPath + "/c");
  api.post(kMapsPath, config_map_json("bb"));
  const std::string next = string_at(first, {"metadata", "continue"});
  const Json second = api.get(kMapsPath + "?limit=2&continue=" + percent_encode(next)).json();
  CHECK(names(second) == std::vector<std::string>{"c", "d"});
  CHECK(version_of(second) == version_of(first));
  const Json third =
      api.get(kMapsPath + "?limit=5&continue=" + percent_encode(string_at(second, {"metadata", "continue"})))
          .json();
  CHECK(names(third) == std::vector<std::string>{"e", "kube-root-ca.crt"});
  CHECK(string_at(third, {"metadata", "continue"}).empty());
}

TEST_CASE("a page whose version is forgotten is expired") {
  TestCluster api;
  for (const char* name : {"a", "b", "c"}) api.post(kMapsPath, config_map_json(name));
  const std::string next = string_at(api.get(kMapsPath + "?limit=1").json(), {"metadata", "continue"});
  api.post(kMapsPath, config_map_json("d"));
  api.server.store().compact();
  ApiAnswer answer = api.get(kMapsPath + "?limit=1&continue=" + percent_encode(next));
  CHECK(answer.status == 410);
  CHECK(answer.json()["reason"] == "Expired");
  CHECK(api.get(kMapsPath + "?limit=1&continue=rubbish").status == 400);
  // The refusal's own token goes on with what there is now.
  const std::string anyway = string_at(answer.json(), {"metadata", "continue"});
  CHECK(names(api.get(kMapsPath + "?continue=" + percent_encode(anyway)).json()) ==
        std::vector<std::string>{"b", "c", "d", "kube-root-ca.crt"});
}

TEST_CASE("resource versions of lists") {
  TestCluster api;
  const std::string old = version_of(api.post(kMapsPath, config_map_json("a")).json());
  const std::string present = version_of(api.post(kMapsPath, config_map_json("b")).json());
  CHECK(names(api.get(kMapsPath + "?resourceVersion=" + old + "&resourceVersionMatch=Exact").json()) ==
        std::vector<std::string>{"a", "kube-root-ca.crt"});
  CHECK(names(api.get(kMapsPath + "?resourceVersion=" + old + "&resourceVersionMatch=NotOlderThan").json())
            .size() == 3);
  CHECK(names(api.get(kMapsPath + "?resourceVersion=0").json()).size() == 3);
  CHECK(version_of(api.get(kMapsPath).json()) == present);
  CHECK(api.get(kMapsPath + "?resourceVersion=99999").status == 504);
  CHECK(api.get(kMapsPath + "?resourceVersion=abc").status == 400);
  CHECK(api.get(kMapsPath + "?watch=true&resourceVersion=abc").status == 500);
  CHECK(api.get(kMapsPath + "/a?resourceVersion=99999").status == 504);
  api.server.store().compact();
  CHECK(api.get(kMapsPath + "?resourceVersion=" + old + "&resourceVersionMatch=Exact").status == 410);
}

TEST_CASE("a watch without a version begins with what is there") {
  TestCluster api;
  api.post(kPodsPath, pod_json("a"));
  ApiAnswer watch = api.get(kPodsPath + "?watch=true");
  Json event = api.event(watch);
  CHECK(event["type"] == "ADDED");
  CHECK(event["object"]["metadata"]["name"] == "a");
  api.post(kPodsPath, pod_json("b"));
  CHECK(api.event(watch)["object"]["metadata"]["name"] == "b");
  api.merge(kPodsPath + "/a", {{"metadata", {{"labels", {{"x", "1"}}}}}});
  event = api.event(watch);
  CHECK(event["type"] == "MODIFIED");
  CHECK(event["object"] == api.get(kPodsPath + "/a").json());
  api.remove(kPodsPath + "/a");
  event = api.event(watch);
  CHECK(event["type"] == "DELETED");
  CHECK(event["object"]["metadata"]["name"] == "a");
  CHECK(version_of(event["object"]) == std::to_string(api.server.store().version()));
}

TEST_CASE("a watch from a version says exactly what came after it") {
  TestCluster api;
  const Json a = api.post(kMapsPath, config_map_json("a")).json();
  api.post(kMapsPath, config_map_json("b"));
  api.remove(kMapsPath + "/b");
  ApiAnswer watch = api.get(kMapsPath + "?watch=true&resourceVersion=" + version_of(a));
  CHECK(api.event(watch)["type"] == "ADDED");
  CHECK(api.event(watch)["type"] == "DELETED");
  CHECK(api.event(watch).is_null());
}

TEST_CASE("an object that enters or leaves the selection is added or deleted") {
  TestCluster api;
  api.post(kPodsPath, pod_json("a", {{"role", "x"}}));
  ApiAnswer watch = api.get(kPodsPath + "?watch=true&labelSelector=role%3Dx,done%21%3Dtrue");
  CHECK(api.event(watch)["type"] == "ADDED");
  api.merge(kPodsPath + "/a", {{"metadata", {{"labels", {{"done", "true"}}}}}});
  const Json left = api.event(watch);
  CHECK(left["type"] == "DELETED");
  CHECK_FALSE(left["object"]["metadata"]["labels"].contains("done"));
  api.merge(kPodsPath + "/a", {{"metadata", {{"labels", {{"other", "1"}}}}}});
  CHECK(api.event(watch).is_null());
  api.merge(kPodsPath + "/a", {{"metadata", {{"labels", {{"done", nullptr}}}}}});
  CHECK(api.event(watch)["type"] == "ADDED");
}

TEST_CASE("wishes about versions that contradict each other are refused") {
  TestCluster api;
  for (const char* query :
       {"watch=true&sendInitialEvents=true", "watch=true&sendInitialEvents=true&resourceVersionMatch=Exact",
        "watch=true&resourceVersionMatch=NotOlderThan&resourceVersion=1",
        "resourceVersionMatch=Newer&resourceVersion=1", "resourceVersionMatch=Exact",
        "resourceVersionMatch=Exact&resourceVersion=0", "sendInitialEvents=true"}) {
    INFO(query);
    ApiAnswer refused = api.get(kMapsPath + "?" + query);
    CHECK(refused.status == 422);
    CHECK(refused.json()["details"]["kind"] == "ListOptions");
  }
  api.post(kMapsPath, config_map_json("one"));
  CHECK(api.get(kMapsPath + "/one?watch=true").json()["kind"] == "ConfigMap");
}

TEST_CASE("a watch from a forgotten version is told so inside the stream") {
  TestCluster api;
  const std::string old = version_of(api.post(kMapsPath, config_map_json("a")).json());
  ApiAnswer slow = api.get(kMapsPath + "?watch=true&resourceVersion=" + old);
  api.post(kMapsPath, config_map_json("b"));
  api.server.store().compact();
  ApiAnswer late = api.get(kMapsPath + "?watch=true&resourceVersion=" + old);
  CHECK(late.status == 200);
  CHECK(api.event(late)["object"]["reason"] == "Expired");
  CHECK(api.event(late).is_null());
  const Json error = api.event(slow);
  CHECK(error["type"] == "ERROR");
  CHECK(error["object"]["code"] == 410);
  CHECK(api.event(slow).is_null());
  CHECK(api.get(kMapsPath + "?watch=true&resourceVersion=99999").status == 504);
}

TEST_CASE("a small history forgets by itself") {
  ApiServerOptions options = TestCluster::plain();
  options.store.history = 3;
  TestCluster api(options);
  const std::string old = version_of(api.post(kMapsPath, config_map_json("a")).json());
  for (const char* name : {"b", "c", "d", "e"}) api.post(kMapsPath, config_map_json(name));
  ApiAnswer watch = api.get(kMapsPath + "?watch=true&resourceVersion=" + old);
  CHECK(api.event(watch)["object"]["code"] == 410);
}

TEST_CASE("bookmarks tell the version of a quiet watch") {
  TestCluster api;
  ApiAnswer watch = api.get(kPodsPath + "?watch=true&allowWatchBookmarks=true");
  api.post(kMapsPath, config_map_json("elsewhere"));
  const Json bookmark = api.event(watch, 2min);
  CHECK(bookmark["type"] == "BOOKMARK");
  CHECK(bookmark["object"]["kind"] == "Pod");
  CHECK(version_of(bookmark["object"]) == std::to_string(api.server.store().version()));
  ApiAnswer without = api.get(kPodsPath + "?watch=true");
  CHECK(api.event(without, 2min).is_null());
}

TEST_CASE("sendInitialEvents ends the present objects with a bookmark") {
  TestCluster api;
  api.post(kPodsPath, pod_json("a"));
  ApiAnswer watch = api.get(
      kPodsPath +
      "?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan");
  CHECK(api.event(watch)["type"] == "ADDED");
  CHECK(api.event(watch)["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true");
}

TEST_CASE("a watch ends after its timeoutSeconds") {
  TestCluster api;
  ApiAnswer watch = api.get(kPodsPath + "?watch=true&timeoutSeconds=5");
  const SteadyTime start = api.loop.steady();
  CHECK(api.event(watch, 1min).is_null());
  CHECK(api.loop.steady() - start == 5s);
  CHECK_FALSE(watch.stream->was_cut());
}

TEST_CASE("watches end on demand, properly or by a cut") {
  TestCluster api;
  ApiAnswer a = api.get(kPodsPath + "?watch=true");
  api.server.end_watches(false);
  CHECK(api.event(a).is_null());
  CHECK_FALSE(a.stream->was_cut());
  ApiAnswer b = api.get(kPodsPath + "?watch=true");
  api.server.end_watches(true);
  CHECK(api.event(b).is_null());
  CHECK(b.stream->was_cut());
}

TEST_CASE("kubectl get sees tables") {
  TestCluster api;
  api.post(kPodsPath, pod_json("a"));
  api.strategic(kPodsPath + "/a/status",
                {{"status",
                  {{"phase", "Running"},
                   {"containerStatuses", Json::array({{{"name", "main"},
                                                       {"ready", true},
                                                       {"restartCount", 0},
                                                       {"image", ""},
                                                       {"imageID", ""},
                                                       {"state", {{"running", Json::object()}}}}})}}}});
  const std::string accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
  const Json table = api.ask("GET", kPodsPath, "", "", accept).json();
  CHECK(table["kind"] == "Table");
  CHECK(table["columnDefinitions"][1]["name"] == "Ready");
  CHECK(table["rows"][0]["cells"][0] == "a");
  CHECK(table["rows"][0]["cells"][1] == "1/1");
  CHECK(table["rows"][0]["cells"][2] == "Running");
  CHECK(table["rows"][0]["object"]["kind"] == "PartialObjectMetadata");
  ApiAnswer watch = api.ask("GET", kPodsPath + "?watch=true", "", "", accept);
  CHECK(api.event(watch)["object"]["rows"][0]["cells"][0] == "a");
}

TEST_CASE("what a list and the events after it say is what is there") {
  // A model: replaying a watch over the list it began with gives the store's present state, whatever was
  // done.
  TestCluster api;
  Random chance(7);
  const Json start = api.get(kMapsPath).json();
  std::map<std::string, std::string> seen;
  for (const Json& item : start["items"]) seen[item["metadata"]["name"]] = version_of(item);
  ApiAnswer watch = api.get(kMapsPath + "?watch=true&resourceVersion=" + version_of(start));
  for (int step = 0; step < 300; ++step) {
    const std::string name = std::string(1, static_cast<char>('a' + chance.below(5)));
    switch (chance.below(3)) {
      case 0:
        api.post(kMapsPath, config_map_json(name));
        break;
      case 1:
        api.merge(kMapsPath + "/" + name, {{"data", {{"k", std::to_string(step)}}}});
        break;
      default:
        api.remove(kMapsPath + "/" + name);
    }
  }
  for (Json event = api.event(watch, 1ms); !event.is_null(); event = api.event(watch, 1ms)) {
    const std::string name = event["object"]["metadata"]["name"];
    if (event["type"] == "ADDED") CHECK_FALSE(seen.contains(name));
    if (event["type"] == "DELETED")
      CHECK(seen.erase(name) == 1);
    else
      seen[name] = version_of(event["object"]);
  }
  std::map<std::string, std::string> present;
  for (const Json& item : api.get(kMapsPath).json()["items"])
    present[item["metadata"]["name"]] = version_of(item);
  CHECK(seen == present);
}

}  // namespace kube::apiserver
