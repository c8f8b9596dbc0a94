// SimNetwork connects hosts inside one SimLoop: bytes arrive after a delay drawn from the loop's chance, in
// order; hosts die, connections are cut, ways between two hosts are blocked.
//
//   SimNetwork net(loop);
//   Network& api = net.host("apiserver");           // listen({"", 6443})
//   Network& op = net.host("operator-0");           // connect({"apiserver", 6443})
//   net.kill("operator-0");                         // as a power cut: nothing more is sent or received
//   net.revive("operator-0");
//   net.block("operator-0", "apiserver");           // packets vanish; deadlines notice
//
// Thread: the loop's only. Lifetime: outlives its streams.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "kube/async/stream.h"

namespace kube {

class SimNetwork {
 public:
  explicit SimNetwork(Loop& loop);
  ~SimNetwork();

  struct Delay {
    Duration min = 200us;
    Duration max = 2ms;
  };
  void set_delay(Delay delay) { delay_ = delay; }

  Network& host(const std::string& name);
  void kill(const std::string& name);
  void revive(const std::string& name);
  void block(const std::string& a, const std::string& b);
  void unblock(const std::string& a, const std::string& b);
  // Resets every connection between the two, as a restarted middle box would.
  void cut(const std::string& a, const std::string& b);

 private:
  friend class SimStream;
  friend class SimHost;
  friend class SimListener;
  struct State;
  Loop& loop_;
  Delay delay_;
  std::unique_ptr<State> state_;
};

}  // namespace kube
