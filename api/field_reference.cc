#include "api/field_reference.h"

#include <algorithm>
#include <concepts>
#include <map>
#include <type_traits>

#include "api/scheduled_spark_application.h"
#include "api/schema_hints.h"
#include "api/spark_application.h"
#include "api/spark_connect.h"
#include "kube/core/fields.h"

namespace api {
namespace {

constexpr const char* kOurs = "this operator only";
constexpr const char* kUnreleased = "after 2.5.2";

struct Note {
  const char* path;
  const char* standard;
  const char* since;
};
// Paths as in a SparkApplication; they hold under spec.template of a ScheduledSparkApplication as well.
constexpr Note kApplicationNotes[] = {
    {"spec.suspend", "false", ""},
    {"spec.mode", "cluster", ""},
    {"spec.restartPolicy.type", "Never", ""},
    {"spec.restartPolicy.onFailureRetries", "no retries", ""},
    {"spec.restartPolicy.onSubmissionFailureRetries", "no retries", ""},
    {"spec.restartPolicy.onFailureRetryInterval", "5 unless type is Never", ""},
    {"spec.restartPolicy.onSubmissionFailureRetryInterval", "5 unless type is Never", ""},
    {"spec.restartPolicy.maxRetryInterval", "", kOurs},
    {"spec.restartPolicy.resetAttemptsAfter", "", kOurs},
    {"spec.restartPolicy.onInfrastructureFailureRetries", "", kOurs},
    {"spec.driver.cores", "1 unless in sparkConf", ""},
    {"spec.driver.memory", "1g unless in sparkConf", ""},
    {"spec.executor.cores", "1 unless in sparkConf", ""},
    {"spec.executor.memory", "1g unless in sparkConf", ""},
    {"spec.executor.instances", "1 unless in sparkConf or allocated dynamically", ""},
    {"spec.dynamicAllocation.enabled", "false", ""},
    {"spec.dynamicAllocation.shuffleTrackingEnabled", "true when enabled", ""},
    {"spec.monitoring.prometheus.port", "8090", ""},
    {"spec.monitoring.prometheus.portName", "jmx-exporter", ""},
    {"spec.sparkUIOptions.servicePort", "4040", ""},
    {"spec.sparkUIOptions.servicePortName", "spark-driver-ui-port", ""},
    {"spec.sparkUIOptions.serviceType", "ClusterIP", ""},
    {"spec.driverIngressOptions[].serviceType", "ClusterIP", ""},
    {"spec.driverPodDisruptionBudget", "false", kUnreleased},
    {"spec.activeDeadlineSeconds", "", kOurs},
    {"spec.driver.startTimeoutSeconds", "", kOurs},
    {"status.infrastructureFailures", "", kOurs},
    {"status.observedGeneration", "", kOurs},
    {"status.conditions", "", kOurs},
};

struct Hints {
  bool required = false;
  bool open_words = false;
  std::string_view embedded, doc;
  std::string words;

  void add(Required) { required = true; }
  void add(OpenWords) { open_words = true; }
  void add(Embedded hint) { embedded = hint.type; }
  void add(Doc hint) { doc = hint.text; }
  void add(OneOf hint) { words = std::string(hint.words[0]) + " or " + std::string(hint.words[1]); }
  void add(const auto&) {}
};

template <class T>
constexpr bool kIsStruct = std::is_class_v<T> && !std::same_as<T, std::string> && !std::same_as<T, Json> &&
                           !std::same_as<T, kube::TimePoint> && !std::same_as<T, kube::MicroTime> &&
                           !std::same_as<T, kube::ObjectMeta>;

// What one field is: its type in words, and where its members lie.
struct Shape {
  std::string type;
  std::string below;  // "", "[]", ".<name>"
};

template <class T>
Shape shape(std::type_identity<T>, const Hints& hints) {
  if constexpr (std::same_as<T, bool>) {
    return {"boolean", ""};
  } else if constexpr (std::integral<T>) {
    return {"integer", ""};
  } else if constexpr (std::same_as<T, std::string>) {
    return {hints.words.empty() ? "string" : hints.words, ""};
  } else if constexpr (std::same_as<T, kube::TimePoint> || std::same_as<T, kube::MicroTime>) {
    return {"time", ""};
  } else if constexpr (std::is_enum_v<T>) {
    std::string words;
    const auto names = wire_names(T{});
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string word = names[i].name.empty() ? "\"\"" : std::string(names[i].name);
      words += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + word;
    }
    return {words, ""};
  } else {
    return {hints.embedded.empty() ? "object" : std::string(hints.embedded), ""};
  }
}
template <class T>
Shape shape(std::type_identity<std::optional<T>>, const Hints& hints) {
  return shape(std::type_identity<T>{}, hints);
}
template <class T>
Shape shape(std::type_identity<std::vector<T>>, const Hints& hints) {
  return {"list of " + shape(std::type_identity<T>{}, hints).type, "[]"};
}
template <class T>
Shape shape(std::type_identity<std::map<std::string, T>>, const Hints& hints) {
  return {"map to " + shape(std::type_identity<T>{}, hints).type, ".<name>"};
}

template <class T>
struct Innermost {
  using type = T;
};
template <class T>
struct Innermost<std::optional<T>> : Innermost<T> {};
template <class T>
struct Innermost<std::vector<T>> : Innermost<T> {};
template <class T>
struct Innermost<std::map<std::string, T>> : Innermost<T> {};

template <class T>
void add_rows(const std::string& prefix, std::vector<FieldRow>& rows) {
  kube::visit_fields<T>(
      [&]<class Member>(std::string_view name, std::type_identity<Member> type, const auto&... given) {
        Hints hints;
        (hints.add(given), ...);
        const Shape member = shape(type, hints);
        const std::string path = prefix + std::string(name);
        rows.push_back({path, member.type, "", std::string(hints.doc), "", hints.required});
        using Inner = typename Innermost<Member>::type;
        if constexpr (kIsStruct<Inner>) add_rows<Inner>(path + member.below + ".", rows);
      });
}

constexpr std::string_view kTemplate = "spec.template.";

// The path in a SparkApplication of what a ScheduledSparkApplication has in its template.
std::string application_path(Kind kind, const std::string& path) {
  if (kind != Kind::ScheduledSparkApplication) return path;
  return path.starts_with(kTemplate) ? "spec." + path.substr(kTemplate.size()) : "";
}

void cell(std::string& page, std::string_view text) {
  for (const char c : text) page += c == '|' ? std::string("\\|") : std::string(1, c);
  page += " | ";
}

}  // namespace

std::vector<FieldRow> field_rows(Kind kind) {
  std::vector<FieldRow> rows;
  switch (kind) {
    case Kind::SparkApplication:
      add_rows<SparkApplication>("", rows);
      break;
    case Kind::ScheduledSparkApplication:
      add_rows<ScheduledSparkApplication>("", rows);
      break;
    case Kind::SparkConnect:
      add_rows<SparkConnect>("", rows);
      break;
  }
  std::erase_if(rows, [](const FieldRow& row) {
    return row.path == "apiVersion" || row.path == "kind" || row.path == "metadata";
  });
  if (kind == Kind::SparkConnect) return rows;
  for (FieldRow& row : rows) {
    const std::string path = application_path(kind, row.path);
    for (const Note& note : kApplicationNotes) {
      if (path != note.path) continue;
      row.standard = note.standard;
      row.since = note.since;
    }
  }
  return rows;
}

std::vector<std::string> noted_fields() {
  std::vector<std::string> paths;
  for (const Note& note : kApplicationNotes) paths.emplace_back(note.path);
  return paths;
}

std::string field_reference() {
  std::string page =
      "# Fields\n"
      "\n"
      "Every field of the three kinds, as the code knows them. Types that are Kubernetes' own (`Volume`, "
      "`Toleration`) are named\n"
      "as in its API reference. A field that is not listed here is kept and passed on. \"Default\" is what "
      "holds when a field is\n"
      "absent; defaults are applied in memory and never written into an object. \"Since\" is empty for what "
      "release 2.1 of the Go\n"
      "operator has already.\n";
  for (const Kind kind : kKinds) {
    const std::vector<FieldRow> rows = field_rows(kind);
    const std::string name = kind == Kind::SparkApplication            ? SparkApplication::kKind
                             : kind == Kind::ScheduledSparkApplication ? ScheduledSparkApplication::kKind
                                                                       : SparkConnect::kKind;
    page += "\n## " + name + "\n\n";
    if (kind == Kind::ScheduledSparkApplication)
      page += "Below `spec.template` are the fields of a SparkApplication's `spec`.\n\n";
    page += "| Field | Type | Required | Default | Meaning | Since |\n|---|---|---|---|---|---|\n";
    for (const FieldRow& row : rows) {
      if (kind == Kind::ScheduledSparkApplication && row.path.starts_with(kTemplate)) continue;
      page += "| ";
      cell(page, "`" + row.path + "`");
      cell(page, row.type);
      cell(page, row.required ? "yes" : "");
      cell(page, row.standard);
      cell(page, row.doc);
      cell(page, row.since);
      page.back() = '\n';
    }
  }
  return page;
}

}  // namespace api
