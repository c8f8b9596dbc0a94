// The volumes of a pod: what files they hold, computed from the pod and the objects it refers to; and where
// they are mounted in a container.
//
//   Result<std::vector<PodVolume>> volumes = plan_volumes(facts, objects);
//   Result<> written = write_volume(volumes[0], folder);       // files of config map, secret, projected,
//   downwardAPI Result<std::vector<BindMount>> mounts = plan_mounts(container, command.environment, sources);
//
// Errors: NotFound for an object or key that is missing and not optional; InvalidInput for a kind of volume
// that a single machine does not have. Thread: pure, but for write_volume.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "kube/kubelet/environment.h"
#include "kube/kubelet/launch_plan.h"
#include "kube/kubelet/pod_objects.h"

namespace kube {

// A service account token to be asked for and kept fresh.
struct TokenFile {
  std::string path;  // in the volume
  std::string audience;
  std::int64_t expiration_seconds = 3600;
  unsigned mode = 0644;
};

struct PodVolume {
  enum class Kind { Files, Empty, Memory, Host, Claim };
  struct File {
    std::string path;  // in the volume, may have folders
    std::string content;
    unsigned mode = 0644;
  };
  std::string name;
  Kind kind = Kind::Files;
  std::vector<File> files;
  std::vector<TokenFile> tokens;
  std::string host_path;
  std::string host_type;  // hostPath.type
  std::string claim;
};

Result<std::vector<PodVolume>> plan_volumes(const PodFacts& facts, const PodObjects& objects);

// Error: Io.
Result<> write_volume(const PodVolume& volume, const std::filesystem::path& folder);
// Makes what hostPath.type asks for, or says that it is not there. Error: NotFound, Io.
Result<> check_host_path(const PodVolume& volume);

// The container's volumeMounts in the order they must be mounted. `sources` are the folders (or files) of the
// volumes by name. Error: InvalidInput for an unknown volume or a subPath that leads out.
Result<std::vector<BindMount>> plan_mounts(const Json& container,
                                           const std::map<std::string, std::string>& environment,
                                           const std::map<std::string, std::filesystem::path>& sources);

}  // namespace kube
