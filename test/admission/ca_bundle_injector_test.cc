// The authorities of a webhook in its configurations, and all of it together: an API server that believes a
// webhook while its certificate changes over.
#include "test/admission/admission_world.h"

using namespace kube;

namespace {

const std::string kPath = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

Json configuration_json(const std::string& path = "/m") {
  Json entry = {{"name", "m.example.com"},
                {"admissionReviewVersions", {"v1"}},
                {"sideEffects", "None"},
                {"clientConfig", {{"service", {{"namespace", "default"}, {"name", "hook"}, {"path", path}}}}},
                {"rules", Json::array({{{"operations", {"CREATE"}},
                                        {"apiGroups", {""}},
                                        {"apiVersions", {"v1"}},
                                        {"resources", {"configmaps"}}}})}};
  Json other = entry;
  other["name"] = "o.example.com";
  other["rules"][0]["resources"] = {"persistentvolumes"};
  return {{"apiVersion", "admissionregistration.k8s.io/v1"},
          {"kind", "MutatingWebhookConfiguration"},
          {"metadata", {{"name", "hook"}}},
          {"webhooks", Json::array({std::move(entry), std::move(other)})}};
}

std::string bundle_in(AdmissionWorld& world, std::size_t entry = 0) {
  const Json configuration = world.ask("GET", kPath + "/hook").json();
  return decode_base64(string_at(configuration["webhooks"][entry], {"clientConfig", "caBundle"})).value();
}

// As an upgrade by helm does: what its chart says, without bundles, on the version of now.
void overwrite(AdmissionWorld& world) {
  Json configuration = configuration_json();
  configuration["metadata"]["resourceVersion"] =
      string_at(world.ask("GET", kPath + "/hook").json(), {"metadata", "resourceVersion"});
  REQUIRE(world.ask("PUT", kPath + "/hook", configuration).status == 200);
}

CaBundleInjectorOptions injector_options() {
  CaBundleInjectorOptions options;
  options.resource = kMutatingWebhookConfigurations;
  options.name = "hook";
  return options;
}

// Counts writes of the configuration that were done.
int& count_writes(AdmissionWorld& world) {
  auto writes = std::make_shared<int>(0);
  world.server.on_request([writes](const apiserver::RequestInfo& request, int code) {
    if (request.verb == "update" && request.resource == "mutatingwebhookconfigurations" && code == 200)
      ++*writes;
  });
  return *writes;
}

}  // namespace

TEST_CASE("every entry gets the bundle, again when it is overwritten, and nothing is written in vain") {
  AdmissionWorld world;
  auto client = world.client("replica");
  CaBundleInjector injector(*client, injector_options());
  int& writes = count_writes(world);
  Background background(world);
  background.spawn("inject", injector.run());
  world.loop.run_for(2min);
  CHECK(writes == 0);

  injector.set_bundle("PEM 1");
  world.loop.run_for(1s);  // there is no configuration yet
  REQUIRE(world.ask("POST", kPath, configuration_json()).status == 201);
  world.loop.run_for(1s);
  CHECK(bundle_in(world, 0) == "PEM 1");
  CHECK(bundle_in(world, 1) == "PEM 1");
  CHECK(writes == 1);

  overwrite(world);
  world.loop.run_for(1s);
  CHECK(bundle_in(world) == "PEM 1");
  CHECK(writes == 3);  // with that one

  injector.set_bundle("PEM 2");
  world.loop.run_for(1s);
  CHECK(bundle_in(world) == "PEM 2");
  injector.set_bundle("PEM 2");
  world.loop.run_for(10min);
  CHECK(writes == 4);
}

TEST_CASE("who overwrites the bundle again and again is answered ever later, and named") {
  AdmissionWorld world;
  auto lines = std::make_shared<RecordingSink>();
  auto client = world.client("replica");
  CaBundleInjectorOptions options = injector_options();
  options.log = Log(lines, LogLevel::Info);
  CaBundleInjector injector(*client, options);
  int& writes = count_writes(world);
  Background background(world);
  REQUIRE(world.ask("POST", kPath, configuration_json()).status == 201);
  injector.set_bundle("PEM");
  background.spawn("inject", injector.run());
  world.loop.run_for(1s);
  REQUIRE(writes == 1);

  // A tool that puts its own back as soon as it sees another.
  int theirs = 0;
  for (int tenth = 0; tenth < 3000; ++tenth) {
    if (!bundle_in(world).empty()) {
      overwrite(world);
      ++theirs;
    }
    world.loop.run_for(100ms);
  }
  CHECK(theirs > 3);
  CHECK(theirs < 20);  // of 3,000 in five minutes
  CHECK(std::ranges::any_of(lines->lines, [](const auto& line) {
    return line.sentence.find("keeps overwriting") != std::string::npos;
  }));
  // A new authority waits for nobody.
  world.loop.run_for(2min);
  overwrite(world);
  injector.set_bundle("PEM 2");
  world.loop.run_for(1s);
  CHECK(bundle_in(world) == "PEM 2");
}

TEST_CASE("authorities that somebody added stay until ours change") {
  AdmissionWorld world;
  auto client = world.client("replica");
  CaBundleInjector injector(*client, injector_options());
  int& writes = count_writes(world);
  const auto authority = [](const char* name) {
    return make_certificate_authority(name, {TimePoint{1'700'000'000s}, TimePoint{1'900'000'000s}})
        ->certificate;
  };
  const std::string ours = authority("ours"), theirs = authority("theirs"), next = authority("next");
  Json configuration = configuration_json();
  for (Json& entry : configuration["webhooks"])
    entry["clientConfig"]["caBundle"] = encode_base64("# added by hand\n" + theirs + "\n" + ours);
  REQUIRE(world.ask("POST", kPath, configuration).status == 201);
  Background background(world);
  background.spawn("inject", injector.run());
  injector.set_bundle(ours);
  world.loop.run_for(5min);
  CHECK(writes == 0);
  injector.set_bundle(next + ours);
  world.loop.run_for(1s);
  CHECK(bundle_in(world) == next + ours);
}

TEST_CASE(
    "a conflict, an API server that does not answer and a forbidden watch do not keep the bundle away") {
  AdmissionWorld world;
  REQUIRE(world.ask("POST", kPath, configuration_json()).status == 201);
  world.server.faults().add({.verb = "watch",
                             .resource = "mutatingwebhookconfigurations",
                             .action = apiserver::FaultAction::fail(403)});
  world.server.faults().add({.verb = "update",
                             .resource = "mutatingwebhookconfigurations",
                             .times = 2,
                             .action = apiserver::FaultAction::fail(409)});
  world.server.faults().add({.verb = "get",
                             .resource = "mutatingwebhookconfigurations",
                             .times = 2,
                             .action = apiserver::FaultAction::fail(503)});
  auto client = world.client("replica");
  CaBundleInjector injector(*client, injector_options());
  Background background(world);
  background.spawn("inject", injector.run());
  injector.set_bundle("PEM");
  world.loop.run_for(5s);
  CHECK(bundle_in(world) == "PEM");
  overwrite(world);
  world.loop.run_for(70s);  // nobody says so; it is looked at now and then
  CHECK(bundle_in(world) == "PEM");
}

TEST_CASE("the API server believes the webhook at every moment, while all its certificates change") {
  AdmissionWorld world;
  Replica replica(world, "hook");
  REQUIRE(world.run(replica.keeper.ensure()));
  ReviewServerOptions options;
  const auto context_of = [](const ServingCertificate& certificate) {
    TlsServerOptions tls;
    tls.certificate_chain = certificate.certificate;
    tls.private_key = certificate.private_key;
    return std::move(TlsServerContext::create(tls).value());
  };
  options.tls = context_of(*replica.keeper.serving());
  ReviewServer reviews(world.loop,
                       ReviewRoutes().add("/m",
                                          [](const Review& review) {
                                            JsonReader reader;
                                            auto object = review.read(reader);
                                            if (!object) return Verdict::error(400, object.error().message());
                                            if ((*object)["data"]["bad"].exists())
                                              return Verdict::deny("bad data");
                                            return Verdict::patch(Json::array(
                                                {{{"op", "add"}, {"path", "/data/by"}, {"value", "hook"}}}));
                                          }),
                       options);
  replica.keeper.on_serving([&](const ServingCertificate& now) { reviews.set_tls(context_of(now)); });
  CaBundleInjector injector(*replica.client, injector_options());
  replica.keeper.on_authorities([&](const std::string& pem) { injector.set_bundle(pem); });
  injector.set_bundle(replica.authorities.at(0));
  Background background(world);
  background.spawn("server", reviews.serve(std::move(*world.net.host("hook").listen({"", 9443}))));
  background.spawn("keeper", replica.keeper.run());
  background.spawn("inject", injector.run());

  REQUIRE(world
              .ask("POST", "/api/v1/namespaces/default/services",
                   {{"metadata", {{"name", "hook"}}}, {"spec", {{"ports", Json::array({{{"port", 443}}})}}}})
              .status == 201);
  REQUIRE(world
              .ask("POST", "/api/v1/namespaces/default/endpoints",
                   {{"metadata", {{"name", "hook"}}},
                    {"subsets", Json::array({{{"addresses", Json::array({{{"ip", "hook"}}})},
                                              {"ports", Json::array({{{"port", 9443}}})}}})}})
              .status == 201);
  REQUIRE(world.ask("POST", kPath, configuration_json()).status == 201);
  world.loop.run_for(1s);

  int number = 0;
  const auto create = [&](const Json& data) {
    const std::string name = "m" + std::to_string(++number);
    return world.ask("POST", "/api/v1/namespaces/default/configmaps",
                     {{"metadata", {{"name", name}}}, {"data", data}});
  };
  const auto first = create({{"a", "1"}});
  INFO(first.body);
  REQUIRE(first.status == 201);
  CHECK(first.json()["data"] == Json{{"a", "1"}, {"by", "hook"}});
  const auto denied = create({{"bad", "1"}});
  CHECK(denied.status == 403);
  CHECK(string_at(denied.json(), {"message"}) ==
        "admission webhook \"m.example.com\" denied the request: bad data");

  // The certificate comes near its end; every second a client asks for something.
  world.loop.jump_wall_clock(24h * (3650 - 179));
  for (int second = 0; second < 150; ++second) {
    const auto made = create({{"a", "1"}});
    INFO(made.body);
    REQUIRE(made.status == 201);
    world.loop.run_for(1s);
  }
  CHECK(replica.served.size() == 2);
  CHECK(split_certificates(bundle_in(world)).size() == 2);
}
