// LabelSets turns the labels of applications and pods into the label sets of metrics, and bounds how many
// there are.
//
//   LabelSets sets({"app_type", "namespace"}, 1000);
//   LabelSets::Id id = sets.of({{"app-type", "etl"}}, "team-a");
//   sets.labels(id);                          // {{"app_type", "etl"}, {"namespace", "team-a"}}
//
// A label that the object does not have is "Unknown", but "namespace", which is then the object's namespace.
// Names are compared with "-" written as "_", as upstream does, and every other character that Prometheus
// does not take in a name becomes "_" too. A user's label values come from anywhere, so at most `most`
// different sets are told apart; whatever comes later counts under one set whose values all are
// kOverflow.
//
// Ids are small numbers that stay valid, so caches keep an id where they would keep texts.
// Thread: one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kube/core/json_reader.h"
#include "kube/runtime/metrics.h"

namespace controller {

// "my-label" → "my_label", "a.b/c" → "a_b_c".
std::string metric_name(std::string_view text);

class LabelSets {
 public:
  using Id = std::uint32_t;
  static constexpr const char* kUnknown = "Unknown";
  static constexpr const char* kOverflow = "exceeded_cardinality_limit";

  // `keys`: of --metrics-labels; empty ones and repetitions are left out.
  LabelSets(const std::vector<std::string>& keys, std::size_t most);

  Id of(const std::map<std::string, std::string>& object_labels, const std::string& ns);
  // Of an object as a watch brings it.
  Id of(kube::JsonView object);
  const kube::MetricLabels& labels(Id id) const { return sets_[id]; }
  std::size_t size() const { return sets_.size(); }

 private:
  using Values = std::vector<std::string>;
  using ForEachLabel = std::function<void(const std::function<void(std::string_view, std::string_view)>&)>;

  Id look_up(const ForEachLabel& labels, std::string_view ns);
  Id add(const Values& values);
  kube::MetricLabels set_of(const Values& values) const;

  std::vector<std::string> names_;  // with "-" as "_", as labels of objects are compared
  const std::size_t most_;
  std::map<Values, Id> ids_;
  std::vector<kube::MetricLabels> sets_;
};

}  // namespace controller
