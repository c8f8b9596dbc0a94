// ChildView is what the controller keeps of an object around an application (service, ingress, disruption
// budget, pod group, config map): whose it is, of which attempt, and what it says.
//
//   Result<ChildView> child = project_child(view, kube::kServices);   // from a list, a watch, a live read
//   child->app_uid == app.metadata.uid                                // ours: by the controller's UID alone
//
// Thread: values.
#pragma once

#include <array>
#include <string>

#include "kube/core/gvk.h"
#include "kube/core/json.h"
#include "kube/core/json_reader.h"

namespace controller {

inline const kube::Resource kVolcanoPodGroups{"scheduling.volcano.sh", "v1beta1", "PodGroup", "podgroups"};
inline const kube::Resource kSchedulerPodGroups{"scheduling.x-k8s.io", "v1alpha1", "PodGroup", "podgroups"};

struct ChildView {
  kube::Resource resource;
  kube::ObjectKey key;
  std::string uid;
  std::string resource_version;
  bool terminating = false;

  // The controller, if it is a SparkApplication; "" otherwise.
  std::string app_uid, app_name;
  std::string other_owner;    // any other controller, for messages
  std::string submission_id;  // label
  // Labels, annotations, and what else the object says; not its status. As JSON text.
  std::string content;

  kube::Json decode() const;
  std::string words() const { return resource.kind + " " + key.to_string(); }
  bool operator==(const ChildView&) const = default;
};

kube::Result<ChildView> project_child(kube::JsonView object, const kube::Resource& resource);
kube::Result<ChildView> project_child(const kube::Json& object, const kube::Resource& resource);

// Of a desired object. Error InvalidInput: a kind that no application has.
kube::Result<kube::Resource> child_resource(const kube::Json& object);

}  // namespace controller
