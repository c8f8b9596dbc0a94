#include "test/sim/schedule_user.h"

#include <iterator>

#include "kube/async/timer.h"

namespace sim {

using kube::Json;
using kube::Task;
using namespace std::chrono_literals;

namespace {

// How long faults linger: back-offs of half a minute at most, calls of ten seconds.
constexpr kube::Duration kLingers = 45s;
constexpr kube::Duration kLooksOn = 30s;
constexpr kube::Duration kPunctual = 5s;

}  // namespace

ScheduleUser::ScheduleUser(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan, int number)
    : Person(loop, server, plan,
             {.name = "carol",
              .seed = plan.seed * 6053 + static_cast<std::uint64_t>(number) * 104'729 + 7,
              .key = {kNamespace, "every-" + std::to_string(number)},
              .table = kScheduleTable,
              .collection = schedules_path(kNamespace),
              .hasty = 0.3,
              .pause = 20s}) {}

const char* ScheduleUser::draw_times() {
  const char* const times[] = {"* * * * *", "*/2 * * * *", "@every 12s", "@every 20s", "@every 45s"};
  return times[random_.below(std::size(times))];
}

Json ScheduleUser::draw_spec() {
  Json app = draw_application("run", random_).at("spec");
  // Runs come to an end, and only their schedule deletes them.
  for (const char* name : {"suspend", "timeToLiveSeconds"}) app.erase(name);
  app["driver"].erase("podName");
  if (app["restartPolicy"]["type"] == "Always") app["restartPolicy"] = {{"type", "Never"}};
  Json spec{{"schedule", draw_times()}, {"template", std::move(app)}};
  const char* const policies[] = {"", "Allow", "Forbid", "Replace"};
  if (const std::string policy = policies[random_.below(4)]; !policy.empty())
    spec["concurrencyPolicy"] = policy;
  const char* const catch_ups[] = {"", "Latest", "All", "Skip"};
  if (const std::string policy = catch_ups[random_.below(4)]; !policy.empty()) spec["catchUpPolicy"] = policy;
  if (random_.chance(0.5)) spec["timeZone"] = random_.chance(0.7) ? "Europe/Berlin" : "Asia/Kolkata";
  if (random_.chance(0.6)) spec["successfulRunHistoryLimit"] = random_.below(4);
  if (random_.chance(0.6)) spec["failedRunHistoryLimit"] = random_.below(3);
  if (random_.chance(0.25)) spec["startingDeadlineSeconds"] = 5 + random_.below(60);
  if (random_.chance(0.2)) spec["jitterSeconds"] = 1 + random_.below(10);
  if (random_.chance(0.1)) spec["suspend"] = true;
  return spec;
}

Task<> ScheduleUser::create() {
  co_await post(Json{{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                     {"kind", "ScheduledSparkApplication"},
                     {"metadata", {{"name", key().name}, {"namespace", key().ns}}},
                     {"spec", draw_spec()}});
}

Task<> ScheduleUser::act() {
  const auto schedule = object();
  if (!schedule) {
    co_await create();
    co_return;
  }
  const double what = random_.unit();
  if (what < 0.25) {
    co_await edit(Json{{"schedule", draw_times()}});
  } else if (what < 0.4) {
    co_await edit(Json{{"timeZone", random_.chance(0.5) ? Json("America/New_York") : Json()}});
  } else if (what < 0.55) {
    co_await edit(Json{{"schedule", random_.chance(0.5) ? "61 * * * *" : "TZ=Mars/Olympus 0 * * * *"}});
    co_await kube::sleep(loop_, draw_pause(random_, 5s));
    co_await edit(Json{{"schedule", draw_times()}});
  } else if (what < 0.7) {
    co_await edit(Json{{"suspend", !schedule->json().at("spec").value("suspend", false)}});
  } else if (what < 0.9) {
    const char* const policies[] = {"Allow", "Forbid", "Replace"};
    Json spec{{"concurrencyPolicy", policies[random_.below(3)]},
              {"successfulRunHistoryLimit", random_.below(4)}};
    co_await edit(std::move(spec));
  } else {
    co_await remove();
    co_await create_again();
  }
}

Task<> ScheduleUser::come_to_rest() {
  if (!object()) co_return;
  Json spec{{"schedule", "@every 10s"},
            {"timeZone", nullptr},
            {"suspend", false},
            {"startingDeadlineSeconds", nullptr},
            {"jitterSeconds", nullptr}};
  co_await edit(std::move(spec));
  co_await kube::sleep(loop_, kLingers);
  // Who has not heard of the edit, because a watch is silent, keeps to what was before it.
  const bool heard = plan_.watch_fault == 0 && plan_.partition_every == kube::Duration::zero() &&
                     plan_.fail_over_every == kube::Duration::zero() && plan_.freeze_at_call == 0;
  const kube::SteadyTime until = loop_.after(kLooksOn);
  while (heard && complaint_.empty() && loop_.steady() < until) {
    co_await kube::sleep(loop_, 1s);
    complaint_ = overdue();
  }
  co_await edit(Json{{"suspend", true}});
}

std::string ScheduleUser::overdue() const {
  const auto schedule = object();
  if (!schedule || schedule->is_terminating()) return "";
  const auto next = kube::parse_rfc3339(kube::string_at(schedule->json(), {"status", "nextRun"}));
  if (next && *next + kPunctual >= loop_.now()) return "";
  return "schedule " + key().name + " is overdue: " + schedule->json().value("status", Json()).dump();
}

}  // namespace sim
