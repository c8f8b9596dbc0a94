#include "kube/kubelet/environment.h"

#include <catch2/catch.hpp>

#include "kube/kubelet/temporary_folder.h"

using namespace kube;

namespace {

const Json kPod = {{"metadata",
                    {{"name", "web-1"},
                     {"namespace", "ns"},
                     {"uid", "u1"},
                     {"labels", {{"app", "web"}, {"a/b", "c"}}},
                     {"annotations", {{"note", "x"}}}}},
                   {"spec", {{"serviceAccountName", "sa"}, {"containers", Json::array()}}}};

PodFacts facts() {
  return {kPod, "127.7.0.9", "127.0.0.1", "local", "127.7.0.1", "443"};
}

Result<ContainerCommand> plan(const Json& container, const PodObjects& objects = {},
                              const Image& image = {}) {
  return plan_command(facts(), container, image, objects, {{"BIND", "$(POD_IP)"}});
}

PodObjects some_objects() {
  PodObjects objects;
  objects.add({PodReference::Kind::ConfigMap, "settings"},
              {{"data", {{"color", "blue"}, {"size", "3"}}}, {"binaryData", {{"raw", "AAE="}}}});
  objects.add({PodReference::Kind::Secret, "password"}, {{"data", {{"value", "c2VjcmV0"}}}});
  return objects;
}

}  // namespace

TEST_CASE("variables come from fields, config maps and secrets, and expand what stands before them",
          "[environment]") {
  const Json container =
      Json::parse(R"json({"envFrom": [{"prefix": "S_", "configMapRef": {"name": "settings"}}],
    "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a/b']"}}},
            {"name": "COLOR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "color"}}},
            {"name": "PASS", "valueFrom": {"secretKeyRef": {"name": "password", "key": "value"}}},
            {"name": "GONE", "valueFrom": {"secretKeyRef": {"name": "none", "key": "x", "optional": true}}},
            {"name": "URL", "value": "http://$(IP):80/$(S_size)/$(UNKNOWN)/$$(IP)"}],
    "command": ["run", "$(URL)"], "args": ["--color=$(COLOR)"]
})json");
  auto command = plan(container, some_objects());
  REQUIRE(command);
  auto& environment = command->environment;
  CHECK(environment["IP"] == "127.7.0.9");
  CHECK(environment["APP"] == "c");
  CHECK(environment["COLOR"] == "blue");
  CHECK(environment["PASS"] == "secret");
  CHECK(environment["S_raw"] == std::string("\0\1", 2));
  CHECK_FALSE(environment.contains("GONE"));
  CHECK(environment["URL"] == "http://127.7.0.9:80/3/$(UNKNOWN)/$(IP)");
  CHECK(environment["BIND"] == "127.7.0.9");
  CHECK(environment["HOSTNAME"] == "web-1");
  CHECK(environment["KUBERNETES_SERVICE_HOST"] == "127.7.0.1");
  CHECK(command->arguments ==
        std::vector<std::string>{"run", "http://127.7.0.9:80/3/$(UNKNOWN)/$(IP)", "--color=blue"});
}

TEST_CASE("a pod's own variable wins over what the node adds", "[environment]") {
  auto command = plan({{"env", {{{"name", "BIND"}, {"value", "0.0.0.0"}}}}, {"command", {"x"}}});
  REQUIRE(command);
  CHECK(command->environment["BIND"] == "0.0.0.0");
}

TEST_CASE("what a variable refers to must exist unless it is optional", "[environment]") {
  auto one = [](const char* source) {
    return Json{{"env", {{{"name", "X"}, {"valueFrom", Json::parse(source)}}}}};
  };
  auto missing = plan(one(R"({"configMapKeyRef": {"name": "none", "key": "k"}})"));
  REQUIRE_FALSE(missing);
  CHECK(missing.error().is_not_found());
  CHECK(missing.error().message() == "env X: configmap \"none\" not found");
  auto key = plan(one(R"({"configMapKeyRef": {"name": "settings", "key": "k"}})"), some_objects());
  REQUIRE_FALSE(key);
  CHECK(key.error().message() == "env X: couldn't find key k in configmap \"settings\"");
  auto field = plan(one(R"({"fieldRef": {"fieldPath": "spec.magic"}})"));
  REQUIRE_FALSE(field);
  CHECK(field.error().kind() == ErrorKind::InvalidInput);
}

TEST_CASE("command and args replace the image's entrypoint and command as containers have it",
          "[environment]") {
  Image image;
  image.entrypoint = {"/entry"};
  image.command = {"serve"};
  image.working_directory = "/work";
  struct Row {
    Json container;
    std::vector<std::string> arguments;
  };
  for (const Row& row :
       {Row{Json::object(), {"/entry", "serve"}}, Row{{{"args", {"a"}}}, {"/entry", "a"}},
        Row{{{"command", {"c"}}}, {"c"}}, Row{{{"command", {"c"}}, {"args", {"a"}}}, {"c", "a"}}}) {
    INFO(row.container.dump());
    auto command = plan(row.container, {}, image);
    REQUIRE(command);
    CHECK(command->arguments == row.arguments);
    CHECK(command->working_directory == "/work");
  }
}

TEST_CASE("resources are told in the unit asked for, rounded up", "[environment]") {
  const Json container = {{"resources", {{"limits", {{"memory", "1500Mi"}, {"cpu", "1500m"}}}}}};
  CHECK(*resource_field(kPod, container, {{"resource", "limits.memory"}, {"divisor", "1Gi"}}) == "2");
  CHECK(*resource_field(kPod, container, {{"resource", "limits.cpu"}}) == "2");
  CHECK(*resource_field(kPod, container, {{"resource", "limits.cpu"}, {"divisor", "1m"}}) == "1500");
  CHECK_FALSE(resource_field(kPod, container, {{"resource", "limits.cpu"}, {"containerName", "other"}}));
}

TEST_CASE("an image reference is a folder, with or without its registry", "[images]") {
  TemporaryFolder folder = *TemporaryFolder::make("images");
  REQUIRE(make_folders(folder.path() / "web/1.2/opt"));
  REQUIRE(write_file(folder.path() / "web/1.2/image.json",
                     R"({"env": {"A": "1"}, "entrypoint": ["/opt/run"], "workingDir": "/opt"})", 0644));
  REQUIRE(make_folders(folder.path() / "plain/latest/opt"));
  REQUIRE(write_file(folder.path() / "plain/latest/opt/entrypoint.sh", "", 0755));
  ImageStore images(folder.path(), {});
  for (const char* reference :
       {"web:1.2", "team/web:1.2", "registry:5000/team/web:1.2", "web:1.2@sha256:00"}) {
    INFO(reference);
    auto image = images.find(reference);
    REQUIRE(image);
    CHECK(image->entrypoint == std::vector<std::string>{"/opt/run"});
    CHECK(image->environment.at("A") == "1");
    CHECK(image->working_directory == "/opt");
    CHECK(image->opt == folder.path() / "web/1.2/opt");
  }
  CHECK(images.find("plain")->entrypoint == std::vector<std::string>{"/opt/entrypoint.sh"});
  auto missing = images.find("web:9");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().is_not_found());
  CHECK(missing.error().message().find("image \"web:9\" is not on this machine: no folder ") == 0);
  CHECK_FALSE(images.find("../../etc:passwd"));
  REQUIRE(write_file(folder.path() / "web/1.2/image.json", "[", 0644));
  CHECK(images.find("web:1.2").error().message().find("image.json") != std::string::npos);
}
