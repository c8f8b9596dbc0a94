#include "controller/submit/spark_submit_submitter.h"

#include <catch2/catch.hpp>

#include "controller/submit/fake_spark_submit.h"
#include "spark/pod_mutation.h"

using namespace controller;
using namespace std::chrono_literals;
using kube::Json;

namespace {

struct World {
  FakeApi api;
  std::unique_ptr<kube::Client> client = api.server.client();
  FakeSparkSubmit process{api};
  spark::SubmitOptions options;
  SparkSubmitOptions settings{.program = "/opt/spark/bin/spark-submit",
                              .unavailable = "",
                              .environment = {{"SPARK_HOME", "/opt/spark"}}};
  api::SparkApplication app;
  spark::Attempt attempt{"5b0e1f3c-9a77-8d21-8104-9fe02b6c1d55", api.server.loop.now()};
  bool permit = true;
  std::unique_ptr<SparkSubmitSubmitter> submitter;
  std::unique_ptr<DriverStart> start;

  explicit World(Json application = application_json()) {
    options.master_url = "k8s://https://kubernetes.default.svc:443";
    app = kube::decode<api::SparkApplication>(api.put(app_path("pi"), std::move(application))).value();
  }
  kube::Result<PodView> create_driver() {
    submitter = std::make_unique<SparkSubmitSubmitter>(*client, process, options, settings);
    auto begun = submitter->begin(app, attempt, "because");
    if (!begun) return kube::fail(std::move(begun));
    start = std::move(*begun);
    return api.server.run(
        start->create_driver([this] { return permit ? std::optional<kube::Duration>(10s) : std::nullopt; }));
  }
  Completion complete(const PodView& driver) { return api.server.run(start->complete(driver)).value(); }
  Completion complete_by_another(const PodView& driver) {
    start = submitter->resume(app, attempt, driver).value();
    return complete(driver);
  }
  void edit(const std::function<void(Json& spec)>& how) {
    api.change(app_path("pi"), [&](Json& object) { how(object["spec"]); });
    app = kube::decode<api::SparkApplication>(api.at(app_path("pi"))).value();
  }
  std::string remark() const {
    std::string text;
    for (const Note& note : start->remarks()) text += note.reason + ": " + note.message + "\n";
    return text;
  }
};

std::string text_of(const kube::Result<PodView>& made) {
  return made ? "" : made.error().message();
}

}  // namespace

TEST_CASE("spark-submit gets upstream's arguments, an environment and two templates", "[spark-submit]") {
  World world;
  const auto made = world.create_driver();
  REQUIRE(made);
  REQUIRE(world.process.started.size() == 1);
  const kube::ChildCommand& command = world.process.started[0];
  CHECK(command.program == "/opt/spark/bin/spark-submit");
  CHECK(command.environment.at("SPARK_HOME") == "/opt/spark");
  auto prepared = spark::prepare_application(world.app, world.options, world.attempt).value();
  CHECK(command.arguments == spark::spark_submit_arguments(prepared, world.options, world.attempt).value());
  CHECK(command.folder.path == "/tmp/spark/" + world.attempt.submission_id);
  CHECK(command.folder.files.size() == 2);

  const Json driver = FakeSparkSubmit::driver_template(command);
  CHECK(driver["metadata"]["ownerReferences"][0]["uid"] == world.app.metadata.uid);
  CHECK(driver["metadata"]["ownerReferences"][0]["controller"] == true);
  CHECK(driver["metadata"]["annotations"]["sparkoperator.k8s.io/submitted-by"] == "spark-submit");
  CHECK(made->submitted_by == "spark-submit");
  CHECK(made->submission_id == world.attempt.submission_id);
  CHECK(made->belongs_to(world.app.metadata.uid));
  REQUIRE(world.start->announcement().size() == 1);
  CHECK(world.start->announcement()[0].message == "spark-submit starts the driver: because");
}

TEST_CASE("properties that executors need beside their template stand before the application",
          "[spark-submit]") {
  World world;
  world.edit([](Json& spec) {
    spec["sparkConfigMap"] = "logging";
    spec["arguments"] = {"10"};
    spec["proxyUser"] = "ana";
  });
  REQUIRE(world.create_driver());
  const auto& words = world.process.started[0].arguments;
  REQUIRE(words.size() > 6);
  const std::vector<std::string> end(words.end() - 6, words.end());
  CHECK(end == std::vector<std::string>{"--conf", "spark.executorEnv.SPARK_CONF_DIR=/etc/spark/conf",
                                        "--proxy-user", "ana",
                                        "local:///opt/spark/examples/src/main/python/pi.py", "10"});
}

TEST_CASE("a process that ended well has left a complete driver", "[spark-submit]") {
  World world;
  const PodView driver = world.create_driver().value();
  world.api.asked.clear();
  CHECK(world.complete(driver).state == Completion::State::Done);
  CHECK(world.api.asked.empty());
}

TEST_CASE("no process is started where a pod stands", "[spark-submit]") {
  World world;
  world.api.put(pod_path("pi-driver"), {{"kind", "Pod"}, {"metadata", {{"name", "pi-driver"}}}});
  const auto made = world.create_driver();
  REQUIRE_FALSE(made);
  CHECK(made.error().is_already_exists());
  CHECK(world.process.started.empty());
}

TEST_CASE("no process is started without a permit, and it is ended when that is taken back",
          "[spark-submit]") {
  World world;
  SECTION("from the beginning") {
    world.permit = false;
  }
  SECTION("later") {
    world.api.server.tasks.spawn("revoke", [](World* w) -> kube::Task<> {
      co_await kube::sleep(w->api.server.loop, 3s);
      w->permit = false;
    }(&world));
  }
  const bool from_the_beginning = !world.permit;
  const auto made = world.create_driver();
  REQUIRE_FALSE(made);
  CHECK(made.error().kind() == kube::ErrorKind::ShuttingDown);
  CHECK(world.process.started.size() == (from_the_beginning ? 0 : 1));
  CHECK(world.process.killed == (from_the_beginning ? 0 : 1));
}

TEST_CASE("an exit code other than 0 is no refusal when the driver is there", "[spark-submit]") {
  World world;
  world.process.script.exit_code = 1;
  const auto made = world.create_driver();
  REQUIRE(made);
  CHECK(world.complete(*made).state == Completion::State::Done);
}

TEST_CASE("without a driver the reason is what spark-submit said, without secrets", "[spark-submit]") {
  World world;
  world.edit([](Json& spec) { spec["sparkConf"] = {{"spark.hadoop.fs.s3a.secret.key", "hunter22"}}; });
  world.process.script = {.makes_pod = false, .exit_code = 1, .errors = "403 Forbidden for hunter22"};
  const auto made = world.create_driver();
  CHECK(text_of(made) == "failed to run spark-submit: 403 Forbidden for (hidden)");
  CHECK(made.error().kind() == kube::ErrorKind::InvalidInput);
}

TEST_CASE("what is logged of a command line is hidden by the application's own pattern, too",
          "[spark-submit]") {
  World world;
  const auto lines = std::make_shared<kube::RecordingSink>();
  world.settings.log = kube::Log(lines, kube::LogLevel::Debug);
  world.edit([](Json& spec) {
    spec["sparkConf"] = {{"spark.redaction.regex", "(?i)dsn"}, {"spark.my.dsn", "Hunter2222"}};
  });
  world.process.script = {.makes_pod = false, .exit_code = 1, .errors = "no way to Hunter2222"};
  REQUIRE_FALSE(world.create_driver());
  CHECK(lines->contains("spark-submit starts"));
  for (const auto& line : lines->lines)
    for (const kube::LogField& field : line.fields)
      if (const auto* text = std::get_if<std::string>(&field.value))
        CHECK(text->find("Hunter2222") == std::string::npos);
}

TEST_CASE("a long reason keeps its beginning and its end", "[spark-submit]") {
  World world;
  world.process.script = {
      .makes_pod = false, .exit_code = 1, .errors = "first" + std::string(60000, '.') + "last"};
  const std::string text = text_of(world.create_driver());
  CHECK(text.starts_with("failed to run spark-submit: first"));
  CHECK(text.ends_with("last"));
  CHECK(text.find("omitting 56409 bytes") != std::string::npos);
  CHECK(text.size() < kErrorMessageLimit);
}

TEST_CASE("silence is explained by the exit code", "[spark-submit]") {
  World world;
  world.process.script = {.makes_pod = false, .exit_code = 101};
  CHECK(text_of(world.create_driver()) == "failed to run spark-submit: exit status 101");
}

TEST_CASE("a process that hangs is ended at its time-out", "[spark-submit]") {
  World world;
  world.settings.timeout = 1min;
  world.process.script = {.makes_pod = false, .hangs = true, .errors = "waiting"};
  CHECK(text_of(world.create_driver()) == "failed to run spark-submit: no end within 1m0s: waiting");
  CHECK(world.process.killed == 1);
}

TEST_CASE("success without a driver where one was to be is a failure", "[spark-submit]") {
  World world;
  world.process.script = {.makes_pod = false};
  CHECK(text_of(world.create_driver()) ==
        "failed to run spark-submit: it has ended well, but there is no driver pod ns/pi-driver");
}

TEST_CASE("a driver that spark-submit took back is waited for, then refused", "[spark-submit]") {
  World world;
  world.process.script = {.makes_config_map = false, .takes_pod_back = true, .exit_code = 1, .errors = "no"};
  int looks = 0;
  world.api.before = [&](const std::string& request) {
    if (request == "GET pods" && ++looks == 4) world.api.erase(pod_path("pi-driver"));
    return FakeFault{};
  };
  CHECK(text_of(world.create_driver()) == "failed to run spark-submit: no");
  CHECK(looks == 4);
}

TEST_CASE("a driver that is never gone is no refusal", "[spark-submit]") {
  World world;
  world.process.script = {.makes_config_map = false, .takes_pod_back = true, .exit_code = 1};
  const auto made = world.create_driver();
  REQUIRE_FALSE(made);
  CHECK(made.error().kind() == kube::ErrorKind::Timeout);
}

TEST_CASE("somebody else's pod in the way is said to be there", "[spark-submit]") {
  World world;
  world.process.script.errors = "";
  bool looked = false;
  world.api.before = [&](const std::string& request) {
    if (request == "GET pods" && !looked) {
      looked = true;
      world.api.server.loop.post([&] {
        world.api.put(pod_path("pi-driver"),
                      {{"kind", "Pod"}, {"metadata", {{"name", "pi-driver"}, {"namespace", "ns"}}}});
      });
    }
    return FakeFault{};
  };
  const auto made = world.create_driver();
  REQUIRE_FALSE(made);
  CHECK(made.error().is_already_exists());
}

TEST_CASE("a driver whose config map does not come is given up only when nobody can make it any more",
          "[spark-submit]") {
  World world;
  world.settings.timeout = 1min;
  world.settings.lease = 15s;
  world.process.script = {.makes_config_map = false, .exit_code = 1};
  const PodView driver = world.create_driver().value();
  Completion completion = world.complete_by_another(driver);
  CHECK(completion.state == Completion::State::NotYet);
  CHECK(completion.look_again == 5s);
  SECTION("it comes late") {
    const std::string name = world.api.at(pod_path("pi-driver"))["spec"]["volumes"][0]["configMap"]["name"];
    world.api.put("/api/v1/namespaces/ns/configmaps/" + name,
                  {{"kind", "ConfigMap"}, {"metadata", {{"name", name}, {"namespace", "ns"}}}});
    CHECK(world.complete_by_another(driver).state == Completion::State::Done);
  }
  SECTION("it never comes") {
    world.api.server.loop.run_for(*driver.created + 74s - world.api.server.loop.now());
    completion = world.complete_by_another(driver);
    CHECK(completion.state == Completion::State::NotYet);
    CHECK(completion.look_again <= 1s);
    world.api.server.loop.run_for(1s);
    CHECK(world.complete_by_another(driver).state == Completion::State::Never);
  }
  SECTION("another pod has taken the name") {
    world.api.erase(pod_path("pi-driver"));
    const auto completed = world.api.server.run(world.start->complete(driver));
    REQUIRE_FALSE(completed);
    CHECK(completed.error().is_conflict());
  }
}

TEST_CASE("nothing is started where there is no spark-submit, or for a driver outside of the cluster",
          "[spark-submit]") {
  World world;
  SECTION("no program") {
    world.settings.unavailable = "env SPARK_HOME is not specified";
    CHECK(text_of(world.create_driver()) == "failed to run spark-submit: env SPARK_HOME is not specified");
  }
  SECTION("mode client") {
    world.edit([](Json& spec) { spec["mode"] = "client"; });
    CHECK(text_of(world.create_driver()).starts_with("spec.mode is not cluster"));
  }
  CHECK(world.process.started.empty());
}

TEST_CASE("fault 20: a scheduler of the operator's flag is in the templates, webhook or not",
          "[spark-submit]") {
  World world;
  world.options.batch = {.enabled = true, .by_default = "volcano", .kube_schedulers = {}};
  world.options.webhook_runs = GENERATE(false, true);
  REQUIRE(world.create_driver());
  const kube::ChildCommand& command = world.process.started[0];
  CHECK(FakeSparkSubmit::driver_template(command)["spec"]["schedulerName"] == "volcano");
  CHECK(command.folder.files.at("executor-pod-template.yaml").find("schedulerName: volcano") !=
        std::string::npos);
}

TEST_CASE("a driver's share of the mutations is in its template, or left to a webhook", "[spark-submit]") {
  World world;
  world.edit([](Json& spec) {
    spec["driver"]["tolerations"] = {{{"key", "spot"}, {"operator", "Exists"}}};
    spec["driver"]["memoryLimit"] = "1Gi";
    spec["executor"]["tolerations"] = {{{"key", "spot"}, {"operator", "Exists"}}};
  });
  SECTION("no webhook runs: in the template, and what Spark overwrites is named") {
    REQUIRE(world.create_driver());
    const Json driver = FakeSparkSubmit::driver_template(world.process.started[0]);
    CHECK(driver["spec"]["tolerations"].size() == 1);
    CHECK(driver["metadata"]["annotations"].contains(std::string(spark::kMutatedAnnotation)));
    CHECK(world.remark() ==
          "SparkPodWebhookNeeded: spark-submit overwrites in the driver what these say, which "
          "only a pod webhook can mend: driver.memoryLimit\n");
  }
  SECTION("one runs but did not see the driver: that is said") {
    world.options.webhook_runs = true;
    REQUIRE(world.create_driver());
    const Json driver = FakeSparkSubmit::driver_template(world.process.started[0]);
    CHECK_FALSE(driver["spec"].contains("tolerations"));
    CHECK_FALSE(driver["metadata"]["annotations"].contains(std::string(spark::kMutatedAnnotation)));
    CHECK(world.remark().find("has not changed the driver") != std::string::npos);
  }
  SECTION("one runs, but does not look at drivers with a template of their own") {
    world.options.webhook_runs = true;
    world.edit(
        [](Json& spec) { spec["driver"]["template"] = {{"metadata", {{"labels", {{"team", "a"}}}}}}; });
    REQUIRE(world.create_driver());
    const Json driver = FakeSparkSubmit::driver_template(world.process.started[0]);
    CHECK(driver["metadata"]["labels"]["team"] == "a");
    CHECK(driver["spec"]["tolerations"].size() == 1);
  }
  const auto executor = kube::parse_yaml_document(
      world.process.started[0].folder.files.at("executor-pod-template.yaml"), "template");
  CHECK((*executor)["spec"]["tolerations"].size() == 1);
}

TEST_CASE("nothing is said of a webhook where there is nothing for it to do", "[spark-submit]") {
  World world;
  world.options.webhook_runs = GENERATE(false, true);
  REQUIRE(world.create_driver());
  CHECK(world.remark().empty());
}

TEST_CASE("service links are off in both templates, which leaves nothing to a webhook", "[spark-submit]") {
  World world;
  world.options.service_links = spark::ServiceLinks::Off;
  world.options.webhook_runs = GENERATE(false, true);
  REQUIRE(world.create_driver());
  const kube::ChildCommand& command = world.process.started[0];
  CHECK(FakeSparkSubmit::driver_template(command)["spec"]["enableServiceLinks"] == false);
  CHECK(command.folder.files.at("executor-pod-template.yaml").find("enableServiceLinks: false") !=
        std::string::npos);
  CHECK(world.remark().empty());
}
