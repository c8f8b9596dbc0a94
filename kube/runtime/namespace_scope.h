// NamespaceScope keeps informers on the namespaces that a label selector matches, while labels come and go.
//
//   auto& scope = manager.add(std::make_unique<NamespaceScope>(client, NamespaceScopeOptions{
//       .selector = "team=data", .always = {"reports"}, .log = log}));
//   scope.follow(pods);           // made with .namespaces = {"reports"}, .more_namespaces = true
//   scope.follow(apps);
//
// Each matching namespace gets a watch of its own in each informer, so nothing is read that is not managed,
// and rights in those namespaces are enough; namespaces themselves are watched across the cluster, by the
// selector. A namespace is brought in informer by informer, in the order of follow(): whoever decides on one
// kind by what is known of another follows that other first. One that matches no more is told as the deletion
// of all that is in it. Those in `always` are the informers' own business and never leave. Thread: the loop's
// only. Lifetime: informers outlive run().
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kube/runtime/informer.h"

namespace kube {

struct NamespaceScopeOptions {
  std::string selector = {};             // as in LabelSelector
  std::vector<std::string> always = {};  // watched whatever their labels
  Log log = {};
};

class NamespaceScope final : public Runnable {
 public:
  NamespaceScope(Client& client, NamespaceScopeOptions options);

  enum class Follow {
    Awaited,    // the next one is brought in once this one has been listed
    Alongside,  // nobody waits for it: it may never be readable
  };
  // Before run().
  void follow(InformerBase& informer, Follow how = Follow::Awaited) {
    informers_.push_back({&informer, how});
  }
  // Matching by label at present; without those in `always`.
  std::vector<std::string> matching() const;

  const std::string& name() const override { return name_; }
  Task<Result<>> run() override;
  void stop() override;
  // All namespaces that matched at the start have been brought in.
  bool is_ready() const override { return known_; }

 private:
  struct Namespace {};

  void join(const std::string& ns);
  void leave(const std::string& ns);
  Task<> bring_in(std::string ns, std::uint64_t membership);
  Task<> say_when_known();

  const std::string name_ = "namespace scope";
  const std::set<std::string> always_;
  const Log log_;
  Informer<Namespace> namespaces_;
  struct Follower {
    InformerBase* informer;
    Follow how;
  };
  std::vector<Follower> informers_;
  // By namespace, which time it is in: one that left and came back is brought in anew.
  std::map<std::string, std::uint64_t> members_;
  std::uint64_t last_membership_ = 0;
  TaskGroup tasks_;
  TaskGroup first_;  // bringing in what matched at the start
  bool known_ = false;
  bool stopped_ = false;
};

}  // namespace kube
