#include "cmd/controller_flags.h"

#include <catch2/catch.hpp>

using namespace cmd;
using namespace std::chrono_literals;

TEST_CASE("a namespace selector has an effect, and a malformed one is refused", "[flags]") {
  auto flags = cmd::parse_controller_flags({"--namespace-selector=team in (a,b)", "--namespaces=c"});
  REQUIRE(flags);
  CHECK(flags->namespace_selector == "team in (a,b)");
  CHECK(flags->without_effect().empty());
  auto malformed = cmd::parse_controller_flags({"--namespace-selector=team in ("});
  REQUIRE_FALSE(malformed);
  CHECK_THAT(malformed.error().message(), Catch::Contains("--namespace-selector"));
}

TEST_CASE("without flags the defaults are upstream's", "[flags]") {
  const ControllerFlags flags = parse_controller_flags({}).value();
  CHECK(flags.controller_threads == 10);
  CHECK(flags.namespaces.empty());
  CHECK(flags.leader_election_lock_name == "spark-operator-lock");
  CHECK(flags.leader_election_lease_duration == 15s);
  CHECK(flags.health_probe_bind_address == ":8081");
  CHECK(flags.enable_ui_service);
  CHECK(flags.without_effect().empty());
}

TEST_CASE("flags take their values as Go's library does", "[flags]") {
  const ControllerFlags flags =
      parse_controller_flags({"--controller-threads", "33", "--namespaces=a,b", "--namespaces", "c",
                              "--enable-ui-service=false", "--leader-election", "--cache-sync-timeout=1h30m",
                              "--feature-gates=PartialRestart=true,LoadSparkDefaults=false",
                              "--zap-log-level=2", "--enable-http2=true", "an-ignored-argument"})
          .value();
  CHECK(flags.controller_threads == 33);
  CHECK(flags.namespaces == std::vector<std::string>{"a", "b", "c"});
  CHECK_FALSE(flags.enable_ui_service);
  CHECK(flags.leader_election);
  CHECK(flags.cache_sync_timeout == 90min);
  CHECK(flags.gate("PartialRestart"));
  CHECK_FALSE(flags.gate("LoadSparkDefaults"));
  CHECK(flags.log_level == kube::LogLevel::Debug);
}

TEST_CASE("words are taken in upper case, and booleans as Go writes them", "[flags]") {
  const auto flags = parse_controller_flags({"--zap-log-level=DEBUG", "--zap-encoder=Console",
                                             "--feature-gates=PartialRestart=True,LoadSparkDefaults=0"});
  REQUIRE(flags);
  CHECK(flags->log_level == kube::LogLevel::Debug);
  CHECK(flags->log_format == kube::LogFormat::Console);
  CHECK(flags->gate("PartialRestart"));
  CHECK_FALSE(flags->gate("LoadSparkDefaults"));
}

TEST_CASE("feature gates are read as Go's library reads them", "[flags]") {
  const auto spaced =
      parse_controller_flags({"--feature-gates=PartialRestart=true, LoadSparkDefaults = true,,"});
  REQUIRE(spaced);
  CHECK(spaced->gate("PartialRestart"));
  CHECK(spaced->gate("LoadSparkDefaults"));
  CHECK(parse_controller_flags({"--feature-gates="}));
  CHECK_FALSE(parse_controller_flags({"--feature-gates= =true"}));
  CHECK_FALSE(parse_controller_flags({"--feature-gates=PartialRestart"}));
}

TEST_CASE("all gates of a stage are switched at once, but for those that are named", "[flags]") {
  const std::string service = "--submitter-service-url=http://s:80/x";
  const auto all = parse_controller_flags({"--feature-gates=AllAlpha=true", service});
  REQUIRE(all);
  for (const char* gate : {"PartialRestart", "LoadSparkDefaults", "RestSubmitter", "DefaultTimeToLive"})
    CHECK(all->gate(gate));
  // What a gate needs is needed however it was switched on.
  CHECK_FALSE(parse_controller_flags({"--feature-gates=AllAlpha=true"}));
  const char* orders[] = {"--feature-gates=RestSubmitter=false,AllAlpha=true",
                          "--feature-gates=AllAlpha=true,RestSubmitter=false"};
  for (const char* order : orders) {
    const auto but_one = parse_controller_flags({order});
    REQUIRE(but_one);
    CHECK_FALSE(but_one->gate("RestSubmitter"));
    CHECK(but_one->gate("PartialRestart"));
  }
  // None of ours is beta.
  const auto beta = parse_controller_flags({"--feature-gates=AllAlpha=false,AllBeta=true"});
  REQUIRE(beta);
  CHECK_FALSE(beta->gate("PartialRestart"));
}

TEST_CASE("an empty namespace among the names means all", "[flags]") {
  CHECK(parse_controller_flags({"--namespaces=\"\""}).value().namespaces.empty());
  CHECK(parse_controller_flags({"--namespaces="}).value().namespaces.empty());
  CHECK(parse_controller_flags({"--namespaces=a,\"\""}).value().namespaces.empty());
}

TEST_CASE("wrong flags are refused by name", "[flags]") {
  struct Row {
    std::vector<std::string> arguments;
    const char* says;
  };
  const Row rows[] = {
      {{"--no-such-flag"}, "no-such-flag"},
      {{"--controller-threads=two"}, "controller-threads"},
      {{"--controller-threads=0"}, "controller-threads"},
      {{"--cache-sync-timeout=5"}, "cache-sync-timeout"},
      {{"--default-time-to-live-seconds=-1"}, "default-time-to-live-seconds"},
      {{"--feature-gates=Nonsense=true"}, "Nonsense"},
      {{"--zap-log-level=warn"}, "zap-log-level"},
      {{"--zap-encoder=xml"}, "zap-encoder"},
      {{"--feature-gates=PartialRestart=yes"}, "PartialRestart"},
      {{"--scheduled-spark-application-timestamp-precision=hours"}, "precision"},
      {{"--leader-election", "--leader-election-renew-deadline=20s"}, "lease-duration"},
      {{"--health-probe-bind-address=nowhere"}, "host:port"},
      {{"--feature-gates=RestSubmitter=true"}, "--submitter-service-url"},
      {{"--feature-gates=RestSubmitter=true", "--submitter-service-url=http://submitter/x"},
       "submitter URL \"http://submitter/x\" must include an explicit port"},
      {{"--feature-gates=RestSubmitter=true", "--submitter-service-url=http://s:80/x",
        "--submitter-max-retries=0"},
       "--submitter-max-retries"},
      {{"--feature-gates=RestSubmitter=true", "--submitter-service-url=http://s:80/x",
        "--submitter-request-timeout=0s"},
       "--submitter-request-timeout"},
      {{"--feature-gates=RestSubmitter=true", "--submitter-service-url=https://s:443/x",
        "--submitter-tls-enabled", "--submitter-tls-cert-file=/c", "--submitter-tls-key-file=/k"},
       "--submitter-tls-ca-file"},
  };
  for (const Row& row : rows) {
    INFO(row.says);
    const auto flags = parse_controller_flags(row.arguments);
    REQUIRE_FALSE(flags);
    CHECK_THAT(flags.error().message(), Catch::Contains(row.says));
  }
}

TEST_CASE("flags without effect are named, those with effect are not", "[flags]") {
  const ControllerFlags flags =
      parse_controller_flags({"--submitter-max-retries=3", "--controller-threads=3"}).value();
  CHECK(flags.without_effect() == std::vector<std::string>{"--submitter-max-retries"});
  const ControllerFlags gated =
      parse_controller_flags({"--submitter-max-retries=3", "--submitter-service-url= http://s:80/x ",
                              "--feature-gates=RestSubmitter=true"})
          .value();
  CHECK(gated.without_effect().empty());
}

TEST_CASE("drivers are started natively unless flags say otherwise", "[flags]") {
  CHECK(parse_controller_flags({})->submitter == "auto");
  const auto flags = parse_controller_flags(
      {"--submitter=spark-submit", "--spark-submit-path=/opt/s/bin/spark-submit",
       "--spark-submit-timeout=90s", "--spark-submit-concurrency=7", "--webhook-enabled"});
  REQUIRE(flags);
  CHECK(flags->submitter == "spark-submit");
  CHECK(flags->spark_submit_path == "/opt/s/bin/spark-submit");
  CHECK(flags->spark_submit_timeout == std::chrono::seconds(90));
  CHECK(flags->spark_submit_concurrency == 7);
  CHECK(flags->webhook_enabled);
  CHECK_FALSE(parse_controller_flags({"--submitter=jvm"}));
  CHECK_FALSE(parse_controller_flags({"--spark-submit-concurrency=0"}));
  CHECK_FALSE(parse_controller_flags({"--spark-submit-timeout=0s"}));
}

TEST_CASE("pods have no service links unless a flag says so", "[flags]") {
  CHECK_FALSE(parse_controller_flags({})->enable_service_links);
  CHECK(parse_controller_flags({"--enable-service-links=true"})->enable_service_links);
}

TEST_CASE("flags in JSON are read at the start", "[flags]") {
  CHECK(parse_controller_flags(
      {R"(--ingress-tls=[{"hosts":["a"],"secretName":"s"}])", R"(--ingress-annotations={"a":"b"})"}));
  const auto wrong = parse_controller_flags({R"(--ingress-annotations=[{"a":"b"}])"});
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message().starts_with("--ingress-annotations: expected a JSON object"));
}

TEST_CASE("a default batch scheduler must be one that is known, if batch schedulers are enabled", "[flags]") {
  CHECK(parse_controller_flags({"--default-batch-scheduler=other"}));
  const auto unknown =
      parse_controller_flags({"--enable-batch-scheduler", "--default-batch-scheduler=other"});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message().starts_with(
      "--default-batch-scheduler: expected volcano, yunikorn or one of"));
  CHECK(parse_controller_flags(
      {"--enable-batch-scheduler", "--default-batch-scheduler=gang", "--kube-scheduler-names=gang"}));
}
