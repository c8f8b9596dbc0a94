#include "kube/kubelet/volumes.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "kube/kubelet/pod_network.h"
#include "kube/kubelet/temporary_folder.h"

using namespace kube;

namespace {

PodObjects some_objects() {
  PodObjects objects;
  objects.add({PodReference::Kind::ConfigMap, "conf"},
              {{"data", {{"a.properties", "x=1"}, {"b.properties", "y=2"}}}});
  objects.add({PodReference::Kind::ConfigMap, "ca"}, {{"data", {{"ca.crt", "PEM"}}}});
  objects.add({PodReference::Kind::Secret, "keys"}, {{"data", {{"key", "c2VjcmV0"}}}});
  return objects;
}

Result<std::vector<PodVolume>> plan(const char* volumes, const PodObjects& objects = some_objects()) {
  const Json pod = {{"metadata", {{"name", "p"}, {"namespace", "ns"}, {"labels", {{"app", "web"}}}}},
                    {"spec", {{"volumes", Json::parse(volumes)}}}};
  return plan_volumes({pod, "127.7.0.2", "127.0.0.1", "local", "127.7.0.1", "443"}, objects);
}

unsigned mode_of(const std::filesystem::path& path) {
  struct stat what{};
  REQUIRE(stat(path.c_str(), &what) == 0);
  return what.st_mode & 07777;
}

}  // namespace

TEST_CASE("a config map volume holds its keys, or the items asked for, with their modes", "[volumes]") {
  auto all = plan(R"([{"name": "v", "configMap": {"name": "conf", "defaultMode": 420}}])");
  REQUIRE(all);
  CHECK((*all)[0].files.size() == 2);
  auto some = plan(R"([{"name": "v", "configMap": {"name": "conf", "items":
      [{"key": "a.properties", "path": "sub/a", "mode": 256}]}}])");
  REQUIRE(some);
  TemporaryFolder folder = *TemporaryFolder::make("volumes");
  REQUIRE(write_volume((*some)[0], folder.path() / "v"));
  CHECK(*read_file(folder.path() / "v/sub/a") == "x=1");
  CHECK(mode_of(folder.path() / "v/sub/a") == 0400);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "v/b.properties"));
}

TEST_CASE("what is missing is waited for, unless it is optional", "[volumes]") {
  auto missing = plan(R"([{"name": "v", "configMap": {"name": "late"}}])");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().is_not_found());
  CHECK(missing.error().message() == "volume \"v\": configmap \"late\" not found");
  CHECK(plan(R"([{"name": "v", "configMap": {"name": "late", "optional": true}}])"));
  CHECK_FALSE(
      plan(R"([{"name": "v", "secret": {"secretName": "keys", "items": [{"key": "no", "path": "p"}]}}])"));
  CHECK_FALSE(plan(R"([{"name": "v", "persistentVolumeClaim": {"claimName": "none"}}])"));
  auto out =
      plan(R"([{"name": "v", "secret": {"secretName": "keys", "items": [{"key": "key", "path": "../p"}]}}])");
  REQUIRE_FALSE(out);
  CHECK(out.error().kind() == ErrorKind::InvalidInput);
  auto kind = plan(R"([{"name": "v", "nfs": {"server": "s"}}])");
  REQUIRE_FALSE(kind);
  CHECK(kind.error().message() == "volume \"v\": volumes of kind nfs do not exist on this node");
}

TEST_CASE("the injected service account volume has a token, the authority and the namespace", "[volumes]") {
  auto volumes = plan(R"([{"name": "kube-api-access-x", "projected": {"defaultMode": 420, "sources": [
      {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
      {"configMap": {"name": "ca", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
      {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}},
                                  {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}]}}])");
  REQUIRE(volumes);
  const PodVolume& volume = (*volumes)[0];
  REQUIRE(volume.tokens.size() == 1);
  CHECK(volume.tokens[0].path == "token");
  CHECK(volume.tokens[0].expiration_seconds == 3607);
  REQUIRE(volume.files.size() == 3);
  CHECK(volume.files[0].content == "PEM");
  CHECK(volume.files[1].content == "ns");
  CHECK(volume.files[2].content == "app=\"web\"");
}

TEST_CASE("kinds of volumes without content", "[volumes]") {
  auto volumes = plan(R"([{"name": "e", "emptyDir": {}}, {"name": "m", "emptyDir": {"medium": "Memory"}},
      {"name": "h", "hostPath": {"path": "/data", "type": "Directory"}}])");
  REQUIRE(volumes);
  CHECK((*volumes)[0].kind == PodVolume::Kind::Empty);
  CHECK((*volumes)[1].kind == PodVolume::Kind::Memory);
  CHECK((*volumes)[2].host_path == "/data");
  TemporaryFolder folder = *TemporaryFolder::make("volumes");
  REQUIRE(write_volume((*volumes)[0], folder.path() / "e"));
  CHECK(mode_of(folder.path() / "e") == 0777);
}

TEST_CASE("mounts come parents first, with sub paths that stay inside", "[volumes]") {
  const std::map<std::string, std::filesystem::path> sources{{"a", "/v/a"}, {"b", "/v/b"}};
  const Json container = Json::parse(R"json({"volumeMounts": [
      {"name": "a", "mountPath": "/data/inner", "readOnly": true},
      {"name": "b", "mountPath": "/data", "subPathExpr": "logs/$(NAME)"
}]
})json");
  auto mounts = plan_mounts(container, {{"NAME", "n"}}, sources);
  REQUIRE(mounts);
  REQUIRE(mounts->size() == 2);
  CHECK((*mounts)[0].target == "/data");
  CHECK((*mounts)[0].sub_path == "logs/n");
  CHECK((*mounts)[1].access == Access::ReadOnly);
  CHECK_FALSE(
      plan_mounts(Json::parse(R"({"volumeMounts": [{"name": "c", "mountPath": "/x"}]})"), {}, sources));
  CHECK_FALSE(
      plan_mounts(Json::parse(R"({"volumeMounts": [{"name": "a", "mountPath": "/x", "subPath": "../b"}]})"),
                  {}, sources));
}

TEST_CASE("addresses are never given twice, not even by a kubelet that starts again", "[network]") {
  TemporaryFolder folder = *TemporaryFolder::make("addresses");
  AddressCounter first(folder.path() / "next-address", "127.7");
  CHECK(*first.next() == "127.7.0.2");
  CHECK(*first.next() == "127.7.0.3");
  AddressCounter second(folder.path() / "next-address", "127.7");
  CHECK(*second.next() == "127.7.0.4");
  REQUIRE(write_file(folder.path() / "next-address", "255", 0644));
  AddressCounter wide(folder.path() / "next-address", "127.7");
  CHECK(*wide.next() == "127.7.0.255");
  CHECK(*wide.next() == "127.7.1.0");
}

TEST_CASE(
    "a pod's hosts file names itself, the API server and services, short names in its own namespace only",
    "[network]") {
  const Json pod = {{"metadata", {{"name", "p"}, {"namespace", "ns"}}}};
  const std::string text =
      hosts_file(pod, "127.7.0.5", "127.7.0.1", {{"ns", "db", "127.7.0.6"}, {"other", "web", "127.7.0.7"}});
  CHECK(text.find("127.7.0.1\tkubernetes.default.svc.cluster.local kubernetes.default.svc kubernetes.default "
                  "kubernetes\n") != std::string::npos);
  CHECK(text.find("127.7.0.5\tp\n") != std::string::npos);
  CHECK(text.find("127.7.0.6\tdb.ns.svc.cluster.local db.ns.svc db.ns db\n") != std::string::npos);
  CHECK(text.find("127.7.0.7\tweb.other.svc.cluster.local web.other.svc web.other\n") != std::string::npos);
}
