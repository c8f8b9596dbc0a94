#include "kube/apiserver/faults.h"

namespace kube::apiserver {

int FaultPlan::add(FaultRule rule) {
  rules_.push_back({next_id_, std::move(rule)});
  return next_id_++;
}

void FaultPlan::remove(int rule) {
  std::erase_if(rules_, [&](const Armed& armed) { return armed.id == rule; });
}

void FaultPlan::clear() {
  rules_.clear();
  hook_ = nullptr;
}

FaultAction FaultPlan::decide(const RequestInfo& request) {
  if (hook_) {
    FaultAction action = hook_(request);
    if (action.kind != FaultAction::Kind::None) return action;
  }
  auto matches = [](const std::string& wanted, const std::string& is) {
    return wanted.empty() || wanted == is;
  };
  for (Armed& armed : rules_) {
    const FaultRule& rule = armed.rule;
    if (!matches(rule.verb, request.verb) || !matches(rule.resource, request.resource) ||
        !matches(rule.ns, request.ns) || !matches(rule.name, request.name) ||
        !matches(rule.user, request.user.username) ||
        (rule.subresource != "*" && rule.subresource != request.subresource))
      continue;
    ++armed.seen;
    if (rule.nth && armed.seen != rule.nth) continue;
    if (rule.times && armed.fired >= rule.times) continue;
    ++armed.fired;
    return rule.action;
  }
  return FaultAction::none();
}

}  // namespace kube::apiserver
