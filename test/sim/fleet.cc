#include "test/sim/fleet.h"

#include <algorithm>

#include "kube/async/timer.h"

namespace sim {

using kube::Task;
using namespace std::chrono_literals;

namespace {

controller::SubmitterMode mode_of(StartedBy by) {
  switch (by) {
    case StartedBy::Native:
      return controller::SubmitterMode::Native;
    case StartedBy::SparkSubmit:
      return controller::SubmitterMode::SparkSubmit;
    case StartedBy::Rest:
      return controller::SubmitterMode::Rest;
  }
  return controller::SubmitterMode::Auto;
}

}  // namespace

Fleet::Fleet(World world, const Plan& plan, std::string server)
    : world_(world),
      plan_(plan),
      server_(std::move(server)),
      server_host_(server_.substr(server_.rfind('/') + 1)),
      processes_(static_cast<std::size_t>(plan.operators)),
      lives_(static_cast<std::size_t>(plan.operators)),
      down_(world.loop) {}

void Fleet::start(int number) {
  const auto index = static_cast<std::size_t>(number);
  const std::string name = "operator-" + std::to_string(number) + "-" + std::to_string(++lives_[index]);
  world_.trace.add("world", name + " starts");
  sinks_.push_back(std::make_shared<TraceSink>(world_.trace, name));
  OperatorProcess::Settings settings{
      .name = name,
      .server = server_,
      .lease = plan_.lease,
      .seed = plan_.seed * 1'000'003 + static_cast<std::uint64_t>(number * 1000 + lives_[index]),
      .submitter = mode_of(plan_.started_by),
      .schedules = plan_.schedules > 0,
      .connects = plan_.connects > 0,
      .submit_dies = [this] { return submit_dies(); },
      .on_end = [this] { down_.wake_all(); }};
  auto process = std::make_unique<OperatorProcess>(
      world_.loop, world_.net.host(name), std::move(settings),
      kube::Log(sinks_.back(), world_.trace.prints() ? kube::LogLevel::Debug : kube::LogLevel::Info));
  process->loop().on_frozen = [this, name] { world_.trace.add("world", name + " stands still"); };
  processes_[index] = std::move(process);
}

Task<> Fleet::supervise(int number) {
  kube::Random random(plan_.seed * 53 + static_cast<std::uint64_t>(number));
  auto& process = processes_[static_cast<std::size_t>(number)];
  while (true) {
    start(number);
    while (!process->crashed() && !process->has_returned()) co_await down_.wait();
    world_.invariants.process_gone(process->name());
    world_.trace.add("world", process->name() + (process->crashed() ? " has crashed" : " has ended"));
    graveyard_.push_back(std::move(process));
    if (closing_) co_return;
    const kube::Duration drawn = draw_pause(random, random.chance(0.5) ? kube::Duration(100ms) : 6s);
    co_await kube::sleep(world_.loop,
                         plan_.restart_pause == kube::Duration::zero() ? drawn : plan_.restart_pause);
  }
}

OperatorProcess* Fleet::find(const std::string& name) {
  for (const auto& process : processes_) {
    if (process && process->name() == name) return process.get();
  }
  return nullptr;
}

std::string Fleet::leader() {
  for (const auto& process : processes_) {
    if (process && process->is_working() && !is_cut_off(process->name())) return process->name();
  }
  return "";
}

void Fleet::disturb(const std::string& words) {
  ++disturbances_;
  quiet_since_ = world_.loop.steady();
  world_.trace.add("world", words);
}

void Fleet::crash(const std::string& name) {
  OperatorProcess* process = find(name);
  if (process == nullptr || process->crashed()) return;
  disturb(name + " is killed");
  world_.net.kill(name);
  world_.invariants.process_gone(name);
  process->crash();
  down_.wake_all();
}

void Fleet::stop(const std::string& name) {
  OperatorProcess* process = find(name);
  if (process == nullptr) return;
  disturb(name + " is told to stop");
  process->stop();
}

void Fleet::freeze(const std::string& name, int after_steps) {
  OperatorProcess* process = find(name);
  // A dead one would never be found again by whoever wants to thaw it.
  if (process == nullptr || process->crashed()) return;
  disturb(name + " is to stand still");
  process->loop().freeze_after(after_steps);
}

void Fleet::thaw(const std::string& name, bool arrivals_first) {
  OperatorProcess* process = find(name);
  if (process == nullptr || !process->loop().is_frozen()) return;
  disturb(name + " goes on");
  world_.invariants.process_thawed(name);
  process->loop().thaw(arrivals_first);
}

void Fleet::cut_off(const std::string& name) {
  disturb(name + " cannot reach the API server");
  world_.net.block(name, server_host_);
  cut_off_.insert(name);
  ever_cut_off_.insert(name);
}

void Fleet::reconnect(const std::string& name) {
  if (cut_off_.erase(name) == 0) return;
  disturb(name + " can reach the API server again");
  world_.net.unblock(name, server_host_);
}

void Fleet::reset_connections(const std::string& name) {
  disturb(name + " loses its connections");
  world_.net.cut(name, server_host_);
}

void Fleet::reconnect_all() {
  const std::set<std::string> names = cut_off_;
  for (const std::string& name : names) reconnect(name);
}

void Fleet::thaw_all() {
  for (const auto& process : processes_) {
    if (process) thaw(process->name(), false);
  }
}

bool Fleet::run_ready() {
  bool ran = false;
  for (const auto& process : processes_) {
    if (process) ran |= process->loop().run_ready();
  }
  for (const auto& process : graveyard_) ran |= process->loop().run_ready();
  return ran;
}

void Fleet::stop_all() {
  closing_ = true;
  for (const auto& process : processes_) {
    if (process) process->stop();
  }
}

bool Fleet::all_returned() const {
  return std::ranges::all_of(processes_,
                             [](const auto& process) { return !process || process->has_returned(); });
}

void Fleet::crash_all() {
  closing_ = true;
  for (auto& process : processes_) {
    if (!process) continue;
    crash(process->name());
    graveyard_.push_back(std::move(process));
  }
}

bool Fleet::all_buried() {
  std::erase_if(graveyard_, [](const auto& process) { return process->ended(); });
  return graveyard_.empty();
}

bool Fleet::escaped_exception() const {
  return std::ranges::any_of(sinks_, [](const auto& sink) { return sink->escaped_exception(); });
}

}  // namespace sim
