// The command and variables of a container, computed from the pod, its image and the objects it refers to.
//
//   Result<ContainerCommand> command = plan_command(facts, container, image, objects, extra);
//   command->environment["WEB_HOST"];   // valueFrom resolved, $(OTHER) expanded
//
// Order, later wins: the image's, the cluster's (KUBERNETES_SERVICE_HOST …), `extra`, envFrom, env. `$(NAME)`
// expands to what was defined before it; unknown names stay as they are, `$$(NAME)` is the text `$(NAME)`.
// Errors: NotFound for a missing config map, secret or key that is not optional; InvalidInput for a field
// that no downward API has. Thread: pure functions.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kube/kubelet/image_store.h"
#include "kube/kubelet/pod_objects.h"

namespace kube {

// What the node knows about a pod besides the object itself.
struct PodFacts {
  const Json& pod;
  std::string pod_address;
  std::string host_address;
  std::string node_name;
  std::string api_host;  // KUBERNETES_SERVICE_HOST
  std::string api_port;
};

struct ContainerCommand {
  std::vector<std::string> arguments;  // the whole command
  std::map<std::string, std::string> environment;
  std::string working_directory;
};

using Variables = std::vector<std::pair<std::string, std::string>>;

Result<ContainerCommand> plan_command(const PodFacts& facts, const Json& container, const Image& image,
                                      const PodObjects& objects, const Variables& extra);

// "metadata.labels['app']", "status.podIP" … as text.
Result<std::string> pod_field(const PodFacts& facts, const std::string& path);
// "limits.memory" of a container, divided by `divisor` ("" = 1) and rounded up; without a limit `otherwise`
// of the node.
Result<std::string> resource_field(const Json& pod, const Json& container, const Json& selector);

std::string expand(const std::string& text, const std::map<std::string, std::string>& variables);

// The name a pod knows itself by: spec.hostname, else its name; at most 63 characters.
std::string pod_hostname(const Json& pod);

}  // namespace kube
