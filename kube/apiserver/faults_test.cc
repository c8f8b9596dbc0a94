#include <catch2/catch.hpp>

#include "kube/apiserver/test_cluster.h"

namespace kube::apiserver {

TEST_CASE("a fault falls on the requests its rule names") {
  TestCluster api;
  api.server.faults().add({.verb = "create", .resource = "pods", .nth = 2, .action = FaultAction::fail(503)});
  CHECK(api.post(kPodsPath, pod_json("a")).status == 201);
  CHECK(api.post(kMapsPath, config_map_json("m")).status == 201);
  CHECK(api.post(kPodsPath, pod_json("b")).status == 503);
  CHECK(api.get(kPodsPath + "/b").status == 404);
  CHECK(api.post(kPodsPath, pod_json("b")).status == 201);
}

TEST_CASE("a cut falls before or after the effect") {
  TestCluster api;
  FaultPlan& faults = api.server.faults();
  faults.add({.name = "", .nth = 1, .action = FaultAction::cut_before()});
  CHECK(api.post(kMapsPath, config_map_json("a")).cut);
  faults.clear();
  CHECK(api.get(kMapsPath + "/a").status == 404);
  faults.add({.verb = "create", .action = FaultAction::cut_after()});
  CHECK(api.post(kMapsPath, config_map_json("a")).cut);
  faults.clear();
  CHECK(api.get(kMapsPath + "/a").status == 200);
}

TEST_CASE("429 says when to come back") {
  TestCluster api;
  api.server.faults().add({.times = 1, .action = FaultAction::fail(429, "slow down", 7)});
  ApiAnswer refused = api.get(kPodsPath);
  CHECK(refused.status == 429);
  CHECK(refused.headers.get("Retry-After").value_or("") == "7");
  CHECK(refused.json()["reason"] == "TooManyRequests");
  CHECK(api.get(kPodsPath).status == 200);
}

TEST_CASE("a delay delays and a hang does nothing") {
  TestCluster api;
  api.server.faults().add({.verb = "get", .times = 1, .action = FaultAction::delayed(3s)});
  SteadyTime start = api.loop.steady();
  CHECK(api.get("/api/v1/namespaces/default").status == 200);
  CHECK(api.loop.steady() - start == 3s);
  api.server.faults().add({.verb = "create", .times = 1, .action = FaultAction::hang()});
  CHECK(api.post(kMapsPath, config_map_json("a")).cut);
  CHECK(api.get(kMapsPath + "/a").status == 404);
}

TEST_CASE("watches are cut, stall, or are told that their version is gone") {
  TestCluster api;
  api.post(kPodsPath, pod_json("a"));
  api.post(kPodsPath, pod_json("b"));
  FaultPlan& faults = api.server.faults();
  faults.add({.verb = "watch", .times = 1, .action = FaultAction::cut_stream(1)});
  ApiAnswer cut = api.get(kPodsPath + "?watch=true");
  CHECK_FALSE(api.event(cut).is_null());
  CHECK(api.event(cut).is_null());
  CHECK(cut.stream->was_cut());

  faults.clear();
  faults.add({.verb = "watch", .times = 1, .action = FaultAction::stall_stream(1)});
  ApiAnswer stalled = api.get(kPodsPath + "?watch=true&timeoutSeconds=5");
  CHECK_FALSE(api.event(stalled).is_null());
  CHECK(api.event(stalled, 1h).is_null());

  faults.clear();
  faults.add({.verb = "watch", .times = 1, .action = FaultAction::gone()});
  ApiAnswer gone = api.get(kPodsPath + "?watch=true");
  CHECK(api.event(gone)["object"]["code"] == 410);
  CHECK(api.event(gone).is_null());
  faults.clear();
  faults.add({.verb = "list", .times = 1, .action = FaultAction::gone()});
  CHECK(api.get(kPodsPath).status == 410);
}

TEST_CASE("the hook sees who asks for what, and decides") {
  TestCluster api;
  std::vector<std::string> asked;
  api.server.faults().set_hook([&](const RequestInfo& request) {
    asked.push_back(request.verb + " " + request.resource + "/" + request.subresource + " " + request.ns +
                    " " + request.name);
    return request.name == "unlucky" ? FaultAction::fail(500) : FaultAction::none();
  });
  api.post(kPodsPath, pod_json("a"));
  api.merge(kPodsPath + "/a/status", {{"status", {{"phase", "Running"}}}});
  CHECK(api.remove(kPodsPath + "/unlucky").status == 500);
  api.remove(kPodsPath);
  CHECK(asked == std::vector<std::string>{"create pods/ default ", "patch pods/status default a",
                                          "delete pods/ default unlucky", "deletecollection pods/ default "});
}

TEST_CASE("health is spared") {
  TestCluster api;
  api.server.faults().add({.action = FaultAction::fail(500)});
  CHECK(api.get("/readyz").body == "ok");
  CHECK(api.get("/livez").status == 200);
}

TEST_CASE("commits tell what changed and who did it") {
  TestCluster api;
  std::vector<std::string> seen;
  api.server.on_commit([&](const Commit& commit) {
    const Change& change = commit.change;
    seen.push_back(commit.table + " " + (change.before ? "b" : "-") + (change.after ? "a" : "-") + " " +
                   commit.request.verb + " " + commit.request.user.username);
  });
  const Json pod = api.post(kPodsPath, pod_json("a")).json();
  Json map = config_map_json("m");
  map["metadata"]["ownerReferences"] =
      Json::array({{{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", "a"}, {"uid", pod["metadata"]["uid"]}}});
  api.post(kMapsPath, map);
  api.remove(kPodsPath + "/a");
  api.loop.run_for(1s);
  CHECK(seen == std::vector<std::string>{
                    "pods -a create admin", "configmaps -a create admin", "pods b- delete admin",
                    "configmaps b-  system:serviceaccount:kube-system:generic-garbage-collector"});
}

TEST_CASE("requests are told with their code") {
  TestCluster api;
  std::vector<int> codes;
  api.server.on_request([&](const RequestInfo&, int code) { codes.push_back(code); });
  api.get(kPodsPath);
  api.get(kPodsPath + "/none");
  api.get("/nowhere");
  CHECK(codes == std::vector<int>{200, 404, 404});
}

}  // namespace kube::apiserver
