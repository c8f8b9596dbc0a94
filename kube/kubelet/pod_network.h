// What stands in for a pod network on one machine: loopback addresses and hosts files.
//
//   AddressCounter addresses(folder / "next-address", "127.7");
//   Result<std::string> address = addresses.next();                   // "127.7.0.2", then .3 …
//   std::string text = hosts_file(pod, *address, "127.7.0.1", names);
//
// All of 127/8 may be bound without being configured. The counter lies on disk, so that a kubelet that starts
// again does not give a live pod's address away. Thread: one at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "kube/kubelet/pod_runtime.h"

namespace kube {

class AddressCounter {
 public:
  // Within prefix.0.0/16, from prefix.0.2 on: the first is the node's (address_block.h).
  AddressCounter(std::filesystem::path file, std::string prefix)
      : file_(std::move(file)), prefix_(std::move(prefix)) {}
  // Error: Io, when it cannot be remembered.
  Result<std::string> next();

 private:
  std::filesystem::path file_;
  std::string prefix_;
};

std::string hosts_file(const Json& pod, const std::string& address, const std::string& api_address,
                       const std::vector<HostName>& names);

}  // namespace kube
