// What a container finds in its environment, and its command line: values, references, downward API, $(VAR).
//
//   auto environment = container_environment(pod, container, sources, {.pod_ip = ip, …});
//   std::vector<std::string> command = container_command(container, image.entrypoint, *environment);
//
// Order: image, Kubernetes service variables and extras of the options, envFrom, env; later wins, and $(NAME)
// refers to what came before ($$(NAME) is a plain $(NAME), an unknown name stays as it is). Error
// InvalidInput: a required key is missing; the message names variable, object and key, never a value. Thread:
// pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kube/base/result.h"
#include "kube/core/json.h"
#include "kube/kubelet/pod_sources.h"

namespace kube {

struct PodFacts {
  std::string pod_ip;
  std::string host_ip;
  std::string node_name;
};

using Variables = std::map<std::string, std::string>;

Result<Variables> container_environment(const Json& pod, const Json& container, const PodSources& sources,
                                        const PodFacts& facts, Variables initial);
std::string expand_variables(const std::string& text, const Variables& variables);
std::vector<std::string> container_command(const Json& container, const std::vector<std::string>& entrypoint,
                                           const Variables& environment);

// metadata.name, metadata.labels['x'], status.podIP …; false: no such field.
bool downward_field(const Json& pod, const PodFacts& facts, const std::string& path, std::string& into);
// limits.cpu, requests.memory … of the container, in units of the divisor, rounded up.
Result<std::string> downward_resource(const Json& container, const Json& reference);

}  // namespace kube
