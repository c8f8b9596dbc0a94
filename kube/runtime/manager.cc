#include "kube/runtime/manager.h"

#include <algorithm>

#include "kube/async/timer.h"

namespace kube {

Manager::Manager(Client& client, ManagerOptions options)
    : client_(client),
      loop_(client.loop()),
      options_(std::move(options)),
      leadership_(&undisputed_),
      standing_(loop_, options_.log),
      leading_(loop_, options_.log),
      electing_(loop_, options_.log),
      changed_(loop_) {
  if (options_.leader_election) {
    elector_ = std::make_unique<LeaderElector>(client, *options_.leader_election);
    leadership_ = elector_.get();
  }
  events_ = &add(std::make_unique<EventRecorder>(
      client, EventRecorderOptions{
                  .component = options_.component, .log = options_.log, .metrics = options_.metrics}));
}

Manager::~Manager() = default;

bool Manager::is_ready() const {
  return std::ranges::all_of(parts_,
                             [](const auto& part) { return part->needs_leadership() || part->is_ready(); });
}

void Manager::stop() {
  stop_requested_ = true;
  changed_.wake_all();
}

Task<> Manager::run_part(Runnable& part) {
  std::exception_ptr thrown;
  Result<> ended;
  try {
    ended = co_await part.run();
  } catch (...) {
    thrown = std::current_exception();
    if (is_cancellation(thrown)) std::rethrow_exception(thrown);
  }
  if (!failed_ && !stopping_) {
    if (thrown) {
      failed_ = Error(ErrorKind::InternalError, part.name() + " ended by an exception");
    } else if (!ended) {
      failed_ = ended.error().while_doing(part.name());
    }
  }
  if (&part == elector_.get() && (thrown || !ended)) abort_leading();
  changed_.wake_all();
  if (thrown) std::rethrow_exception(thrown);  // the group logs what it was
}

Task<Result<>> Manager::run() {
  std::exception_ptr cancelled;
  Result<> result;
  try {
    result = co_await start_all();
    while (result && !stop_requested_ && !failed_) co_await changed_.wait();
  } catch (...) {
    cancelled = std::current_exception();
  }
  if (failed_) result = fail(*failed_);
  if (!result) options_.log.error("stopping", {{"error", result.error()}});
  co_await shield();
  co_await stop_all();
  if (cancelled) std::rethrow_exception(cancelled);
  co_return result;
}

Task<Result<>> Manager::start_all() {
  for (const auto& part : parts_)
    if (!part->needs_leadership()) standing_.spawn(part->name(), run_part(*part));

  const SteadyTime sync_end = loop_.after(options_.sync_timeout);
  while (!is_ready()) {
    if (stop_requested_ || failed_) co_return Result<>{};
    if (loop_.steady() >= sync_end) {
      std::string late;
      for (const auto& part : parts_)
        if (!part->needs_leadership() && !part->is_ready()) late += (late.empty() ? "" : ", ") + part->name();
      co_return fail(ErrorKind::Timeout,
                     "not ready within " + to_go_duration(options_.sync_timeout) + ": " + late);
    }
    // Parts do not say when they become ready; 20 looks a second at a few flags cost nothing.
    co_await changed_.wait_until(std::min(sync_end, loop_.after(50ms)));
  }
  options_.log.info("caches are in sync");

  if (elector_) {
    electing_.spawn(elector_->name(), run_part(*elector_));
    while (!elector_->leading() && !stop_requested_ && !failed_) co_await wait_leading();
  }
  if (stop_requested_ || failed_) co_return Result<>{};
  for (const auto& part : parts_)
    if (part->needs_leadership()) leading_.spawn(part->name(), run_part(*part));
  started_ = true;
  co_return Result<>{};
}

Task<> Manager::wait_leading() {
  // acquired() wakes on the lease alone, changed_ on everything else: the first of both counts.
  TaskGroup waiting(loop_);
  const auto tell = [](LeaderElector& elector, WaitList& changed) -> Task<> {
    co_await elector.acquired();
    changed.wake_all();
  };
  waiting.spawn("acquired", tell(*elector_, changed_));
  std::exception_ptr cancelled;
  try {
    co_await changed_.wait();
  } catch (...) {
    cancelled = std::current_exception();
  }
  if (cancelled) co_await shield();
  co_await waiting.cancel_and_join();
  if (cancelled) std::rethrow_exception(cancelled);
}

// The lease is lost: what is in flight is void now, not after a grace, also while we are stopping.
void Manager::abort_leading() {
  lost_ = true;
  for (const auto& part : parts_)
    if (part->needs_leadership()) part->abort();
  leading_.cancel();
}

Task<> Manager::stop_all() {
  stopping_ = true;
  started_ = false;
  // 1. Whoever needs the lease stops taking work and finishes what is in flight.
  for (const auto& part : parts_)
    if (part->needs_leadership() && !lost_) part->stop();
  co_await leading_.stop(options_.grace);
  // 2. Nothing that needs the lease can act any more: others may. They need not wait for our last events.
  if (elector_) {
    elector_->stop();
    co_await electing_.stop(options_.grace);
  }
  // 3. The caches, the events (flushed), and the servers, so that probes are answered to the end.
  for (const auto& part : parts_)
    if (!part->needs_leadership()) part->stop();
  co_await standing_.stop(options_.grace);
}

}  // namespace kube
