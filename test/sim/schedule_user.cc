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
    : loop_(loop),
      server_(server),
      plan_(plan),
      random_(plan.seed * 6053 + static_cast<std::uint64_t>(number) * 104'729 + 7),
      api_{server, "carol"},
      key_{kNamespace, "every-" + std::to_string(number)} {}

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
  (void)co_await api_.send("POST", schedules_path(key_.ns),
                           Json{{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                                {"kind", "ScheduledSparkApplication"},
                                {"metadata", {{"name", key_.name}, {"namespace", key_.ns}}},
                                {"spec", draw_spec()}});
}

Task<> ScheduleUser::edit(Json spec) {
  (void)co_await api_.merge(schedule_path(key_), Json{{"spec", std::move(spec)}});
}

Task<> ScheduleUser::live() {
  co_await kube::sleep(loop_, draw_pause(random_, 2s));
  co_await create();
  const std::uint64_t actions = random_.below(static_cast<std::uint64_t>(plan_.user_actions) + 1);
  for (std::uint64_t i = 0; i < actions; ++i) {
    co_await kube::sleep(loop_, random_.chance(0.3) ? draw_pause(random_, 20ms) : draw_pause(random_, 20s));
    co_await act();
  }
}

Task<> ScheduleUser::act() {
  const auto schedule = server_.store().get(kScheduleTable, key_);
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
    const char* const propagation[] = {"Background", "Foreground"};
    Json options{{"propagationPolicy", propagation[random_.below(2)]}};
    (void)co_await api_.send("DELETE", schedule_path(key_), std::move(options));
    if (random_.chance(0.5)) co_await kube::sleep(loop_, draw_pause(random_, 3s));
    co_await create();
  }
}

Task<> ScheduleUser::come_to_rest() {
  if (!server_.store().get(kScheduleTable, key_)) co_return;
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
  const auto schedule = server_.store().get(kScheduleTable, key_);
  if (!schedule || schedule->is_terminating()) return "";
  const auto next = kube::parse_rfc3339(kube::string_at(schedule->json(), {"status", "nextRun"}));
  if (next && *next + kPunctual >= loop_.now()) return "";
  return "schedule " + key_.name + " is overdue: " + schedule->json().value("status", Json()).dump();
}

}  // namespace sim
