#include "kube/runtime/namespace_scope.h"

#include "kube/core/gvk.h"

namespace kube {

NamespaceScope::NamespaceScope(Client& client, NamespaceScopeOptions options)
    : always_(options.always.begin(), options.always.end()),
      log_(options.log),
      namespaces_(client, {.resource = kNamespaces,
                           .project = [](JsonView) -> Result<Namespace> { return Namespace{}; },
                           .label_selector = options.selector,
                           .log = options.log}),
      tasks_(client.loop(), options.log),
      first_(client.loop(), options.log) {
  namespaces_.on_change([this](const Change<Namespace>& change) {
    if (always_.contains(change.key.name)) return;
    // The selector is the server's to apply: what matches no more comes as a deletion.
    if (change.type == ChangeType::Added) join(change.key.name);
    if (change.type == ChangeType::Deleted) leave(change.key.name);
  });
}

std::vector<std::string> NamespaceScope::matching() const {
  std::vector<std::string> names;
  for (const auto& [name, membership] : members_) names.push_back(name);
  return names;
}

void NamespaceScope::join(const std::string& ns) {
  log_.info("namespace is managed from now on", {{"namespace", ns}});
  members_[ns] = ++last_membership_;
  (known_ ? tasks_ : first_).spawn(name_ + " " + ns, bring_in(ns, last_membership_));
}

void NamespaceScope::leave(const std::string& ns) {
  log_.info("namespace is not managed any more", {{"namespace", ns}});
  members_.erase(ns);
  for (auto informer = informers_.rbegin(); informer != informers_.rend(); ++informer)
    informer->informer->unwatch_namespace(ns);
}

Task<> NamespaceScope::bring_in(std::string ns, std::uint64_t membership) {
  for (const auto& [informer, how] : informers_) {
    const auto member = members_.find(ns);
    if (member == members_.end() || member->second != membership) co_return;
    informer->watch_namespace(ns);
    if (how == Follow::Awaited) co_await informer->wait_synced(ns);
  }
}

Task<> NamespaceScope::say_when_known() {
  co_await namespaces_.wait_synced();
  co_await first_.join();
  known_ = true;
  for (const auto& [informer, how] : informers_) informer->namespaces_known();
}

Task<Result<>> NamespaceScope::run() {
  const auto follow = [](Informer<Namespace>& namespaces) -> Task<> { (void)co_await namespaces.run(); };
  tasks_.spawn(name_, follow(namespaces_));
  tasks_.spawn(name_, say_when_known());
  if (stopped_) stop();
  co_await tasks_.join_or_cancel();
  co_await first_.cancel_and_join();
  co_return Result<>{};
}

void NamespaceScope::stop() {
  stopped_ = true;
  namespaces_.stop();
  tasks_.cancel();
  first_.cancel();
}

}  // namespace kube
