// The pages of docs/ that are read off the code: docs/flags.md, docs/metrics.md and docs/fields.md.
//
//   for (const ReferencePage& page : reference_pages(source_folder).value()) …      // path, text
//
// A test compares them with what is committed. `reference_pages FOLDER`, a program of the build folder's cmd,
// writes them. Thread: pure, but for the file cmd/metrics.list that reference_pages() reads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/base/result.h"

namespace cmd {

// One line of cmd/metrics.list.
struct MetricRow {
  std::string name;     // without a user's prefix
  std::string type;     // counter, gauge, summary, histogram
  std::string labels;   // "controller,name"; "*" stands for the user's; "" = none
  std::string process;  // controller, webhook, both
  std::string origin;   // upstream, ours
  std::string meaning;
};
// Error InvalidInput: names the line.
kube::Result<std::vector<MetricRow>> parse_metric_list(std::string_view text);

// "counter name{labels}" of each metric that a scrape (Prometheus text) shows, sorted, for comparing it with
// what the list says; le and quantile are no labels here.
std::vector<std::string> scraped_metrics(std::string_view text);
std::vector<std::string> listed_metrics(const std::vector<MetricRow>& rows, std::string_view process,
                                        std::string_view user_labels);

struct ReferencePage {
  std::string path;  // "docs/flags.md"
  std::string text;
};
kube::Result<std::vector<ReferencePage>> reference_pages(const std::string& source_folder);

}  // namespace cmd
