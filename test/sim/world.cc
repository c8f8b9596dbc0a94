#include "test/sim/world.h"

#include <stdexcept>

#include "api/crd.h"
#include "kube/async/timer.h"
#include "test/sim/final_check.h"

namespace sim {

using kube::Duration;
using kube::Json;
using kube::Random;
using kube::Task;
using namespace std::chrono_literals;

namespace {

constexpr const char* kLease = "default/spark-operator";

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
      invariants_(loop_, server_, trace_, options.form, plan_.operators > 1 ? kLease : ""),
      faults_(plan_, trace_),
      servers_(loop_),
      pods_(loop_),
      people_(loop_),
      disasters_(loop_),
      kubelet_(loop_, server_, plan_, pods_),
      down_(loop_) {}

World::~World() = default;

World::Outcome World::run() {
  try {
    play();
  } catch (const std::exception& exception) {
    invariants_.violate(std::string("the world itself failed: ") + exception.what());
  }
  if (sink_->escaped_exception()) invariants_.violate("an exception escaped a task");
  Outcome outcome{.violation = invariants_.violation(),
                  .plan = plan_.to_string(),
                  .tail = trace_.tail(),
                  .hash = trace_.hash(),
                  .lines = trace_.lines()};
  if (options_.tear_down) tear_down();
  return outcome;
}

void World::play() {
  trace_.add("plan", plan_.to_string());
  loop_.run(prepare());
  begin();
  const auto violated = [this] { return invariants_.violated() || sink_->escaped_exception(); };
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
  static const Json definition = api::crd(api::Kind::SparkApplication);
  DirectClient admin{server_, "admin"};
  int status =
      co_await admin.send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
  if (status != 201) throw std::runtime_error("the definition was refused: " + std::to_string(status));
  for (int i = 0; i < 100; ++i) {
    status = co_await admin.send("GET", applications_path(kNamespace));
    if (status == 200 && server_.store().get("serviceaccounts", {kNamespace, "default"})) co_return;
    co_await kube::sleep(loop_, 100ms);
  }
  throw std::runtime_error("the API server does not get ready");
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
  faults_.crash = [this](const std::string& name) {
    // Not inside the server's call: a crash is an event of its own.
    loop_.post([this, name] { crash(name); });
  };
  faults_.late = [this](const kube::apiserver::RequestInfo& request, Duration delay) {
    invariants_.post_will_be_late(request, delay);
  };
  for (int i = 0; i < plan_.applications; ++i) {
    users_.push_back(std::make_unique<User>(loop_, server_, plan_, i));
    people_.spawn("user", users_.back()->live());
  }
  for (int i = 0; i < plan_.operators; ++i) {
    slots_.push_back(std::make_unique<Slot>(Slot{.number = i, .process = nullptr}));
    disasters_.spawn("supervisor", supervise(*slots_.back()));
  }
  disasters_.spawn("vandal", vandalise(loop_, server_, plan_, chaos_));
  people_.spawn("stranger", occupy_names(loop_, server_, plan_));
  disasters_.spawn("crashes", crash_now_and_then());
  disasters_.spawn("partitions", partition_now_and_then());
  disasters_.spawn("clock", jump_clock_now_and_then());
}

// ---- operators

void World::start(Slot& slot) {
  const std::string name = "operator-" + std::to_string(slot.number) + "-" + std::to_string(++slot.lives);
  trace_.add("world", name + " starts");
  auto sink = std::make_shared<TraceSink>(trace_, name);
  OperatorProcess::Settings settings{
      .name = name, .lease = plan_.operators > 1, .on_end = [this] { down_.wake_all(); }};
  if (options_.sabotage != Sabotage::None) settings.server = std::string("http://") + SabotageProxy::kHost;
  slot.process = std::make_unique<OperatorProcess>(
      loop_, net_.host(name), std::move(settings),
      kube::Log(std::move(sink), trace_.prints() ? kube::LogLevel::Debug : kube::LogLevel::Info));
}

Task<> World::supervise(Slot& slot) {
  Random random(plan_.seed * 53 + static_cast<std::uint64_t>(slot.number));
  while (true) {
    start(slot);
    while (!slot.process->crashed() && !slot.process->has_returned()) co_await down_.wait();
    invariants_.process_gone(slot.process->name());
    trace_.add("world", slot.process->name() + (slot.process->crashed() ? " has crashed" : " has ended"));
    graveyard_.push_back(std::move(slot.process));
    if (closing_) co_return;
    co_await kube::sleep(loop_, random.chance(0.5) ? draw_pause(random, 100ms) : draw_pause(random, 6s));
  }
}

void World::crash(const std::string& name) {
  for (const auto& slot : slots_) {
    if (!slot->process || slot->process->name() != name || slot->process->crashed()) continue;
    net_.kill(name);
    invariants_.process_gone(name);
    slot->process->crash();
    down_.wake_all();
  }
}

bool World::all_buried() {
  std::erase_if(graveyard_, [](const auto& process) { return process->ended(); });
  return graveyard_.empty();
}

// ---- disasters

Task<> World::crash_now_and_then() {
  if (plan_.crash_every == Duration::zero()) co_return;
  Random random(plan_.seed * 59 + 1);
  while (true) {
    co_await kube::sleep(loop_, draw_pause(random, plan_.crash_every));
    if (!chaos_) co_return;
    all_buried();
    Slot& slot = any_slot(random);
    if (!slot.process) continue;
    if (random.chance(0.25)) {
      trace_.add("world", slot.process->name() + " is told to stop");
      slot.process->stop();
    } else {
      crash(slot.process->name());
    }
  }
}

Task<> World::partition_now_and_then() {
  if (plan_.partition_every == Duration::zero()) co_return;
  Random random(plan_.seed * 61 + 2);
  const std::string server = options_.sabotage == Sabotage::None ? "apiserver" : SabotageProxy::kHost;
  while (true) {
    co_await kube::sleep(loop_, draw_pause(random, plan_.partition_every));
    if (!chaos_) co_return;
    Slot& slot = any_slot(random);
    if (!slot.process) continue;
    const std::string name = slot.process->name();
    if (random.chance(0.4)) {
      trace_.add("world", name + " loses its connections");
      net_.cut(name, server);
      continue;
    }
    trace_.add("world", name + " cannot reach the API server");
    net_.block(name, server);
    co_await kube::sleep(loop_, draw_pause(random, 10s));
    net_.unblock(name, server);
    trace_.add("world", name + " can reach the API server again");
  }
}

Task<> World::jump_clock_now_and_then() {
  if (plan_.clock_jump_every == Duration::zero()) co_return;
  Random random(plan_.seed * 67 + 3);
  while (true) {
    co_await kube::sleep(loop_, draw_pause(random, plan_.clock_jump_every));
    if (!chaos_) co_return;
    const auto by = std::chrono::seconds(static_cast<long>(random.below(240)) - 120);
    trace_.add("world", "the wall clock jumps by " + std::to_string(by.count()) + " s");
    loop_.jump_wall_clock(by);
  }
}

// ---- the end

void World::come_to_rest() {
  trace_.add("world", "faults end");
  chaos_ = false;
  faults_.stop();
  kubelet_.be_brisk();
  for (const auto& slot : slots_) {
    if (slot->process) net_.unblock(slot->process->name(), "apiserver");
    if (slot->process) net_.unblock(slot->process->name(), SabotageProxy::kHost);
  }
  for (const auto& user : users_) people_.spawn("user", user->come_to_rest());
}

void World::await_good_end() {
  kube::SteadyTime next_look = loop_.after(5s);
  const auto well = [&] {
    if (invariants_.violated()) return true;
    if (loop_.steady() < next_look) return false;
    next_look = loop_.after(1s);
    return final_check(server_).empty();
  };
  loop_.run_until(well, 20min);
  // Whatever is still on its way (a late POST, a delayed event) must not change that.
  if (!invariants_.violated()) loop_.run_until([&] { return invariants_.violated(); }, 60s);
  if (invariants_.violated()) return;
  if (std::string wrong = final_check(server_); !wrong.empty()) invariants_.violate("I5: " + wrong);
}

void World::stop_operators() {
  closing_ = true;
  for (const auto& slot : slots_) {
    if (slot->process) slot->process->stop();
  }
  const auto stopped = [&] {
    for (const auto& slot : slots_) {
      if (slot->process && !slot->process->has_returned()) return false;
    }
    return true;
  };
  if (!loop_.run_until(stopped, 60s)) invariants_.violate("an operator that was told to stop goes on");
}

void World::tear_down() {
  closing_ = true;
  for (const auto& slot : slots_) {
    if (slot->process) crash(slot->process->name());
  }
  loop_.settle();
  disasters_.cancel();
  people_.cancel();
  pods_.cancel();
  loop_.settle();
  for (const auto& slot : slots_) {
    if (slot->process) graveyard_.push_back(std::move(slot->process));
  }
  // What is left of crashed processes comes to its end once its calls have met their deadlines.
  if (!loop_.run_until([&] { return all_buried(); }, 10min)) {
    throw std::runtime_error("a crashed operator's tasks do not end");
  }
  server_.stop();
  servers_.cancel();
  for (kube::TaskGroup* group : {&disasters_, &people_, &pods_, &servers_}) loop_.run(group->join());
}

}  // namespace sim
