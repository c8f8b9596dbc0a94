#include "kube/apiserver/table_printer.h"

#include <functional>

#include "kube/apiserver/json_path.h"
#include "kube/apiserver/object_reader.h"

namespace kube::apiserver {

namespace {

constexpr const char* kNameDescription = "Name must be unique within a namespace.";

struct Column {
  const char* name;
  const char* type;
  int priority;
  std::function<Json(const Json&, TimePoint)> cell;
};

std::string age_of(const Json& object, std::initializer_list<std::string_view> path, TimePoint now) {
  const std::string text = string_at(object, path);
  if (text.empty()) return "<unknown>";
  auto time = parse_rfc3339(text);
  return time ? age_text(now - *time) : "<invalid>";
}

std::string or_none(std::string text) {
  return text.empty() ? "<none>" : text;
}

std::size_t size_at(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* found = find_path(object, path);
  return found && found->is_structured() ? found->size() : 0;
}

std::int64_t int_at(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* found = find_path(object, path);
  return found && found->is_number() ? found->get<std::int64_t>() : 0;
}

const Json& empty_array() {
  static const Json kEmpty = Json::array();
  return kEmpty;
}
const Json& array_at(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* found = find_path(object, path);
  return found && found->is_array() ? *found : empty_array();
}

auto text_at(std::string_view a, std::string_view b) {
  return [=](const Json& object, TimePoint) -> Json { return string_at(object, {a, b}); };
}
auto age_column() {
  return [](const Json& object, TimePoint now) -> Json {
    return age_of(object, {"metadata", "creationTimestamp"}, now);
  };
}

// What stands in STATUS: the first thing that keeps the pod from being well, else its phase.
std::string pod_status(const Json& pod) {
  std::string reason = string_at(pod, {"status", "reason"});
  if (reason.empty()) reason = string_at(pod, {"status", "phase"});
  const Json& init = array_at(pod, {"status", "initContainerStatuses"});
  bool initializing = false;
  for (std::size_t i = 0; i < init.size() && !initializing; ++i) {
    if (const Json* ended = find_path(init[i], {"state", "terminated"})) {
      if (ended->value("exitCode", 0) == 0) continue;
      const std::string why = string_at(*ended, {"reason"});
      reason = "Init:" + (why.empty() ? "ExitCode:" + std::to_string(ended->value("exitCode", 0)) : why);
    } else if (std::string why = string_at(init[i], {"state", "waiting", "reason"});
               !why.empty() && why != "PodInitializing") {
      reason = "Init:" + why;
    } else {
      reason = "Init:" + std::to_string(i) + "/" + std::to_string(size_at(pod, {"spec", "initContainers"}));
    }
    initializing = true;
  }
  if (!initializing) {
    bool running = false;
    const Json& containers = array_at(pod, {"status", "containerStatuses"});
    for (auto container = containers.rbegin(); container != containers.rend(); ++container) {
      if (std::string why = string_at(*container, {"state", "waiting", "reason"}); !why.empty()) {
        reason = why;
      } else if (const Json* ended = find_path(*container, {"state", "terminated"})) {
        const std::string why_ended = string_at(*ended, {"reason"});
        reason = !why_ended.empty() ? why_ended : "ExitCode:" + std::to_string(ended->value("exitCode", 0));
      } else if (find_path(*container, {"state", "running"}) && container->value("ready", false)) {
        running = true;
      }
    }
    if (reason == "Completed" && running) reason = "Running";
  }
  if (find_path(pod, {"metadata", "deletionTimestamp"})) {
    const std::string phase = string_at(pod, {"status", "phase"});
    if (phase != "Succeeded" && phase != "Failed") reason = "Terminating";
  }
  return reason.empty() ? "Unknown" : reason;
}

Json pod_ready(const Json& pod, TimePoint) {
  int ready = 0;
  for (const Json& status : array_at(pod, {"status", "containerStatuses"}))
    ready += status.value("ready", false);
  return std::to_string(ready) + "/" + std::to_string(size_at(pod, {"spec", "containers"}));
}

Json pod_restarts(const Json& pod, TimePoint) {
  std::int64_t restarts = 0;
  for (const Json& status : array_at(pod, {"status", "containerStatuses"}))
    restarts += status.value("restartCount", std::int64_t{0});
  return std::to_string(restarts);
}

Json service_ports(const Json& service, TimePoint) {
  std::string text;
  for (const Json& port : array_at(service, {"spec", "ports"})) {
    if (!text.empty()) text += ",";
    text += std::to_string(int_at(port, {"port"}));
    if (int_at(port, {"nodePort"})) text += ":" + std::to_string(int_at(port, {"nodePort"}));
    text += "/" + string_at(port, {"protocol"});
  }
  return or_none(text);
}

Json selector_text(const Json& object, TimePoint) {
  std::string text;
  if (const Json* selector = find_path(object, {"spec", "selector"}); selector && selector->is_object())
    for (auto& [key, value] : selector->items())
      if (value.is_string()) text += (text.empty() ? "" : ",") + key + "=" + value.get<std::string>();
  return or_none(text);
}

Json node_status(const Json& node, TimePoint) {
  std::string text = "Unknown";
  for (const Json& condition : array_at(node, {"status", "conditions"}))
    if (string_at(condition, {"type"}) == "Ready")
      text = string_at(condition, {"status"}) == "True" ? "Ready" : "NotReady";
  const Json* cordoned = find_path(node, {"spec", "unschedulable"});
  if (cordoned && cordoned->is_boolean() && cordoned->get<bool>()) text += ",SchedulingDisabled";
  return text;
}

Json node_roles(const Json& node, TimePoint) {
  std::string text;
  if (const Json* labels = find_path(node, {"metadata", "labels"}); labels && labels->is_object())
    for (auto& [key, value] : labels->items())
      if (key.starts_with("node-role.kubernetes.io/")) text += (text.empty() ? "" : ",") + key.substr(24);
  return or_none(text);
}

Json event_age(const Json& event, TimePoint now) {
  for (auto path : {"lastTimestamp", "eventTime", "firstTimestamp"})
    if (!string_at(event, {path}).empty()) return age_of(event, {path}, now);
  return age_of(event, {"metadata", "creationTimestamp"}, now);
}

Json event_object(const Json& event, TimePoint) {
  std::string kind = string_at(event, {"involvedObject", "kind"});
  for (char& c : kind) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return kind + "/" + string_at(event, {"involvedObject", "name"});
}

Json ready_of_replicas(const Json& object, TimePoint) {
  return std::to_string(int_at(object, {"status", "readyReplicas"})) + "/" +
         std::to_string(int_at(object, {"spec", "replicas"}));
}

Json ingress_hosts(const Json& ingress, TimePoint) {
  std::string text;
  for (const Json& rule : array_at(ingress, {"spec", "rules"})) {
    const std::string host = string_at(rule, {"host"});
    text += (text.empty() ? "" : ",") + (host.empty() ? "*" : host);
  }
  return text.empty() ? "*" : text;
}

auto int_column(std::string_view a, std::string_view b) {
  return [=](const Json& object, TimePoint) -> Json { return int_at(object, {a, b}); };
}
auto count_column(std::string_view member) {
  return [=](const Json& object, TimePoint) -> Json { return size_at(object, {member}); };
}

const std::vector<Column>& columns_of(std::string_view table) {
  static const Column kName{"Name", "string", 0, text_at("metadata", "name")};
  static const Column kAge{"Age", "string", 0, age_column()};
  static const std::map<std::string, std::vector<Column>, std::less<>> kColumns = {
      {"pods",
       {kName,
        {"Ready", "string", 0, pod_ready},
        {"Status", "string", 0, [](const Json& pod, TimePoint) -> Json { return pod_status(pod); }},
        {"Restarts", "string", 0, pod_restarts},
        kAge,
        {"IP", "string", 1,
         [](const Json& pod, TimePoint) -> Json { return or_none(string_at(pod, {"status", "podIP"})); }},
        {"Node", "string", 1,
         [](const Json& pod, TimePoint) -> Json { return or_none(string_at(pod, {"spec", "nodeName"})); }},
        {"Nominated Node", "string", 1, [](const Json&, TimePoint) -> Json { return "<none>"; }},
        {"Readiness Gates", "string", 1, [](const Json&, TimePoint) -> Json { return "<none>"; }}}},
      {"services",
       {kName,
        {"Type", "string", 0, text_at("spec", "type")},
        {"Cluster-IP", "string", 0,
         [](const Json& s, TimePoint) -> Json { return or_none(string_at(s, {"spec", "clusterIP"})); }},
        {"External-IP", "string", 0,
         [](const Json& s, TimePoint) -> Json { return or_none(string_at(s, {"spec", "externalName"})); }},
        {"Port(s)", "string", 0, service_ports},
        kAge,
        {"Selector", "string", 1, selector_text}}},
      {"namespaces", {kName, {"Status", "string", 0, text_at("status", "phase")}, kAge}},
      {"nodes",
       {kName,
        {"Status", "string", 0, node_status},
        {"Roles", "string", 0, node_roles},
        kAge,
        {"Version", "string", 0,
         [](const Json& n, TimePoint) -> Json {
           return string_at(n, {"status", "nodeInfo", "kubeletVersion"});
         }}}},
      {"events",
       {{"Last Seen", "string", 0, event_age},
        {"Type", "string", 0, [](const Json& e, TimePoint) -> Json { return string_at(e, {"type"}); }},
        {"Reason", "string", 0, [](const Json& e, TimePoint) -> Json { return string_at(e, {"reason"}); }},
        {"Object", "string", 0, event_object},
        {"Message", "string", 0, [](const Json& e, TimePoint) -> Json { return string_at(e, {"message"}); }},
        {"Source", "string", 1, text_at("source", "component")},
        {"Count", "string", 1, [](const Json& e, TimePoint) -> Json { return int_at(e, {"count"}); }},
        {"Name", "string", 1, text_at("metadata", "name")}}},
      {"configmaps", {kName, {"Data", "string", 0, count_column("data")}, kAge}},
      {"secrets",
       {kName,
        {"Type", "string", 0, [](const Json& s, TimePoint) -> Json { return string_at(s, {"type"}); }},
        {"Data", "string", 0, count_column("data")},
        kAge}},
      {"serviceaccounts", {kName, kAge}},
      {"persistentvolumeclaims",
       {kName,
        {"Status", "string", 0, text_at("status", "phase")},
        {"Volume", "string", 0, text_at("spec", "volumeName")},
        {"Capacity", "string", 0,
         [](const Json& c, TimePoint) -> Json { return string_at(c, {"status", "capacity", "storage"}); }},
        {"Access Modes", "string", 0,
         [](const Json& c, TimePoint) -> Json {
           std::string text;
           for (const Json& mode : array_at(c, {"spec", "accessModes"}))
             if (mode.is_string()) text += (text.empty() ? "" : ",") + mode.get<std::string>();
           return text;
         }},
        {"StorageClass", "string", 0, text_at("spec", "storageClassName")},
        kAge}},
      {"leases.coordination.k8s.io",
       {kName, {"Holder", "string", 0, text_at("spec", "holderIdentity")}, kAge}},
      {"ingresses.networking.k8s.io",
       {kName,
        {"Class", "string", 0,
         [](const Json& i, TimePoint) -> Json {
           return or_none(string_at(i, {"spec", "ingressClassName"}));
         }},
        {"Hosts", "string", 0, ingress_hosts},
        {"Address", "string", 0, [](const Json&, TimePoint) -> Json { return ""; }},
        {"Ports", "string", 0,
         [](const Json& i, TimePoint) -> Json { return size_at(i, {"spec", "tls"}) ? "80, 443" : "80"; }},
        kAge}},
      {"deployments.apps",
       {kName,
        {"Ready", "string", 0, ready_of_replicas},
        {"Up-to-date", "string", 0, int_column("status", "updatedReplicas")},
        {"Available", "string", 0, int_column("status", "availableReplicas")},
        kAge}},
      {"statefulsets.apps", {kName, {"Ready", "string", 0, ready_of_replicas}, kAge}},
      {"replicasets.apps",
       {kName,
        {"Desired", "integer", 0, int_column("spec", "replicas")},
        {"Current", "integer", 0, int_column("status", "replicas")},
        {"Ready", "integer", 0, int_column("status", "readyReplicas")},
        kAge}},
      {"priorityclasses.scheduling.k8s.io",
       {kName,
        {"Value", "integer", 0, [](const Json& p, TimePoint) -> Json { return int_at(p, {"value"}); }},
        {"Global-Default", "boolean", 0,
         [](const Json& p, TimePoint) -> Json { return p.value("globalDefault", false); }},
        kAge}},
      {"customresourcedefinitions.apiextensions.k8s.io",
       {kName, {"Created At", "date", 0, text_at("metadata", "creationTimestamp")}}},
  };
  static const std::vector<Column> kPlain{kName, kAge};
  auto found = kColumns.find(table);
  return found == kColumns.end() ? kPlain : found->second;
}

Json custom_cell(const PrinterColumn& column, const Json& object, TimePoint now) {
  const std::vector<const Json*> found = find_json_path(object, column.json_path);
  if (found.empty() || found[0]->is_null()) return nullptr;
  const Json& value = *found[0];
  if (column.type == "date") {
    auto time = value.is_string() ? parse_rfc3339(value.get_ref<const std::string&>())
                                  : Result<TimePoint>(fail(ErrorKind::InvalidInput, "no time"));
    return time ? Json(age_text(now - *time)) : Json("<invalid>");
  }
  if (column.type == "integer" && value.is_number()) return value.get<std::int64_t>();
  if (column.type == "number" && value.is_number()) return value;
  if (column.type == "boolean" && value.is_boolean()) return value;
  if (column.type == "string") {
    if (found.size() > 1) {
      std::string text;
      for (const Json* one : found)
        text += (text.empty() ? "" : ",") + (one->is_string() ? one->get<std::string>() : dump_json(*one));
      return text;
    }
    return value.is_string() ? value : Json(dump_json(value));
  }
  return nullptr;
}

}  // namespace

std::string age_text(Duration age) {
  using std::to_string;
  const std::int64_t s = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  if (s < -1) return "<invalid>";
  if (s < 0) return "0s";
  if (s < 120) return to_string(s) + "s";
  const std::int64_t m = s / 60;
  if (m < 10) return to_string(m) + "m" + (s % 60 ? to_string(s % 60) + "s" : "");
  if (m < 180) return to_string(m) + "m";
  const std::int64_t h = m / 60;
  if (h < 8) return to_string(h) + "h" + (m % 60 ? to_string(m % 60) + "m" : "");
  if (h < 48) return to_string(h) + "h";
  const std::int64_t d = h / 24;
  if (d < 8) return to_string(d) + "d" + (h % 24 ? to_string(h % 24) + "h" : "");
  if (d < 2 * 365) return to_string(d) + "d";
  return to_string(d / 365) + "y" + (d < 8 * 365 && d % 365 ? to_string(d % 365) + "d" : "");
}

Json partial_metadata(const Json& object) {
  const Json* metadata = find_path(object, {"metadata"});
  return {{"kind", "PartialObjectMetadata"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", metadata ? *metadata : Json::object()}};
}

Json print_table(const ServedResource& served, const std::vector<ObjectRef>& objects, std::uint64_t version,
                 const std::string& include, TimePoint now) {
  Json definitions = Json::array(), rows = Json::array();
  auto define = [&](std::string_view name, std::string_view type, std::string_view format,
                    std::string_view description, int priority) {
    definitions.push_back({{"name", name},
                           {"type", type},
                           {"format", format},
                           {"description", description},
                           {"priority", priority}});
  };
  if (served.custom) {
    define("Name", "string", "name", kNameDescription, 0);
    for (const PrinterColumn& column : served.columns)
      define(column.name, column.type, column.format, column.description, column.priority);
  } else {
    for (const Column& column : columns_of(served.table())) {
      const bool name = std::string_view(column.name) == "Name";
      define(column.name, column.type, name ? "name" : "", name ? kNameDescription : column.name,
             column.priority);
    }
  }
  for (const ObjectRef& object : objects) {
    const Json& json = object->json();
    Json cells = Json::array();
    if (served.custom) {
      cells.push_back(object->key().name);
      for (const PrinterColumn& column : served.columns) cells.push_back(custom_cell(column, json, now));
    } else {
      for (const Column& column : columns_of(served.table())) cells.push_back(column.cell(json, now));
    }
    Json row = {{"cells", std::move(cells)}, {"object", nullptr}};
    if (include == "Object")
      row["object"] = json_as(*object, served);
    else if (include != "None")
      row["object"] = partial_metadata(json);
    rows.push_back(std::move(row));
  }
  return {{"kind", "Table"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", {{"resourceVersion", std::to_string(version)}}},
          {"columnDefinitions", std::move(definitions)},
          {"rows", std::move(rows)}};
}

}  // namespace kube::apiserver
