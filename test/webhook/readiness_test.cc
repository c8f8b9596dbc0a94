// Ready means that a review would succeed, and not a moment earlier: the webhook's certificate, its probe of
// itself, and what configurations in an API server say about its authority.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>

#include "cmd/webhook_process.h"
#include "kube/apiserver/api_server.h"
#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/client/api.h"
#include "kube/core/base64.h"
#include "kube/http/certificate.h"
#include "kube/http/client.h"
#include "webhook/configurations.h"
#include "webhook/review_service.h"

using namespace kube;
using webhook::ReviewService;

namespace {

const char* const kHost = "127.0.0.1";
const ServingNames kNames{.common_name = "hook.default.svc", .organization = "test"};

class World {
 public:
  World() : network_(loop_), server_(loop_, network_, {.listen = {kHost, 0}}) {
    std::string name = (std::filesystem::temp_directory_path() / "readiness-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    folder_ = name;
  }
  ~World() { std::filesystem::remove_all(folder_); }

  void run(std::function<Task<>(World&)> story) { loop_.run(run_all(std::move(story))); }

  Loop& loop() { return loop_; }
  Network& network() { return network_; }
  Client& client() { return *client_; }
  ClientConfig config() const { return *parse_kubeconfig(server_.admin_kubeconfig(), "test"); }
  JsonApi api(const Resource& resource) {
    return JsonApi(*client_, resource, resource.namespaced ? "default" : "");
  }
  const std::filesystem::path& folder() const { return folder_; }

  webhook::ReviewServiceOptions options() const {
    webhook::ReviewServiceOptions options;
    options.certificate.secret = {"default", "hook-certs"};
    options.certificate.names = kNames;
    options.configurations = {{kMutatingWebhookConfigurations, "hook"}};
    options.threads.listen = {kHost, 0};
    options.threads.threads = 1;
    options.probe_interval = 10ms;
    options.shutdown_delay = Duration::zero();
    return options;
  }
  ReviewService* start(webhook::ReviewServiceOptions options) {
    services_.push_back(std::make_unique<ReviewService>(*client_, network_, std::move(options),
                                                        [](Loop&) { return ReviewRoutes(); }));
    tasks_.spawn("service", run_service(services_.back().get(), &ended_));
    return services_.back().get();
  }
  void spawn(std::string name, Task<> task) { tasks_.spawn(std::move(name), std::move(task)); }
  // What the last service to end said.
  const std::optional<Result<>>& ended() const { return ended_; }

  Task<bool> until(std::function<bool()> holds) {
    const SteadyTime end = loop_.after(60s);
    while (!holds() && loop_.steady() < end) co_await sleep(loop_, 5ms);
    co_return holds();
  }
  // Until the service is not ready for a reason that says `text`.
  Task<bool> until_not_ready(ReviewService* service, std::string text) {
    return until([service, text = std::move(text)] {
      const auto checked = service->check();
      return !checked && checked.error().message().find(text) != std::string::npos;
    });
  }
  Task<bool> until_ready(ReviewService* service) {
    return until([service] { return service->check().has_value(); });
  }

 private:
  static Task<> run_service(ReviewService* service, std::optional<Result<>>* ended) {
    ended->emplace(co_await service->run());
  }
  Task<> run_all(std::function<Task<>(World&)> story) {
    REQUIRE(server_.start());
    tasks_.spawn("apiserver", server_.run());
    client_ = std::move(Client::create(loop_, network_, config()).value());
    std::exception_ptr thrown;
    try {
      co_await story(*this);
    } catch (...) {
      thrown = std::current_exception();  // REQUIRE throws; everything has to end all the same
    }
    co_await tasks_.cancel_and_join();
    if (thrown) std::rethrow_exception(thrown);
  }

  RealLoop loop_;
  TcpNetwork network_;
  ApiServer server_;
  std::filesystem::path folder_;
  std::unique_ptr<Client> client_;
  std::vector<std::unique_ptr<ReviewService>> services_;
  std::optional<Result<>> ended_;
  TaskGroup tasks_{loop_};
};

std::string foreign_authority() {
  const TimePoint now = SystemClock().now();
  return make_certificate_authority("somebody's", {.not_before = now - 1h, .not_after = now + 24h})
      .value()
      .certificate;
}

Json configuration(const std::string& first_bundle, const std::string& second_bundle) {
  Json entries = Json::array();
  for (const auto& [name, bundle] :
       {std::pair("a.example.com", first_bundle), std::pair("b.example.com", second_bundle)})
    entries.push_back(
        {{"name", name},
         {"admissionReviewVersions", {"v1"}},
         {"sideEffects", "None"},
         {"failurePolicy", "Ignore"},
         {"clientConfig", {{"url", "https://localhost:1/"}, {"caBundle", encode_base64(bundle)}}}});
  return {{"apiVersion", "admissionregistration.k8s.io/v1"},
          {"kind", "MutatingWebhookConfiguration"},
          {"metadata", {{"name", "hook"}}},
          {"webhooks", entries}};
}

Task<> set_bundles(World& world, std::string first, std::string second) {
  const Json entries = configuration(first, second)["webhooks"];
  auto patched =
      co_await world.api(kMutatingWebhookConfigurations).patch("hook", Patch::merge({{"webhooks", entries}}));
  if (!patched) FAIL(patched.error().message());
}

Task<> trusted_and_not(World& world) {
  const std::string foreign = foreign_authority();
  REQUIRE(co_await world.api(kMutatingWebhookConfigurations).create(configuration(foreign, foreign)));
  std::string ours;
  ReviewService* service = world.start(world.options());
  service->on_authorities([&ours](const std::string& pem) { ours = pem; });
  CHECK_THAT(service->check().error().message(), Catch::Contains("not serving yet"));

  // It answers, and is not ready for a single moment.
  bool was_ready = false;
  REQUIRE(co_await world.until([&] {
    was_ready = was_ready || service->check().has_value();
    return service->answers().has_value();
  }));
  CHECK(co_await world.until_not_ready(service, "the caBundle of a.example.com does not hold the authority"));
  CHECK_FALSE(was_ready);

  // One entry that does not trust it is enough.
  co_await set_bundles(world, foreign + ours, foreign);
  CHECK(co_await world.until_not_ready(service, "the caBundle of b.example.com does not hold the authority"));
  co_await set_bundles(world, foreign + ours, ours);
  CHECK(co_await world.until_ready(service));

  // And again when somebody overwrites it; the process is well all the same.
  co_await set_bundles(world, foreign, ours);
  CHECK(co_await world.until_not_ready(service, "mutatingwebhookconfigurations hook"));
  CHECK(service->answers());
  REQUIRE(co_await world.api(kMutatingWebhookConfigurations).remove("hook"));
  CHECK(co_await world.until_ready(service));
}

void write_certificate(const std::filesystem::path& folder, const ServingCertificate& certificate) {
  std::ofstream(folder / "ca.crt") << certificate.authorities;
  std::ofstream(folder / "tls.crt") << certificate.certificate;
  std::ofstream(folder / "tls.key") << certificate.private_key;
}

Task<> certificates_good_and_bad(World& world) {
  const TimePoint now = SystemClock().now();
  const auto expired = make_serving_certificate(kNames, now - 24h * 365 * 11);
  const auto other =
      make_serving_certificate({.common_name = "other.default.svc", .organization = "test"}, now);
  const auto good = make_serving_certificate(kNames, now);
  REQUIRE((expired && other && good));
  auto options = world.options();
  options.configurations = {};
  options.certificate.layout = SecretLayout::CertManager;
  options.folder.folder = world.folder();
  options.folder.poll_interval = 5ms;
  write_certificate(world.folder(), *expired);
  ReviewService* service = world.start(std::move(options));
  CHECK(co_await world.until_not_ready(service, "certificate has expired"));
  write_certificate(world.folder(), *good);
  CHECK(co_await world.until_ready(service));
  write_certificate(world.folder(), *other);
  CHECK(co_await world.until_not_ready(service, "certificate refused"));
  CHECK_FALSE(service->answers());
  write_certificate(world.folder(), *good);
  CHECK(co_await world.until_ready(service));
}

// To OpenSSL it is self-signed; API servers believe it.
ServingCertificate named_as_its_authority(TimePoint now) {
  const CertificateValidity validity{now - 1h, now + 24h * 3650};
  const auto authority = make_certificate_authority(kNames.common_name, validity).value();
  const auto served = sign_certificate(authority, {.common_name = kNames.common_name,
                                                   .dns_names = {"localhost", kNames.common_name},
                                                   .validity = validity})
                          .value();
  return {authority.private_key, authority.certificate, served.private_key, served.certificate};
}

Task<> certificate_of_a_go_operator(World& world) {
  const ServingCertificate left = named_as_its_authority(SystemClock().now());
  REQUIRE(co_await world.api(kSecrets).create({{"apiVersion", "v1"},
                                               {"kind", "Secret"},
                                               {"metadata", {{"name", "hook-certs"}}},
                                               {"data", to_secret_data(left)}}));
  REQUIRE(co_await world.api(kMutatingWebhookConfigurations)
              .create(configuration(left.authorities, left.authorities)));
  ReviewService* service = world.start(world.options());
  CHECK(co_await world.until_ready(service));
  const auto secret = co_await world.api(kSecrets).get("hook-certs");
  REQUIRE(secret);
  CHECK(secret->at("data") == to_secret_data(left));

  // The same from files, and one that its authority did not sign is not believed for its name alone.
  auto options = world.options();
  options.certificate.layout = SecretLayout::CertManager;
  options.folder.folder = world.folder();
  options.folder.poll_interval = 5ms;
  write_certificate(world.folder(), left);
  service = world.start(std::move(options));
  CHECK(co_await world.until_ready(service));
  ServingCertificate forged = named_as_its_authority(SystemClock().now());
  forged.authorities = left.authorities;
  write_certificate(world.folder(), forged);
  CHECK(co_await world.until_not_ready(service, "self-signed certificate"));
}

Task<> no_certificate(World& world) {
  auto options = world.options();
  options.certificate.layout = SecretLayout::CertManager;
  options.folder.folder = world.folder();  // nothing is mounted there, and there is no Secret
  ReviewService* service = world.start(std::move(options));
  REQUIRE(co_await world.until([&] { return world.ended().has_value(); }));
  REQUIRE_FALSE(*world.ended());
  CHECK_THAT(world.ended()->error().message(), Catch::Contains("webhook certificate: "));
  CHECK_FALSE(service->check());
  CHECK_FALSE(service->local());
}

Task<> stopping(World& world) {
  auto options = world.options();
  options.shutdown_delay = 1h;
  std::string authorities;
  ReviewService* service = world.start(std::move(options));
  service->on_authorities([&authorities](const std::string& pem) { authorities = pem; });
  REQUIRE(co_await world.until_ready(service));
  service->stop();
  CHECK(service->check().error().kind() == ErrorKind::ShuttingDown);
  // Whoever was sent here before still gets an answer, and is sent away with it.
  auto tls =
      TlsClientContext::create({.certificate_authorities = authorities, .server_name = kNames.common_name});
  REQUIRE(tls);
  HttpClient client(world.loop(), world.network(), {.origin = *service->local(), .tls = *tls});
  const auto answer = co_await client.send({.method = "POST", .target = "/nowhere"}, world.loop().after(60s));
  REQUIRE(answer);
  CHECK(answer->status == 404);
  CHECK(answer->headers.get("Connection") == "close");
  CHECK_FALSE(service->check());
}

Task<> probes_of_a_kubelet(World& world) {
  // Another replica has the lease and writes no bundles.
  REQUIRE(co_await world.api(kLeases).create({{"apiVersion", "coordination.k8s.io/v1"},
                                              {"kind", "Lease"},
                                              {"metadata", {{"name", "hook-lock"}}},
                                              {"spec",
                                               {{"holderIdentity", "somebody"},
                                                {"leaseDurationSeconds", 3600},
                                                {"acquireTime", "2026-01-01T00:00:00.000000Z"},
                                                {"renewTime", "2026-01-01T00:00:00.000000Z"}}}}));
  REQUIRE(co_await world.api(kMutatingWebhookConfigurations).create(configuration(foreign_authority(), "")));
  cmd::WebhookFlags flags;
  flags.webhook_host = kHost;
  flags.webhook_port = 0;
  flags.webhook_threads = 1;
  flags.webhook_secret_namespace = flags.webhook_svc_namespace = "default";
  flags.mutating_webhook_name = "hook";
  flags.leader_election = true;
  flags.leader_election_lock_name = "hook-lock";
  flags.leader_election_lock_namespace = "default";
  flags.webhook_shutdown_delay = Duration::zero();
  flags.metrics_bind_address = "0";
  // Somebody else may take it before it is used; then the test says so.
  const Endpoint health = (*world.network().listen({kHost, 0}))->local();
  flags.health_probe_bind_address = health.to_string();
  auto process = cmd::WebhookProcess::create(world.loop(), world.network(), flags, world.config(), Log());
  REQUIRE(process);
  auto run = [](cmd::WebhookProcess* of) -> Task<> { (void)co_await of->run(); };
  TaskGroup running(world.loop());
  running.spawn("webhook", run(process->get()));
  HttpClient kubelet(world.loop(), world.network(), {.origin = health});
  std::string said;
  auto probe = [](HttpClient* by, Loop* loop, const char* path, std::string* body) -> Task<int> {
    auto answer = co_await by->send({.method = "GET", .target = path}, loop->after(60s));
    *body = answer ? answer->body : answer.error().message();
    co_return answer ? answer->status : 0;
  };
  const SteadyTime end = world.loop().after(60s);
  int ready = 500;
  while (said.find("caBundle") == std::string::npos && world.loop().steady() < end) {
    ready = co_await probe(&kubelet, &world.loop(), "/readyz", &said);
    CHECK(ready == 500);
    co_await sleep(world.loop(), 5ms);
  }
  CHECK_THAT(said, Catch::Contains("[-]readyz failed: ") && Catch::Contains("the caBundle of a.example.com"));
  CHECK(co_await probe(&kubelet, &world.loop(), "/healthz", &said) == 200);
  CHECK(said == "ok");
  CHECK(co_await probe(&kubelet, &world.loop(), "/healthz/healthz", &said) == 200);
  CHECK(co_await probe(&kubelet, &world.loop(), "/readyz?exclude=readyz", &said) == 200);

  const auto secret = co_await world.api(kSecrets).get(flags.webhook_secret_name);
  REQUIRE(secret);
  const std::string ours = decode_base64(string_at(*secret, {"data", "ca-cert.pem"})).value();
  co_await set_bundles(world, ours, ours);
  while (ready != 200 && world.loop().steady() < end)
    ready = co_await probe(&kubelet, &world.loop(), "/readyz/readyz", &said);
  CHECK(ready == 200);
  process->get()->stop();
  co_await running.stop(60s);
}

}  // namespace

TEST_CASE("a webhook is ready when every entry of its configurations trusts it", "[webhook]") {
  World().run(trusted_and_not);
}

TEST_CASE("a webhook is ready while its certificate is believed, whoever made it", "[webhook]") {
  World().run(certificates_good_and_bad);
}

TEST_CASE("a webhook gets ready with a certificate that bears its issuer's name, as a Go operator leaves it",
          "[webhook]") {
  World().run(certificate_of_a_go_operator);
}

TEST_CASE("a webhook without a certificate ends, and was never ready", "[webhook]") {
  World().run(no_certificate);
}

TEST_CASE("a webhook that stops is not ready at once, and answers on", "[webhook]") {
  World().run(stopping);
}

TEST_CASE("a kubelet hears why a webhook is not ready, and that it lives", "[webhook]") {
  World().run(probes_of_a_kubelet);
}
