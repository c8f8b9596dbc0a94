// LabelSelector says which objects a list, watch or query wants, by their labels.
//
//   auto selector = LabelSelector::parse("app=pi,role!=driver,tier in (a,b),x notin (y),exists,!gone");
//   selector->matches(pod.labels);
//   selector->to_string();                                  // canonical: sorted by key, values sorted
//   LabelSelector::from_json(deployment["spec"]["selector"]);   // metav1.LabelSelector
//
// As in Kubernetes, `!=` and `notin` also match objects without the label; an empty selector matches
// everything.
//
// Thread: a value.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/base/result.h"
#include "kube/core/json.h"

namespace kube {

class LabelSelector {
 public:
  enum class Operator { Equals, NotEquals, In, NotIn, Exists, DoesNotExist, GreaterThan, LessThan };
  struct Requirement {
    std::string key;
    Operator op = Operator::Exists;
    std::vector<std::string> values;  // sorted, unique

    bool operator==(const Requirement&) const = default;
  };
  // The value of a label; nullopt when the object does not have it.
  using Lookup = std::function<std::optional<std::string_view>(std::string_view key)>;

  // Matches everything.
  LabelSelector() = default;
  static LabelSelector nothing();

  // Error: InvalidInput that says which part is wrong and why.
  static Result<LabelSelector> parse(std::string_view text);
  // metav1.LabelSelector with matchLabels and matchExpressions. JSON null selects nothing, {} everything.
  static Result<LabelSelector> from_json(const Json& json);
  // Exactly these labels.
  static LabelSelector of(const std::map<std::string, std::string>& labels);

  bool matches(const std::map<std::string, std::string>& labels) const;
  bool matches(const Lookup& label) const;

  bool matches_everything() const { return !nothing_ && requirements_.empty(); }
  bool matches_nothing() const { return nothing_; }
  const std::vector<Requirement>& requirements() const { return requirements_; }

  // One more condition that must hold.
  LabelSelector& require(Requirement requirement);

  // Canonical text; "" for everything. nothing() has no text form and prints "<nothing>".
  std::string to_string() const;

  bool operator==(const LabelSelector&) const = default;

 private:
  bool nothing_ = false;
  std::vector<Requirement> requirements_;  // sorted by key
};

}  // namespace kube
