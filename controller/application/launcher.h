// Launcher starts the driver of the next attempt, and exactly one (docs/one-driver.md, protocol 5.1 of the
// design):
//
//   co_return co_await launcher.launch(app, seen, notes, log);    // as decide() said Submit for them
//
// A live read of the application, decided on anew; a look at the names under which an earlier driver may lie;
// the lease held without a break from that read to the POST; after any refusal a look at the pod that stands
// there, which a table sorts: ours (adopt), the previous run (delete), a predecessor's (delete), a stray, or
// somebody else's.
//
// A start that takes long (a spark-submit process) is not awaited by a caller in a hurry: the application is
// handed over, and launched by somebody with patience, who begins from the live read again.
//
// Whoever crashes anywhere in between derives the same attempt id from the same status and finds what was
// done. Thread: the loop's only. Lifetime: what it is given outlives it.
#pragma once

#include <functional>

#include "controller/application/decision.h"
#include "controller/application/status_writer.h"
#include "controller/children/children.h"
#include "controller/submit/submitter.h"
#include "kube/runtime/controller.h"
#include "kube/runtime/leader_election.h"

namespace controller {

// Who a pod under one of our names is, seen from an application about to be submitted. The rows of the
// protocol's table.
enum class Standing {
  Ours,           // of the attempt that is due, made from this spec
  OursOtherSpec,  // of the attempt that is due, made before an edit: its id is used up
  PreviousRun,    // of the attempt that status speaks of
  OtherId,        // ours by UID, any other id: stray, or our view was stale
  Predecessor,    // of an application of this name that no longer exists, it seems
  Foreign,
};
Standing standing_of(const api::SparkApplication& app, const PodView& pod, const std::string& next_id);

enum class Patience { Short, Long };

// What becomes of starts that take long. Empty functions: they are awaited by everybody, to their end.
struct LongStarts {
  // To be launched again with long patience.
  std::function<void(const api::SparkApplication& app)> hand_over = {};
  // Asked while one is under way: is the attempt with this id, begun from this live read, still due?
  std::function<bool(const api::SparkApplication& live, const std::string& id)> still_due = {};
};

class Launcher {
 public:
  using Reconciled = kube::Result<kube::ReconcileResult>;

  // `children`: what to keep around applications; null: nothing.
  Launcher(kube::Client& client, kube::Leadership& leadership, StatusWriter& writer, Submitter& submitter,
           const Policy& policy, LongStarts long_starts = {}, Children* children = nullptr)
      : client_(client),
        leadership_(leadership),
        writer_(writer),
        submitter_(submitter),
        policy_(policy),
        long_starts_(std::move(long_starts)),
        children_(children) {}

  // `cached` is what the decision to submit was made on.
  kube::Task<Reconciled> launch(const api::SparkApplication& cached, const Observation& seen,
                                std::vector<Note> notes, kube::Log log, Patience patience = Patience::Long);
  // A driver of ours with an id that is neither current nor next: looks live, then adopts (New), deletes, or
  // steps back.
  kube::Task<Reconciled> look_at_stray(const api::SparkApplication& cached, const PodView& pod,
                                       kube::Log log);

 private:
  struct Attempting;
  kube::Task<Reconciled> post(Attempting attempting, Patience patience);
  kube::Task<kube::Result<>> make_ready(const Attempting& attempting);
  kube::Task<Reconciled> refused_or_taken(const Attempting& attempting, kube::Error error);
  kube::Task<kube::Result<>> record_name(const api::SparkApplication& app, const std::string& pod);
  // nullopt: nothing stands there.
  kube::Task<kube::Result<std::optional<PodView>>> read_pod(const kube::ObjectKey& key);
  kube::Task<kube::Result<std::optional<api::SparkApplication>>> read_application(const kube::ObjectKey& key);
  // What to do about a pod that was found under one of our names; nullopt: it is no obstacle any more.
  kube::Task<std::optional<Reconciled>> settle(const Attempting& attempting, const PodView& found);
  kube::Task<Reconciled> adopt(const Attempting& attempting, const PodView& driver);
  kube::Task<Reconciled> complete(const Attempting& attempting, DriverStart& start, const PodView& driver);
  kube::Task<Reconciled> refuse(const Attempting& attempting, std::string message);
  kube::Task<Reconciled> use_up(const Attempting& attempting, const PodView& found);
  kube::Task<Reconciled> remove(const Attempting& attempting, const PodView& pod);
  kube::Task<Reconciled> written(const Attempting& attempting, api::SparkApplicationStatus status,
                                 std::vector<Note> notes);

  kube::Client& client_;
  kube::Leadership& leadership_;
  StatusWriter& writer_;
  Submitter& submitter_;
  const Policy& policy_;
  const LongStarts long_starts_;
  Children* const children_;
};

}  // namespace controller
