#include "webhook/pod_defaulter.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "api/spec_hash.h"
#include "kube/client/test_server.h"
#include "kube/core/fields.h"
#include "kube/core/patch.h"
#include "kube/core/yaml.h"
#include "spark/application_owner.h"
#include "spark/pod_mutation.h"
#include "webhook/review_of.h"

using kube::Json;
using kube::Verdict;
using webhook::review_of;

namespace {

Json pod_json(const char* role, const char* app = "pi") {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata",
           {{"name", "p"},
            {"namespace", "ns"},
            {"labels", {{"spark-role", role}, {"sparkoperator.k8s.io/app-name", app}}}}},
          {"spec", {{"containers", Json::array({{{"name", "spark-kubernetes-" + std::string(role)}}})}}}};
}

// An API server with one application, "pi" of the given uid and env.
struct World {
  World()
      : server([this](kube::HttpExchange& exchange) -> kube::Task<> {
          if (status == 0) {
            exchange.abort();
            co_return;
          }
          co_await kube::reply(exchange, status, status == 200 ? kube::dump_json(live) : not_found());
        }),
        client(server.client()),
        lookup(known, *client, std::chrono::seconds(5)) {}

  static std::string not_found() {
    return R"({"kind":"Status","status":"Failure","reason":"NotFound","code":404,"message":"no pi"})";
  }
  // As much of it as the informer keeps.
  void knows(const Json& object) {
    kube::JsonReader reader;
    auto app = webhook::project_for_pods(reader.read(kube::dump_json(object)).value());
    known->put(std::make_shared<const api::SparkApplication>(app.value()));
  }
  Verdict decide(const kube::Review& review, webhook::PodDefaulterOptions options = {}) {
    webhook::PodDefaulter defaulter(lookup, std::move(options));
    return server.run(defaulter.decide(review));
  }

  int status = 200;
  Json live = webhook::application_json({{"driver", {{"priorityClassName", "high"}}}});
  kube::TestServer server;
  std::unique_ptr<kube::Client> client;
  std::shared_ptr<webhook::SharedApplications> known = std::make_shared<webhook::SharedApplications>();
  webhook::ApplicationLookup lookup;
};

// An application "pi", whose pods can be told by their priority.
struct Seen {
  std::string uid;
  std::string submission_id;  // of the last attempt, in status
};
Json application(const Seen& seen) {
  const Json role = {{"priorityClassName", "of-" + seen.uid}};
  Json object = webhook::application_json({{"driver", role}, {"executor", role}});
  object["metadata"]["uid"] = seen.uid;
  object["status"] = {{"submissionID", seen.submission_id}};
  return object;
}

std::string id_after(const std::string& uid, const std::string& submission_id) {
  return api::next_attempt_id(uid, submission_id, api::spec_hash({}));
}

Json patched(const Json& pod, const Verdict& verdict) {
  REQUIRE(verdict.allowed);
  auto out = kube::apply_json_patch(pod, verdict.operations);
  REQUIRE(out.has_value());
  return *out;
}

}  // namespace

TEST_CASE("a driver pod is mutated by the application that the informer knows", "[webhook]") {
  World world;
  world.knows(world.live);
  const Json pod = pod_json("driver");
  const Json out = patched(pod, world.decide(review_of("CREATE", pod)));
  CHECK(out["spec"]["priorityClassName"] == "high");
  CHECK(out["metadata"]["ownerReferences"][0]["uid"] == "u1");
  CHECK(world.server.requests.empty());
  CHECK(world.decide(review_of("CREATE", out)).operations.empty());
}

TEST_CASE("an application that the informer does not know yet is read live", "[webhook]") {
  World world;
  const Json pod = pod_json("driver");
  CHECK(patched(pod, world.decide(review_of("CREATE", pod)))["spec"]["priorityClassName"] == "high");
  CHECK(
      world.server.requests ==
      std::vector<std::string>{"GET /apis/sparkoperator.k8s.io/v1beta2/namespaces/ns/sparkapplications/pi"});
}

TEST_CASE("what needs no reading is answered at once, and alike", "[webhook]") {
  World world;
  webhook::PodDefaulter defaulter(world.lookup, {});
  const kube::Review review = review_of("CREATE", pod_json("driver"));
  CHECK_FALSE(defaulter.decide_at_once(review));
  world.knows(world.live);
  for (const kube::Review& each :
       {review, review_of("UPDATE", pod_json("driver")), review_of("CREATE", pod_json("driver", "")),
        review_of("CREATE", pod_json("something")), review_of("CREATE", Json::array())})
    CHECK(defaulter.decide_at_once(each) == world.decide(each));
  CHECK(world.server.requests.empty());
}

TEST_CASE("pods that wait for the same live read are each answered for themselves", "[webhook]") {
  World world;
  webhook::PodDefaulter defaulter(world.lookup, {});
  Json other = pod_json("driver");
  other["spec"]["volumes"] = Json::array({{{"name", "v"}}});
  other["spec"]["priorityClassName"] = "low";
  const std::vector<Json> pods{pod_json("driver"), other, pod_json("executor")};
  std::vector<std::optional<Verdict>> verdicts(pods.size());
  std::vector<kube::Review> reviews;
  for (const Json& pod : pods) reviews.push_back(review_of("CREATE", pod));
  kube::TaskGroup asking(world.server.loop);
  auto ask = [](webhook::PodDefaulter* by, const kube::Review* review,
                std::optional<Verdict>* out) -> kube::Task<> { out->emplace(co_await by->decide(*review)); };
  for (std::size_t i = 0; i < pods.size(); ++i)
    asking.spawn("review", ask(&defaulter, &reviews[i], &verdicts[i]));
  world.server.loop.run(asking.join());
  CHECK(world.server.requests.size() == pods.size());
  for (std::size_t i = 0; i < pods.size(); ++i) {
    REQUIRE(verdicts[i]);
    CHECK(*verdicts[i] == world.decide(reviews[i]));
  }
  CHECK(patched(pods[1], *verdicts[1])["spec"]["priorityClassName"] == "high");
  CHECK(verdicts[2]->operations.size() < verdicts[0]->operations.size());
}

TEST_CASE("a pod goes by the application that it was made for, not by whichever has the name", "[webhook]") {
  // "u0" was deleted, and "u1" made under the same name.
  const std::string of_former = id_after("u0", ""), first = id_after("u1", ""),
                    second = id_after("u1", first);
  const std::string of_the_go_operator = "1e5e5d8c-7f0a-4d5c-9d0b-0b9a4d6a2f11";
  struct Row {
    const char* why;
    std::string owner, id;  // what the pod says: uid of its owner, id of its attempt; "" = nothing
    Seen known, live;       // by the informer, at the API server
    std::size_t reads;
    std::string goes_by;  // "" = refused
  };
  const std::vector<Row> rows{
      {"the informer knows it", "u1", first, {"u1", ""}, {"u1", ""}, 0, "u1"},
      {"it knows the former one: the owner tells", "u1", first, {"u0", ""}, {"u1", ""}, 1, "u1"},
      {"it knows the former one: the id tells", "", first, {"u0", ""}, {"u1", ""}, 1, "u1"},
      {"the former one's comes late: the owner tells", "u0", of_former, {"u1", ""}, {"u1", ""}, 1, ""},
      {"the former one's comes late: the id tells", "", of_former, {"u1", ""}, {"u1", ""}, 1, ""},
      {"it comes late, and goes with its owner", "", of_former, {"u0", ""}, {"u1", ""}, 0, "u0"},
      {"of the attempt that status names", "", first, {"u1", first}, {"u1", first}, 0, "u1"},
      {"of the next one", "", second, {"u1", first}, {"u1", first}, 0, "u1"},
      {"the informer knows an earlier status", "", second, {"u1", ""}, {"u1", first}, 1, "u1"},
      {"of an attempt that is over", "", first, {"u1", second}, {"u1", second}, 1, ""},
      {"an owner tells more than an id", "u1", of_former, {"u1", ""}, {"u1", ""}, 0, "u1"},
      {"ids of others tell nothing", "", of_the_go_operator, {"u0", ""}, {"u1", ""}, 0, "u0"},
      {"the pod says nothing", "", "", {"u0", ""}, {"u1", ""}, 0, "u0"},
  };
  for (const Row& row : rows)
    for (const char* role : {"driver", "executor"}) {
      INFO(row.why << ", a pod of role " << role);
      World world;
      world.knows(application(row.known));
      world.live = application(row.live);
      const bool driver = role == std::string("driver");
      Json pod = pod_json(role);
      if (!row.id.empty()) pod["metadata"]["labels"]["sparkoperator.k8s.io/submission-id"] = row.id;
      if (!row.owner.empty())
        pod["metadata"]["ownerReferences"].push_back(spark::application_owner(
            kube::decode<api::SparkApplication>(application({row.owner, ""})).value(),
            driver ? spark::Ownership::Controller : spark::Ownership::Plain));
      const Verdict verdict = world.decide(review_of("CREATE", pod));
      CHECK(world.server.requests.size() == row.reads);
      if (row.goes_by.empty()) {
        CHECK(verdict.code == 403);
        CHECK_THAT(verdict.message, Catch::Contains("SparkApplication ns/pi") && Catch::Contains("uid u1"));
        continue;
      }
      const Json out = patched(pod, verdict);
      CHECK(kube::string_at(out, {"spec", "priorityClassName"}) == "of-" + row.goes_by);
      if (!driver) continue;
      REQUIRE(out["metadata"]["ownerReferences"].size() == 1);
      CHECK(out["metadata"]["ownerReferences"][0]["uid"] == row.goes_by);
    }
}

TEST_CASE("pods that are not ours to change are left alone, without a question to anybody", "[webhook]") {
  World world;
  world.status = 404;
  const Json driver = pod_json("driver");
  CHECK(world.decide(review_of("UPDATE", driver)) == Verdict::allow());
  CHECK(world.decide(review_of("DELETE", nullptr)) == Verdict::allow());
  CHECK(world.decide(review_of("CREATE", pod_json("driver", ""))) == Verdict::allow());
  Json connect = pod_json("driver");
  connect["metadata"]["labels"] = {{"sparkoperator.k8s.io/connect-name", "c"}};
  CHECK(world.decide(review_of("CREATE", connect)) == Verdict::allow());
  CHECK(world.decide(review_of("CREATE", driver), {.namespaces = {"other"}}) == Verdict::allow());
  CHECK(world.server.requests.empty());
}

TEST_CASE("a pod is refused when its application does not exist, or it has no role", "[webhook]") {
  World world;
  world.status = 404;
  const Verdict missing = world.decide(review_of("CREATE", pod_json("driver")));
  CHECK_FALSE(missing.allowed);
  CHECK(missing.code == 403);
  CHECK_THAT(missing.message, Catch::Contains("SparkApplication ns/pi"));

  world.knows(world.live);
  const Verdict neither = world.decide(review_of("CREATE", pod_json("something")));
  CHECK(neither.code == 403);
  CHECK_THAT(neither.message, Catch::Contains("spark-role"));

  Json wrong = world.live;
  wrong["spec"]["driver"]["memoryLimit"] = "10b";
  world.knows(wrong);
  CHECK_THAT(world.decide(review_of("CREATE", pod_json("driver"))).message, Catch::Contains("memoryLimit"));
}

TEST_CASE("service links are switched off in pods that come with the API server's default", "[webhook]") {
  World world;
  world.live =
      webhook::application_json({{"executor", {{"template", {{"spec", {{"enableServiceLinks", true}}}}}}}});
  world.knows(world.live);
  const auto links_of = [&](const char* role, spark::ServiceLinks links) {
    Json pod = pod_json(role);
    pod["spec"]["enableServiceLinks"] = true;
    const Json out = patched(pod, world.decide(review_of("CREATE", pod), {.service_links = links}));
    return out["spec"]["enableServiceLinks"].get<bool>();
  };
  CHECK_FALSE(links_of("driver", spark::ServiceLinks::Off));
  CHECK(links_of("driver", spark::ServiceLinks::On));
  // Its own template says so, of which the informer keeps that much.
  CHECK(links_of("executor", spark::ServiceLinks::Off));
}

TEST_CASE("an API server that does not answer is no reason to say no for good", "[webhook]") {
  World world;
  world.status = 0;
  const Verdict verdict = world.decide(review_of("CREATE", pod_json("driver")));
  CHECK_FALSE(verdict.allowed);
  CHECK(verdict.code == 500);
}

TEST_CASE("what is kept of an application is all that pods are mutated with", "[webhook]") {
  namespace fs = std::filesystem;
  std::vector<fs::path> files;
  for (const char* room : {"spark", "api"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(SOURCE_DIR) / room / "testdata"))
      if (entry.path().filename() == "app.yaml" ||
          (std::string(room) == "api" && entry.path().extension() == ".yaml"))
        files.push_back(entry.path());
  std::ranges::sort(files);
  int compared = 0;
  kube::JsonReader reader;
  for (const fs::path& file : files) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    const Json object = kube::parse_yaml_document(text.str()).value();
    if (kube::string_at(object, {"kind"}) != "SparkApplication") continue;
    INFO(file.string());
    const auto whole = kube::decode<api::SparkApplication>(object).value();
    const auto kept = webhook::project_for_pods(reader.read(kube::dump_json(object)).value()).value();
    for (const auto role : {spark::PodRole::Driver, spark::PodRole::Executor}) {
      const Json pod = pod_json(role == spark::PodRole::Driver ? "driver" : "executor");
      for (const auto links : {spark::ServiceLinks::On, spark::ServiceLinks::Off})
        CHECK(spark::mutate_pod(pod, whole, role, links).value() ==
              spark::mutate_pod(pod, kept, role, links).value());
    }
    ++compared;
  }
  CHECK(compared > 20);
}
