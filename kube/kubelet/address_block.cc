#include "kube/kubelet/address_block.h"

namespace kube {
namespace {

// 127.0 and its neighbours belong to everybody.
constexpr int kFirst = 7, kLast = 254;
// One that kubelets use for their health check, so nobody else comes by.
constexpr std::uint16_t kClaimPort = 10248;

}  // namespace

Result<AddressBlock> AddressBlock::claim(Network& network) {
  std::string why;
  for (int number = kFirst; number <= kLast; ++number) {
    const std::string prefix = "127." + std::to_string(number);
    auto held = network.listen({prefix + ".0.1", kClaimPort});
    if (held) return AddressBlock(prefix, std::move(*held));
    why = held.error().message();
  }
  return fail(ErrorKind::Unavailable, "no free block of loopback addresses for pods: " + why);
}

}  // namespace kube
