#include "spark/driver_builder.h"

#include <catch2/catch.hpp>

#include "spark/fallback.h"
#include "spark/properties.h"

using kube::Json;
using spark::DriverConf;

namespace {

using Words = std::vector<std::string>;

kube::Result<DriverConf> conf_of(Words conf, Words rest, spark::Submitter submitter = {},
                                 const char* version = "3.5.7") {
  Words arguments{"--master", "k8s://host:1", "--deploy-mode", "cluster", "--name", "app"};
  for (const std::string& entry : conf) arguments.insert(arguments.end(), {"--conf", entry});
  arguments.insert(arguments.end(), rest.begin(), rest.end());
  return spark::driver_conf(
      arguments, std::move(submitter),
      {.submission_id = "id", .version = *spark::parse_spark_version(version), .submit_time = {}});
}

kube::Result<spark::Submission> submit(Words conf, Words rest = {"--class", "M", "local:///a.jar"},
                                       spark::Submitter submitter = {}, const char* version = "3.5.7") {
  conf.insert(conf.begin(), "spark.kubernetes.container.image=img");
  auto driver = conf_of(conf, rest, std::move(submitter), version);
  if (!driver) return kube::fail(driver);
  return spark::build_submission(*driver);
}

const Json& container(const spark::Submission& submission) {
  return submission.driver_pod["spec"]["containers"].back();
}

const Json* child(const spark::Submission& submission, const std::string& kind,
                  const std::string& name_part = "") {
  for (const Json& object : submission.children)
    if (object["kind"] == kind &&
        object["metadata"]["name"].get<std::string>().find(name_part) != std::string::npos)
      return &object;
  return nullptr;
}

spark::PropertyMap properties(const spark::Submission& submission) {
  return spark::parse_properties(submission.children.back()["data"]["spark.properties"].get<std::string>());
}

std::string message(const kube::Result<spark::Submission>& result) {
  return result ? "" : result.error().message();
}

}  // namespace

TEST_CASE("driver memory is heap plus overhead in whole MiB", "[spark]") {
  struct Row {
    const char* why;
    const char* resource;
    Words conf;
    const char* memory;
    const char* factor;  // what executors are told
  };
  auto row = GENERATE(values<Row>({
      {"Java has a tenth, at least 384", "local:///a.jar", {}, "1408Mi", "0.1"},
      {"Python has two fifths", "local:///a.py", {}, "1433Mi", "0.4"},
      {"R too", "local:///a.R", {}, "1433Mi", "0.4"},
      {"truncated", "local:///a.py", {"spark.driver.memory=1500m"}, "2100Mi", "0.4"},
      {"driver's own factor stays its own",
       "local:///a.jar",
       {"spark.driver.memoryOverheadFactor=0.5"},
       "1536Mi",
       "0.1"},
      {"amount given",
       "local:///a.jar",
       {"spark.driver.memory=2048m", "spark.driver.memoryOverhead=100"},
       "2148Mi",
       "0.1"},
      {"factor as Java prints it",
       "local:///a.jar",
       {"spark.kubernetes.memoryOverheadFactor=1"},
       "2048Mi",
       "1.0"},
      {"small factors get an exponent",
       "local:///a.jar",
       {"spark.kubernetes.memoryOverheadFactor=0.0001"},
       "1408Mi",
       "1.0E-4"},
  }));
  INFO(row.why);
  auto submission = submit(row.conf, {"--class", "M", row.resource});
  if (!submission) FAIL(message(submission));
  CHECK(container(*submission)["resources"]["requests"]["memory"] == row.memory);
  CHECK(container(*submission)["resources"]["limits"]["memory"] == row.memory);
  CHECK(properties(*submission)["spark.kubernetes.memoryOverheadFactor"] == row.factor);
}

TEST_CASE("what spark-submit refuses is refused before anything is created", "[spark]") {
  struct Row {
    const char* why;
    Words conf;
    Words rest;
    const char* says;
  };
  const Words jar{"--class", "M", "local:///a.jar"};
  auto row = GENERATE_COPY(values<Row>({
      {"reserved label", {"spark.kubernetes.driver.label.spark-role=x"}, jar, "spark-role"},
      {"secret reference", {"spark.kubernetes.driver.secretKeyRef.A=x"}, jar, "secretKeyRef.A"},
      {"pull policy", {"spark.kubernetes.container.image.pullPolicy=Sometimes"}, jar, "pullPolicy"},
      {"bind address", {"spark.driver.bindAddress=0.0.0.0"}, jar, "bindAddress"},
      {"volume type", {"spark.kubernetes.driver.volumes.disk.a.mount.path=/a"}, jar, "disk"},
      {"mount path missing",
       {"spark.kubernetes.driver.volumes.emptyDir.a.options.medium=Memory"},
       jar,
       "mount.path"},
      {"executor volumes too",
       {"spark.kubernetes.executor.volumes.nfs.a.mount.path=/a"},
       jar,
       "options.path"},
      {"two volumes at one path",
       {"spark.kubernetes.driver.volumes.emptyDir.a.mount.path=/a",
        "spark.kubernetes.driver.volumes.emptyDir.b.mount.path=/a"},
       jar,
       "mount.path"},
      {"heap flag", {"spark.driver.extraJavaOptions=-Xmx1g"}, jar, "Xmx"},
      {"memory", {"spark.driver.memory=1.5g"}, jar, "spark.driver.memory"},
      {"cores", {"spark.executor.cores=0"}, jar, "spark.executor.cores"},
      {"no executors", {"spark.executor.instances=0"}, jar, "spark.executor.instances"},
      {"vendor of a device", {"spark.driver.resource.gpu.amount=1"}, jar, "gpu.vendor"},
      {"both krb5 forms",
       {"spark.kubernetes.kerberos.krb5.path=/k", "spark.kubernetes.kerberos.krb5.configMapName=m"},
       jar,
       "krb5"},
      {"Python 2", {"spark.kubernetes.pyspark.pythonVersion=2"}, {"local:///a.py"}, "pythonVersion"},
      {"class of a feature step",
       {"spark.kubernetes.driver.pod.featureSteps=org.example.Step"},
       jar,
       "org.example.Step"},
      {"no application", {}, {}, "application resource"},
      {"manifest of a local:// jar", {}, {"local:///a.jar"}, "main class"},
      {"unknown option", {}, {"--nonsense", "x"}, "--nonsense"},
      {"conf without a value", {}, {"--conf", "spark.password"}, "--conf"},
      {"client mode", {}, {"--deploy-mode", "client", "--class", "M", "local:///a.jar"}, "cluster"},
      {"a shell", {}, {"pyspark-shell"}, "shell"},
      {"Spark Connect", {"spark.remote=sc://x"}, jar, "spark.remote"},
      {"time-outs are bare milliseconds",
       {"spark.kubernetes.submission.requestTimeout=10s"},
       jar,
       "requestTimeout"},
      {"to wait or not", {"spark.kubernetes.submission.waitAppCompletion=no"}, jar, "waitAppCompletion"},
      {"to trust or not", {"spark.kubernetes.trust.certificates=yes"}, jar, "trust.certificates"},
      {"whose clock, without blanks",
       {"spark.kubernetes.setSubmitTimeInDriver= true"},
       jar,
       "setSubmitTimeInDriver"},
      {"a volume of a name only", {"spark.kubernetes.driver.volumes.hostPath.x=y"}, jar, "mount.path"},
  }));
  INFO(row.why);
  auto submission = submit(row.conf, row.rest);
  REQUIRE_FALSE(submission.has_value());
  CHECK(submission.error().kind() == kube::ErrorKind::InvalidInput);
  CHECK_THAT(message(submission), Catch::Contains(row.says));
}

TEST_CASE("an image is required", "[spark]") {
  auto driver = conf_of({}, {"--class", "M", "local:///a.jar"});
  REQUIRE(driver);
  CHECK_THAT(message(spark::build_submission(*driver)), Catch::Contains("image"));
}

TEST_CASE("no executors are fine with dynamic allocation", "[spark]") {
  CHECK(submit({"spark.executor.instances=0", "spark.dynamicAllocation.enabled=TRUE"}).has_value());
}

TEST_CASE("flags win over --conf, the last --conf over earlier ones", "[spark]") {
  auto submission = submit({"spark.app.name=conf", "spark.x=1", "spark.x=2", "other.x=3"});
  REQUIRE(submission);
  auto map = properties(*submission);
  CHECK(map["spark.app.name"] == "app");
  CHECK(map["spark.x"] == "2");
  CHECK_FALSE(map.contains("other.x"));
}

TEST_CASE("the submitter's spark-defaults.conf sets what nobody else set", "[spark]") {
  spark::Submitter submitter;
  submitter.spark_conf_files["spark-defaults.conf"] =
      "spark.a  from file \nspark.b=file\nother.c=1\nspark.app.name=x";
  auto submission = submit({"spark.b=conf"}, {"--class", "M", "local:///a.jar"}, submitter);
  REQUIRE(submission);
  auto map = properties(*submission);
  CHECK(map["spark.a"] == "from file");
  CHECK(map["spark.b"] == "conf");
  CHECK(map["spark.app.name"] == "app");
  CHECK_FALSE(map.contains("other.c"));
}

TEST_CASE("the driver's user is said by the environment, then by the proxy user", "[spark]") {
  const Words proxied{"--proxy-user", "alice", "--class", "M", "local:///a.jar"};
  spark::Submitter submitter;
  auto user = [&] {
    return container(*submit({}, proxied, submitter))["env"][0]["value"].get<std::string>();
  };
  CHECK(user() == "alice");
  submitter.environment["SPARK_USER"] = "bob";
  CHECK(user() == "bob");
  const auto newer = submit({}, proxied, submitter, "4.3.0");
  CHECK(container(*newer)["env"][0]["value"] == "alice");
}

TEST_CASE("a step that is left out checks its properties all the same", "[spark]") {
  const std::string steps =
      "spark.kubernetes.driver.pod.excludedFeatureSteps=org.apache.spark.deploy.k8s.features.";
  const Words jar{"--class", "M", "local:///a.jar"};
  CHECK(submit({steps + "DriverServiceFeatureStep"}, jar, {}, "4.1.4").has_value());
  CHECK_THAT(message(submit({steps + "DriverServiceFeatureStep", "spark.driver.bindAddress=0.0.0.0"}, jar, {},
                            "4.1.4")),
             Catch::Contains("bindAddress"));
  CHECK(
      submit({steps + "EnvSecretsFeatureStep", "spark.kubernetes.driver.secretKeyRef.A=x"}, jar, {}, "4.1.4")
          .has_value());
}

TEST_CASE("credentials of the driver's own switch its service account off", "[spark]") {
  spark::Submitter submitter;
  submitter.files["/ca.crt"] = "CA";
  auto submission = submit({"spark.kubernetes.authenticate.driver.oauthToken=hunter2",
                            "spark.kubernetes.authenticate.driver.caCertFile=/ca.crt",
                            "spark.kubernetes.authenticate.driver.serviceAccountName=sa"},
                           {"--class", "M", "local:///a.jar"}, submitter);
  if (!submission) FAIL(message(submission));
  CHECK_FALSE(submission->driver_pod["spec"].contains("serviceAccountName"));
  const Json* secret = child(*submission, "Secret");
  REQUIRE(secret != nullptr);
  CHECK(submission->children.front() == *secret);
  CHECK((*secret)["data"] == Json({{"ca-cert", "Q0E="}, {"oauth-token", "aHVudGVyMg=="}}));
  auto map = properties(*submission);
  CHECK(map["spark.kubernetes.authenticate.driver.oauthToken"] == "<present_but_redacted>");
  CHECK(map["spark.kubernetes.authenticate.driver.mounted.caCertFile"] ==
        "/mnt/secrets/spark-kubernetes-credentials/ca-cert");
}

TEST_CASE("the service ignores spark.blockManager.port, the container does not", "[spark]") {
  auto submission = submit({"spark.blockManager.port=7099"});
  REQUIRE(submission);
  CHECK(container(*submission)["ports"][1]["containerPort"] == 7099);
  CHECK((*child(*submission, "Service"))["spec"]["ports"][1]["port"] == 7079);
  CHECK(properties(*submission)["spark.driver.blockManager.port"] == "7079");
}

TEST_CASE("Hadoop files of the submitter become a config map", "[spark]") {
  spark::Submitter submitter;
  submitter.hadoop_conf_files.emplace()["core-site.xml"] = "<x/>";
  auto submission = submit({}, {"--class", "M", "local:///a.jar"}, submitter);
  REQUIRE(submission);
  const Json* map = child(*submission, "ConfigMap", "-hadoop-config");
  REQUIRE(map != nullptr);
  CHECK((*map)["data"]["core-site.xml"] == "<x/>");
  CHECK(properties(*submission)["spark.kubernetes.executor.hadoopConfigMapName"] ==
        (*map)["metadata"]["name"].get<std::string>());
}

TEST_CASE("conf files of the submitter travel along, except archives, templates and property files",
          "[spark]") {
  spark::Submitter submitter;
  submitter.spark_conf_files = {{"log4j2.properties", "a"},
                                {"spark-defaults.conf", "b"},
                                {"x.template", "c"},
                                {"y.jar", "d"},
                                {"spark-env.sh", "e"},
                                {"bad", "\xff"},
                                {"huge", std::string(1100000, 'x')}};
  auto submission = submit({}, {"--class", "M", "local:///a.jar"}, submitter);
  REQUIRE(submission);
  const Json& data = submission->children.back()["data"];
  Words names;
  for (auto item = data.begin(); item != data.end(); ++item) names.push_back(item.key());
  CHECK(names ==
        Words{"log4j2.properties", "spark-env.sh", "spark.kubernetes.namespace", "spark.properties"});
  const Json& items = submission->driver_pod["spec"]["volumes"].back()["configMap"]["items"];
  REQUIRE(items.size() == 3);  // all but the namespace
  CHECK(items[0] == Json({{"key", "log4j2.properties"}, {"mode", 420}, {"path", "log4j2.properties"}}));
}

TEST_CASE("Volcano's step needs no JVM: its pod group comes before the pod", "[spark]") {
  auto submission =
      submit({"spark.kubernetes.driver.pod.featureSteps="
              "org.apache.spark.deploy.k8s.features.VolcanoFeatureStep"});
  if (!submission) FAIL(message(submission));
  REQUIRE(submission->pre_resources.size() == 1);
  CHECK(submission->pre_resources[0]["metadata"]["name"] == submission->app_id + "-podgroup");
  CHECK(submission->driver_pod["metadata"]["annotations"]["scheduling.k8s.io/group-name"] ==
        submission->app_id + "-podgroup");
}

TEST_CASE("a line's objects follow its row of the table", "[spark]") {
  const Words jar{"--class", "M", "local:///a.jar"};
  const Words conf{"spark.kubernetes.driver.label.id={{APP_ID}}",
                   "spark.kubernetes.driver.volumes.emptyDir.a.mount.path=/a"};
  auto old = submit(conf, jar, {}, "3.5.7");
  auto modern = submit(conf, jar, {}, "4.3.0");
  REQUIRE((old && modern));
  CHECK(container(*old)["ports"].size() == 3);
  CHECK(container(*modern)["ports"].size() == 4);
  CHECK(child(*old, "NetworkPolicy") == nullptr);
  CHECK(child(*modern, "NetworkPolicy") != nullptr);
  CHECK(old->driver_pod["metadata"]["labels"]["id"] == "{{APP_ID}}");
  CHECK(modern->driver_pod["metadata"]["labels"]["id"] == modern->app_id);
  CHECK_FALSE(container(*old).contains("securityContext"));
  CHECK(container(*modern)["securityContext"]["allowPrivilegeEscalation"] == false);
  CHECK_FALSE(container(*old)["volumeMounts"][0].contains("subPathExpr"));
  CHECK(container(*modern)["volumeMounts"][0]["subPathExpr"] == "");
}

TEST_CASE("what only a JVM can do is named", "[spark]") {
  struct Row {
    const char* rule;
    Words conf;
    Words rest;
  };
  const Words jar{"--class", "M", "local:///a.jar"};
  auto row = GENERATE_COPY(values<Row>({
      {"", {}, jar},
      {"", {"spark.jars=s3a://b/x.jar,https://h/y.jar"}, jar},
      {"", {"spark.jars.packages=a:b:1"}, jar},
      {"", {}, {"local:///a.py"}},
      {"feature-steps", {"spark.kubernetes.driver.pod.featureSteps=org.example.Step"}, jar},
      {"local-files", {"spark.files=/etc/hosts"}, jar},
      {"local-files", {}, {"/home/me/a.py"}},
      {"local-files", {}, {"--class", "M", "a.jar"}},
      {"globs", {"spark.jars=s3a://b/*.jar"}, jar},
      {"main-class", {}, {"https://h/a.jar"}},
      {"kerberos", {"spark.kerberos.keytab=/k", "spark.kerberos.principal=p"}, jar},
      {"", {"spark.kerberos.keytab=local:///k", "spark.kerberos.principal=p"}, jar},
      {"kerberos", {"spark.hadoop.hadoop.security.authentication=kerberos"}, jar},
      {"jvm-inputs",
       {"spark.driver.memory=${system:mem}", "spark.driver.memory=1g", "spark.x=${system:a}"},
       jar},
      {"r-packages", {"spark.jars=local:///x.jar"}, {"local:///a.R"}},
      {"submission-credentials", {"spark.kubernetes.authenticate.submission.oauthToken=x"}, jar},
  }));
  auto conf = conf_of(row.conf, row.rest);
  if (!conf) FAIL(conf.error().message());
  auto reasons = spark::fallback_reasons(*conf);
  const std::string rule(reasons.empty() ? "" : reasons.front().rule);
  CHECK(rule == row.rule);
}

TEST_CASE("lines that were not compared with their own spark-submit go to it", "[spark]") {
  auto conf = conf_of({}, {"--class", "M", "local:///a.jar"}, {}, "4.0.0");
  REQUIRE(conf);
  CHECK(spark::fallback_reasons(*conf).empty());
  spark::SparkLine unknown = *conf->line;
  unknown.native = false;
  conf->line = &unknown;
  REQUIRE(spark::fallback_reasons(*conf).size() == 1);
  CHECK(spark::fallback_reasons(*conf)[0].rule == "spark-line");
}
