#include "test/sim/world.h"

#include <stdexcept>

#include "kube/async/timer.h"
#include "test/sim/definitions.h"
#include "test/sim/final_check.h"

namespace sim {

using kube::Duration;
using kube::Task;
using namespace std::chrono_literals;

namespace {

kube::apiserver::ApiServerOptions server_options(const Plan& plan) {
  kube::apiserver::ApiServerOptions options;
  options.listen = {"apiserver", 80};
  options.tls = false;
  options.static_tokens = {
      {.token = kOperatorUser, .user = {kOperatorUser, "", {"system:authenticated"}, {}}}};
  // In one world the garbage collector is at once, in another it takes its time.
  options.controller_delay = std::chrono::milliseconds(plan.seed % 3 == 0 ? 0 : plan.seed % 3 * 1700);
  // A short memory: old versions are soon too old.
  options.store.history = plan.seed % 4 == 0 ? 20 : 10'000;
  return options;
}

}  // namespace

World::World(std::uint64_t seed, WorldOptions options)
    : options_(options),
      plan_(seed),
      loop_(seed),
      net_(loop_),
      trace_(loop_, options.print),
      sink_(std::make_shared<TraceSink>(trace_, "apiserver")),
      server_(loop_, net_.host("apiserver"), server_options(plan_), kube::Log(sink_, kube::LogLevel::Warn)),
      proxy_(loop_, server_, options.sabotage),
      invariants_(loop_, server_, trace_, options.form, plan_.lease ? kLease : ""),
      faults_(plan_, trace_),
      servers_(loop_),
      pods_(loop_),
      people_(loop_),
      disasters_(loop_),
      kubelet_(loop_, server_, plan_, pods_),
      fleet_(
          {loop_, net_, trace_, invariants_}, plan_,
          std::string("http://") + (options.sabotage == Sabotage::None ? "apiserver" : SabotageProxy::kHost)),
      whole_disasters_(loop_, plan_, fleet_, chaos_),
      fail_overs_(loop_, server_, plan_, fleet_, invariants_, trace_, chaos_),
      again_(loop_, [] {}) {
  loop_.on_step([this] {
    if (fleet_.run_ready()) again_.set(loop_.steady());
  });
  loop_.jump_wall_clock(plan_.begins);
}

World::~World() = default;

World::Outcome World::run() {
  try {
    play();
  } catch (const std::exception& exception) {
    invariants_.violate(std::string("the world itself failed: ") + exception.what());
  }
  if (escaped_exception()) invariants_.violate("an exception escaped a task");
  Outcome outcome{.violation = invariants_.violation(),
                  .plan = plan_.to_string(),
                  .tail = trace_.tail(),
                  .hash = trace_.hash(),
                  .lines = trace_.lines(),
                  .planned = fail_overs_.planned(),
                  .unplanned = fail_overs_.unplanned()};
  if (options_.tear_down) tear_down();
  return outcome;
}

void World::play() {
  trace_.add("plan", plan_.to_string());
  loop_.run(prepare());
  begin();
  const auto violated = [this] { return invariants_.violated() || escaped_exception(); };
  loop_.run_until(violated, plan_.chaos);
  if (!violated()) loop_.run_until([&] { return violated() || people_.empty(); }, 10min);
  if (violated()) return;
  come_to_rest();
  await_good_end();
  if (!violated()) stop_operators();
}

Task<> World::prepare() {
  if (auto started = server_.start(); !started) throw std::runtime_error(started.error().message());
  servers_.spawn("apiserver", server_.run());
  if (options_.sabotage != Sabotage::None) {
    servers_.spawn("sabotage", proxy_.serve(net_.host(SabotageProxy::kHost)));
  }
  co_await install_definitions(loop_, server_, plan_);
}

void World::begin() {
  server_.on_commit([this](const kube::apiserver::Commit& commit) {
    invariants_.committed(commit);
    proxy_.committed(commit);
    if (commit.table == kPodTable && !commit.change.before) kubelet_.run_pod(commit.change.after);
  });
  server_.on_request([this](const kube::apiserver::RequestInfo& request, int code) {
    invariants_.request_answered(request, code);
  });
  server_.faults().set_hook([this](const kube::apiserver::RequestInfo& request) {
    invariants_.request_arrived(request);
    return faults_.decide(request);
  });
  // Not inside the server's call: what happens to a process is an event of its own.
  faults_.crash = [this](const std::string& name) { loop_.post([this, name] { fleet_.crash(name); }); };
  faults_.freeze = [this](const std::string& name, int steps) {
    disasters_.spawn("freeze", whole_disasters_.freeze_for_a_while(name, steps));
  };
  faults_.late = [this](const kube::apiserver::RequestInfo& request, Duration delay) {
    invariants_.post_will_be_late(request, delay);
  };
  for (int i = 0; i < plan_.applications; ++i) {
    users_.push_back(std::make_unique<User>(loop_, server_, plan_, i));
    people_.spawn("user", users_.back()->live());
  }
  for (int i = 0; i < plan_.schedules; ++i) {
    schedule_users_.push_back(std::make_unique<ScheduleUser>(loop_, server_, plan_, i));
    people_.spawn("schedule's user", schedule_users_.back()->live());
  }
  for (int i = 0; i < plan_.connects; ++i) {
    connect_users_.push_back(std::make_unique<ConnectUser>(loop_, server_, plan_, i));
    people_.spawn("Connect's user", connect_users_.back()->live());
  }
  for (int i = 0; i < plan_.operators; ++i) disasters_.spawn("operator", fleet_.supervise(i));
  disasters_.spawn("vandal", vandalise(loop_, server_, plan_, chaos_));
  people_.spawn("stranger", occupy_names(loop_, server_, plan_));
  disasters_.spawn("crashes", whole_disasters_.crash_now_and_then());
  disasters_.spawn("partitions", whole_disasters_.partition_now_and_then());
  disasters_.spawn("clock", whole_disasters_.jump_clock_now_and_then());
  disasters_.spawn("fail-overs", fail_overs_.now_and_then());
}

// ---- the end

void World::come_to_rest() {
  trace_.add("world", "faults end");
  chaos_ = false;
  faults_.stop();
  kubelet_.be_brisk();
  fleet_.reconnect_all();
  fleet_.thaw_all();
  for (const auto& user : users_) people_.spawn("user", user->come_to_rest());
  for (const auto& user : schedule_users_) people_.spawn("schedule's user", user->come_to_rest());
}

void World::await_good_end() {
  kube::SteadyTime next_look = loop_.after(5s);
  const auto well = [&] {
    if (invariants_.violated()) return true;
    if (loop_.steady() < next_look) return false;
    next_look = loop_.after(1s);
    return people_.empty() && final_check(server_, loop_.now()).empty();
  };
  loop_.run_until(well, 20min);
  for (const auto& user : schedule_users_) {
    if (!user->complaint().empty()) return invariants_.violate(user->complaint());
  }
  // Whatever is still on its way (a late POST, a delayed event) must not change that.
  if (!invariants_.violated()) loop_.run_until([&] { return invariants_.violated(); }, 60s);
  if (invariants_.violated()) return;
  if (std::string wrong = final_check(server_, loop_.now()); !wrong.empty())
    invariants_.violate("I5: " + wrong);
}

void World::stop_operators() {
  fleet_.stop_all();
  if (!loop_.run_until([this] { return fleet_.all_returned(); }, 60s)) {
    invariants_.violate("an operator that was told to stop goes on");
  }
}

void World::tear_down() {
  fleet_.close();
  disasters_.cancel();
  people_.cancel();
  pods_.cancel();
  loop_.settle();
  fleet_.crash_all();
  // What is left of crashed processes comes to its end once its calls have met their deadlines.
  if (!loop_.run_until([&] { return fleet_.all_buried(); }, 10min)) {
    throw std::runtime_error("a crashed operator's tasks do not end");
  }
  server_.stop();
  servers_.cancel();
  for (kube::TaskGroup* group : {&disasters_, &people_, &pods_, &servers_}) loop_.run(group->join());
}

}  // namespace sim
