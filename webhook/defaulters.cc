#include "webhook/defaulters.h"

#include "api/defaults.h"
#include "kube/core/fields.h"
#include "kube/core/patch.h"

namespace webhook {

using kube::Json;
using kube::Verdict;

Verdict default_application(const kube::Review& review) {
  if (review.operation != "CREATE" && review.operation != "UPDATE") return Verdict::allow();
  auto object = review.object_json();
  if (!object) return Verdict::error(400, object.error().message());
  auto app = kube::decode<api::SparkApplication>(*object);
  if (!app) return Verdict::error(400, app.error().message());
  const api::State state = app->status.application_state.state;
  if (state != api::State::New && state != api::State::Invalidating) return Verdict::allow();

  // The difference of the two encodings holds the defaults alone; put onto what was sent, it leaves alone
  // what decoding and encoding would have tidied up.
  const Json additions =
      kube::create_merge_patch(kube::encode(app->spec), kube::encode(api::with_defaults(app->spec)));
  if (additions.empty()) return Verdict::allow();
  const Json before = *object;
  (*object)["spec"] = kube::apply_merge_patch((*object)["spec"], additions);
  return Verdict::patch(before, *object);
}

Verdict default_nothing(const kube::Review&) {
  return Verdict::allow();
}

}  // namespace webhook
