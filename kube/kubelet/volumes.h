// Volumes of a pod as folders and files of this machine, and where its containers mount them.
//
//   auto folders = make_volumes(pod, sources, tokens, facts, pod_folder / "volumes", claims_folder);
//   plan_volume_mounts(container, *folders, environment, plan);       // bind mounts, parents before children
//
// configMap, secret, projected (token, config map, secret, downward API), downwardAPI, emptyDir, hostPath,
// persistentVolumeClaim (a folder of its own under `claims_folder`, which survives the pod), ephemeral (one
// that does not). Error InvalidInput names the volume and what is missing; kinds that need a storage driver
// are refused. Thread: blocking, on small local files.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "kube/base/clock.h"
#include "kube/kubelet/environment.h"
#include "kube/kubelet/launch_plan.h"

namespace kube {

// A token that a projected volume asks for, by volume name and path in it.
struct TokenRequest {
  std::string volume;
  std::string path;
  std::string audience;  // "" = the API server's
  Duration lifetime{};
};
std::vector<TokenRequest> token_requests(const Json& pod);
using Tokens = std::map<std::pair<std::string, std::string>, std::string>;  // {volume, path} → token

using VolumeFolders = std::map<std::string, std::filesystem::path>;

Result<VolumeFolders> make_volumes(const Json& pod, const PodSources& sources, const Tokens& tokens,
                                   const PodFacts& facts, const std::filesystem::path& folder,
                                   const std::filesystem::path& claims_folder);

// Error InvalidInput: a mount names no volume.
Result<> plan_volume_mounts(const Json& container, const VolumeFolders& folders, const Variables& environment,
                            LaunchPlan& plan);

}  // namespace kube
