#include <catch2/catch.hpp>

#include "cmd/ctl/ctl_world.h"
#include "kube/core/yaml.h"

using namespace ctl;
using kube::Json;

TEST_CASE("diff finds nothing where nothing would change", "[ctl]") {
  World world;
  world.create(application("pi"));
  const Ran ran = world.run({"diff", "-f", "-"}, kube::to_yaml(application("pi")));
  CHECK(ran.err == "");
  CHECK(ran.out == "");
  CHECK(ran.code == 0);
}

TEST_CASE("diff shows the change, whether it restarts, and what becomes of the objects", "[ctl]") {
  World world;
  world.create(application("pi"));
  world.status("SparkApplication", "pi",
               {{"applicationState", {{"state", "RUNNING"}}}, {"driverInfo", Json::object()}});
  Json edited = application("pi");
  edited["spec"]["driver"]["memory"] = "2g";
  const Ran ran = world.run({"diff", "-f", "-"}, kube::to_yaml(edited));
  CHECK(ran.code == 1);
  CHECK_THAT(ran.out, Catch::Contains("--- live/SparkApplication team-a/pi\n") &&
                          Catch::Contains("-    memory: 512m\n+    memory: 2g\n") &&
                          Catch::Contains("pi is RUNNING: this ends the run and starts another") &&
                          Catch::Contains("--- live/Pod/pi-driver") &&
                          Catch::Contains("+        memory: 2867Mi"));
  CHECK(world.get("SparkApplication", "pi")["spec"]["driver"]["memory"] == "512m");

  Json harmless = application("pi");
  harmless["spec"]["timeToLiveSeconds"] = 60;
  const Ran quiet = world.run({"diff", "-f", "-"}, kube::to_yaml(harmless));
  CHECK(quiet.code == 1);
  CHECK_THAT(quiet.out,
             Catch::Contains("+  timeToLiveSeconds: 60") && Catch::Contains("nothing of this restarts it"));
  CHECK_THAT(quiet.out, !Catch::Contains("Pod/"));
}

TEST_CASE("an application that is not there is all new", "[ctl]") {
  World world;
  const Ran ran = world.run({"diff", "-f", "-"}, kube::to_yaml(application("pi")));
  CHECK(ran.code == 1);
  CHECK_THAT(ran.out,
             Catch::Contains("+++ file/SparkApplication team-a/pi") && Catch::Contains("+kind: Pod"));
  CHECK(world.get("SparkApplication", "pi").is_null());
}

TEST_CASE("diff tells wrong input from a cluster that cannot be asked", "[ctl]") {
  World world;
  Json invalid = application("pi");
  invalid["spec"]["driver"]["cores"] = 0;
  CHECK(world.run({"diff"}).code == 2);
  CHECK(world.run({"diff", "-f", "-"}, "kind: x").code == 2);
  const Ran refused = world.run({"diff", "-f", "-"}, kube::to_yaml(invalid));
  CHECK(refused.code == 3);
  CHECK_THAT(refused.err, Catch::Contains("spec.driver.cores"));
  world.environment.clear();
  const Ran nowhere = world.run({"diff", "-f", "-"}, kube::to_yaml(application("pi")));
  CHECK(nowhere.code == 2);
  CHECK_THAT(nowhere.err, Catch::Contains("no cluster configured"));
}
