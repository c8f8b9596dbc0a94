// RealLoop runs on the machine's clock, sockets and threads: what the binaries use.
//
//   RealLoop loop;
//   loop.run(main_task(loop));             // returns when the task has ended
//
// Thread: construct and run on one thread. blocking work has its own few threads.
#pragma once

#include <memory>
#include <utility>

#include "kube/async/name_lookups.h"
#include "kube/async/stream.h"

namespace kube {

class RealLoop final : public Loop {
 public:
  explicit RealLoop(int blocking_threads = 2);
  ~RealLoop() override;

  // Runs until `main` has ended; an exception of it is rethrown. May be called again.
  void run(Task<> main);

  void submit_blocking(std::move_only_function<void()> work, std::move_only_function<void()> done) override;

 private:
  void next_timer_changed() override;

  struct State;
  std::unique_ptr<State> state_;
};

// TCP over the kernel, with TCP_NODELAY and keep-alive; resolves names; IPv4 and IPv6. Of several addresses
// of a name each gets its share of the time until the deadline, so that one that is silent does not hide the
// next.
class TcpNetwork final : public Network {
 public:
  explicit TcpNetwork(Loop& loop, AskForName ask = ask_system) : loop_(loop), names_(loop, std::move(ask)) {}
  Task<Result<std::unique_ptr<Stream>>> connect(Endpoint to, SteadyTime deadline) override;
  Result<std::unique_ptr<Listener>> listen(Endpoint at) override;

 private:
  Loop& loop_;
  NameLookups names_;
};

// Another listener on the port of `listener` (of a TcpNetwork), for the loop of another thread: each
// connection goes to whichever of them accepts it first. The port is free again when all of them are closed.
// Error: Io. May be called on any thread while `listener` does not accept yet.
Result<std::unique_ptr<Listener>> share_listener(const Listener& listener, Loop& other);

// Ends with the signal's number when one of `signals` arrives. Only one task may wait at a time.
Task<int> wait_for_signal(Loop& loop, std::initializer_list<int> signals);

// Ends when `fd` can be read (also a pidfd whose process has ended). The descriptor stays the caller's.
Task<Result<>> wait_readable(Loop& loop, int fd);

}  // namespace kube
