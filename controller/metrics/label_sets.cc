#include "controller/metrics/label_sets.h"

#include <algorithm>

namespace controller {

namespace {

std::string with_underscores(std::string_view text) {
  std::string name(text);
  std::ranges::replace(name, '-', '_');
  return name;
}

bool may_stand_in_name(char c, bool first) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  return letter || (!first && ((c >= '0' && c <= '9') || c == ':'));
}

}  // namespace

std::string metric_name(std::string_view text) {
  std::string name(text);
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!may_stand_in_name(name[i], i == 0)) name[i] = '_';
  }
  return name;
}

LabelSets::LabelSets(const std::vector<std::string>& keys, std::size_t most)
    : most_(std::max<std::size_t>(most, 1)) {
  std::vector<std::string> printed;
  for (const std::string& key : keys) {
    // Two names that print alike would be one label twice.
    if (key.empty() || std::ranges::find(printed, metric_name(key)) != printed.end()) continue;
    printed.push_back(metric_name(key));
    names_.push_back(with_underscores(key));
  }
  if (names_.empty()) add({});
}

LabelSets::Id LabelSets::of(const std::map<std::string, std::string>& object_labels, const std::string& ns) {
  return look_up(
      [&](const auto& tell) {
        for (const auto& [key, value] : object_labels) tell(key, value);
      },
      ns);
}

LabelSets::Id LabelSets::of(kube::JsonView object) {
  const kube::JsonView metadata = object["metadata"];
  return look_up(
      [&](const auto& tell) {
        metadata["labels"].for_each_member(
            [&](std::string_view key, kube::JsonView value) { tell(key, value.string_or()); });
      },
      metadata["namespace"].string_or());
}

LabelSets::Id LabelSets::look_up(const ForEachLabel& labels, std::string_view ns) {
  if (names_.empty()) return 0;
  Values values(names_.size());
  std::vector<bool> found(names_.size(), false);
  labels([&](std::string_view key, std::string_view value) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (found[i] || key.size() != names_[i].size()) continue;
      found[i] = std::ranges::equal(key, names_[i], [](char a, char b) { return (a == '-' ? '_' : a) == b; });
      if (found[i]) values[i] = value;
    }
  });
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (!found[i]) values[i] = names_[i] == "namespace" ? std::string(ns) : kUnknown;
  }
  if (const auto known = ids_.find(values); known != ids_.end()) return known->second;
  if (ids_.size() >= most_) {
    values.assign(names_.size(), kOverflow);
    if (const auto known = ids_.find(values); known != ids_.end()) return known->second;
  }
  return add(values);
}

LabelSets::Id LabelSets::add(const Values& values) {
  const Id id = static_cast<Id>(sets_.size());
  ids_.emplace(values, id);
  sets_.push_back(set_of(values));
  return id;
}

kube::MetricLabels LabelSets::set_of(const Values& values) const {
  kube::MetricLabels labels;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::string name = metric_name(names_[i]);
    std::ranges::replace(name, ':', '_');  // only names of metrics may have colons
    labels[name] = values[i];
  }
  return labels;
}

}  // namespace controller
