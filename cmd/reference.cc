#include "cmd/reference.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "api/field_reference.h"
#include "cmd/controller_flags.h"
#include "cmd/webhook_flags.h"

namespace cmd {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(at, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string joined(const std::set<std::string>& parts, const char* between = ",") {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : between) + part;
  return text;
}

// "counter name{labels}"
std::string identity(const std::string& type, const std::string& name, const std::set<std::string>& labels) {
  return type + " " + name + "{" + joined(labels) + "}";
}

std::set<std::string> names_of_labels(std::string_view inside) {
  std::set<std::string> names;
  while (!inside.empty()) {
    const std::size_t equals = inside.find("=\"");
    if (equals == std::string_view::npos) break;
    names.emplace(inside.substr(0, equals));
    std::size_t end = equals + 2;
    while (end < inside.size() && inside[end] != '"') end += inside[end] == '\\' ? 2 : 1;
    inside.remove_prefix(std::min(end + 1, inside.size()));
    if (inside.starts_with(",")) inside.remove_prefix(1);
  }
  names.erase("le");
  names.erase("quantile");
  return names;
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string code(std::string_view text) {
  return text.empty() ? "" : "`" + cell(text) + "`";
}

std::string flag_table(const std::vector<FlagRow>& rows) {
  std::string text = "| Flag | Value | Default | Meaning |\n|---|---|---|---|\n";
  for (const FlagRow& row : rows) {
    text += "| " + code(row.name) + " | " + cell(row.type) + " | " + code(row.standard) + " | " +
            cell(row.help) + " |\n";
  }
  return text;
}

std::string flag_page() {
  return "# Flags\n"
         "\n"
         "The flags are those of the Go operator, releases 2.1 to 2.5 and its head, and a few more. "
         "`--name=value` and `--name value`\n"
         "mean the same; a boolean flag may stand alone; lists are comma-separated, may be repeated, and "
         "understand quotes; durations\n"
         "are written `300ms`, `10s`, `1h30m`. Further arguments are accepted and ignored, unknown flags are "
         "refused by name. A flag that\n"
         "is understood and changes nothing is named in a warning at the start.\n"
         "\n"
         "Unlike upstream, `--kube-api-qps` and `--kube-api-burst` limit nothing unless they are given: the "
         "API server says by itself\n"
         "when it is asked too much. Without them upstream's limits of 20 and 30 would hold back "
         "submissions. They are for\n"
         "all work together; the lease and the events have the same limits each for itself, so that neither "
         "waits for work.\n"
         "\n"
         "## `spark-operator controller start`\n"
         "\n" +
         flag_table(controller_flag_rows()) + "\n## `spark-operator webhook start`\n\n" +
         flag_table(webhook_flag_rows());
}

std::string metric_table(const std::vector<MetricRow>& rows, std::string_view origin) {
  std::string text = "| Metric | Type | Labels | Process | Meaning |\n|---|---|---|---|---|\n";
  for (const MetricRow& row : rows) {
    if (row.origin != origin) continue;
    std::string labels;
    if (!row.labels.empty()) {
      for (const std::string& label : split(row.labels, ','))
        labels += (labels.empty() ? "" : ", ") + (label == "*" ? "yours" : "`" + label + "`");
    }
    text += "| `" + row.name + "` | " + row.type + " | " + labels + " | " + row.process + " | " +
            cell(row.meaning) + " |\n";
  }
  return text;
}

std::string metric_page(const std::vector<MetricRow>& rows) {
  return "# Metrics\n"
         "\n"
         "`--metrics-bind-address` serves them as Prometheus text under `/metrics`, and under "
         "`--metrics-endpoint` if that is another\n"
         "path; over TLS with `--secure-metrics`. Those of applications and executors need "
         "`--enable-metrics`; `--metrics-prefix` comes\n"
         "before their names, and each label that `--metrics-labels` names becomes a label of theirs "
         "(\"yours\" below): of the\n"
         "application, or of the pod for executors. In names and labels everything but letters, digits and "
         "`_` is written `_`. A label that\n"
         "the object does not have is `Unknown`; `namespace` is then its namespace.\n"
         "\n"
         "## What counts, and when\n"
         "\n"
         "- Every replica answers. Applications and executors count on the leader alone, so sums over "
         "replicas are right.\n"
         "- Counters and latencies rest on the changes of status that the process itself has written. Each "
         "is written once, so it is\n"
         "  counted once. A new process starts at zero and counts nothing that was there before, unlike "
         "upstream, which counts all that it\n"
         "  finds; `rate()` and `increase()` see what happened. A write whose answer was lost counts when it "
         "is seen to be done.\n"
         "- Gauges are computed from the caches at each scrape. They cannot drift, and are right at once "
         "after a restart.\n"
         "- Latencies begin at the application's creation and are those of its first start: neither a retry "
         "nor an edit of a week later\n"
         "  is one. A creation time has whole seconds.\n"
         "- Each failed submission counts; upstream misses one that follows another.\n"
         "- Executors count as failed or succeeded if the leader sees their pod end, be it by the pod's "
         "deletion. What ends while there is\n"
         "  no leader is not counted.\n"
         "- Label values come from users, so at most `--metrics-max-label-sets` combinations are kept apart. "
         "All further ones count\n"
         "  together, under the value `exceeded_cardinality_limit`.\n"
         "- Histograms have upstream's bounds and more: upstream's last start latency is five minutes, "
         "beyond which everything looks\n"
         "  alike. Bounds that you give are taken as they are.\n"
         "\n"
         "## Names of the Go operator and its libraries\n"
         "\n" +
         metric_table(rows, "upstream") + "\n## Names of this operator\n\n" + metric_table(rows, "ours");
}

}  // namespace

Result<std::vector<MetricRow>> parse_metric_list(std::string_view text) {
  std::vector<MetricRow> rows;
  for (const std::string& line : split(text, '\n')) {
    if (line.empty() || line.starts_with("#")) continue;
    std::vector<std::string> columns = split(line, '\t');
    if (columns.size() != 6)
      return fail(ErrorKind::InvalidInput, "list of metrics: expected 6 columns between tabs: " + line);
    if (columns[2] == "-") columns[2].clear();
    rows.push_back({columns[0], columns[1], columns[2], columns[3], columns[4], columns[5]});
  }
  return rows;
}

std::vector<std::string> scraped_metrics(std::string_view text) {
  std::map<std::string, std::string> types;
  std::set<std::string> found;
  for (const std::string& line : split(text, '\n')) {
    if (line.starts_with("# TYPE ")) {
      const auto words = split(line, ' ');
      types[words.at(2)] = words.at(3);
    }
    if (line.empty() || line.starts_with("#")) continue;
    const std::size_t name_end = std::min(line.find('{'), line.find(' '));
    std::string name = line.substr(0, name_end);
    for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
      if (types.contains(name) || !name.ends_with(suffix)) continue;
      const std::string base = name.substr(0, name.size() - suffix.size());
      if (types.contains(base)) name = base;
    }
    std::string_view inside;
    if (line[name_end] == '{')
      inside = std::string_view(line).substr(name_end + 1, line.rfind('}') - name_end - 1);
    found.insert(identity(types[name], name, names_of_labels(inside)));
  }
  return {found.begin(), found.end()};
}

std::vector<std::string> listed_metrics(const std::vector<MetricRow>& rows, std::string_view process,
                                        std::string_view user_labels) {
  std::set<std::string> found;
  for (const MetricRow& row : rows) {
    if (row.process != process && row.process != "both") continue;
    std::set<std::string> labels;
    if (!row.labels.empty()) {
      for (const std::string& label : split(row.labels, ',')) {
        if (label != "*") {
          labels.insert(label);
        } else if (!user_labels.empty()) {
          for (const std::string& own : split(user_labels, ',')) labels.insert(own);
        }
      }
    }
    found.insert(identity(row.type, row.name, labels));
  }
  return {found.begin(), found.end()};
}

Result<std::vector<ReferencePage>> reference_pages(const std::string& source_folder) {
  const std::string path = source_folder + "/cmd/metrics.list";
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) return fail(ErrorKind::Io, "cannot read " + path);
  auto rows = parse_metric_list(text);
  if (!rows) return fail(std::move(rows));
  return std::vector<ReferencePage>{{"docs/flags.md", flag_page()},
                                    {"docs/metrics.md", metric_page(*rows)},
                                    {"docs/fields.md", api::field_reference()}};
}

}  // namespace cmd
