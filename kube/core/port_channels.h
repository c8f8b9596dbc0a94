// What a forwarded port's websocket carries: the protocol v4.channel.k8s.io, in which kubelets and clients
// speak and which API servers pass on. Each message begins with its channel; the kubelet's first bytes on
// each channel are the port, little-endian.
//
//   socket.send_binary(port_channels::kData + bytes, deadline);
#pragma once

#include <cstddef>

namespace kube::port_channels {

inline constexpr const char* kProtocol = "v4.channel.k8s.io";
inline constexpr char kData = 0, kError = 1;
inline constexpr std::size_t kPortBytes = 2;
// Of one message; kubelets send what they read at once, some ten KiB.
inline constexpr std::size_t kMaxMessage = 1u << 20;

}  // namespace kube::port_channels
