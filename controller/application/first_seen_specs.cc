#include "controller/application/first_seen_specs.h"

namespace controller {

void FirstSeenSpecs::changed(const kube::Change<ApplicationView>& change) {
  const ApplicationView& view = *change.object;
  if (change.type == kube::ChangeType::Deleted || view.submission_id.empty() ||
      api::tells_spec(view.submission_id, scope_)) {
    seen_.erase(change.key);
    return;
  }
  const auto known = seen_.find(change.key);
  if (known != seen_.end() && known->second.uid == view.uid &&
      known->second.submission_id == view.submission_id)
    return;
  seen_.erase(change.key);
  if (const auto app = view.decode())
    seen_[change.key] = {view.uid, view.submission_id, api::spec_hash(app->spec, scope_)};
}

std::optional<api::SpecHash> FirstSeenSpecs::of(const api::SparkApplication& app) const {
  const auto found = seen_.find(app.metadata.key());
  if (found == seen_.end() || found->second.uid != app.metadata.uid ||
      found->second.submission_id != app.status.submission_id)
    return std::nullopt;
  return found->second.spec;
}

}  // namespace controller
