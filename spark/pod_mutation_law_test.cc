// Laws of mutate_pod() over many pods and all applications of the test data.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "api/spark_application.h"
#include "kube/base/random.h"
#include "kube/core/fields.h"
#include "kube/core/patch.h"
#include "kube/core/yaml.h"
#include "spark/native_submission.h"
#include "spark/pod_mutation.h"
#include "spark/pod_outline.h"

namespace fs = std::filesystem;
using kube::Json;
using spark::PodRole;

namespace {

Json load(const fs::path& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  auto json = kube::parse_yaml_document(text.str(), file.filename().string());
  if (!json) FAIL(json.error().message());
  return *json;
}

api::SparkApplication decoded(const Json& object) {
  auto app = kube::decode<api::SparkApplication>(object);
  if (!app) FAIL(app.error().message());
  return *app;
}

// The folders of testdata, each with app.yaml and expected/.
std::vector<fs::path> cases() {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(fs::path(SOURCE_DIR) / "spark" / "testdata"))
    out.push_back(entry.path());
  std::ranges::sort(out);
  return out;
}

std::vector<api::SparkApplication> applications() {
  std::vector<api::SparkApplication> out;
  for (const fs::path& folder : cases()) out.push_back(decoded(load(folder / "app.yaml")));
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(SOURCE_DIR) / "api" / "testdata"))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    const Json object = load(file);
    if (kube::string_at(object, {"kind"}) == "SparkApplication") out.push_back(decoded(object));
  }
  return out;
}

// A pod such as Spark, a template or a person may have made it.
Json any_pod(kube::Random& random) {
  const auto some = [&](Json value, Json& into, const char* name) {
    if (random.chance(0.5)) into[name] = std::move(value);
  };
  Json container = {{"name", random.chance(0.5)   ? "spark-kubernetes-driver"
                             : random.chance(0.5) ? "spark-kubernetes-executor"
                                                  : "executor"}};
  some({{{"name", "A"}, {"value", "1"}}, {{"name", "A"}, {"value", "2"}}}, container, "env");
  some({{{"name", "v"}, {"mountPath", "/v"}}}, container, "volumeMounts");
  some({{{"containerPort", 4040}}}, container, "ports");
  some({{"limits", {{"memory", "1Gi"}, {"cpu", 1}}}}, container, "resources");
  some({{"preStop", Json::object()}}, container, "lifecycle");
  some({{"runAsUser", 1}}, container, "securityContext");
  some(nullptr, container, "envFrom");
  Json pod = {{"metadata", {{"name", "p"}, {"labels", {{"spark-role", "driver"}}}}}};
  some({{"note", "x"}}, pod["metadata"], "annotations");
  some({{{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", "d"}, {"uid", "u"}}}, pod["metadata"],
       "ownerReferences");
  Json& spec = pod["spec"];
  spec["containers"] = Json::array();
  if (random.chance(0.5)) spec["containers"].push_back({{"name", "sidecar"}, {"image", "s"}});
  spec["containers"].push_back(std::move(container));
  some({{{"name", "i"}, {"image", "i"}}}, spec, "initContainers");
  some({{{"name", "v"}, {"emptyDir", Json::object()}}}, spec, "volumes");
  some({{{"key", "k"}}}, spec, "tolerations");
  some({{"disk", "ssd"}}, spec, "nodeSelector");
  some({{"podAffinity", Json::object()}}, spec, "affinity");
  some(10, spec, "priority");
  some("Never", spec, "preemptionPolicy");
  some("low", spec, "priorityClassName");
  some("ClusterFirst", spec, "dnsPolicy");
  some({{"nameservers", {"1.1.1.1"}}}, spec, "dnsConfig");
  some(false, spec, "hostNetwork");
  some({{"fsGroup", 1}}, spec, "securityContext");
  some(30, spec, "terminationGracePeriodSeconds");
  some(true, spec, "enableServiceLinks");
  some(false, spec, "shareProcessNamespace");
  some("default-scheduler", spec, "schedulerName");
  some(nullptr, spec, "hostAliases");
  some("a field of tomorrow", spec, "unknown");
  return pod;
}

// The pod with something odd in one place.
Json odd_pod(kube::Random& random) {
  const Json odd[] = {
      nullptr, true, -1, "text", Json::array(), Json::object(), Json::array({1}), {{"a", {{"b", 1}}}}};
  Json pod = any_pod(random);
  const Json flat = pod.flatten();
  auto spot = flat.begin();
  std::advance(spot, static_cast<long>(random.below(flat.size())));
  Json::json_pointer place(spot.key());
  for (auto up = random.below(4); up > 0 && !place.empty(); --up) place = place.parent_pointer();
  pod[place] = odd[random.below(std::size(odd))];
  return pod;
}

// What a webhook answers: the patch, or why there is none.
Json answer_to(const Json& pod, const api::SparkApplication& app, PodRole role) {
  auto mutated = spark::mutate_pod(pod, app, role, spark::ServiceLinks::Off);
  return mutated ? kube::create_json_patch(pod, *mutated) : Json(mutated.error().message());
}

Json outline_of(const Json& pod) {
  kube::JsonReader reader;
  return spark::pod_outline(reader.read(kube::dump_json(pod)).value());
}

// Lists keep what they had, in order, at their head; objects keep their members; the rest may be replaced.
void check_kept(const Json& before, const Json& after, const std::string& path) {
  INFO(path);
  if (before.is_object() && after.is_object()) {
    for (const auto& [key, value] : before.items()) {
      if (path == "/spec" && (key == "priority" || key == "preemptionPolicy")) continue;
      if (path == "/spec" && (key == "affinity" || key == "dnsConfig")) continue;  // replaced whole
      if (key == "lifecycle" || key == "securityContext") continue;
      if (!after.contains(key)) FAIL(path + "/" + key + " was removed");
      check_kept(value, after[key], path + "/" + key);
    }
  } else if (before.is_array() && after.is_array()) {
    REQUIRE(after.size() >= before.size());
    for (std::size_t i = 0; i < before.size(); ++i)
      check_kept(before[i], after[i], path + "/" + std::to_string(i));
  }
}

}  // namespace

TEST_CASE("mutating any pod of any application twice changes it once, and keeps what was there", "[spark]") {
  kube::Random random(20'26);
  for (const api::SparkApplication& app : applications()) {
    INFO(app.metadata.name);
    for (const PodRole role : {PodRole::Driver, PodRole::Executor}) {
      for (int i = 0; i < 20; ++i) {
        const Json pod = any_pod(random);
        auto once = spark::mutate_pod(pod, app, role);
        if (!once) FAIL(once.error().message());
        auto twice = spark::mutate_pod(*once, app, role);
        REQUIRE(twice.has_value());
        CHECK(kube::create_json_patch(*once, *twice) == Json::array());
        auto patched = kube::apply_json_patch(pod, kube::create_json_patch(pod, *once));
        REQUIRE(patched.has_value());
        CHECK(*patched == *once);
        check_kept(pod, *once, "");
      }
    }
  }
}

TEST_CASE("a driver pod that was made right at submission gets an empty patch", "[spark]") {
  for (const fs::path& folder : cases()) {
    INFO(folder.filename().string());
    // The webhook knows the application as it is stored: without what a submission adds in memory.
    const api::SparkApplication stored = decoded(load(folder / "app.yaml"));
    const Json pod = load(folder / "expected" / "driver-pod.yaml");
    auto mutated = spark::mutate_pod(pod, stored, PodRole::Driver);
    if (!mutated) FAIL(mutated.error().message());
    CHECK(kube::create_json_patch(pod, *mutated) == Json::array());
  }
}

TEST_CASE("an executor from our template gets only what Spark wrote over it", "[spark]") {
  for (const api::SparkApplication& stored : applications()) {
    INFO(stored.metadata.name);
    spark::SubmitOptions options;
    options.master_url = "k8s://https://10.96.0.1:443";
    auto executor = spark::executor_pod_template(stored, options);
    if (!executor) FAIL(executor.error().message());
    (*executor)["spec"]["containers"][0]["resources"]["limits"]["memory"] = "1408Mi";  // Spark's
    auto mutated = spark::mutate_pod(*executor, stored, PodRole::Executor);
    REQUIRE(mutated.has_value());
    const Json patch = kube::create_json_patch(*executor, *mutated);
    CHECK(patch.size() == (stored.spec.executor.memory_limit ? 1 : 0));
  }
}

TEST_CASE("whatever is sent as a pod is mutated or refused", "[spark]") {
  kube::Random random(7);
  const auto apps = applications();
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    const Json pod = odd_pod(random);
    const auto& app = apps[random.below(apps.size())];
    auto mutated = spark::mutate_pod(pod, app, random.chance(0.5) ? PodRole::Driver : PodRole::Executor);
    if (!mutated) {
      ++refused;
      CHECK(mutated.error().kind() == kube::ErrorKind::InvalidInput);
    }
  }
  CHECK(refused > 100);
}

TEST_CASE("the outline of a pod is answered as the pod is", "[spark]") {
  kube::Random random(31);
  int marked = 0, refused = 0;
  for (const api::SparkApplication& app : applications()) {
    INFO(app.metadata.name);
    for (const PodRole role : {PodRole::Driver, PodRole::Executor}) {
      for (int i = 0; i < 40; ++i) {
        Json pod = i % 2 == 0 ? any_pod(random) : odd_pod(random);
        // As it comes from the native submitter, or back from a first webhook: with what Spark wrote over it.
        if (i % 4 < 2)
          if (auto once = spark::mutate_pod(pod, app, role); once && !pod["spec"]["containers"].empty()) {
            // Sidecars are put behind Spark's container, which was the last.
            const std::size_t at = pod["spec"]["containers"].size() - 1;
            pod = *once;
            Json& container = pod["spec"]["containers"][at];
            if (random.chance(0.5)) container["env"].push_back({{"name", "A"}, {"value", "of Spark"}});
            if (random.chance(0.5)) container["resources"]["limits"]["memory"] = "1408Mi";
            if (random.chance(0.5)) container["securityContext"] = {{"privileged", false}};
            ++marked;
          }
        INFO(kube::dump_json(pod));
        const Json answer = answer_to(pod, app, role);
        CHECK(answer_to(outline_of(pod), app, role) == answer);
        if (answer.is_string()) ++refused;
      }
    }
  }
  CHECK(marked > 100);
  CHECK(refused > 30);
}

TEST_CASE("an outline holds nothing that mutations never look at", "[spark]") {
  const Json pod = {{"kind", "Pod"},
                    {"metadata",
                     {{"name", "p"},
                      {"labels", {{"a", "b"}}},
                      {"annotations", {{"note", "x"}}},
                      {"managedFields", {{{"manager", "m"}}}}}},
                    {"spec",
                     {{"nodeName", "n"},
                      {"volumes", {{{"name", "v"}}}},
                      {"tolerations", {{{"key", "k"}}, {{"key", "l"}}}},
                      {"containers",
                       {{{"name", "c"},
                         {"command", {"x"}},
                         {"env", {{{"name", "A"}, {"value", "1"}}}},
                         {"resources", {{"limits", {{"cpu", "1"}}}, {"requests", {{"cpu", "1"}}}}}}}}}}};
  CHECK(
      outline_of(pod) ==
      Json{{"metadata", {{"labels", Json::object()}, {"annotations", Json::object()}}},
           {"spec",
            {{"volumes", Json::array({Json::object()})},
             {"tolerations", {nullptr, nullptr}},
             {"containers",
              Json::array({{{"name", "c"},
                            {"env", Json::array({Json::object()})},
                            {"resources", {{"limits", {{"cpu", "1"}}}, {"requests", Json::object()}}}}})}}}});
}
