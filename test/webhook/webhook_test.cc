// The webhook as a process runs it (threads, TLS, its own certificate, its own caBundle) behind the embedded
// API server: whatever it changes or refuses is seen in what the API server stores and answers.
#include <catch2/catch.hpp>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>

#include "api/spark_application.h"
#include "api/spec_hash.h"
#include "cmd/crds.h"
#include "cmd/reference.h"
#include "cmd/webhook_process.h"
#include "kube/apiserver/api_server.h"
#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/client/api.h"
#include "kube/core/base64.h"
#include "kube/core/fields.h"
#include "kube/core/yaml.h"
#include "kube/http/client.h"
#include "spark/native_submission.h"
#include "spark/pod_mutation.h"
#include "webhook/application_feed.h"
#include "webhook/configurations.h"

using namespace kube;
using cmd::WebhookFlags;
using cmd::WebhookProcess;

namespace {

const char* const kHost = "127.0.0.1";

WebhookFlags test_flags() {
  WebhookFlags flags;
  flags.webhook_host = kHost;
  flags.webhook_port = 0;
  flags.webhook_secret_namespace = flags.webhook_svc_namespace = "default";
  flags.webhook_threads = 2;
  flags.webhook_shutdown_delay = Duration::zero();
  flags.health_probe_bind_address = "0";
  return flags;
}

// An API server with the operator's kinds, and webhooks in front of it, for the length of one story.
class World {
 public:
  World() : network_(loop_), server_(loop_, network_, {.listen = {kHost, 0}}) {}

  void run(std::function<Task<>(World&)> story) { loop_.run(run_all(std::move(story))); }

  Loop& loop() { return loop_; }
  Network& network() { return network_; }
  // Somebody else may take it before it is used; then the test says so.
  Endpoint free_port() { return (*network_.listen({kHost, 0}))->local(); }
  Client& client() { return *client_; }
  JsonApi api(const Resource& resource, std::string ns = "default") {
    return JsonApi(*client_, resource, resource.namespaced ? std::move(ns) : "");
  }

  // A replica of the webhook that answers reviews.
  Task<WebhookProcess*> start_webhook(WebhookFlags flags = test_flags()) {
    auto config = parse_kubeconfig(server_.admin_kubeconfig(), "test");
    auto made = WebhookProcess::create(loop_, network_, flags, *config, log_);
    REQUIRE(made);
    webhooks_.push_back(std::move(*made));
    WebhookProcess* webhook = webhooks_.back().get();
    tasks_.spawn("webhook", run_webhook(webhook));
    const bool ready = co_await until([webhook] { return webhook->ready(); });
    REQUIRE(ready);
    co_return webhook;
  }

  // Tells the API server of it; the webhook itself has to fill in the authorities.
  Task<> register_webhook(WebhookProcess* webhook, bool with_authorities = true) {
    webhook::ConfigurationOptions options{.url = "https://localhost:" +
                                                 std::to_string(webhook->address()->port)};
    REQUIRE(co_await api(kMutatingWebhookConfigurations).create(webhook::mutating_configuration(options)));
    REQUIRE(
        co_await api(kValidatingWebhookConfigurations).create(webhook::validating_configuration(options)));
    if (!with_authorities) co_return;
    CHECK(co_await trusted(kMutatingWebhookConfigurations));
    CHECK(co_await trusted(kValidatingWebhookConfigurations));
  }

  // Every entry of the configuration has a bundle.
  Task<bool> trusted(Resource kind) {
    const SteadyTime end = loop_.after(kPatience);
    while (loop_.steady() < end) {
      auto found = co_await api(kind).get("spark-operator-webhook");
      bool all = found.has_value();
      if (found)
        for (const Json& entry : (*found)["webhooks"])
          all = all && !string_at(entry, {"clientConfig", "caBundle"}).empty();
      if (all) co_return true;
      co_await sleep(loop_, 10ms);
    }
    co_return false;
  }
  Task<bool> until(std::function<bool()> holds) {
    const SteadyTime end = loop_.after(kPatience);
    while (!holds() && loop_.steady() < end) co_await sleep(loop_, 10ms);
    co_return holds();
  }

 private:
  static constexpr auto kPatience = 60s;

  Task<> run_all(std::function<Task<>(World&)> story) {
    REQUIRE(server_.start());
    tasks_.spawn("apiserver", server_.run());
    auto config = parse_kubeconfig(server_.admin_kubeconfig(), "test");
    client_ = std::move(Client::create(loop_, network_, *config).value());
    REQUIRE(co_await cmd::apply_crds(*client_, [](const std::string&) {}));
    std::exception_ptr thrown;
    try {
      co_await story(*this);
    } catch (...) {
      thrown = std::current_exception();  // REQUIRE throws; everything has to end all the same
    }
    for (auto& webhook : webhooks_) webhook->stop();
    (void)co_await until([this] { return running_ == 0; });
    server_.stop();
    co_await tasks_.stop(5s);
    if (thrown) std::rethrow_exception(thrown);
  }
  Task<> run_webhook(WebhookProcess* webhook) {
    ++running_;
    auto ended = co_await webhook->run();
    --running_;
    if (!ended) FAIL_CHECK(ended.error().message());
  }

  RealLoop loop_;
  TcpNetwork network_;
  const Log log_ = Log::to_stderr(LogLevel::Error, LogFormat::Console, loop_.clock());
  ApiServer server_;
  std::unique_ptr<Client> client_;
  std::vector<std::unique_ptr<WebhookProcess>> webhooks_;
  TaskGroup tasks_{loop_, log_};
  int running_ = 0;
};

Json application(Json spec = Json::object()) {
  Json object = {{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                 {"kind", "SparkApplication"},
                 {"metadata", {{"name", "pi"}, {"namespace", "default"}}},
                 {"spec",
                  {{"type", "Python"},
                   {"sparkVersion", "3.5.7"},
                   {"image", "spark:3.5.7"},
                   {"mainApplicationFile", "local:///pi.py"},
                   {"volumes", {{{"name", "scratch"}, {"emptyDir", Json::object()}}}},
                   {"driver",
                    {{"serviceAccount", "default"},
                     {"env", {{{"name", "GREETING"}, {"value", "hello"}}}},
                     {"volumeMounts", {{{"name", "scratch"}, {"mountPath", "/scratch"}}}},
                     {"terminationGracePeriodSeconds", 7}}},
                   {"executor",
                    {{"tolerations", {{{"key", "spot"}, {"operator", "Exists"}}}},
                     {"nodeSelector", {{"pool", "executors"}}},
                     {"affinity", {{"podAntiAffinity", Json::object()}}},
                     {"memoryLimit", "3g"}}}}}};
  object["spec"].merge_patch(spec);
  return object;
}

// As spark-submit, or a driver, would create it.
Json pod_of_spark(const std::string& name, const std::string& role) {
  const std::string container = "spark-kubernetes-" + role;
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata",
           {{"name", name},
            {"labels",
             {{"spark-role", role},
              {"sparkoperator.k8s.io/app-name", "pi"},
              {"sparkoperator.k8s.io/launched-by-spark-operator", "true"}}}}},
          {"spec",
           {{"restartPolicy", "Never"},
            {"containers", Json::array({{{"name", container},
                                         {"image", "spark:3.5.7"},
                                         {"resources", {{"limits", {{"memory", "1408Mi"}}}}}}})}}}};
}

// The API server adds items of its own, in front or behind.
Json item(const Json& list, const char* key, const std::string& value) {
  for (const Json& candidate : list)
    if (string_at(candidate, {key}) == value) return candidate;
  return nullptr;
}

Task<> a_world_of_pods(World& world) {
  WebhookProcess* webhook = co_await world.start_webhook();
  co_await world.register_webhook(webhook);

  // Defaults are stored, and the application's uid is what pods are owned by.
  auto app = co_await world.api(webhook::kSparkApplications).create(application());
  if (!app) FAIL(app.error().message());
  CHECK((*app)["spec"]["executor"]["instances"] == 1);
  CHECK((*app)["spec"]["driver"]["memory"] == "1g");

  // At once: the informer may or may not have heard of it.
  auto driver = co_await world.api(kPods).create(pod_of_spark("pi-driver", "driver"));
  if (!driver) FAIL(driver.error().message());
  CHECK((*driver)["metadata"]["ownerReferences"][0]["uid"] == (*app)["metadata"]["uid"]);
  Json spec = (*driver)["spec"];
  CHECK(spec["terminationGracePeriodSeconds"] == 7);
  CHECK_FALSE(item(spec["volumes"], "name", "scratch").is_null());
  Json container = spec["containers"][0];
  CHECK(string_at(item(container["env"], "name", "GREETING"), {"value"}) == "hello");
  CHECK(string_at(item(container["volumeMounts"], "name", "scratch"), {"mountPath"}) == "/scratch");
  CHECK(container["resources"]["limits"]["memory"] == "1408Mi");

  auto executor = co_await world.api(kPods).create(pod_of_spark("pi-exec-1", "executor"));
  if (!executor) FAIL(executor.error().message());
  CHECK_FALSE((*executor)["metadata"].contains("ownerReferences"));
  CHECK((*executor)["spec"]["nodeSelector"] == Json({{"pool", "executors"}}));
  CHECK((*executor)["spec"]["affinity"].contains("podAntiAffinity"));
  CHECK_FALSE(item((*executor)["spec"]["tolerations"], "key", "spot").is_null());
  CHECK((*executor)["spec"]["containers"][0]["resources"]["limits"]["memory"] == "3Gi");

  // Somebody else's pods, and those of an application that does not exist.
  Json foreign = pod_of_spark("foreign", "driver");
  foreign["metadata"]["labels"].erase("sparkoperator.k8s.io/launched-by-spark-operator");
  auto untouched = co_await world.api(kPods).create(foreign);
  REQUIRE(untouched);
  CHECK_FALSE((*untouched)["metadata"].contains("ownerReferences"));
  Json orphan = pod_of_spark("orphan", "driver");
  orphan["metadata"]["labels"]["sparkoperator.k8s.io/app-name"] = "nobody";
  auto refused = co_await world.api(kPods).create(orphan);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind() == ErrorKind::Forbidden);
  CHECK_THAT(refused.error().message(), Catch::Contains("SparkApplication default/nobody"));

  // The application is deleted and made again. Whether the informer has heard of it or not, pods of the new
  // one are not given the uid of the former one, and late pods of that one get nothing of the new one.
  const std::string former = string_at(*app, {"metadata", "uid"});
  REQUIRE(co_await world.api(webhook::kSparkApplications).remove("pi"));
  app = co_await world.api(webhook::kSparkApplications).create(application());
  if (!app) FAIL(app.error().message());
  const std::string uid = string_at(*app, {"metadata", "uid"});
  Json next = pod_of_spark("pi-again", "driver");
  next["metadata"]["labels"]["sparkoperator.k8s.io/submission-id"] =
      api::next_attempt_id(uid, "", api::spec_hash({}));
  driver = co_await world.api(kPods).create(next);
  if (!driver) FAIL(driver.error().message());
  CHECK((*driver)["metadata"]["ownerReferences"][0]["uid"] == uid);
  Json late = pod_of_spark("pi-exec-9", "executor");
  late["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                                                      {"kind", "SparkApplication"},
                                                      {"name", "pi"},
                                                      {"uid", former}}});
  // The webhook hears of the new one by and by; until then the pod goes with its owner.
  if (auto taken = co_await world.api(kPods).create(late)) {
    CHECK((*taken)["metadata"]["ownerReferences"] == late["metadata"]["ownerReferences"]);
  } else {
    CHECK(taken.error().kind() == ErrorKind::Forbidden);
    CHECK_THAT(taken.error().message(), Catch::Contains("uid " + uid));
  }
}

Task<> a_native_driver(World& world) {
  WebhookProcess* webhook = co_await world.start_webhook();
  co_await world.register_webhook(webhook);
  auto stored = co_await world.api(webhook::kSparkApplications).create(application());
  if (!stored) FAIL(stored.error().message());
  const auto app = decode<api::SparkApplication>(*stored).value();
  spark::SubmitOptions options;
  options.master_url = "k8s://https://10.96.0.1:443";
  auto submission =
      spark::native_submission(app, options, {.submission_id = "5b0e1f3c-9a77-8d21-8104-9fe02b6c1d55"});
  if (!submission) FAIL(submission.error().message());
  const Json& sent = submission->driver_pod;
  auto driver = co_await world.api(kPods).create(sent);
  if (!driver) FAIL(driver.error().message());
  CHECK((*driver)["metadata"]["ownerReferences"] == sent["metadata"]["ownerReferences"]);
  CHECK((*driver)["metadata"]["annotations"] == sent["metadata"]["annotations"]);
  CHECK((*driver)["spec"]["containers"][0]["env"] == sent["spec"]["containers"][0]["env"]);
  CHECK((*driver)["spec"]["terminationGracePeriodSeconds"] == 7);
}

Task<> wrong_applications(World& world) {
  WebhookFlags flags = test_flags();
  flags.enable_resource_quota_enforcement = true;
  WebhookProcess* webhook = co_await world.start_webhook(flags);
  co_await world.register_webhook(webhook);
  JsonApi apps = world.api(webhook::kSparkApplications);

  auto refused = co_await apps.create(application({{"sparkConf", {{"spark.master", "local"}}}}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind() == ErrorKind::Forbidden);
  CHECK_THAT(refused.error().message(), Catch::Contains("spec.sparkConf[spark.master]"));

  auto made = co_await apps.create(application());
  if (!made) FAIL(made.error().message());
  auto edited =
      co_await apps.patch("pi", Patch::merge({{"spec", {{"sparkConf", {{"spark.master", "local"}}}}}}));
  REQUIRE_FALSE(edited);
  CHECK_THAT(edited.error().message(), Catch::Contains("spec.sparkConf[spark.master]"));
  CHECK(co_await apps.patch("pi", Patch::merge({{"spec", {{"suspend", true}}}})));

  JsonApi quotas = world.api(kResourceQuotas);
  REQUIRE(co_await quotas.create({{"apiVersion", "v1"},
                                  {"kind", "ResourceQuota"},
                                  {"metadata", {{"name", "small"}}},
                                  {"spec", {{"hard", {{"cpu", "3"}}}}}}));
  REQUIRE(co_await quotas.patch(
      "small", Patch::merge({{"status", {{"hard", {{"cpu", "3"}}}, {"used", {{"cpu", "0"}}}}}}), "status"));
  Json large = application({{"executor", {{"instances", 3}}}});
  large["metadata"]["name"] = "large";
  auto exceeded = co_await apps.create(large);
  REQUIRE_FALSE(exceeded);
  CHECK_THAT(exceeded.error().message(), Catch::Contains("default/small: cpu: 4 requested"));
}

Task<> two_replicas(World& world) {
  WebhookFlags flags = test_flags();
  flags.leader_election = true;
  flags.leader_election_lock_namespace = "default";
  flags.leader_election_lease_duration = 3s;
  flags.leader_election_renew_deadline = 2s;
  flags.leader_election_retry_period = 200ms;
  WebhookProcess* first = co_await world.start_webhook(flags);
  WebhookProcess* second = co_await world.start_webhook(flags);
  co_await world.register_webhook(second);
  auto secret = co_await world.api(kSecrets).get("spark-operator-webhook-certs");
  REQUIRE(secret);
  auto configuration = co_await world.api(kMutatingWebhookConfigurations).get("spark-operator-webhook");
  REQUIRE(configuration);
  // One certificate for both, whoever was first; the bundle holds its authority.
  CHECK(string_at((*configuration)["webhooks"][0], {"clientConfig", "caBundle"}) ==
        string_at(*secret, {"data", "ca-cert.pem"}));
  REQUIRE(co_await world.api(webhook::kSparkApplications).create(application()));
  CHECK(co_await world.api(kPods).create(pod_of_spark("pi-exec-1", "executor")));

  // Somebody overwrites the bundle after the first replica has gone: whichever is left repairs it.
  first->stop();
  Json damaged = *configuration;
  for (Json& entry : damaged["webhooks"]) entry["clientConfig"].erase("caBundle");
  damaged["metadata"].erase("resourceVersion");
  REQUIRE(co_await world.api(kMutatingWebhookConfigurations)
              .patch("spark-operator-webhook", Patch::merge({{"webhooks", damaged["webhooks"]}})));
  CHECK(co_await world.trusted(kMutatingWebhookConfigurations));
  auto executor = co_await world.api(kPods).create(pod_of_spark("pi-exec-2", "executor"));
  if (!executor) FAIL(executor.error().message());
  CHECK((*executor)["spec"]["nodeSelector"] == Json({{"pool", "executors"}}));
}

// What a scraper reads, once there have been reviews.
Task<> what_it_measures(World& world) {
  WebhookFlags flags = test_flags();
  flags.leader_election = true;
  flags.leader_election_lock_namespace = "default";
  const Endpoint metrics = world.free_port();
  flags.metrics_bind_address = metrics.to_string();
  WebhookProcess* webhook = co_await world.start_webhook(flags);
  co_await world.register_webhook(webhook);
  REQUIRE(co_await world.api(webhook::kSparkApplications).create(application()));
  HttpClient scraper(world.loop(), world.network(), {.origin = metrics});
  auto answer = co_await scraper.send({.method = "GET", .target = "/metrics", .headers = {}, .body = ""},
                                      world.loop().after(60s));
  REQUIRE(answer);
  std::ifstream file(std::string(SOURCE_DIR) + "/cmd/metrics.list");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto rows = cmd::parse_metric_list(text);
  REQUIRE(rows);
  CHECK(cmd::scraped_metrics(answer->body) == cmd::listed_metrics(*rows, "webhook", ""));
}

}  // namespace

TEST_CASE("pods that others create are stored with what their application asks for", "[webhook]") {
  World().run(a_world_of_pods);
}

TEST_CASE("a driver of the native submitter passes the webhook unchanged", "[webhook]") {
  World().run(a_native_driver);
}

TEST_CASE("applications that break a rule or a quota are refused by the API server", "[webhook]") {
  World().run(wrong_applications);
}

TEST_CASE("replicas share one certificate, and one of them keeps the bundles right", "[webhook]") {
  World().run(two_replicas);
}

TEST_CASE("the manifests without Helm ask where the webhook answers, about what it answers", "[webhook]") {
  std::ifstream file(KUSTOMIZE_WEBHOOK "/configurations.yaml");
  std::stringstream text;
  text << file.rdbuf();
  const auto manifests = parse_yaml(text.str(), "configurations.yaml");
  REQUIRE(manifests);
  const webhook::ConfigurationOptions options{.service_name = "spark-operator-webhook-svc",
                                              .service_namespace = "spark-operator",
                                              .service_port = 443};
  CHECK(*manifests == std::vector<Json>{webhook::mutating_configuration(options),
                                        webhook::validating_configuration(options)});
}

TEST_CASE("a webhook exposes the metrics of cmd/metrics.list and no others", "[webhook]") {
  World().run(what_it_measures);
}
