// SparkDriver is the driver pod of one attempt as a spark-submit makes it, a process of ours or one that a
// submission service runs, seen from outside. What those say of themselves proves little: an exit code other
// than 0 may stand beside a driver that runs, a lost answer as well. So the pod is read.
//
//   SparkDriver driver(client, {"ns", "pi-driver"}, app_uid, submission_id);
//   auto vacant = co_await driver.is_vacant();               // before: nobody starts one over another
//   auto left = co_await driver.left_behind();               // after: what has come of it
//   auto completion = co_await driver.completion(view, 3min + 15s);
//
// A look that is refused is an ambiguous error, whatever it says, since it tells nothing of what stands
// there. Thread: the loop's only. Lifetime: the client outlives it, and it its calls.
#pragma once

#include <optional>
#include <string>

#include "controller/application/pod_view.h"
#include "controller/submit/submitter.h"
#include "kube/client/api.h"

namespace controller {

class SparkDriver {
 public:
  SparkDriver(kube::Client& client, kube::ObjectKey pod, std::string app_uid, std::string submission_id)
      : client_(client),
        pod_(std::move(pod)),
        app_uid_(std::move(app_uid)),
        submission_id_(std::move(submission_id)) {}

  struct Found {
    kube::Json object;
    PodView view;
  };
  struct Left {
    std::optional<Found> driver;  // ours, and here to stay
    bool taken_back = false;      // there was one, which Spark has deleted again; it is gone
  };

  const kube::ObjectKey& key() const { return pod_; }
  const std::string& submission_id() const { return submission_id_; }

  // AlreadyExists: a pod stands under the name, whosever it is.
  kube::Task<kube::Result<>> is_vacant();

  // What stands there once nobody is at it any more. Spark deletes its driver when it cannot make what
  // belongs to it; that one is waited for, since until it is gone it would be taken for a driver that is on
  // its way. Errors: AlreadyExists (somebody else's pod), Timeout (a pod that does not go).
  kube::Task<kube::Result<Left>> left_behind();

  // Spark makes the config map last that the pod's volumes name. Never: it has not come although whoever
  // could make it has ended, `makers_live` after the pod's creation at the latest. Conflict: another pod has
  // taken the name.
  kube::Task<kube::Result<Completion>> completion(PodView driver, kube::Duration makers_live);

 private:
  // Whatever stands under the name, by a live read.
  kube::Task<kube::Result<std::optional<Found>>> find();
  // Of this attempt, by owner and id.
  bool is_ours(const PodView& pod) const;
  kube::Task<kube::Result<bool>> is_gone(std::string uid);
  kube::Error stands_already() const;

  kube::Client& client_;
  const kube::ObjectKey pod_;
  const std::string app_uid_;
  const std::string submission_id_;
};

}  // namespace controller
