// Stream is a two-way byte connection, Listener makes them, Network is the way to other machines: the
// kernel's (kube/async/real_loop.h) or a simulated one (kube/async/sim_network.h) with delays, cuts and dead
// hosts.
//
//   auto stream = co_await network.connect({"127.0.0.1", 6443}, loop.after(5s));
//   (*stream)->set_deadline(loop.after(30s));
//   co_await (*stream)->write("GET / HTTP/1.1\r\n\r\n");
//   std::size_t n = *co_await (*stream)->read_some(buffer);      // 0: the peer has ended its side
//
// Errors: Unavailable (refused, reset, closed), Timeout (deadline), never an exception but cancellation.
// At most one read and one write are in progress at once; they may overlap each other.
// Thread: the loop's only. Lifetime: no operation may be in progress when a stream is destroyed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "kube/async/loop.h"

namespace kube {

struct Endpoint {
  std::string host;  // name, IPv4, or IPv6 without brackets; "" when listening: any address
  std::uint16_t port = 0;

  std::string to_string() const;  // "host:port", "[::1]:port"
  bool operator==(const Endpoint&) const = default;
};

class Stream {
 public:
  virtual ~Stream() = default;

  virtual Task<Result<std::size_t>> read_some(std::span<char> into) = 0;
  // Writes all of `bytes`, which must stay valid until then.
  virtual Task<Result<>> write(std::string_view bytes) = 0;
  // Tells the peer that nothing more will be written; reading goes on.
  virtual Task<Result<>> shutdown() = 0;
  // At once and idempotent: operations in progress end with Unavailable.
  virtual void close() = 0;
  // When it passes, the stream is closed and operations end with Timeout. kNever: none.
  virtual void set_deadline(SteadyTime deadline) = 0;

  virtual Endpoint peer() const = 0;
  virtual Endpoint local() const = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;
  // Unavailable once closed.
  virtual Task<Result<std::unique_ptr<Stream>>> accept() = 0;
  virtual void close() = 0;
  virtual Endpoint local() const = 0;  // with the real port when 0 was asked for
};

class Network {
 public:
  virtual ~Network() = default;
  virtual Task<Result<std::unique_ptr<Stream>>> connect(Endpoint to, SteadyTime deadline) = 0;
  // Error Io names the address and the reason, such as "address already in use".
  virtual Result<std::unique_ptr<Listener>> listen(Endpoint at) = 0;
};

}  // namespace kube
