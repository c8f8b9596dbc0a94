#include "kube/core/object_meta.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <unordered_map>

#include "kube/core/fields.h"
#include "kube/core/gvk.h"

using namespace kube;

TEST_CASE("metadata of a real pod survives, modelled or not", "[object_meta]") {
  const Json json = Json::parse(R"({
    "name": "pi-driver", "namespace": "ns", "uid": "u1", "resourceVersion": "12", "generation": 1,
    "creationTimestamp": "2026-11-21T03:51:07Z", "deletionTimestamp": "2026-11-21T03:52:07Z",
    "deletionGracePeriodSeconds": 0, "labels": {"a": "b"}, "annotations": {"c": ""},
    "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "o", "uid": "u0"},
      {"apiVersion": "g/v1", "kind": "App", "name": "pi", "uid": "u2", "controller": true,
       "blockOwnerDeletion": false, "new": 1}],
    "finalizers": ["x/y"], "generateName": "pi-", "managedFields": [{"manager": "m"}], "selfLink": ""})");
  auto meta = decode<ObjectMeta>(json, "metadata");
  REQUIRE(meta);
  CHECK(encode(*meta) == json);
  CHECK(meta->key() == ObjectKey{"ns", "pi-driver"});
  REQUIRE(controller_of(*meta) != nullptr);
  CHECK(controller_of(*meta)->uid == "u2");
  CHECK(meta->deletion_grace_period_seconds == 0);
  CHECK(label_of(*meta, "a") == "b");
  CHECK(annotation_of(*meta, "none").empty());
}

TEST_CASE("without controller: true nobody controls an object", "[object_meta]") {
  ObjectMeta meta;
  meta.owner_references.push_back({"v1", "Pod", "o", "u0", {}, {}, {}});
  meta.owner_references.push_back({"v1", "Pod", "o", "u1", false, {}, {}});
  CHECK(controller_of(meta) == nullptr);
}

TEST_CASE("keys order by namespace, then name, and hash by both", "[object_key]") {
  std::set<ObjectKey> keys{{"b", "a"}, {"a", "z"}, {"", "node"}};
  std::string order;
  for (const ObjectKey& key : keys) order += key.to_string() + " ";
  CHECK(order == "node a/z b/a ");
  CHECK(ObjectKey::parse("a/z") == ObjectKey{"a", "z"});
  CHECK(ObjectKey::parse("node") == ObjectKey{"", "node"});
  const std::hash<ObjectKey> hash;
  CHECK(hash({"a", "b"}) == hash({"a", "b"}));
  CHECK(hash({"a", "b"}) != hash({"b", "a"}));
}

TEST_CASE("paths are the API server's", "[gvk]") {
  CHECK(kPods.object_path({"ns", "pi"}, "status") == "/api/v1/namespaces/ns/pods/pi/status");
  CHECK(kPods.collection_path() == "/api/v1/pods");
  CHECK(kPods.collection_path("ns") == "/api/v1/namespaces/ns/pods");
  CHECK(kNodes.object_path({"ignored", "n1"}) == "/api/v1/nodes/n1");
  CHECK(kNamespaces.object_path({"", "ns"}, "finalize") == "/api/v1/namespaces/ns/finalize");
  CHECK(kLeases.object_path({"ns", "l"}) == "/apis/coordination.k8s.io/v1/namespaces/ns/leases/l");
  CHECK(kConfigMaps.object_path({"ns", "a b/é"}) == "/api/v1/namespaces/ns/configmaps/a%20b%2F%C3%A9");
  CHECK(kLeases.api_version() == "coordination.k8s.io/v1");
  CHECK(kLeases.group_resource() == "leases.coordination.k8s.io");
  CHECK(kPods.group_resource() == "pods");
  CHECK(kPods.gvk().to_string() == "v1, Kind=Pod");
}

TEST_CASE("api versions split into group and version", "[gvk]") {
  CHECK(*GroupVersion::parse("v1") == GroupVersion{"", "v1"});
  CHECK(*GroupVersion::parse("apps/v1") == GroupVersion{"apps", "v1"});
  CHECK_FALSE(GroupVersion::parse("a/b/c"));
  CHECK_FALSE(GroupVersion::parse(""));
}

TEST_CASE("no two built-in resources share a collection", "[gvk]") {
  std::set<std::string> paths;
  for (const Resource& resource : builtin_resources())
    CHECK(paths.insert(resource.collection_path("ns")).second);
}
