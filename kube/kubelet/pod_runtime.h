// PodRuntime is what a kubelet runs pods with: processes of this machine (process_runtime.h), or nothing at
// all (pretend_runtime.h). The kubelet decides when; the runtime knows how.
//
//   std::string address = *runtime.assign_address(pod);
//   Result<> prepared = co_await runtime.prepare(pod, address);        // volumes; tried again while it fails
//   auto container = co_await runtime.start({.pod = pod, .container = …, .address = address});
//   ContainerExit exit = co_await (*container)->wait();
//   co_await runtime.discard(uid);
//
// Pods and containers are given as the API server's JSON. Thread: the loop's only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/async/loop.h"
#include "kube/core/json.h"

namespace kube {

class LogFile;

struct ContainerExit {
  int code = 0;         // 128 + n when signal n ended it
  std::string reason;   // "" = Completed or Error, by the code
  std::string message;  // termination message
};

// A container that was started. The destructor ends it at once.
class RunningContainer {
 public:
  virtual ~RunningContainer() = default;
  // Ends when the container has; may be awaited once.
  virtual Task<ContainerExit> wait() = 0;
  virtual void terminate() = 0;  // politely: SIGTERM
  virtual void kill() = 0;       // at once
  // Runs a command inside; its exit code. Error Timeout when it took longer.
  virtual Task<Result<int>> execute(std::vector<std::string> command, Duration limit) = 0;
};

struct StartContainer {
  std::shared_ptr<const Json> pod;
  Json container;  // of spec.containers or spec.initContainers
  std::string address;
  int restart_count = 0;
};

// A name that pods find at an address: what a DNS server would answer.
struct HostName {
  std::string ns;  // where `short_name` alone is enough
  std::string short_name;
  std::string address;
  bool operator==(const HostName&) const = default;
};

class PodRuntime {
 public:
  virtual ~PodRuntime() = default;

  // Once, before all else: what must hold for pods to run at all. Error Forbidden: no right to make
  // namespaces.
  virtual Task<Result<>> open() { co_return Result<>{}; }
  // An address no other pod has; the same for the same pod.
  virtual Result<std::string> assign_address(const Json& pod) = 0;
  // Makes all that the pod's containers share. Errors are tried again: what is missing may come.
  virtual Task<Result<>> prepare(std::shared_ptr<const Json> pod, std::string address) = 0;
  // Error NotFound: there is no such image (tried again); all others: the container cannot start as
  // specified.
  virtual Task<Result<std::unique_ptr<RunningContainer>>> start(StartContainer request) = 0;
  // Forgets the pod, whose containers have ended, and its files.
  virtual Task<> discard(std::string uid) = 0;
  // Pods of which traces exist from before open(): their containers have ended with the kubelet that ran
  // them.
  virtual std::vector<std::string> left_behind() const { return {}; }
  virtual void set_host_names(std::vector<HostName> names) {}
  // Null when the runtime keeps none.
  virtual std::shared_ptr<LogFile> log(const std::string& uid, const std::string& container, bool previous) {
    return nullptr;
  }
};

}  // namespace kube
