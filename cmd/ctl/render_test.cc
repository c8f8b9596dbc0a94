#include <algorithm>
#include <catch2/catch.hpp>

#include "cmd/ctl/ctl_world.h"
#include "kube/core/yaml.h"

using namespace ctl;
using kube::Json;

namespace {

std::vector<std::string> kinds_in(const std::string& yaml) {
  std::vector<std::string> kinds;
  const auto documents = kube::parse_yaml(yaml);
  REQUIRE(documents);
  for (const Json& document : *documents) kinds.push_back(kube::string_at(document, {"kind"}));
  return kinds;
}

std::string pi() {
  return kube::to_yaml(application("pi"));
}

}  // namespace

TEST_CASE("render prints what the operator makes, in its order, without a cluster", "[ctl]") {
  World world;
  world.environment.clear();
  const Ran ran = world.run({"render", "-f", "-"}, pi());
  CHECK(ran.err == "");
  REQUIRE(ran.code == 0);
  CHECK(kinds_in(ran.out) == std::vector<std::string>{"Pod", "Service", "ConfigMap", "ConfigMap", "Service"});
  CHECK(world.run({"render", "-f", "-"}, pi()).out == ran.out);
  CHECK_THAT(ran.out, Catch::Contains("name: pi-driver") && Catch::Contains("name: pi-ui-svc"));
  const auto list = kube::parse_json(world.run({"render", "-f", "-", "-o", "json"}, pi()).out);
  REQUIRE(list);
  CHECK((*list)["items"].size() == 5);
}

TEST_CASE("render knows other versions of Spark and other operators", "[ctl]") {
  World world;
  const Ran newer = world.run({"render", "-f", "-", "--spark-version", "4.3.0"}, pi());
  REQUIRE(newer.code == 0);
  CHECK_THAT(newer.out, Catch::Contains("NetworkPolicy"));
  const Ran bare = world.run({"render", "-f", "-", "--operator-flags", "--enable-ui-service=false"}, pi());
  CHECK(kinds_in(bare.out) == std::vector<std::string>{"Pod", "Service", "ConfigMap", "ConfigMap"});
}

TEST_CASE("render shows the run of a schedule, and passes other kinds by", "[ctl]") {
  World world;
  const Json schedule = {{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                         {"kind", "ScheduledSparkApplication"},
                         {"metadata", {{"name", "nightly"}}},
                         {"spec", {{"schedule", "@daily"}, {"template", application("x")["spec"]}}}};
  const Ran ran =
      world.run({"render", "-f", "-", "-n", "team-b"},
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n---\n" + kube::to_yaml(schedule));
  REQUIRE(ran.code == 0);
  CHECK_THAT(ran.out, Catch::Contains("name: nightly-run-driver") && Catch::Contains("namespace: team-b"));
}

TEST_CASE("what render cannot use it names, and prints nothing", "[ctl]") {
  struct Row {
    const char* why;
    std::string text;
    std::vector<std::string> says;
    int code;
  };
  Json bad_type = application("pi"), bad_memory = application("pi"), unknown = application("pi"),
       upload = application("pi"), old_line = application("pi");
  bad_type["spec"]["driver"]["cores"] = "two";
  bad_memory["spec"]["driver"]["memory"] = "1.5g";
  unknown["spec"]["sparkVersion"] = "latest";
  unknown["spec"]["image"] = "spark:latest";
  old_line["spec"]["sparkVersion"] = "3.3.1";
  old_line["spec"]["image"] = "spark:3.3.1";
  upload["spec"]["deps"] = {{"jars", {"/home/me/x.jar"}}};
  const Row rows[] = {
      {"no YAML", "a: [1\n", {"-:"}, 2},
      {"nothing", "", {"expected a SparkApplication"}, 2},
      {"another kind only", "apiVersion: v1\nkind: Pod\n", {"found none"}, 2},
      {"no kind", "a: 1\n", {"kind"}, 2},
      {"a wrong type", kube::to_yaml(bad_type), {"spec.driver.cores", "integer", "two"}, 2},
      {"a size that is none", kube::to_yaml(bad_memory), {"team-a/pi", "spec.driver.memory"}, 2},
      {"a version that is none", kube::to_yaml(unknown), {"spec.sparkVersion"}, 1},
      {"a line that is not known", kube::to_yaml(old_line), {"--as spark-submit", "Spark 3.3.1"}, 1},
      {"only the JVM can do it", kube::to_yaml(upload), {"--as spark-submit", "spark.jars"}, 1},
  };
  World world;
  for (const Row& row : rows) {
    INFO(row.why);
    const Ran ran = world.run({"render", "-f", "-"}, row.text);
    CHECK(ran.code == row.code);
    CHECK(ran.out == "");
    for (const std::string& words : row.says) CHECK_THAT(ran.err, Catch::Contains(words));
    CHECK(std::ranges::count(ran.err, '\n') == 1);
  }
  CHECK(world.run({"render"}).code == 2);
  CHECK_THAT(world.run({"render", "-f", "/nowhere"}).err, Catch::Contains("cannot read /nowhere"));
  CHECK_THAT(world.run({"render", "-f", "-", "--operator-flags", "--frob"}, pi()).err,
             Catch::Contains("--operator-flags") && Catch::Contains("--frob"));
}
