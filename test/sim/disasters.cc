#include "test/sim/disasters.h"

#include <fmt/format.h>

#include "kube/async/timer.h"

namespace sim {

using kube::Duration;
using kube::Json;
using kube::Random;
using kube::SteadyTime;
using kube::Task;
using namespace std::chrono_literals;

namespace {

// How long a standby needs to get over what happened before.
constexpr Duration kSettled = 5s;

}  // namespace

// ---- what happens to anybody

Task<> Disasters::crash_now_and_then() {
  if (plan_.crash_every == Duration::zero()) co_return;
  Random random(plan_.seed * 59 + 1);
  while (true) {
    co_await kube::sleep(loop_, draw_pause(random, plan_.crash_every));
    if (!chaos_) co_return;
    fleet_.all_buried();
    OperatorProcess* process = any_process(random);
    if (process == nullptr) continue;
    if (random.chance(0.25)) {
      fleet_.stop(process->name());
    } else {
      fleet_.crash(process->name());
    }
  }
}

Task<> Disasters::partition_now_and_then() {
  if (plan_.partition_every == Duration::zero()) co_return;
  Random random(plan_.seed * 61 + 2);
  while (true) {
    co_await kube::sleep(loop_, draw_pause(random, plan_.partition_every));
    if (!chaos_) co_return;
    OperatorProcess* process = any_process(random);
    if (process == nullptr) continue;
    const std::string name = process->name();
    if (random.chance(0.4)) {
      fleet_.reset_connections(name);
      continue;
    }
    fleet_.cut_off(name);
    co_await kube::sleep(loop_, draw_pause(random, 10s));
    fleet_.reconnect(name);
  }
}

Task<> Disasters::jump_clock_now_and_then() {
  if (plan_.clock_jump_every == Duration::zero()) co_return;
  Random random(plan_.seed * 67 + 3);
  while (true) {
    co_await kube::sleep(loop_, draw_pause(random, plan_.clock_jump_every));
    if (!chaos_) co_return;
    const auto by = plan_.clock_jumps_hours
                        ? std::chrono::seconds(random.chance(0.5) ? 3600 : -3600)
                        : std::chrono::seconds(static_cast<long>(random.below(240)) - 120);
    fleet_.disturb("the wall clock jumps by " + std::to_string(by.count()) + " s");
    loop_.jump_wall_clock(by);
  }
}

Task<> Disasters::freeze_for_a_while(std::string name, int after_steps) {
  Random random(plan_.seed * 73 + fleet_.disturbances());
  fleet_.freeze(name, after_steps);
  co_await kube::sleep(loop_, 1s);
  fleet_.freeze(name, 0);  // one that had nothing to do has not come to its steps
  const Duration rest = random.chance(0.6) ? kFreeze - 1s : draw_pause(random, 10s);
  co_await kube::sleep(loop_, rest);
  fleet_.thaw(name, random.chance(0.5));
}

// ---- what happens to leaders

FailOvers::FailOvers(kube::SimLoop& loop, kube::apiserver::ApiServer& server, const Plan& plan, Fleet& fleet,
                     Invariants& invariants, Trace& trace, const bool& chaos)
    : loop_(loop),
      plan_(plan),
      fleet_(fleet),
      invariants_(invariants),
      trace_(trace),
      chaos_(chaos),
      admin_{server, "admin"},
      random_(plan.seed * 71 + 4) {}

bool FailOvers::standby_is_ready(const std::string& leader) {
  for (int number = 0; number < fleet_.size(); ++number) {
    OperatorProcess* process = fleet_.process(number);
    if (process != nullptr && process->name() != leader && process->is_ready() &&
        !process->loop().is_frozen() && !fleet_.was_cut_off(process->name())) {
      return true;
    }
  }
  return false;
}

Task<> FailOvers::now_and_then() {
  if (plan_.fail_over_every == Duration::zero()) co_return;
  while (true) {
    co_await kube::sleep(loop_, draw_pause(random_, plan_.fail_over_every));
    if (!chaos_) co_return;
    fleet_.all_buried();
    const std::string leader = fleet_.leader();
    if (leader.empty() || !standby_is_ready(leader)) continue;
    co_await take_away(leader, static_cast<Kind>(random_.below(6)));
  }
}

Task<> FailOvers::take_away(std::string leader, Kind kind) {
  const std::string lease_path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/spark-operator";
  const bool undisturbed = fleet_.quiet_since() + kSettled <= loop_.steady();
  const std::uint64_t before = fleet_.disturbances();
  switch (kind) {
    case Kind::Kill:
      fleet_.crash(leader);
      break;
    case Kind::Roll:
      fleet_.stop(leader);
      break;
    case Kind::Freeze:
      fleet_.freeze(leader, static_cast<int>(random_.below(200)));
      co_await kube::sleep(loop_, 100ms);
      // What else happened meanwhile may have been the leader's end.
      if (fleet_.disturbances() != before + 1) co_return fleet_.thaw(leader, false);
      fleet_.freeze(leader, 0);
      break;
    case Kind::CutOff:
      fleet_.cut_off(leader);
      break;
    case Kind::DeleteLease:
      fleet_.disturb("somebody deletes the lease");
      (void)co_await admin_.send("DELETE", lease_path);
      break;
    case Kind::StealLease:
      fleet_.disturb("somebody writes another holder into the lease");
      (void)co_await admin_.merge(lease_path, Json{{"spec", {{"holderIdentity", "a-stranger"}}}});
      break;
  }
  co_await await_successor(leader, kind, undisturbed);
}

// Until another works, or the same again: a deleted lease may stay with its holder. Asserted only where
// nothing else goes wrong.
Task<> FailOvers::await_successor(std::string leader, Kind kind, bool undisturbed) {
  const SteadyTime began = loop_.steady();
  const std::uint64_t disturbances = fleet_.disturbances();
  const Duration bound = kind == Kind::Roll ? kPlannedBound : kUnplannedBound;
  std::string now;
  while (loop_.steady() < began + bound) {
    co_await kube::sleep(loop_, 10ms);
    now = fleet_.leader();
    // Who was robbed goes on for a moment, until it learns of it.
    if (!now.empty() && (now != leader || (kind == Kind::DeleteLease && loop_.steady() > began + 3s))) break;
    now.clear();
  }
  const Duration took = loop_.steady() - began;
  const std::string words = fmt::format("{:.2f} s", std::chrono::duration<double>(took).count());
  trace_.add("world", (now.empty() ? "nobody works after " : now + " works after ") + words);
  if (plan_.calm && chaos_ && undisturbed && fleet_.disturbances() == disturbances) {
    if (now.empty())
      invariants_.violate("fail-over: nobody works " + words + " after " + leader + " was gone");
    if (now != leader) (kind == Kind::Roll ? planned_ : unplanned_).add({1, took});
  }
  if (kind == Kind::Freeze) {
    co_await kube::sleep_until(loop_, began + kFreeze);
    fleet_.thaw(leader, random_.chance(0.5));
  }
  if (kind == Kind::CutOff) {
    co_await kube::sleep(loop_, draw_pause(random_, 10s));
    fleet_.reconnect(leader);
  }
}

}  // namespace sim
