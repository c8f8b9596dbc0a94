#include "test/sim/plan.h"

#include <cmath>

#include <fmt/format.h>

namespace sim {

using kube::Duration;
using kube::Json;
using kube::Random;
using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::year;

namespace {

Duration between(Random& random, Duration low, Duration high) {
  return low +
         Duration(static_cast<Duration::rep>(static_cast<double>((high - low).count()) * random.unit()));
}

Duration sometimes(Random& random, double chance, Duration low, Duration high) {
  const bool happens = random.chance(chance);
  const Duration mean = between(random, low, high);
  return happens ? mean : Duration::zero();
}

// Now; and a minute before Europe's clocks go forward, and before they go back.
constexpr Duration kBeginnings[] = {0s, sys_days(year{2026} / 3 / 29) - sys_days(year{2026} / 1 / 1) + 59min,
                                    sys_days(year{2026} / 10 / 25) - sys_days(year{2026} / 1 / 1) + 59min};

long seconds_of(Duration duration) {
  return static_cast<long>(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

}  // namespace

Plan::Plan(std::uint64_t the_seed) : seed(the_seed) {
  Random random(seed * 0x9e3779b97f4a7c15 + 1);
  applications = 1 + static_cast<int>(random.below(3));
  operators = random.chance(0.5) ? 2 : 1;
  lease = operators == 2 && random.chance(0.8);
  chaos = between(random, 40s, 180s);
  // Some worlds have no faults on calls at all: bugs that need none should be seen without noise.
  calm = random.chance(lease ? 0.5 : 0.2);
  call_fault = calm ? 0 : random.unit() * 0.12;
  late_post = calm || random.chance(0.6) ? 0 : random.unit() * 0.3;
  watch_fault = calm ? 0 : random.unit() * 0.4;
  crash_at_call = random.chance(0.5) ? 0 : random.unit() * 0.02;
  freeze_at_call = calm || random.chance(0.6) ? 0 : random.unit() * 0.01;
  crash_every = sometimes(random, lease && calm ? 0.2 : 0.6, 15s, 60s);
  partition_every = sometimes(random, lease && calm ? 0.1 : 0.3, 20s, 60s);
  fail_over_every = lease ? sometimes(random, 0.8, 10s, 40s) : Duration::zero();
  vandal_every = sometimes(random, 0.4, 10s, 60s);
  clock_jump_every = sometimes(random, 0.2, 20s, 60s);
  foreign_pods = random.chance(0.15);
  driver_success = random.chance(0.2) ? 0.0 : random.chance(0.3) ? 1.0 : 0.5;
  longest_run = between(random, 2s, 40s);
  user_actions = random.chance(0.2) ? 0 : static_cast<int>(random.below(7));
  // Drawn last: what a seed means for applications is older than these.
  schedules = random.chance(0.2) ? 1 : 0;
  connects = random.chance(0.12) ? 1 : 0;
  if (schedules == 0) return;
  begins = kBeginnings[random.below(std::size(kBeginnings))];
  clock_jumps_hours = random.chance(0.35);
  if (clock_jumps_hours) clock_jump_every = between(random, 20s, 60s);
}

Plan Plan::quiet(std::uint64_t seed) {
  Plan plan(seed);
  plan.applications = plan.operators = 1;
  plan.lease = plan.foreign_pods = false;
  plan.calm = true;
  plan.call_fault = plan.late_post = plan.watch_fault = plan.crash_at_call = plan.freeze_at_call = 0;
  plan.crash_every = plan.partition_every = plan.fail_over_every = plan.vandal_every = plan.clock_jump_every =
      Duration::zero();
  plan.user_actions = plan.schedules = plan.connects = 0;
  plan.begins = Duration::zero();
  plan.clock_jumps_hours = false;
  plan.drivers_are_told = true;
  return plan;
}

std::string Plan::to_string() const {
  return fmt::format(
      "applications={} operators={} lease={} chaos={}s call_fault={:.3f} late_post={:.2f} watch_fault={:.2f} "
      "crash_at_call={:.3f} freeze_at_call={:.3f} crash_every={}s partition_every={}s fail_over_every={}s "
      "vandal_every={}s clock_jump_every={}s "
      "foreign_pods={} driver_success={} longest_run={}s user_actions={} schedules={} connects={} begins={}s "
      "clock_jumps_hours={}",
      applications, operators, lease, seconds_of(chaos), call_fault, late_post, watch_fault, crash_at_call,
      freeze_at_call, seconds_of(crash_every), seconds_of(partition_every), seconds_of(fail_over_every),
      seconds_of(vandal_every), seconds_of(clock_jump_every), foreign_pods, driver_success,
      seconds_of(longest_run), user_actions, schedules, connects, seconds_of(begins), clock_jumps_hours);
}

Json draw_application(const std::string& name, Random& random) {
  Json policy{{"type", "Never"}};
  const double which = random.unit();
  if (which < 0.55) {
    policy = {{"type", "OnFailure"},
              {"onFailureRetries", random.below(3)},
              {"onFailureRetryInterval", 1 + random.below(8)},
              {"onSubmissionFailureRetries", random.below(4)},
              {"onSubmissionFailureRetryInterval", 1 + random.below(8)}};
  } else if (which < 0.7) {
    policy = {{"type", "Always"},
              {"onFailureRetryInterval", 1 + random.below(8)},
              {"onSubmissionFailureRetryInterval", 1 + random.below(8)}};
  }
  Json spec{{"type", "Python"},
            {"mode", "cluster"},
            {"sparkVersion", "3.5.7"},
            {"image", "spark:3.5.7"},
            {"mainApplicationFile", "local:///opt/spark/examples/src/main/python/pi.py"},
            {"arguments", Json::array({"10"})},
            {"restartPolicy", std::move(policy)},
            {"driver", {{"cores", 1}, {"memory", "512m"}}},
            {"executor", {{"instances", 1}, {"memory", "512m"}}}};
  if (random.chance(0.25)) spec["driver"]["podName"] = name + "-own";
  if (random.chance(0.2)) spec["timeToLiveSeconds"] = 5 + random.below(60);
  if (random.chance(0.1)) spec["suspend"] = true;
  return {{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
          {"kind", "SparkApplication"},
          {"metadata", {{"name", name}, {"namespace", kNamespace}}},
          {"spec", std::move(spec)}};
}

Duration draw_pause(Random& random, Duration mean) {
  const double factor = std::min(4.0, -std::log(1.0 - random.unit()));
  return Duration(static_cast<Duration::rep>(static_cast<double>(mean.count()) * factor)) + 1ms;
}

}  // namespace sim
