// spark-submit as a real process: scripts that stand in for it, in front of a FakeApi. What a script prints
// on its standard output ("pod", "configmap") is done at the API server when it has ended.
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "controller/submit/fake_spark_submit.h"
#include "controller/submit/spark_submit_submitter.h"
#include "kube/async/real_loop.h"

using namespace controller;
using namespace std::chrono_literals;
using kube::Json;

namespace {

namespace fs = std::filesystem;

class Script final : public kube::ChildRunner {
 public:
  Script(FakeApi& api, const std::string& text) : api_(api) {
    std::string pattern = (fs::temp_directory_path() / "spark-submit.XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    std::ofstream(program()) << "#!/bin/sh\n" << text;
    REQUIRE(::chmod(program().c_str(), 0700) == 0);
  }
  ~Script() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  std::string program() const { return (folder_ / "spark-submit").string(); }

  kube::Duration time_out = 1min;  // of the real process; the simulated clock does not run meanwhile
  kube::ChildExit exit;

  kube::Task<kube::Result<kube::ChildExit>> run(kube::ChildCommand command) override {
    kube::RealLoop loop;
    kube::ChildProcesses children(loop);
    command.deadline = loop.after(time_out);
    command.grace = 50ms;
    kube::Result<kube::ChildExit> ended = kube::ChildExit{};
    auto body = [](kube::ChildRunner* with, kube::ChildCommand what,
                   kube::Result<kube::ChildExit>* out) -> kube::Task<> {
      *out = co_await with->run(std::move(what));
    };
    loop.run(body(&children, command, &ended));
    if (!ended) co_return ended;
    exit = *ended;
    std::istringstream lines(exit.output);
    for (std::string line; std::getline(lines, line);) {
      if (line == "pod") FakeSparkSubmit::make_pod(api_, command, 1);
      if (line == "configmap") FakeSparkSubmit::make_config_map(api_, pod_path("pi-driver"));
    }
    co_return ended;
  }

 private:
  FakeApi& api_;
  fs::path folder_;
};

struct World {
  FakeApi api;
  std::unique_ptr<kube::Client> client = api.server.client();
  Script script;
  SparkSubmitOptions settings;
  std::unique_ptr<SparkSubmitSubmitter> submitter;
  std::unique_ptr<DriverStart> start;
  // Its own in each run: template files of two runs of this test must not meet.
  const std::string id = kube::Random::from_kernel().uuid_v4();

  explicit World(const std::string& text) : script(api, text) {
    settings.program = script.program();
    settings.environment = {
        {"PATH", "/usr/bin:/bin"}, {"SPARK_HOME", "/opt/spark"}, {"SPARK_SUBMIT_OPTS", "-Xint"}};
    spark::SubmitOptions options;
    options.master_url = "k8s://https://kubernetes.default.svc:443";
    submitter = std::make_unique<SparkSubmitSubmitter>(*client, script, options, settings);
  }
  kube::Result<PodView> create_driver() {
    Json application = application_json();
    application["spec"]["arguments"] = {"a b", "$(reboot)"};
    const auto app = kube::decode<api::SparkApplication>(api.put(app_path("pi"), application)).value();
    start = submitter->begin(app, {id, api.server.loop.now()}, "").value();
    return api.server.run(start->create_driver([] { return std::optional<kube::Duration>(10s); }));
  }
};

}  // namespace

TEST_CASE("spark-submit runs without a shell, with its templates beside it", "[spark-submit][process]") {
  World world(R"(
for word in "$@"; do
  case "$word" in
    spark.kubernetes.driver.podTemplateFile=*) driver="${word#*=}" ;;
    spark.kubernetes.executor.podTemplateFile=*) executor="${word#*=}" ;;
  esac
  last="$word"
done
test "$SPARK_HOME" = /opt/spark || exit 11
test "$last" = '$(reboot)' || exit 12
grep -q 'kind: SparkApplication' "$driver" || exit 13
grep -q spark-kubernetes-executor "$executor" || exit 14
echo pod
echo configmap
)");
  const auto made = world.create_driver();
  CHECK(world.script.exit.code == 0);
  REQUIRE(made);
  CHECK(made->submission_id == world.id);
  CHECK(world.api.server.run(world.start->complete(*made))->state == Completion::State::Done);
  CHECK_FALSE(fs::exists("/tmp/spark/" + world.id));
}

TEST_CASE("a failing spark-submit is its own explanation", "[spark-submit][process]") {
  World world("echo 'Exception in thread \"main\": no such bucket' >&2; exit 1");
  const auto made = world.create_driver();
  REQUIRE_FALSE(made);
  CHECK(made.error().message() ==
        "failed to run spark-submit: Exception in thread \"main\": no such bucket\n");
  CHECK_FALSE(fs::exists("/tmp/spark/" + world.id));
}

TEST_CASE("a spark-submit that talks without end is kept short", "[spark-submit][process]") {
  World world("echo begin >&2; yes 'INFO all is well' | head -c 3000000 >&2; echo end >&2; exit 1");
  const auto made = world.create_driver();
  REQUIRE_FALSE(made);
  const std::string& message = made.error().message();
  CHECK(message.starts_with("failed to run spark-submit: begin\n"));
  CHECK(message.ends_with("end\n"));
  CHECK(message.size() < 10'000);
}

TEST_CASE("a spark-submit that neither ends nor minds SIGTERM is killed", "[spark-submit][process]") {
  World world("trap '' TERM; while :; do sleep 0.01; done");
  world.script.time_out = 300ms;
  const auto made = world.create_driver();
  REQUIRE_FALSE(made);
  CHECK(world.script.exit.how == kube::ChildEnd::TimedOut);
  CHECK(made.error().message().starts_with("failed to run spark-submit: no end within 3m0s"));
}

TEST_CASE("what a spark-submit leaves in its temporary folder goes with it, also when it is killed",
          "[spark-submit][process]") {
  World world(R"(
set -- $SPARK_SUBMIT_OPTS
folder="${1#-Djava.io.tmpdir=}"
test "$folder" = "$TMPDIR" || exit 11
test "$2" = -Xint || exit 12
mkdir "$folder/spark-of-its-own" && echo "$folder"
kill -KILL $$
)");
  const auto made = world.create_driver();
  REQUIRE_FALSE(made);
  CHECK(world.script.exit.how == kube::ChildEnd::Signalled);
  const std::string folder = world.script.exit.output.substr(0, world.script.exit.output.find('\n'));
  CHECK(folder == "/tmp/spark/" + world.id);
  CHECK_FALSE(fs::exists(folder));
}

TEST_CASE("a spark-submit that dies between pod and config map leaves a driver that is not complete yet",
          "[spark-submit][process]") {
  World world("echo pod; kill -KILL $$");
  const auto made = world.create_driver();
  REQUIRE(made);
  CHECK(world.api.server.run(world.start->complete(*made))->state == Completion::State::NotYet);
}

TEST_CASE("a spark-submit that is no program fails the submission", "[spark-submit][process]") {
  World world("");
  fs::permissions(world.script.program(), fs::perms::owner_read);
  const auto made = world.create_driver();
  REQUIRE_FALSE(made);
  CHECK(made.error().kind() == kube::ErrorKind::InvalidInput);
  CHECK(made.error().message().find(world.script.program()) != std::string::npos);
}
