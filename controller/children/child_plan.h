// plan_children() says what has to happen so that the objects around an application are those it wants: the
// pure half of the step that keeps them.
//
//   for (const ChildStep& step : plan_children(wanted, present, {.current = id, .next = next_id})) …
//
// Nothing differs: no step. What is wanted and absent is created; what differs is patched; what belongs to an
// earlier attempt is deleted and, if wanted, made anew, so that no trace of removed options stays; what is
// not wanted is deleted. Objects of the next attempt are left alone: whoever sees them before its own status
// says so has an old view. `present` is to hold objects of this application only, by UID.
//
// Pure functions.
#pragma once

#include <string>
#include <vector>

#include "controller/children/child_view.h"
#include "kube/base/error.h"

namespace controller {

struct ChildStep {
  enum class What { Create, Patch, Replace, Delete };
  What what = What::Create;
  kube::Resource resource;
  kube::ObjectKey key;
  kube::Json wanted;  // all but Delete
  ChildView present;  // all but Create
  // Present is neither of this attempt nor certain to be of an earlier one: an old view might say so too.
  bool needs_live_view = false;
};

struct AttemptIds {
  std::string current;  // status.submissionID
  std::string next;     // what the next attempt's would be; equal links count
};

std::vector<ChildStep> plan_children(const std::vector<kube::Json>& wanted,
                                     const std::vector<ChildView>& present, const AttemptIds& ids);

// Everything that `wanted` says is there, too; what a server adds (defaults, addresses, ports of nodes, other
// people's labels and annotations) is no difference. Lists must be as long.
bool covers(const kube::Json& present, const kube::Json& wanted);

// Makes `present` say what `wanted` says, and leaves the rest as it is.
kube::Json child_patch(const ChildView& present, const kube::Json& wanted);

// An error by which the API server has read a step's request and refused it; anything else may yet be done,
// or have been.
bool is_definite(const kube::Error& error);

}  // namespace controller
