// FieldSelector says which objects a list or watch wants, by a few fields.
//
//   auto selector = FieldSelector::parse("metadata.name=x,spec.nodeName=,status.phase!=Failed");
//   selector->matches([&](std::string_view path) { return value_of(pod, path); });
//
// A field that the object does not have counts as "", as in Kubernetes. Which paths a kind supports is the
// API server's business: it walks terms() and refuses others. `\` escapes `,`, `=` and itself in values.
//
// Thread: a value.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/base/result.h"

namespace kube {

class FieldSelector {
 public:
  struct Term {
    std::string path;
    std::string value;
    bool negated = false;

    bool operator==(const Term&) const = default;
  };
  using Lookup = std::function<std::string(std::string_view path)>;

  // Matches everything.
  FieldSelector() = default;
  // Error: InvalidInput.
  static Result<FieldSelector> parse(std::string_view text);

  bool matches(const Lookup& field) const;
  bool matches_everything() const { return terms_.empty(); }
  const std::vector<Term>& terms() const { return terms_; }
  FieldSelector& require(Term term);

  // In the order given, escaped.
  std::string to_string() const;

  bool operator==(const FieldSelector&) const = default;

 private:
  std::vector<Term> terms_;
};

}  // namespace kube
