#include "kube/apiserver/event_expiry.h"

namespace kube::apiserver {

namespace {

constexpr Duration kKept = 1h;
// Events come in crowds; they also go in crowds.
constexpr Duration kRound = 1min;

}  // namespace

EventExpiry::EventExpiry(Cluster& cluster) : cluster_(cluster), timer_(cluster.loop, [this] { expire(); }) {
  cluster_.on_commit([this](std::string_view table, const Change& change, const RequestInfo&) {
    if (table != "events" || !change.after) return;
    written_.push_back({cluster_.loop.steady(), change.after->key(), change.version});
    if (!timer_.is_set()) timer_.set(cluster_.loop.after(kKept));
  });
}

void EventExpiry::expire() {
  const SteadyTime now = cluster_.loop.steady();
  while (!written_.empty() && written_.front().at + kKept <= now) {
    const Written oldest = std::move(written_.front());
    written_.pop_front();
    // One that was written again since has a later entry.
    ObjectRef event = cluster_.store.get("events", oldest.key);
    if (event && event->version() == oldest.version) cluster_.store.remove("events", oldest.key);
  }
  if (!written_.empty()) timer_.set(std::max(written_.front().at + kKept, cluster_.loop.after(kRound)));
}

}  // namespace kube::apiserver
