#include "kube/runtime/leader_election.h"

#include <algorithm>

#include "kube/async/retry.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"

namespace kube {

namespace {

// The lease is read or written by one call at a time; its watch has a connection besides.
constexpr int kConnections = 2;

}  // namespace

LeaderElector::LeaderElector(Client& client, LeaderElectionOptions options)
    : loop_(client.loop()),
      client_(client.sibling(kConnections)),
      leases_(*client_, kLeases, options.lease.ns),
      options_(std::move(options)),
      name_("leader election " + options_.lease.to_string()),
      changed_(client.loop()),
      watching_(client.loop(), options_.log) {
  if (options_.metrics != nullptr) {
    master_status_ = &options_.metrics->gauge(
        "leader_election_master_status",
        "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates "
        "master. "
        "'name' is the string used to identify the lease. Please make sure to group by name.",
        {{"name", options_.lease.name}});
    master_status_->Set(0);
  }
}

LeaderElector::~LeaderElector() = default;

bool LeaderElector::valid_for(Duration duration) const {
  return holding_ && loop_.after(duration) < renewed_ + options_.lease_duration;
}

void LeaderElector::stop() {
  stopped_ = true;
  changed_.wake_all();
}

Task<bool> LeaderElector::acquired() {
  while (!holding_ && !ended_) co_await changed_.wait();
  co_return holding_;
}

void LeaderElector::set_holding(bool holding) {
  if (holding == holding_) return;
  holding_ = holding;
  if (holding) ++term_;
  if (master_status_ != nullptr) master_status_->Set(holding ? 1 : 0);
  if (holding)
    options_.log.info("lease acquired",
                      {{"lease", options_.lease.to_string()}, {"identity", options_.identity}});
  else
    options_.log.info("lease no longer held",
                      {{"lease", options_.lease.to_string()}, {"identity", options_.identity}});
  changed_.wake_all();
}

Task<Result<>> LeaderElector::run() {
  std::exception_ptr thrown;
  Result<> result;
  try {
    watching_.spawn(name_ + " watch", watch_lease());
    co_await compete();
    // Not needed any more: the holder is the only one who writes.
    watching_.cancel();
    if (holding_) result = co_await keep();
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await shield();
  co_await watching_.cancel_and_join();
  const bool was_holding = holding_;
  set_holding(false);
  ended_ = true;
  changed_.wake_all();
  if (thrown) std::rethrow_exception(thrown);
  if (was_holding && result && options_.release_on_stop) co_await release();
  co_return result;
}

Task<> LeaderElector::compete() {
  const Backoff pause{
      .initial = options_.retry_period, .factor = 1.0, .max = options_.retry_period, .jitter = 0.2};
  while (!stopped_) {
    auto held = co_await try_acquire_or_renew(options_.renew_deadline);
    if (held && *held) co_return set_holding(true);
    if (!held) options_.log.debug("lease cannot be read or written", {{"error", held.error()}});
    if (stopped_) co_return;
    // Awake at once when the lease is released or deleted, and when its holder has been silent for too long;
    // but a lease that is being renewed is no news.
    SteadyTime next = loop_.after(pause.delay(1, loop_.random()));
    while (!stopped_ && !nudged_ && co_await changed_.wait_until(std::min(next, expiry()))) {
    }
    nudged_ = false;
  }
}

SteadyTime LeaderElector::expiry() const {
  const SteadyTime at = seen_.changed + seen_.lease_duration;
  return seen_.holder.empty() || at <= loop_.steady() ? kNever : at;
}

Task<Result<>> LeaderElector::keep() {
  bool failed = false;
  while (!stopped_) {
    const SteadyTime give_up = renewed_ + options_.renew_deadline;
    // A renewal that failed is tried again sooner: a few lost calls must not cost the lease.
    const SteadyTime next = std::min(loop_.after(options_.retry_period / (failed ? 4 : 1)), give_up);
    while (!stopped_ && co_await changed_.wait_until(next)) {
    }
    if (stopped_) break;
    const Duration left = give_up - loop_.steady();
    if (left <= Duration::zero())
      co_return fail(ErrorKind::Timeout, "lease " + options_.lease.to_string() + " was not renewed within " +
                                             to_go_duration(options_.renew_deadline));
    // Less than what is left, so that one hanging call leaves time for another.
    auto held =
        co_await try_acquire_or_renew(std::min(left, std::max<Duration>(options_.renew_deadline / 3, 1s)));
    if (held && !*held)
      co_return fail(ErrorKind::Conflict,
                     "lease " + options_.lease.to_string() + " was taken by " + seen_.holder);
    failed = !held;
    if (!held) options_.log.warn("lease was not renewed", {{"error", held.error()}});
  }
  co_return Result<>{};
}

Json LeaderElector::spec(std::string holder, std::int64_t transitions, const Json* acquired) const {
  const std::string now = to_rfc3339_micro(loop_.now());
  return {{"holderIdentity", std::move(holder)},
          {"leaseDurationSeconds", std::chrono::ceil<std::chrono::seconds>(options_.lease_duration).count()},
          {"acquireTime", acquired == nullptr ? Json(now) : *acquired},
          {"renewTime", now},
          {"leaseTransitions", transitions}};
}

bool LeaderElector::is_held_by_another() const {
  return seen_.holder != options_.identity && !seen_.holder.empty() &&
         loop_.steady() < seen_.changed + seen_.lease_duration;
}

// True: held by us, and the server has just confirmed it. False: somebody else holds it.
Task<Result<bool>> LeaderElector::try_acquire_or_renew(Duration deadline) {
  const SteadyTime sent = loop_.steady();
  leases_.with_deadline(deadline);
  if (holding_) {
    // Nobody but us writes a held lease: one call does. A conflict says otherwise, or that an answer of ours
    // was lost.
    auto renewed = co_await write(
        spec(options_.identity, seen_.transitions, find_path(seen_.object, {"spec", "acquireTime"})));
    if (renewed) {
      renewed_ = sent;
      co_return true;
    }
    if (!renewed.error().is_conflict() && !renewed.error().is_not_found()) co_return fail(std::move(renewed));
  }
  auto lease = co_await leases_.get(options_.lease.name);
  if (!lease && lease.error().is_not_found()) {
    // Deleted, not released: its holder goes on until it learns of that.
    if (is_held_by_another()) co_return false;
    auto created = co_await leases_.create(
        {{"apiVersion", "coordination.k8s.io/v1"},
         {"kind", "Lease"},
         {"metadata", {{"name", options_.lease.name}, {"namespace", options_.lease.ns}}},
         {"spec", spec(options_.identity, 0, nullptr)}});
    if (!created) co_return fail(std::move(created));
    observe(*created);
    renewed_ = sent;
    // Between the deletion and now another may have held it and lost it the same way: no longer one term.
    if (holding_) ++term_;
    co_return true;
  }
  if (!lease) co_return fail(std::move(lease));
  observe(*lease);
  const bool ours = seen_.holder == options_.identity;
  // A lease in our name that we do not hold is from a life before this one under the same identity; or our
  // renewal was applied although its answer was lost.
  if (holding_ && !ours) co_return false;
  if (is_held_by_another()) co_return false;
  auto written = co_await write(
      ours ? spec(options_.identity, seen_.transitions, find_path(seen_.object, {"spec", "acquireTime"}))
           : spec(options_.identity, seen_.transitions + 1, nullptr));
  if (!written) {
    if (written.error().is_conflict() && !holding_) co_return false;  // another candidate was faster
    co_return fail(std::move(written));
  }
  renewed_ = sent;
  co_return true;
}

// An update, not a patch: the roles of operators everywhere grant that verb on leases. What we do not know of
// the object goes back as it came; its resourceVersion makes it the version that was decided on.
Task<Result<>> LeaderElector::write(Json spec) {
  Json lease = seen_.object;
  lease["spec"].update(spec);
  auto written = co_await leases_.replace(options_.lease.name, std::move(lease));
  if (!written) co_return fail(std::move(written));
  observe(*written);
  co_return Result<>{};
}

void LeaderElector::observe(const Json& lease) {
  std::string version = string_at(lease, {"metadata", "resourceVersion"});
  if (version == seen_.resource_version) return;
  seen_.resource_version = std::move(version);
  seen_.changed = loop_.steady();
  seen_.holder = string_at(lease, {"spec", "holderIdentity"});
  const auto number = [&](std::string_view field) -> std::int64_t {
    const Json* value = find_path(lease, {"spec", field});
    return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : 0;
  };
  seen_.transitions = number("leaseTransitions");
  // As long as its holder counts on, not as we would: replicas may be configured differently.
  seen_.lease_duration = std::max<Duration>(std::chrono::seconds(number("leaseDurationSeconds")), 1s);
  seen_.object = lease;
}

Task<> LeaderElector::release() {
  leases_.with_deadline(options_.retry_period);
  // One second, as an empty lease is anybody's; zero is not valid.
  Json empty = spec("", seen_.transitions, nullptr);
  empty["leaseDurationSeconds"] = 1;
  auto released = co_await write(std::move(empty));
  if (released)
    options_.log.info("lease released", {{"lease", options_.lease.to_string()}});
  else
    options_.log.warn("lease was not released", {{"error", released.error()}});
}

// Nudges compete() when the lease becomes free. Where watching is forbidden, polling alone has to do.
Task<> LeaderElector::watch_lease() {
  // Not slower than polling, which goes on meanwhile: another watch costs no more than another look.
  Backoff backoff{.initial = 500ms, .factor = 2.0, .max = options_.retry_period, .jitter = 0.5};
  for (int failures = 0;;) {
    auto watch = co_await leases_.watch(WatchOptions().fields("metadata.name=" + options_.lease.name));
    if (!watch && (watch.error().kind() == ErrorKind::Forbidden || watch.error().is_not_found())) co_return;
    while (watch) {
      auto event = co_await watch->next();
      if (!event || !*event) break;
      failures = 0;
      if ((*event)->type == "BOOKMARK") continue;
      if (string_at((*event)->object, {"metadata", "name"}) != options_.lease.name) continue;
      if ((*event)->type != "DELETED") observe((*event)->object);
      const bool free =
          (*event)->type == "DELETED" || string_at((*event)->object, {"spec", "holderIdentity"}).empty();
      if (!free) {
        changed_.wake_all();  // to wait for the new expiry
        continue;
      }
      nudged_ = true;
      changed_.wake_all();
    }
    co_await sleep(loop_, backoff.delay(++failures, loop_.random()));
  }
}

}  // namespace kube
