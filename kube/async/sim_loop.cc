#include "kube/async/sim_loop.h"

#include <exception>
#include <optional>

#include <boost/asio/io_context.hpp>

#include "kube/async/task_group.h"

namespace kube {

class SimLoop::SimClock final : public Clock {
 public:
  TimePoint now() const override { return wall; }
  SteadyTime steady() const override { return passed; }

  void advance_to(SteadyTime to) {
    wall += to - passed;
    passed = to;
  }

  TimePoint wall = std::chrono::sys_days(std::chrono::year{2026} / 1 / 1);
  SteadyTime passed{};
};

SimLoop::SimLoop(std::uint64_t seed) : SimLoop(std::make_shared<SimClock>(), seed) {}

SimLoop::SimLoop(std::shared_ptr<SimClock> clock, std::uint64_t seed)
    : Loop(clock, Random(seed)), sim_clock_(std::move(clock)) {}

SimLoop::~SimLoop() = default;

void SimLoop::settle() {
  // A suspended task counts as outstanding work, so the context never says "stopped": count what ran instead.
  do {
    context().restart();
  } while (context().poll() > 0);
  if (on_step_) on_step_();
}

bool SimLoop::advance(SteadyTime limit) {
  const SteadyTime next = next_timer();
  if (next > limit || next == kNever) return false;
  if (next > steady()) sim_clock_->advance_to(next);
  fire_due_timers();
  return true;
}

void SimLoop::run_for(Duration duration) {
  const SteadyTime end = after(duration);
  settle();
  while (advance(end)) settle();
  sim_clock_->advance_to(end);
}

bool SimLoop::run_until(const std::function<bool()>& done, Duration limit) {
  const SteadyTime end = after(limit);
  settle();
  while (!done()) {
    if (!advance(end)) {
      if (end != kNever) sim_clock_->advance_to(end);
      return done();
    }
    settle();
  }
  return true;
}

void SimLoop::run(Task<> task) {
  std::exception_ptr thrown;
  bool ended = false;
  auto body = [](Task<> inner, std::exception_ptr* out, bool* flag) -> Task<> {
    try {
      co_await std::move(inner);
    } catch (...) {
      *out = std::current_exception();
    }
    *flag = true;
  };
  TaskGroup group(*this);
  group.spawn("main", body(std::move(task), &thrown, &ended));
  const bool came_to_end = run_until([&] { return ended && group.empty(); }, kNever - steady());
  if (!came_to_end) {
    group.cancel();
    settle();
    throw std::runtime_error("the simulated task waits for something that can never happen");
  }
  if (thrown) std::rethrow_exception(thrown);
}

void SimLoop::jump_wall_clock(Duration by) {
  sim_clock_->wall += by;
}

void SimLoop::submit_blocking(std::move_only_function<void()> work, std::move_only_function<void()> done) {
  post([work = std::move(work), done = std::move(done)]() mutable {
    work();
    done();
  });
}

}  // namespace kube
