// FirstSeenSpecs remembers with which spec a run was first seen whose id does not tell it: another operator
// has begun it, or this one in another format. An edit that comes later is an edit all the same.
//
//   FirstSeenSpecs specs(policy.hash_scope);
//   apps.on_change([&](const auto& change) { specs.changed(change); });    // standbys too
//   seen.first_spec = specs.of(app);
//
// What was edited while nobody watched stays unseen, as the Go operator's edits do: the id alone could tell.
// Holds a hash for each such run, as long as status names it. Thread: the loop's only.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "api/spec_hash.h"
#include "controller/application/application_view.h"
#include "kube/runtime/informer.h"

namespace controller {

class FirstSeenSpecs {
 public:
  explicit FirstSeenSpecs(api::HashScope scope) : scope_(scope) {}

  void changed(const kube::Change<ApplicationView>& change);
  // nullopt: the id tells, or the spec could never be read.
  std::optional<api::SpecHash> of(const api::SparkApplication& app) const;

 private:
  struct Seen {
    std::string uid, submission_id;
    api::SpecHash spec;
  };
  const api::HashScope scope_;
  std::map<kube::ObjectKey, Seen> seen_;
};

}  // namespace controller
