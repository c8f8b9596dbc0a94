// Attempt ids: what makes "one driver per attempt" checkable without ever writing an intention down.
//
//   std::string next = next_attempt_id(uid, status.submission_id, spec_hash(app.spec));
//   // "5b0e1f3c-9a77-8d21-8104-9fe02b6c1d55": label submission-id of the attempt's pods
//   //  '------- link ----'  '----- spec ----'
//   same_link(next, label)               the pod belongs to the attempt that is due now …
//   spec_part(next) == spec_part(label)  … and was made from this spec
//   spec_changed(status.submission_id, app.spec)   the user edited the spec since the last attempt
//
// An id is a UUIDv8. Its first three groups are the link: 60 bits of a hash of the application's UID and the
// id that status holds now ("" at first). Whoever reads the same status derives the same link; status never
// goes back to an earlier id, so links never repeat in an application's life. Its last two groups are six
// bits of format version and 56 bits of a hash of the normalised spec.
//
// Normalised: defaults applied; what only the operator acts on while a run lives is left out, because
// changing it restarts nothing (`suspend`, `timeToLiveSeconds`, `driverPodDisruptionBudget`, deadlines, and
// what this operator added to `restartPolicy`); absent lists and maps equal empty ones; quantities count by
// amount ("1" = 1 = "1000m"). Hash the spec as it is stored, before a batch scheduler or anything else adds
// to it in memory.
//
// Stability is the contract here: the same spec must give the same hash in every release, or an upgrade
// restarts every running application. A change of with_defaults(), of the normalisation, or of a field list
// that changes the bytes needs a new format version; ids of other versions and other makers (the Go
// operator's are v4) count as unchanged. The tests pin the bytes. Versions so far: 1 and 2 (the disruption
// budget was part of the hash), 3 and 4, the second of each pair with partial restart.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/spark_application.h"
#include "kube/core/json.h"

namespace api {

enum class HashScope {
  WholeSpec,
  // With the feature gate PartialRestart: five fields of the executor (priorityClassName, nodeSelector,
  // tolerations, affinity, schedulerName) reach new executors through the webhook, so changing them restarts
  // nothing either. Has a format version of its own: flipping the gate is no change of any spec.
  WithoutExecutorScheduling,
};

// The last two groups of an id, format version included.
struct SpecHash {
  std::uint64_t bits = 0;
  bool operator==(const SpecHash&) const = default;
};

SpecHash spec_hash(const SparkApplicationSpec& spec, HashScope scope = HashScope::WholeSpec);

// What is hashed; for tests, and to show why two specs differ.
kube::Json normalized_spec(const SparkApplicationSpec& spec, HashScope scope = HashScope::WholeSpec);

// The id of the attempt that follows `submission_id` (status.submissionID, "" when there was none).
std::string next_attempt_id(std::string_view app_uid, std::string_view submission_id, SpecHash spec);

// Made by this operator, in a format that this release knows.
bool is_ours(std::string_view id);

// Both ours, and of the same attempt. Specs may differ: see spec_part().
bool same_link(std::string_view a, std::string_view b);

// nullopt when the id is not ours.
std::optional<SpecHash> spec_part(std::string_view id);

// Whether the id tells which spec its attempt was made from: it is ours, and of the format that `scope` has.
bool tells_spec(std::string_view id, HashScope scope = HashScope::WholeSpec);

// Whether the spec differs from the one that the attempt was made from; false when the id cannot tell.
bool spec_changed(std::string_view submission_id, const SparkApplicationSpec& spec,
                  HashScope scope = HashScope::WholeSpec);

}  // namespace api
