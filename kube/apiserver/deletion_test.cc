#include <catch2/catch.hpp>

#include "kube/apiserver/test_cluster.h"

namespace kube::apiserver {

namespace {

Json owned(Json object, const Json& owner, bool block = false) {
  object["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", owner["apiVersion"]},
                                                        {"kind", owner["kind"]},
                                                        {"name", owner["metadata"]["name"]},
                                                        {"uid", owner["metadata"]["uid"]},
                                                        {"controller", true},
                                                        {"blockOwnerDeletion", block}}});
  return object;
}

void bind(TestCluster& api, const std::string& name) {
  REQUIRE(api.post(kPodsPath + "/" + name + "/binding",
                   {{"apiVersion", "v1"}, {"kind", "Binding"}, {"target", {{"kind", "Node"}, {"name", "n"}}}})
              .status == 201);
}

}  // namespace

TEST_CASE("a delete with another UID or version is a conflict and deletes nothing") {
  TestCluster api;
  const Json map = api.post(kMapsPath, config_map_json("a")).json();
  ApiAnswer refused =
      api.remove(kMapsPath + "/a", {{"preconditions", {{"uid", "00000000-0000-0000-0000-000000000000"}}}});
  CHECK(refused.status == 409);
  CHECK(string_at(refused.json(), {"message"}).find("the UID in the precondition") != std::string::npos);
  CHECK(api.remove(kMapsPath + "/a", {{"preconditions", {{"resourceVersion", "1"}}}}).status == 409);
  CHECK(api.get(kMapsPath + "/a").status == 200);
  ApiAnswer done = api.remove(
      kMapsPath + "/a",
      {{"preconditions",
        {{"uid", map["metadata"]["uid"]}, {"resourceVersion", map["metadata"]["resourceVersion"]}}}});
  CHECK(done.status == 200);
  CHECK(done.json()["status"] == "Success");
  CHECK(api.get(kMapsPath + "/a").status == 404);
}

TEST_CASE("a running pod is given its grace, and goes with grace zero") {
  TestCluster api;
  api.post(kPodsPath, pod_json("a"));
  bind(api, "a");
  const Json first = api.remove(kPodsPath + "/a").json();
  CHECK(first["metadata"]["deletionGracePeriodSeconds"] == 30);
  CHECK(first["metadata"].contains("deletionTimestamp"));
  CHECK(api.get(kPodsPath + "/a").status == 200);
  // A second one shortens it, never lengthens it.
  CHECK(api.remove(kPodsPath + "/a", {{"gracePeriodSeconds", 5}})
            .json()["metadata"]["deletionGracePeriodSeconds"] == 5);
  CHECK(api.remove(kPodsPath + "/a", {{"gracePeriodSeconds", 60}})
            .json()["metadata"]["deletionGracePeriodSeconds"] == 5);
  CHECK(api.remove(kPodsPath + "/a", {{"gracePeriodSeconds", 0}}).status == 200);
  CHECK(api.get(kPodsPath + "/a").status == 404);
}

TEST_CASE("a pod that runs nowhere goes at once") {
  TestCluster api;
  api.post(kPodsPath, pod_json("a"));
  CHECK(api.remove(kPodsPath + "/a").json()["kind"] == "Pod");
  CHECK(api.get(kPodsPath + "/a").status == 404);
}

TEST_CASE("a finished pod is shown once with grace zero before it goes") {
  TestCluster api;
  api.post(kPodsPath, pod_json("a"));
  bind(api, "a");
  const Json pod = api.merge(kPodsPath + "/a/status", {{"status", {{"phase", "Succeeded"}}}}).json();
  ApiAnswer watch =
      api.get(kPodsPath + "?watch=true&resourceVersion=" + string_at(pod, {"metadata", "resourceVersion"}));
  api.remove(kPodsPath + "/a");
  const Json shown = api.event(watch);
  CHECK(shown["type"] == "MODIFIED");
  CHECK(shown["object"]["metadata"]["deletionGracePeriodSeconds"] == 0);
  CHECK(api.event(watch)["type"] == "DELETED");
}

TEST_CASE("finalizers hold an object until the last is taken off") {
  TestCluster api;
  Json map = config_map_json("a");
  map["metadata"]["finalizers"] = Json::array({"example.com/one", "example.com/two"});
  api.post(kMapsPath, map);
  CHECK(api.remove(kMapsPath + "/a").json()["metadata"].contains("deletionTimestamp"));
  CHECK(api.merge(kMapsPath + "/a", {{"metadata", {{"finalizers", {"example.com/one", "example.com/new"}}}}})
            .status == 422);
  CHECK(api.merge(kMapsPath + "/a", {{"metadata", {{"finalizers", {"example.com/two"}}}}}).status == 200);
  CHECK(api.get(kMapsPath + "/a").status == 200);
  CHECK(api.merge(kMapsPath + "/a", {{"metadata", {{"finalizers", nullptr}}}}).status == 200);
  CHECK(api.get(kMapsPath + "/a").status == 404);
}

TEST_CASE("deletecollection deletes what is selected and lists it") {
  TestCluster api;
  api.post(kPodsPath, pod_json("a", {{"role", "x"}}));
  api.post(kPodsPath, pod_json("b", {{"role", "y"}}));
  const Json removed =
      api.remove(kPodsPath + "?labelSelector=role%3Dx",
                 {{"kind", "DeleteOptions"}, {"apiVersion", "v1"}, {"propagationPolicy", "Background"}})
          .json();
  CHECK(removed["kind"] == "PodList");
  CHECK(removed["items"].size() == 1);
  CHECK(api.get(kPodsPath).json()["items"][0]["metadata"]["name"] == "b");
}

TEST_CASE("dependents go when their owner is gone") {
  TestCluster api;
  const Json owner = api.post(kPodsPath, pod_json("owner")).json();
  api.post(kMapsPath, owned(config_map_json("below"), owner));
  const Json child = api.post(kPodsPath, owned(pod_json("child"), owner)).json();
  api.post(kMapsPath, owned(config_map_json("deep"), child));
  api.post(kMapsPath, config_map_json("free"));
  api.remove(kPodsPath + "/owner");
  api.loop.run_for(1s);
  CHECK(api.get(kMapsPath + "/below").status == 404);
  CHECK(api.get(kPodsPath + "/child").status == 404);
  CHECK(api.get(kMapsPath + "/deep").status == 404);
  CHECK(api.get(kMapsPath + "/free").status == 200);
}

TEST_CASE("an owner of the same name but another UID does not keep a dependent") {
  TestCluster api;
  Json owner = api.post(kPodsPath, pod_json("owner")).json();
  owner["metadata"]["uid"] = "11111111-2222-4333-8444-555555555555";
  api.post(kMapsPath, owned(config_map_json("below"), owner));
  api.loop.run_for(1s);
  CHECK(api.get(kMapsPath + "/below").status == 404);
}

TEST_CASE("a dependent with another living owner stays and loses the dead reference") {
  TestCluster api;
  const Json a = api.post(kPodsPath, pod_json("a")).json(), b = api.post(kPodsPath, pod_json("b")).json();
  Json map = owned(config_map_json("below"), a);
  map["metadata"]["ownerReferences"][0]["controller"] = false;
  map["metadata"]["ownerReferences"].push_back(owned(Json::object(), b)["metadata"]["ownerReferences"][0]);
  REQUIRE(api.post(kMapsPath, map).status == 201);
  api.remove(kPodsPath + "/a");
  api.loop.run_for(1s);
  const Json left = api.get(kMapsPath + "/below").json();
  CHECK(left["metadata"]["ownerReferences"].size() == 1);
  CHECK(left["metadata"]["ownerReferences"][0]["name"] == "b");
}

TEST_CASE("foreground deletion waits for blocking dependents") {
  TestCluster api;
  const Json owner = api.post(kMapsPath, config_map_json("owner")).json();
  Json below = owned(config_map_json("below"), owner, true);
  below["metadata"]["finalizers"] = Json::array({"example.com/hold"});
  api.post(kMapsPath, below);
  api.remove(kMapsPath + "/owner", {{"propagationPolicy", "Foreground"}});
  api.loop.run_for(1s);
  CHECK(api.get(kMapsPath + "/owner").json()["metadata"]["finalizers"][0] == "foregroundDeletion");
  CHECK(api.get(kMapsPath + "/below").json()["metadata"].contains("deletionTimestamp"));
  api.merge(kMapsPath + "/below", {{"metadata", {{"finalizers", nullptr}}}});
  api.loop.run_for(1s);
  CHECK(api.get(kMapsPath + "/below").status == 404);
  CHECK(api.get(kMapsPath + "/owner").status == 404);
}

TEST_CASE("orphaned dependents stay without their owner") {
  TestCluster api;
  const Json owner = api.post(kMapsPath, config_map_json("owner")).json();
  api.post(kMapsPath, owned(config_map_json("below"), owner));
  api.remove(kMapsPath + "/owner?propagationPolicy=Orphan");
  api.loop.run_for(1s);
  CHECK(api.get(kMapsPath + "/owner").status == 404);
  CHECK_FALSE(api.get(kMapsPath + "/below").json()["metadata"].contains("ownerReferences"));
}

TEST_CASE("a namespace is furnished, emptied and gone") {
  TestCluster api;
  api.post("/api/v1/namespaces",
           {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "n"}}}});
  CHECK(api.get("/api/v1/namespaces/n").json()["status"]["phase"] == "Active");
  CHECK(api.get("/api/v1/namespaces/n/serviceaccounts/default").status == 200);
  CHECK(api.get("/api/v1/namespaces/n/configmaps/kube-root-ca.crt").status == 200);
  Json held = config_map_json("held");
  held["metadata"]["finalizers"] = Json::array({"example.com/hold"});
  api.post("/api/v1/namespaces/n/configmaps", held);
  api.post("/api/v1/namespaces/n/pods", pod_json("p"));

  CHECK(api.remove("/api/v1/namespaces/n").json()["status"]["phase"] == "Terminating");
  ApiAnswer refused = api.post("/api/v1/namespaces/n/pods", pod_json("late"));
  CHECK(refused.status == 403);
  CHECK(refused.json()["details"]["causes"][0]["reason"] == "NamespaceTerminating");
  api.loop.run_for(1s);
  CHECK(api.get("/api/v1/namespaces/n/pods/p").status == 404);
  CHECK(api.get("/api/v1/namespaces/n").status == 200);
  api.merge("/api/v1/namespaces/n/configmaps/held", {{"metadata", {{"finalizers", nullptr}}}});
  api.loop.run_for(1s);
  CHECK(api.get("/api/v1/namespaces/n").status == 404);
  CHECK(api.server.store().list("serviceaccounts", "n").empty());
  CHECK(api.remove("/api/v1/namespaces/default").status == 403);
}

TEST_CASE("the default service account and the root certificate come back") {
  TestCluster api;
  api.remove("/api/v1/namespaces/default/serviceaccounts/default");
  api.remove(kMapsPath + "/kube-root-ca.crt");
  CHECK(api.get("/api/v1/namespaces/default/serviceaccounts/default").status == 200);
  CHECK(api.get(kMapsPath + "/kube-root-ca.crt").status == 200);
}

}  // namespace kube::apiserver
