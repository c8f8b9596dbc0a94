#include "api/validation.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <type_traits>

#include "api/constants.h"
#include "api/names.h"
#include "kube/core/dns_name.h"
#include "kube/core/quantity.h"

namespace api {
namespace {

using Faults = std::vector<Fault>;

// Semantic-version order against 3.0.0. A leading v and missing parts are fine ("v3", "3.5"); a pre-release
// sorts below its release; what is no semantic version at all sorts below everything.
bool is_spark_3(std::string_view version) {
  if (version.starts_with('v')) version.remove_prefix(1);
  version = version.substr(0, version.find('+'));
  const std::size_t dash = version.find('-');
  const bool pre_release = dash != std::string_view::npos;
  if (pre_release && dash + 1 == version.size()) return false;
  std::string_view numbers = version.substr(0, dash);
  std::array<std::uint64_t, 3> parts{};
  std::size_t count = 0;
  while (true) {
    const std::size_t dot = numbers.find('.');
    const std::string_view part = numbers.substr(0, dot);
    if (count == parts.size() || part.empty() || (part.size() > 1 && part.front() == '0')) return false;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), parts[count]);
    if (error != std::errc() || end != part.data() + part.size()) return false;
    ++count;
    if (dot == std::string_view::npos) break;
    numbers.remove_prefix(dot + 1);
  }
  if (pre_release && count < parts.size()) return false;
  if (parts[0] != 3 || parts[1] != 0 || parts[2] != 0) return parts[0] >= 3;
  return !pre_release;
}

void check_name(const std::string& name, Faults& faults) {
  std::string text;
  for (const std::string& fault : kube::dns1035_label_faults(name))
    text += (text.empty() ? "" : "; ") + fault;
  if (!text.empty()) faults.push_back({"metadata.name", "\"" + name + "\": " + text});
}

void check_template(const Json& pod_template, std::string_view version, const char* path, Faults& faults) {
  if (pod_template.is_null() || is_spark_3(version)) return;
  faults.push_back(
      {path, "needs Spark 3.0.0 or later, spec.sparkVersion is \"" + std::string(version) + "\""});
}

void check_driver_ingress(const std::vector<DriverIngressOptions>& options, Faults& faults) {
  std::map<std::int32_t, std::size_t> ports;
  std::map<std::string, std::size_t> formats;
  const auto path_of = [](std::size_t i, const char* field) {
    return "spec.driverIngressOptions[" + std::to_string(i) + "]." + field;
  };
  for (std::size_t i = 0; i < options.size(); ++i) {
    const DriverIngressOptions& option = options[i];
    if (!option.service_port) {
      faults.push_back({path_of(i, "servicePort"), "is required"});
    } else if (const auto [earlier, added] = ports.emplace(*option.service_port, i); !added) {
      faults.push_back({path_of(i, "servicePort"), "must differ from " +
                                                       path_of(earlier->second, "servicePort") + " (" +
                                                       std::to_string(*option.service_port) + ")"});
    }
    const std::string format = option.ingress_url_format.value_or("");
    if (format.empty()) {
      faults.push_back({path_of(i, "ingressURLFormat"), "must not be empty"});
    } else if (const auto [earlier, added] = formats.emplace(format, i); !added) {
      faults.push_back(
          {path_of(i, "ingressURLFormat"),
           "must differ from " + path_of(earlier->second, "ingressURLFormat") + " (" + format + ")"});
    }
  }
}

constexpr const char* kUseServiceAccount =
    "belongs to the operator: use serviceAccount of driver or executor";
constexpr const char* kUseImage = "belongs to the operator: use the image fields of the spec";
constexpr const char* kCredentials = "belongs to the operator: credentials are not taken from applications";
constexpr const char* kOperators = "belongs to the operator";

struct OperatorKey {
  std::string_view key;
  const char* reason;
};
constexpr std::array kOperatorKeys{
    OperatorKey{"spark.kubernetes.authenticate.driver.serviceAccountName", kUseServiceAccount},
    OperatorKey{"spark.kubernetes.authenticate.executor.serviceAccountName", kUseServiceAccount},
    OperatorKey{"spark.kubernetes.authenticate.oauthTokenFile", kCredentials},
    OperatorKey{"spark.kubernetes.authenticate.oauthToken", kCredentials},
    OperatorKey{"spark.kubernetes.authenticate.driver.oauthTokenFile", kCredentials},
    OperatorKey{"spark.kubernetes.authenticate.driver.oauthToken", kCredentials},
    OperatorKey{"spark.kubernetes.authenticate.executor.oauthTokenFile", kCredentials},
    OperatorKey{"spark.kubernetes.authenticate.executor.oauthToken", kCredentials},
    OperatorKey{"spark.master", kOperators},
    OperatorKey{"spark.kubernetes.driver.master", kOperators},
    OperatorKey{"spark.kubernetes.container.image", kUseImage},
    OperatorKey{"spark.kubernetes.driver.container.image", kUseImage},
    OperatorKey{"spark.kubernetes.executor.container.image", kUseImage},
};

// The container that becomes Spark's: by its name, else the first.
const Json* spark_container(const Json& pod_template, std::string_view name) {
  const Json* containers = kube::find_path(pod_template, {"spec", "containers"});
  if (containers == nullptr || !containers->is_array() || containers->empty()) return nullptr;
  for (const Json& candidate : *containers)
    if (kube::string_at(candidate, {"name"}) == name) return &candidate;
  return &containers->front();
}

bool has_image(const Json& pod_template, std::string_view container) {
  const Json* found = spark_container(pod_template, container);
  return found != nullptr && !kube::string_at(*found, {"image"}).empty();
}

// Digits and at most one unit, as Spark's own reader takes them: no fraction, no sign, no "gi".
bool is_memory(std::string text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return false;
  text = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const std::string_view unit : {"pb", "tb", "gb", "mb", "kb", "p", "t", "g", "m", "k", "b"}) {
    if (!text.ends_with(unit)) continue;
    text.resize(text.size() - unit.size());
    break;
  }
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

void check_memory(const std::optional<std::string>& memory, const char* path, Faults& faults) {
  if (memory && !memory->empty() && !is_memory(*memory))
    faults.push_back({path, "expected digits and a unit such as 512m or 2g, got \"" + *memory + "\""});
}

void check_dynamic_allocation(const std::optional<DynamicAllocation>& dynamic, Faults& faults) {
  if (!dynamic || !dynamic->enabled.value_or(false)) return;
  const std::string path = "spec.dynamicAllocation.";
  const auto at_most = [&](const char* low_name, std::optional<std::int32_t> low, const char* high_name,
                           std::optional<std::int32_t> high) {
    if (low && high && *low > *high)
      faults.push_back({path + low_name, "must not exceed " + std::string(high_name) + " (" +
                                             std::to_string(*low) + " > " + std::to_string(*high) + ")"});
  };
  at_most("minExecutors", dynamic->min_executors, "maxExecutors", dynamic->max_executors);
  at_most("minExecutors", dynamic->min_executors, "initialExecutors", dynamic->initial_executors);
  at_most("initialExecutors", dynamic->initial_executors, "maxExecutors", dynamic->max_executors);
  const auto not_negative = [&](const char* name, std::optional<std::int32_t> count) {
    if (count && *count < 0)
      faults.push_back({path + name, "must not be negative, is " + std::to_string(*count)});
  };
  not_negative("minExecutors", dynamic->min_executors);
  not_negative("maxExecutors", dynamic->max_executors);
  not_negative("initialExecutors", dynamic->initial_executors);
}

// What the hints of a field list say about numbers; the schema of a current CRD says the same.
void check_range(std::int64_t value, std::optional<std::int64_t> least, std::optional<std::int64_t> most,
                 const std::string& path, Faults& faults) {
  if (least && value < *least)
    faults.push_back({path, "must be at least " + std::to_string(*least) + ", is " + std::to_string(value)});
  if (most && value > *most)
    faults.push_back({path, "must be at most " + std::to_string(*most) + ", is " + std::to_string(value)});
}

template <class Struct>
void check_limits(const Struct& value, const std::string& path, Faults& faults);

// One member, with its hints.
struct LimitsOf {
  const std::string& parent;
  Faults& faults;

  template <class Member, class... Hints>
  void operator()(std::string_view name, const Member& member, const Hints&... hints) const {
    std::optional<std::int64_t> least, most;
    const auto take = [&]<class Hint>(const Hint& hint) {
      if constexpr (std::is_same_v<Hint, Minimum>) least = hint.value;
      if constexpr (std::is_same_v<Hint, Maximum>) most = hint.value;
    };
    (take(hints), ...);
    check(parent + "." + std::string(name), member, least, most);
  }
  template <class Member>
  void check(const std::string& path, const Member& member, std::optional<std::int64_t> least,
             std::optional<std::int64_t> most) const {
    if constexpr (requires { member.has_value(); }) {
      if (member) check(path, *member, least, most);
    } else if constexpr (std::is_integral_v<Member> && !std::is_same_v<Member, bool>) {
      check_range(member, least, most, path, faults);
    } else if constexpr (requires { Member::fields(member, [](auto&&...) {}); }) {
      check_limits(member, path, faults);
    } else if constexpr (!std::is_same_v<Member, Json> && requires { Member::value_type::fields; }) {
      for (std::size_t i = 0; i < member.size(); ++i)
        check_limits(member[i], path + "[" + std::to_string(i) + "]", faults);
    }
  }
};

template <class Struct>
void check_limits(const Struct& value, const std::string& path, Faults& faults) {
  Struct::fields(value, LimitsOf{path, faults});
}

void check_quantity(const std::string& text, const std::string& path, Faults& faults) {
  const auto amount = kube::Quantity::parse(text);
  if (!amount) {
    faults.push_back({path, "expected a quantity such as 500m or 2Gi, got \"" + text + "\""});
  } else if (*amount < kube::Quantity()) {
    faults.push_back({path, "must not be negative, is " + text});
  }
}

void check_pod(const SparkPodSpec& pod, const std::string& path, Faults& faults) {
  const auto quantity = [&](const std::optional<std::string>& text, const char* name) {
    if (text && !text->empty()) check_quantity(*text, path + name, faults);
  };
  quantity(pod.core_limit, ".coreLimit");
  quantity(pod.core_request, ".coreRequest");
  check_memory(pod.memory, (path + ".memory").c_str(), faults);
  check_memory(pod.memory_overhead, (path + ".memoryOverhead").c_str(), faults);
  if (pod.memory_limit && !is_memory(*pod.memory_limit)) quantity(pod.memory_limit, ".memoryLimit");
  if (pod.gpu && pod.gpu->quantity < 0)
    check_range(pod.gpu->quantity, 0, std::nullopt, path + ".gpu.quantity", faults);
}

void append(Faults& faults, Faults more) {
  faults.insert(faults.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

std::vector<Fault> validate_spark_conf(const StringMap& conf, std::string_view ns, std::string_view path,
                                       const ValidationOptions& options) {
  Faults faults;
  if (options.allow_operator_keys_in_spark_conf) return faults;
  for (const auto& [key, value] : conf) {
    const std::string where = std::string(path) + "[" + key + "]";
    for (const OperatorKey& operator_key : kOperatorKeys)
      if (key == operator_key.key) faults.push_back({where, operator_key.reason});
    if (key == spark_conf::kNamespace && value != ns)
      faults.push_back(
          {where, "must be the object's namespace \"" + std::string(ns) + "\", is \"" + value + "\""});
  }
  return faults;
}

std::vector<Fault> validate(const SparkApplication& app, const ValidationOptions& options) {
  Faults faults;
  const SparkApplicationSpec& spec = app.spec;
  check_name(app.metadata.name, faults);
  check_template(spec.driver.pod_template, spec.spark_version, "spec.driver.template", faults);
  check_template(spec.executor.pod_template, spec.spark_version, "spec.executor.template", faults);
  if (spec.node_selector && (spec.driver.node_selector || spec.executor.node_selector)) {
    const char* other = spec.driver.node_selector ? "spec.driver.nodeSelector" : "spec.executor.nodeSelector";
    faults.push_back({"spec.nodeSelector", "excludes " + std::string(other)});
  }
  check_driver_ingress(spec.driver_ingress_options, faults);
  append(faults, validate_spark_conf(spec.spark_conf, app.metadata.namespace_, "spec.sparkConf", options));
  return faults;
}

std::vector<Fault> validate_submission(const SparkApplication& app, const ValidationOptions& options) {
  Faults faults = validate(app, options);
  const SparkApplicationSpec& spec = app.spec;
  if (spec.spark_version.empty()) faults.push_back({"spec.sparkVersion", "is required"});
  check_limits(spec, "spec", faults);
  check_pod(spec.driver, "spec.driver", faults);
  check_pod(spec.executor, "spec.executor", faults);
  check_dynamic_allocation(spec.dynamic_allocation, faults);
  if (spec.memory_overhead_factor && !spec.memory_overhead_factor->empty()) {
    const auto factor = kube::Quantity::parse(*spec.memory_overhead_factor);
    if (!factor || *factor < kube::Quantity())
      faults.push_back({"spec.memoryOverheadFactor", "expected a decimal number such as 0.1, got \"" +
                                                         *spec.memory_overhead_factor + "\""});
  }
  if (spec.batch_scheduler_options) {
    for (const auto& [name, amount] : spec.batch_scheduler_options->resources)
      check_quantity(amount.is_string() ? amount.get<std::string>() : kube::dump_json(amount),
                     "spec.batchSchedulerOptions.resources[" + name + "]", faults);
  }
  const std::string pod = driver_pod_name(app);
  for (const std::string& fault : kube::dns1123_subdomain_faults(pod))
    faults.push_back({"spec.driver.podName", "\"" + pod + "\": " + fault});
  return faults;
}

std::vector<Fault> validate(const ScheduledSparkApplication& app, const ValidationOptions& options) {
  Faults faults;
  check_name(app.metadata.name, faults);
  append(faults, validate_spark_conf(app.spec.app_template.spark_conf, app.metadata.namespace_,
                                     "spec.template.sparkConf", options));
  return faults;
}

std::vector<Fault> validate(const SparkConnect& connect, const ValidationOptions& options) {
  constexpr std::size_t kLabel = 63;
  constexpr std::string_view kServer = "-server";
  Faults faults;
  const SparkConnectSpec& spec = connect.spec;
  const std::string& name = connect.metadata.name;
  check_name(name, faults);
  if (name.size() > kLabel - kServer.size())
    faults.push_back({"metadata.name", "must have at most " + std::to_string(kLabel - kServer.size()) +
                                           " characters, because its service is called \"" + name +
                                           std::string(kServer) + "\""});
  if (spec.spark_version.empty()) faults.push_back({"spec.sparkVersion", "is required"});
  check_template(spec.server.pod_template, spec.spark_version, "spec.server.template", faults);
  check_template(spec.executor.pod_template, spec.spark_version, "spec.executor.template", faults);
  if (spec.image.value_or("").empty() && !(has_image(spec.server.pod_template, container::kDriver) &&
                                           has_image(spec.executor.pod_template, container::kExecutor)))
    faults.push_back(
        {"spec.image", "is required unless the templates of server and executor both have an image"});
  check_dynamic_allocation(spec.dynamic_allocation, faults);
  check_memory(spec.server.memory, "spec.server.memory", faults);
  check_memory(spec.executor.memory, "spec.executor.memory", faults);
  append(faults,
         validate_spark_conf(spec.spark_conf, connect.metadata.namespace_, "spec.sparkConf", options));
  return faults;
}

std::string describe(const std::vector<Fault>& faults) {
  std::string text;
  for (const Fault& fault : faults) text += (text.empty() ? "" : "; ") + fault.path + ": " + fault.message;
  return text;
}

}  // namespace api
