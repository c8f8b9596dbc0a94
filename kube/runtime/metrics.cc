#include "kube/runtime/metrics.h"

#include <prometheus/text_serializer.h>

#include <algorithm>

namespace kube {

prometheus::Counter& MetricsRegistry::counter(const std::string& name, const std::string& help,
                                              const MetricLabels& labels) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels);
}

prometheus::Gauge& MetricsRegistry::gauge(const std::string& name, const std::string& help,
                                          const MetricLabels& labels) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(labels);
}

prometheus::Histogram& MetricsRegistry::histogram(const std::string& name, const std::string& help,
                                                  std::vector<double> buckets, const MetricLabels& labels) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add(labels,
                                                                                    std::move(buckets));
}

prometheus::Summary& MetricsRegistry::summary(const std::string& name, const std::string& help,
                                              const MetricLabels& labels) {
  return prometheus::BuildSummary().Name(name).Help(help).Register(registry_).Add(
      labels, prometheus::Summary::Quantiles{});
}

std::shared_ptr<void> MetricsRegistry::on_collect(std::function<void()> refresh) {
  auto position = refresh_->insert(refresh_->end(), std::move(refresh));
  // The list is shared with the handle, so that either may go first.
  return {nullptr, [list = refresh_, position](void*) { list->erase(position); }};
}

std::string MetricsRegistry::text() const {
  for (const auto& refresh : *refresh_) refresh();
  auto families = registry_.Collect();
  std::erase_if(families, [](const prometheus::MetricFamily& family) { return family.metric.empty(); });
  std::ranges::sort(families, {}, &prometheus::MetricFamily::name);
  // The library keeps metrics in hash order; what we print has one order.
  for (auto& family : families) {
    std::ranges::sort(family.metric, [](const auto& a, const auto& b) {
      return std::ranges::lexicographical_compare(a.label, b.label, [](const auto& x, const auto& y) {
        return std::tie(x.name, x.value) < std::tie(y.name, y.value);
      });
    });
  }
  return prometheus::TextSerializer().Serialize(families);
}

std::vector<double> decades_from_10ns_to_1000s() {
  // Ten times the one before, as a float: rounding errors are part of the `le` texts that dashboards group
  // by.
  std::vector<double> bounds;
  double bound = 1e-8;
  for (int i = 0; i < 12; ++i, bound *= 10) bounds.push_back(bound);
  return bounds;
}

}  // namespace kube
