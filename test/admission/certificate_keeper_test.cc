// The certificate of a webhook in the Secret that its replicas share.
#include <functional>

#include "test/admission/admission_world.h"

using namespace kube;

namespace {

Task<> ensure_into(CertificateKeeper* keeper, std::optional<Result<ServingCertificate>>* into) {
  into->emplace(co_await keeper->ensure());
}

}  // namespace

TEST_CASE("replicas that start together all serve what one of them has made") {
  AdmissionWorld world;
  std::vector<std::unique_ptr<Replica>> replicas;
  std::vector<std::optional<Result<ServingCertificate>>> made(3);
  TaskGroup racing(world.loop);
  for (std::size_t i = 0; i < made.size(); ++i) {
    replicas.push_back(std::make_unique<Replica>(world, "replica-" + std::to_string(i)));
    racing.spawn("ensure", ensure_into(&replicas.back()->keeper, &made[i]));
  }
  int creates = 0;
  world.server.on_request([&](const apiserver::RequestInfo& request, int code) {
    if (request.verb == "create" && request.resource == "secrets" && code == 201) ++creates;
  });
  world.loop.run(racing.join());
  CHECK(creates == 1);
  const Json secret = world.secret();
  CHECK(secret["type"] == "Opaque");
  const auto stored = read_secret_data(secret["data"], SecretLayout::OwnAuthority);
  REQUIRE(stored);
  CHECK(check_serving_certificate(*stored, "hook.default.svc", world.loop.now() + 24h * 365));
  for (std::size_t i = 0; i < made.size(); ++i) {
    REQUIRE(made[i]);
    REQUIRE(*made[i]);
    CHECK(**made[i] == *stored);
    CHECK(replicas[i]->served == std::vector{*stored});
    CHECK(replicas[i]->authorities == std::vector{stored->authorities});
  }
}

TEST_CASE("an empty Secret, as a chart or an older replica leaves it, is filled and otherwise kept") {
  AdmissionWorld world;
  REQUIRE(world
              .ask("POST", "/api/v1/namespaces/default/secrets",
                   {{"metadata", {{"name", "hook-certs"}, {"labels", {{"app", "x"}}}}},
                    {"data", {{"other", "eA=="}}}})
              .status == 201);
  Replica replica(world, "replica");
  REQUIRE(world.run(replica.keeper.ensure()));
  const Json secret = world.secret();
  CHECK(secret["metadata"]["labels"] == Json{{"app", "x"}});
  CHECK(secret["data"]["other"] == "eA==");
  CHECK(secret["data"].size() == 5);
}

TEST_CASE("a certificate is renewed in time by one replica, and trusted all the while") {
  AdmissionWorld world;
  Replica first(world, "replica-0"), second(world, "replica-1");
  REQUIRE(world.run(first.keeper.ensure()));
  REQUIRE(world.run(second.keeper.ensure()));
  const ServingCertificate old = first.served.at(0);
  int writes = 0;
  world.server.on_request([&](const apiserver::RequestInfo& request, int code) {
    if (request.verb == "update" && request.resource == "secrets" && code == 200) ++writes;
  });
  world.loop.jump_wall_clock(24h * (3650 - 181));
  Background background(world);
  background.spawn("first", first.keeper.run());
  background.spawn("second", second.keeper.run());
  world.loop.run_for(2min);
  CHECK(writes == 0);
  CHECK(first.served.size() == 1);

  world.loop.jump_wall_clock(24h * 2);
  REQUIRE(world.loop.run_until([&] { return second.authorities.size() == 2; }, 2min));
  // The new authority is told at once, the old one still with it, and the old certificate is still served.
  world.loop.run_for(5s);
  CHECK(writes == 1);
  for (const Replica* replica : {&first, &second}) {
    REQUIRE(replica->authorities.size() == 2);
    const auto bundle = split_certificates(replica->authorities[1]);
    REQUIRE(bundle.size() == 2);
    CHECK(bundle[1] == split_certificates(old.authorities)[0]);
    CHECK(replica->served.size() == 1);
  }
  world.loop.run_for(2min);
  for (const Replica* replica : {&first, &second}) {
    REQUIRE(replica->served.size() == 2);
    CHECK(replica->served[1].certificate != old.certificate);
    CHECK(replica->served[1] == first.served[1]);
  }
  CHECK(writes == 1);
}

TEST_CASE("whoever changes the authority, the old one is trusted for as long as its certificate is served") {
  struct Row {
    const char* how;
    bool kept;  // the old one is also trusted afterwards
    std::function<void(AdmissionWorld&)> change;
  };
  const auto patch = [](AdmissionWorld& world, const Json& data) {
    REQUIRE(world.ask("PATCH", kSecretPath, {{"data", data}}, "application/merge-patch+json").status == 200);
  };
  const auto row = GENERATE_COPY(values<Row>({
      {"the Secret is emptied", true, [=](AdmissionWorld& world) { patch(world, nullptr); }},
      {"the authority is spoiled", true,
       [=](AdmissionWorld& world) { patch(world, {{"ca-cert.pem", encode_base64("nonsense")}}); }},
      {"the Secret is deleted, and made by a replica that has just started", false,
       [](AdmissionWorld& world) {
         REQUIRE(world.ask("DELETE", kSecretPath).status == 200);
         Replica started(world, "replica-1");
         REQUIRE(world.run(started.keeper.ensure()));
       }},
      {"somebody brings an authority and a certificate", false,
       [=](AdmissionWorld& world) {
         patch(world, to_secret_data(*make_serving_certificate(keeper_options().names, world.loop.now())));
       }},
  }));
  INFO(row.how);
  AdmissionWorld world;
  Replica replica(world, "replica-0");
  REQUIRE(world.run(replica.keeper.ensure()));
  const std::string old = split_certificates(replica.served.at(0).authorities).at(0);
  row.change(world);
  Background background(world);
  background.spawn("keeper", replica.keeper.run());
  REQUIRE(world.loop.run_until([&] { return replica.authorities.size() == 2; }, 2min));
  const auto stored = read_secret_data(world.secret()["data"], SecretLayout::OwnAuthority);
  REQUIRE(stored);
  CHECK(split_certificates(replica.authorities[1]) ==
        std::vector{split_certificates(stored->authorities).at(0), old});
  world.loop.run_for(25s);
  CHECK(replica.authorities.size() == 2);
  CHECK(replica.served.size() == 1);

  world.loop.run_for(2min);
  REQUIRE(replica.served.size() == 2);
  CHECK(replica.served[1] == *stored);
  CHECK(replica.authorities.back() == stored->authorities);
  CHECK((split_certificates(stored->authorities).size() == 2) == row.kept);
}

TEST_CASE("a certificate for another service, or one that cannot be read, is replaced at once") {
  AdmissionWorld world;
  CertificateKeeperOptions elsewhere = keeper_options();
  elsewhere.names.common_name = "other.default.svc";
  Replica before(world, "replica-0", elsewhere);
  REQUIRE(world.run(before.keeper.ensure()));
  Replica renamed(world, "replica-1");
  REQUIRE(world.run(renamed.keeper.ensure()));
  REQUIRE(renamed.served.size() == 1);
  CHECK(check_serving_certificate(renamed.served[0], "hook.default.svc", world.loop.now()));

  REQUIRE(world
              .ask("PATCH", kSecretPath, {{"data", {{"server-cert.pem", encode_base64("nonsense")}}}},
                   "application/merge-patch+json")
              .status == 200);
  Replica late(world, "replica-2");
  REQUIRE(world.run(late.keeper.ensure()));
  CHECK(check_serving_certificate(late.served.at(0), "hook.default.svc", world.loop.now()));
}

TEST_CASE("a Secret that somebody deletes comes back with what is served") {
  AdmissionWorld world;
  Replica replica(world, "replica");
  REQUIRE(world.run(replica.keeper.ensure()));
  const Json before = world.secret()["data"];
  Background background(world);
  background.spawn("keeper", replica.keeper.run());
  world.loop.run_for(1s);
  REQUIRE(world.ask("DELETE", kSecretPath).status == 200);
  CHECK(world.secret().is_null());
  REQUIRE(world.loop.run_until([&] { return !world.secret().is_null(); }, 5s));
  CHECK(world.secret()["data"] == before);
  CHECK(replica.served.size() == 1);
}

TEST_CASE("without permission to watch, the Secret is read now and then") {
  AdmissionWorld world;
  world.server.faults().add(
      {.verb = "watch", .resource = "secrets", .action = apiserver::FaultAction::fail(403)});
  Replica first(world, "replica-0"), second(world, "replica-1");
  REQUIRE(world.run(first.keeper.ensure()));
  REQUIRE(world.run(second.keeper.ensure()));
  Background background(world);
  background.spawn("second", second.keeper.run());
  world.loop.run_for(1s);
  REQUIRE(world.ask("DELETE", kSecretPath).status == 200);
  // Another one, made by somebody else meanwhile: the one in use is still good, so it is changed over to
  // slowly.
  Replica third(world, "replica-2");
  REQUIRE(world.run(third.keeper.ensure()));
  CHECK(second.served.size() == 1);
  world.loop.run_for(2min);
  REQUIRE(second.served.size() == 2);
  CHECK(second.served[1] == third.served[0]);
}

TEST_CASE("an API server that does not answer, or conflicts, is asked again; a refusal is not") {
  AdmissionWorld world;
  Replica replica(world, "replica");
  world.server.faults().add({.resource = "secrets", .times = 3, .action = apiserver::FaultAction::fail(503)});
  CHECK(world.run(replica.keeper.ensure()));
  world.server.faults().add({.resource = "secrets", .action = apiserver::FaultAction::fail(403, "no")});
  Replica other(world, "other");
  const auto refused = world.run(other.keeper.ensure());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind() == ErrorKind::Forbidden);
  CHECK(refused.error().message().starts_with("webhook certificate: "));
}

TEST_CASE("a Secret that cert-manager keeps is only read, and followed") {
  AdmissionWorld world;
  CertificateKeeperOptions options = keeper_options();
  options.layout = SecretLayout::CertManager;
  Replica replica(world, "replica", options);
  const auto missing = world.run(replica.keeper.ensure());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().is_not_found());
  CHECK(world.secret().is_null());

  const CertificateValidity validity{world.loop.now() - 1h, world.loop.now() + 24h * 90};
  const auto issue = [&](const std::string& name) {
    const auto made = make_certificate_authority(name, validity);
    return Json{{"ca.crt", encode_base64(made->certificate)},
                {"tls.crt", encode_base64(made->certificate)},
                {"tls.key", encode_base64(made->private_key)}};
  };
  REQUIRE(world
              .ask("POST", "/api/v1/namespaces/default/secrets",
                   {{"metadata", {{"name", "hook-certs"}}}, {"data", issue("one")}})
              .status == 201);
  REQUIRE(world.run(replica.keeper.ensure()));
  Background background(world);
  background.spawn("keeper", replica.keeper.run());
  world.loop.run_for(1s);
  const auto replace = [&](const Json& data) {
    REQUIRE(world.ask("PATCH", kSecretPath, {{"data", data}}, "application/merge-patch+json").status == 200);
  };
  replace(issue("two"));
  world.loop.run_for(1s);
  REQUIRE(replica.served.size() == 2);
  CHECK(read_certificate(replica.served[1].certificate)->common_name == "two");
  // Key and certificate of different issues: what is in use stays.
  replace({{"tls.key", issue("three")["tls.key"]}});
  world.loop.run_for(10s);
  CHECK(replica.served.size() == 2);
}
