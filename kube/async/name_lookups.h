// NameLookups says which addresses a name has, and never holds up whoever stops waiting for that.
//
//   NameLookups names(loop);
//   Result<Addresses> found = co_await with_deadline(loop, deadline, names.find("api.example"));
//
// The system's way to ask blocks for as long as a dead name service makes it, minutes maybe, and cannot be
// stopped. So each name is asked for on a thread of its own, which is left alone when nobody waits any more:
// it ends whenever it does, after the loop even, and touches only what it and those who wait own together.
// Whoever wants the same name meanwhile waits for the same answer; when that has come, the next one asks
// anew.
//
// Error: Unavailable, from the name service, or when too many names are being asked for already.
// Thread: the loop's only. Lifetime: outlives its finds.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kube/async/loop.h"

namespace kube {

using Addresses = std::vector<std::string>;  // as texts, the preferred one first

// Blocks. Called on any thread, several at once, perhaps still when its maker is gone: it owns what it uses.
using AskForName = std::function<Result<Addresses>(const std::string& name)>;

// Asks this machine's name service.
Result<Addresses> ask_system(const std::string& name);

class NameLookups {
 public:
  // So many names are asked for at once: each may cost a thread for minutes.
  static constexpr std::size_t kMost = 16;

  explicit NameLookups(Loop& loop, AskForName ask = ask_system);
  // Ends at once when it is cancelled.
  Task<Result<Addresses>> find(std::string name);

 private:
  struct Question;
  Result<std::shared_ptr<Question>> ask_for(const std::string& name);

  Loop& loop_;
  AskForName ask_;
  std::map<std::string, std::shared_ptr<Question>> asked_;  // answered ones until the next find()
};

}  // namespace kube
