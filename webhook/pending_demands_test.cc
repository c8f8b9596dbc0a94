#include "webhook/pending_demands.h"

#include <catch2/catch.hpp>

#include "webhook/review_of.h"
#include "webhook/shared_applications.h"

using namespace std::chrono_literals;
using kube::Json;
using webhook::application_json;

namespace {

const kube::TimePoint kNow = kube::TimePoint{1'780'000'000s};

// Two cores of the driver, one of each of four executors.
Json application(const std::string& state, Json status = Json::object()) {
  Json app = application_json({{"driver", {{"cores", 2}}}, {"executor", {{"instances", 4}}}});
  app["metadata"]["creationTimestamp"] = kube::to_rfc3339(kNow - 10s);
  app["status"] = std::move(status);
  app["status"]["applicationState"]["state"] = state;
  app["status"]["lastSubmissionAttemptTime"] = kube::to_rfc3339(kNow - 5s);
  return app;
}

// Cores that are still to come, in thousandths; 0: nothing is.
std::int64_t to_come(const Json& object) {
  const auto pending = webhook::still_to_come(kube::decode<api::SparkApplication>(object).value());
  if (!pending) return 0;
  std::int64_t sum = 0;
  for (const auto* role : {&pending->demand.driver, &pending->demand.executors})
    if (const auto found = role->amounts.find("cpu"); found != role->amounts.end())
      sum += found->second.milli_value();
  return sum;
}

}  // namespace

TEST_CASE("an application counts for the pods that are still to come, by its status", "[webhook]") {
  const Json two_executors = {{"executorState", {{"e-1", "RUNNING"}, {"e-2", "PENDING"}}}};
  const Json five = {
      {"executorState",
       {{"1", "FAILED"}, {"2", "RUNNING"}, {"3", "RUNNING"}, {"4", "RUNNING"}, {"5", "RUNNING"}}}};
  CHECK(to_come(application("")) == 6000);
  CHECK(to_come(application("SUBMITTED")) == 4000);
  CHECK(to_come(application("RUNNING", two_executors)) == 2000);
  CHECK(to_come(application("RUNNING", five)) == 0);
  for (const char* state :
       {"COMPLETED", "FAILED", "SUSPENDED", "SUBMISSION_FAILED", "PENDING_RERUN", "SUCCEEDING"})
    CHECK(to_come(application(state)) == 0);
  Json suspended = application("");
  suspended["spec"]["suspend"] = true;
  CHECK(to_come(suspended) == 0);
  Json going = application("");
  going["metadata"]["deletionTimestamp"] = kube::to_rfc3339(kNow);
  CHECK(to_come(going) == 0);
  Json unreadable = application("");
  unreadable["spec"]["driver"]["memory"] = "lots";
  CHECK(to_come(unreadable) == 0);
}

TEST_CASE("what is expected counts until it is seen or forgotten, and not for long", "[webhook]") {
  webhook::PendingDemands pending;
  const auto count = [&](kube::TimePoint at, const std::string& but = "") {
    return pending.of("ns", {"ns", but}, at).size();
  };
  const auto seen = [](const Json& object) { return kube::decode<api::SparkApplication>(object).value(); };
  const auto whole = webhook::demand_of(seen(application("")).spec).value();

  pending.expect({"ns", "pi"}, whole, kNow);
  pending.expect({"other", "pi"}, whole, kNow);
  CHECK(count(kNow) == 1);
  CHECK(count(kNow, "pi") == 0);
  CHECK(count(kNow + 5s) == 0);
  pending.see(seen(application("")), kNow);
  CHECK(count(kNow + 49s) == 1);
  CHECK(count(kNow + 50s) == 0);  // a minute after its creation
  pending.see(seen(application("COMPLETED")), kNow);
  CHECK(count(kNow) == 0);
  pending.see(seen(application("SUBMITTED")), kNow);
  CHECK(count(kNow + 54s) == 1);
  pending.forget({"ns", "pi"});
  CHECK(count(kNow) == 0);
  pending.see(seen(application("")), kNow + 1h);  // has been waiting for long: the operator may be away
  CHECK(count(kNow) == 0);
}

TEST_CASE("what was let in and is never seen takes no memory for ever", "[webhook]") {
  webhook::PendingDemands pending;
  const auto app = kube::decode<api::SparkApplication>(application("")).value();
  pending.expect({"ns", "refused-by-another"}, webhook::demand_of(app.spec).value(), kNow);
  const std::weak_ptr refused = pending.of("ns", {}, kNow).at(0);
  pending.expect({"ns", "next"}, {}, kNow + 4s);
  CHECK_FALSE(refused.expired());
  pending.expect({"other", "later"}, {}, kNow + 5s);
  CHECK(refused.expired());
  CHECK(pending.of("ns", {}, kNow + 5s).size() == 1);
}

TEST_CASE("the projection for quotas keeps what pods will request and how far they have come", "[webhook]") {
  Json object = application("RUNNING", {{"executorState", {{"e-1", "RUNNING"}}}});
  object["spec"]["sparkConf"] = {{"spark.executor.memory", "7g"}};
  object["spec"]["executor"]["template"]["spec"] = {{"priorityClassName", "low"},
                                                    {"containers", Json::array()}};
  kube::JsonReader reader;
  const std::string text = kube::dump_json(object);
  const auto kept = webhook::project_for_quotas(reader.read(text).value());
  REQUIRE(kept);
  const auto whole = kube::decode<api::SparkApplication>(object).value();
  const auto of_kept = webhook::still_to_come(*kept), of_whole = webhook::still_to_come(whole);
  REQUIRE((of_kept && of_whole));
  CHECK(of_kept->until == of_whole->until);
  CHECK(of_kept->demand.executors.amounts == of_whole->demand.executors.amounts);
  CHECK(of_kept->demand.executors.priority_class == "low");
  CHECK_FALSE(kept->spec.executor.pod_template["spec"].contains("containers"));
}
