#include "api/validation.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <type_traits>

#include "api/constants.h"
#include "api/cron_schedule.h"
#include "api/memory_limit.h"
#include "api/names.h"
#include "kube/core/dns_name.h"
#include "kube/core/quantity.h"

namespace api {
namespace {

using Faults = std::vector<Fault>;

constexpr std::size_t kLabel = 63;
// A dash and the fewest digits that scheduled_run_name() writes: whole minutes.
constexpr std::size_t kLongestScheduleName = kLabel - 9;

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

void check_template(const Json& pod_template, std::string_view version, const std::string& spec,
                    const char* role, Faults& faults) {
  if (pod_template.is_null() || is_spark_3(version)) return;
  faults.push_back(
      {spec + "." + role + ".template",
       "needs Spark 3.0.0 or later, " + spec + ".sparkVersion is \"" + std::string(version) + "\""});
}

void check_driver_ingress(const std::vector<DriverIngressOptions>& options, const std::string& spec,
                          bool without_ingress, Faults& faults) {
  std::map<std::int32_t, std::size_t> ports;
  std::map<std::string, std::size_t> formats;
  const auto path_of = [&](std::size_t i, const char* field) {
    return spec + ".driverIngressOptions[" + std::to_string(i) + "]." + field;
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
      if (without_ingress) continue;
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

void check_memory(const std::optional<std::string>& memory, const std::string& path, Faults& faults) {
  if (memory && !memory->empty() && !is_memory(*memory))
    faults.push_back({path, "expected digits and a unit such as 512m or 2g, got \"" + *memory + "\""});
}

// The field's bounds, once it is switched on. Which of them have to be in order is the caller's to say.
class ExecutorBounds {
 public:
  ExecutorBounds(const std::optional<DynamicAllocation>& dynamic, const std::string& spec, Faults& faults)
      : on_(dynamic && dynamic->enabled.value_or(false)),
        path_(spec + ".dynamicAllocation."),
        faults_(faults) {
    if (!on_) return;
    least_ = {"minExecutors", dynamic->min_executors};
    most_ = {"maxExecutors", dynamic->max_executors};
    first_ = {"initialExecutors", dynamic->initial_executors};
  }

  // Spark starts with whatever is larger than the initial number, and has no quarrel with it.
  void as_spark() const {
    if (!on_) return;
    at_most(least_, most_);
    not_negative();
  }
  void in_order() const {
    if (!on_) return;
    at_most(least_, most_);
    at_most(least_, first_);
    at_most(first_, most_);
    not_negative();
  }

 private:
  struct Bound {
    const char* name = "";
    std::optional<std::int32_t> count{};
  };
  void at_most(const Bound& low, const Bound& high) const {
    if (low.count && high.count && *low.count > *high.count)
      faults_.push_back({path_ + low.name, "must not exceed " + std::string(high.name) + " (" +
                                               std::to_string(*low.count) + " > " +
                                               std::to_string(*high.count) + ")"});
  }
  void not_negative() const {
    for (const Bound* bound : {&least_, &most_, &first_})
      if (bound->count && *bound->count < 0)
        faults_.push_back({path_ + bound->name, "must not be negative, is " + std::to_string(*bound->count)});
  }

  bool on_;
  std::string path_;
  Faults& faults_;
  Bound least_, most_, first_;
};

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

// `text` is what the user wrote, `read_as` the quantity that it stands for.
void check_quantity(const std::string& text, std::string_view read_as, const std::string& path,
                    Faults& faults) {
  const auto amount = kube::Quantity::parse(read_as);
  if (!amount) {
    faults.push_back({path, "expected a quantity such as 500m or 2Gi, got \"" + text + "\""});
  } else if (*amount < kube::Quantity()) {
    faults.push_back({path, "must not be negative, is " + text});
  }
}

void check_quantity(const std::string& text, const std::string& path, Faults& faults) {
  check_quantity(text, text, path, faults);
}

void check_pod(const SparkPodSpec& pod, const std::string& path, Faults& faults) {
  const auto quantity = [&](const std::optional<std::string>& text, const char* name) {
    if (text && !text->empty()) check_quantity(*text, path + name, faults);
  };
  quantity(pod.core_limit, ".coreLimit");
  quantity(pod.core_request, ".coreRequest");
  check_memory(pod.memory, path + ".memory", faults);
  check_memory(pod.memory_overhead, path + ".memoryOverhead", faults);
  if (pod.memory_limit && !pod.memory_limit->empty())
    check_quantity(*pod.memory_limit, memory_limit_as_quantity(*pod.memory_limit), path + ".memoryLimit",
                   faults);
  if (pod.gpu && pod.gpu->quantity < 0)
    check_range(pod.gpu->quantity, 0, std::nullopt, path + ".gpu.quantity", faults);
}

void append(Faults& faults, Faults more) {
  faults.insert(faults.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// The rules that the Go operator's webhook has for a spec.
void check_spec(const SparkApplicationSpec& spec, const std::string& path, std::string_view ns,
                const ValidationOptions& options, Faults& faults) {
  if (!options.allow_what_runs) {
    check_template(spec.driver.pod_template, spec.spark_version, path, "driver", faults);
    check_template(spec.executor.pod_template, spec.spark_version, path, "executor", faults);
  }
  if (spec.node_selector && (spec.driver.node_selector || spec.executor.node_selector)) {
    const char* other = spec.driver.node_selector ? ".driver.nodeSelector" : ".executor.nodeSelector";
    faults.push_back({path + ".nodeSelector", "excludes " + path + other});
  }
  check_driver_ingress(spec.driver_ingress_options, path, options.allow_what_runs, faults);
  append(faults, validate_spark_conf(spec.spark_conf, ns, path + ".sparkConf", options));
}

// What no driver could be made of.
void check_possible(const SparkApplicationSpec& spec, const std::string& path, Faults& faults) {
  if (spec.spark_version.empty()) faults.push_back({path + ".sparkVersion", "is required"});
  check_limits(spec, path, faults);
  check_pod(spec.driver, path + ".driver", faults);
  check_pod(spec.executor, path + ".executor", faults);
  ExecutorBounds(spec.dynamic_allocation, path, faults).as_spark();
  if (spec.memory_overhead_factor && !spec.memory_overhead_factor->empty()) {
    const auto factor = kube::Quantity::parse(*spec.memory_overhead_factor);
    if (!factor || *factor < kube::Quantity())
      faults.push_back({path + ".memoryOverheadFactor", "expected a decimal number such as 0.1, got \"" +
                                                            *spec.memory_overhead_factor + "\""});
  }
  if (spec.batch_scheduler_options) {
    for (const auto& [name, amount] : spec.batch_scheduler_options->resources)
      check_quantity(amount.is_string() ? amount.get<std::string>() : kube::dump_json(amount),
                     path + ".batchSchedulerOptions.resources[" + name + "]", faults);
  }
}

void check_namespace(std::string_view value, std::string_view ns, std::string_view path, Faults& faults) {
  if (value == ns) return;
  faults.push_back(
      {std::string(path) + "[" + spark_conf::kNamespace + "]",
       "must be the object's namespace \"" + std::string(ns) + "\", is \"" + std::string(value) + "\""});
}

void check_word(const std::optional<std::string>& word, std::initializer_list<std::string_view> known,
                const std::string& path, const char* expected, Faults& faults) {
  if (!word || word->empty() || std::ranges::find(known, *word) != known.end()) return;
  faults.push_back({path, std::string("expected ") + expected + ", got " + *word});
}

}  // namespace

std::vector<Fault> validate_spark_conf(const StringMap& conf, std::string_view ns, std::string_view path,
                                       const ValidationOptions& options) {
  Faults faults;
  if (options.allow_operator_keys_in_spark_conf) return faults;
  for (const auto& [key, value] : conf) {
    for (const OperatorKey& operator_key : kOperatorKeys)
      if (key == operator_key.key)
        faults.push_back({std::string(path) + "[" + key + "]", operator_key.reason});
    if (key == spark_conf::kNamespace) check_namespace(value, ns, path, faults);
  }
  return faults;
}

std::vector<Fault> validate(const SparkApplication& app, const ValidationOptions& options) {
  Faults faults;
  check_name(app.metadata.name, faults);
  check_spec(app.spec, "spec", app.metadata.namespace_, options, faults);
  return faults;
}

std::vector<Fault> validate_submission(const SparkApplication& app, const ValidationOptions& options) {
  Faults faults = validate(app, options);
  check_possible(app.spec, "spec", faults);
  // Whatever was let in: nobody would look for the driver elsewhere.
  const auto elsewhere = app.spec.spark_conf.find(spark_conf::kNamespace);
  if (options.allow_what_runs && elsewhere != app.spec.spark_conf.end())
    check_namespace(elsewhere->second, app.metadata.namespace_, "spec.sparkConf", faults);
  const std::string pod = driver_pod_name(app);
  for (const std::string& fault : kube::dns1123_subdomain_faults(pod))
    faults.push_back({"spec.driver.podName", "\"" + pod + "\": " + fault});
  return faults;
}

std::vector<Fault> validate_schedule(const ScheduledSparkApplicationSpec& spec, const TimeZone& local) {
  Faults faults;
  namespace concurrency = concurrency_policy;
  namespace catch_up = catch_up_policy;
  check_word(spec.concurrency_policy, {concurrency::kAllow, concurrency::kForbid, concurrency::kReplace},
             "spec.concurrencyPolicy", "Allow, Forbid or Replace", faults);
  check_word(spec.catch_up_policy, {catch_up::kLatest, catch_up::kAll, catch_up::kSkip}, "spec.catchUpPolicy",
             "Latest, All or Skip", faults);
  const auto not_negative = [&](std::optional<std::int64_t> number, const char* path) {
    if (number.value_or(0) < 0) faults.push_back({path, "must not be negative"});
  };
  not_negative(spec.successful_run_history_limit, "spec.successfulRunHistoryLimit");
  not_negative(spec.failed_run_history_limit, "spec.failedRunHistoryLimit");
  not_negative(spec.starting_deadline_seconds, "spec.startingDeadlineSeconds");
  not_negative(spec.jitter_seconds, "spec.jitterSeconds");
  const std::string_view zone = spec.time_zone ? std::string_view(*spec.time_zone) : "";
  if (const auto cron = CronSchedule::parse(spec.schedule, {.zone = zone, .local = local}); !cron) {
    // The zone of the field is at fault if the schedule can be read without it.
    const bool fine = !zone.empty() && CronSchedule::parse(spec.schedule, {.zone = "", .local = local});
    faults.push_back({fine ? "spec.timeZone" : "spec.schedule", cron.error().message()});
  }
  return faults;
}

std::vector<Fault> validate(const ScheduledSparkApplication& app, const ValidationOptions& options) {
  Faults faults;
  const std::string& name = app.metadata.name;
  check_name(name, faults);
  if (name.size() <= kLabel && name.size() > kLongestScheduleName)
    faults.push_back({"metadata.name", "must have at most " + std::to_string(kLongestScheduleName) +
                                           " characters, because the time is appended to it in the names of "
                                           "its runs, which have at most " +
                                           std::to_string(kLabel)});
  // Where the operator runs, and hence its local zone, is not known here; whether a text can be read does not
  // depend on it.
  append(faults, validate_schedule(app.spec, TimeZone::local("UTC")));
  check_spec(app.spec.app_template, "spec.template", app.metadata.namespace_, options, faults);
  check_possible(app.spec.app_template, "spec.template", faults);
  return faults;
}

std::vector<Fault> validate(const SparkConnect& connect, const ValidationOptions& options) {
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
  if (!options.allow_what_runs) {
    check_template(spec.server.pod_template, spec.spark_version, "spec", "server", faults);
    check_template(spec.executor.pod_template, spec.spark_version, "spec", "executor", faults);
  }
  if (spec.image.value_or("").empty() && !(has_image(spec.server.pod_template, container::kDriver) &&
                                           has_image(spec.executor.pod_template, container::kExecutor)))
    faults.push_back(
        {"spec.image", "is required unless the templates of server and executor both have an image"});
  const ExecutorBounds bounds(spec.dynamic_allocation, "spec", faults);
  options.allow_what_runs ? bounds.as_spark() : bounds.in_order();
  check_memory(spec.server.memory, "spec.server.memory", faults);
  check_memory(spec.executor.memory, "spec.executor.memory", faults);
  append(faults,
         validate_spark_conf(spec.spark_conf, connect.metadata.namespace_, "spec.sparkConf", options));
  check_limits(spec, "spec", faults);
  return faults;
}

std::string describe(const std::vector<Fault>& faults) {
  std::string text;
  for (const Fault& fault : faults) text += (text.empty() ? "" : "; ") + fault.path + ": " + fault.message;
  return text;
}

}  // namespace api
