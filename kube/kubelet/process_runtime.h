// ProcessRuntime runs pods as processes of this machine, in namespaces of their own, without any container
// engine.
//
//   ProcessRuntime runtime(client, {.folder = state / "kubelet", .images = cache / "images",
//                                   .api_server = {"127.7.0.1", 443},
//                                   .extra_environment = {{"LOCAL_ADDRESS", "$(POD_IP)"}}});
//
// Addresses are 127.N.x.y, all in the machine's own network; names of services are in each pod's hosts file.
// Nothing limits memory or CPU. Files lie below `folder`: pods/<uid>/{volumes,containers,logs,hosts},
// claims/<ns>/<name> for persistent volume claims (kept), next-address. Needs root. Thread: the loop's only.
// Lifetime: the client outlives it; close() before it ends.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kube/async/stream.h"
#include "kube/base/log.h"
#include "kube/client/client.h"
#include "kube/kubelet/image_store.h"
#include "kube/kubelet/pod_runtime.h"

namespace kube {

struct ProcessRuntimeOptions {
  std::filesystem::path folder;
  std::filesystem::path images;                   // ImageStore's folder
  std::map<std::string, Image> image_table = {};  // references that have no folder there
  // Where pods find the API server: the address of kubernetes.default.svc.
  Endpoint api_server{"127.7.0.1", 443};
  std::string address_prefix = "127.7";  // of pods' addresses (AddressBlock)
  std::string node_name = "local";
  std::string host_address = "127.0.0.1";
  // Variables every container gets besides its own; $(POD_IP), $(POD_NAME), $(POD_NAMESPACE) and the
  // container's own variables expand. The pod's own definition of the same name wins.
  std::vector<std::pair<std::string, std::string>> extra_environment = {};
  std::vector<std::string> host_folders =
      {};  // more of the machine's folders, read-only (a JVM outside /usr …)
  std::size_t log_limit = std::size_t{10}
                          << 20;  // bytes of a container's log that are kept (at least half of it)
  Log log = {};
};

class ProcessRuntime final : public PodRuntime {
 public:
  ProcessRuntime(Client& client, ProcessRuntimeOptions options);
  ~ProcessRuntime() override;

  Task<Result<>> open() override;
  // Ends the renewal of tokens. Call before destruction, when run() of the kubelet has ended.
  Task<> close();
  Result<std::string> assign_address(const Json& pod) override;
  Task<Result<>> prepare(std::shared_ptr<const Json> pod, std::string address) override;
  Task<Result<std::unique_ptr<RunningContainer>>> start(StartContainer request) override;
  Task<> discard(std::string uid) override;
  std::vector<std::string> left_behind() const override;
  void set_host_names(std::vector<HostName> names) override;
  std::shared_ptr<LogFile> log(const std::string& uid, const std::string& container, bool previous) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kube
