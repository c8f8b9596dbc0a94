// AddressBlock is 127.N.0.0/16, held by one kubelet of this machine: its node listens at 127.N.0.1, its pods
// at the addresses behind, so that kubelets beside each other (of several users too) give no address twice.
//
//   Result<AddressBlock> block = AddressBlock::claim(network);
//   block->node_address();        // "127.7.0.1"
//   block->prefix();              // "127.7"
//
// The claim is a listening port, which the kernel gives away once and takes back when the process ends,
// however that ends. Any address of 127/8 may be bound without being configured. Error of claim():
// Unavailable, all are taken. Thread: the loop's only. Lifetime: the block is held as long as the value
// lives.
#pragma once

#include <memory>
#include <string>

#include "kube/async/stream.h"

namespace kube {

class AddressBlock {
 public:
  static Result<AddressBlock> claim(Network& network);

  const std::string& prefix() const { return prefix_; }
  std::string node_address() const { return prefix_ + ".0.1"; }

 private:
  AddressBlock(std::string prefix, std::unique_ptr<Listener> held)
      : prefix_(std::move(prefix)), held_(std::move(held)) {}

  std::string prefix_;
  std::unique_ptr<Listener> held_;
};

}  // namespace kube
