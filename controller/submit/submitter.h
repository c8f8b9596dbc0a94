// Submitter is a way to start drivers: natively, or by spark-submit. That only one driver starts for an
// attempt is the launcher's business (controller/application/launcher.h); a submitter is asked once it is
// clear that one has to.
//
//   auto start = submitter.begin(app, attempt);           // builds, asks nobody
//   if (!start) …                                         // InvalidInput: nothing can be built from this
//   auto driver = co_await (*start)->create_driver(may_post);
//   auto completed = co_await (*start)->complete(*driver);
//
// A driver that was found instead, of this attempt and half-way done: `submitter.resume(app, attempt, pod)`,
// and complete().
// Thread: the loop's only. Lifetime: the submitter outlives its starts, a start outlives its calls.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "api/spark_application.h"
#include "controller/application/decision.h"
#include "controller/application/pod_view.h"
#include "kube/async/task.h"
#include "spark/submit_conf.h"

namespace controller {

// Asked right before what creates a driver: how long that may take at most, because the lease is certain to
// be held that long; nothing: it must not happen, or not go on.
using PostPermit = std::function<std::optional<kube::Duration>()>;

// Whether a driver has all that it needs.
struct Completion {
  enum class State {
    Done,
    NotYet,  // somebody else is still at it, as far as one can tell
    Never,   // whoever was at it has gone: the attempt's id is used up
  };
  State state = State::Done;
  kube::Duration look_again{};  // NotYet: after this long
};

// DriverStart is one attempt's way through one submitter: what was built for it, and carrying it out.
class DriverStart {
 public:
  virtual ~DriverStart() = default;
  virtual std::string_view submitter() const = 0;

  // create_driver() takes seconds to minutes and waits for its turn: not to be awaited by whoever has others
  // to serve.
  virtual bool takes_long() const { return false; }
  // What people should know before it begins, such as why this submitter; and once the driver is there, such
  // as what of the spec has no effect.
  virtual std::vector<Note> announcement() const { return {}; }
  virtual std::vector<Note> remarks() const { return {}; }

  // Creates the driver pod, while `may_post` says so and within the time it gives; otherwise ShuttingDown.
  // InvalidInput: no driver can come of this attempt, the message says why. Any other error is the API
  // server's or the way to it.
  virtual kube::Task<kube::Result<PodView>> create_driver(PostPermit may_post) = 0;

  // Makes, or waits for, what else the attempt needs, owned by the driver pod. Doing it twice finds the
  // first. Conflict: another object stands in the way and its owner still exists.
  virtual kube::Task<kube::Result<Completion>> complete(const PodView& driver) = 0;
};

class Submitter {
 public:
  virtual ~Submitter() = default;
  virtual kube::Result<std::unique_ptr<DriverStart>> begin(const api::SparkApplication& app,
                                                           const spark::Attempt& attempt) = 0;
  // For a driver of this attempt that exists, whoever has made it.
  virtual kube::Result<std::unique_ptr<DriverStart>> resume(const api::SparkApplication& app,
                                                            const spark::Attempt& attempt,
                                                            const PodView& driver) = 0;
};

}  // namespace controller
