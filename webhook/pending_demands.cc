#include "webhook/pending_demands.h"

#include "spark/batch/pod_request.h"

namespace webhook {

namespace {

using namespace std::chrono_literals;

// From creation or submission until pods must be there: a JVM submits, an image is pulled, a driver starts
// and asks for its executors.
constexpr auto kPodsTake = 60s;
// From the review until a watch tells of the object.
constexpr auto kWatchTakes = 5s;

// So many of the executors as are not there.
void scale(RoleDemand& executors, std::int64_t missing, std::int64_t all) {
  for (auto& [name, amount] : executors.amounts) {
    if (missing <= 0 || all <= 0) {
      amount = {};
    } else if (name.ends_with("cpu")) {
      amount = kube::Quantity::milli(amount.milli_value() / all * missing);
    } else {
      amount = kube::Quantity::of(amount.value() / all * missing, amount.format());
    }
  }
}

}  // namespace

std::optional<PendingDemand> still_to_come(const api::SparkApplication& app) {
  using api::State;
  const State state = app.status.application_state.state;
  if (app.metadata.deletion_timestamp || app.spec.suspend.value_or(false)) return std::nullopt;
  if (state != State::New && state != State::Submitted && state != State::Running) return std::nullopt;
  const auto& since =
      state == State::New ? app.metadata.creation_timestamp : app.status.last_submission_attempt_time;
  if (!since) return std::nullopt;
  auto demand = demand_of(app.spec);
  const auto all = spark::initial_executors(app.spec);
  if (!demand || !all) return std::nullopt;  // no pods come of a spec that cannot be read
  if (state != State::New) {
    demand->driver.amounts.clear();
    scale(demand->executors, *all - static_cast<std::int64_t>(app.status.executor_state.size()), *all);
  }
  return PendingDemand{std::move(*demand), *since + kPodsTake};
}

void PendingDemands::put(const kube::ObjectKey& key, Demand demand, kube::TimePoint until,
                         kube::TimePoint now) {
  auto shared = std::make_shared<const Demand>(std::move(demand));
  const std::lock_guard lock(guard_);
  // A creation that another webhook has refused is never seen, so that nobody else forgets it.
  std::erase_if(entries_, [now](const auto& entry) { return entry.second.until <= now; });
  entries_[key] = {std::move(shared), until};
}

void PendingDemands::expect(const kube::ObjectKey& key, Demand demand, kube::TimePoint now) {
  put(key, std::move(demand), now + kWatchTakes, now);
}

void PendingDemands::see(const api::SparkApplication& app, kube::TimePoint now) {
  auto pending = still_to_come(app);
  if (pending && pending->until > now)
    put(app.metadata.key(), std::move(pending->demand), pending->until, now);
  else
    forget(app.metadata.key());
}

void PendingDemands::forget(const kube::ObjectKey& key) {
  const std::lock_guard lock(guard_);
  entries_.erase(key);
}

std::vector<std::shared_ptr<const Demand>> PendingDemands::of(const std::string& ns,
                                                              const kube::ObjectKey& but,
                                                              kube::TimePoint now) const {
  std::vector<std::shared_ptr<const Demand>> found;
  const std::lock_guard lock(guard_);
  for (auto at = entries_.lower_bound({ns, ""}); at != entries_.end() && at->first.ns == ns; ++at)
    if (at->second.until > now && at->first != but) found.push_back(at->second.demand);
  return found;
}

}  // namespace webhook
