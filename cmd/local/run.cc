#include "cmd/local/run.h"

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <sstream>

#include "api/constants.h"
#include "api/scheduled_spark_application.h"
#include "api/spark_application.h"
#include "api/spark_connect.h"
#include "kube/async/timer.h"
#include "kube/client/api.h"
#include "kube/core/fields.h"
#include "kube/core/yaml.h"

namespace cmd {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;
using kube::Task;

namespace {

constexpr kube::Duration kPollPeriod = std::chrono::milliseconds(250);

const std::map<std::string, kube::Resource>& known_kinds() {
  static const std::map<std::string, kube::Resource> kinds = [] {
    std::map<std::string, kube::Resource> result;
    for (const kube::Resource* resource :
         {&kube::kPods, &kube::kServices, &kube::kConfigMaps, &kube::kSecrets, &kube::kNamespaces,
          &kube::kServiceAccounts, &kube::kPersistentVolumeClaims, &kube::kRoles, &kube::kRoleBindings}) {
      result[resource->kind] = *resource;
    }
    result["SparkApplication"] = {"sparkoperator.k8s.io", "v1beta2", "SparkApplication", "sparkapplications"};
    result["ScheduledSparkApplication"] = {"sparkoperator.k8s.io", "v1beta2", "ScheduledSparkApplication",
                                           "scheduledsparkapplications"};
    result["SparkConnect"] = {"sparkoperator.k8s.io", "v1alpha1", "SparkConnect", "sparkconnects"};
    return result;
  }();
  return kinds;
}

template <class T>
Result<> check_fields(const Json& object) {
  auto decoded = kube::decode<T>(object);
  if (!decoded) return fail(std::move(decoded));
  return {};
}

Result<> check_object(const Json& object) {
  if (!object.is_object())
    return fail(ErrorKind::InvalidInput, "expected an object with apiVersion and kind");
  const auto text = [&](const char* field) {
    const auto found = object.find(field);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
  };
  const std::string kind = text("kind");
  if (kind.empty()) return fail(ErrorKind::InvalidInput, "kind: expected text, found none");
  const auto known = known_kinds().find(kind);
  if (known == known_kinds().end())
    return fail(ErrorKind::InvalidInput, "kind: nobody serves \"" + kind + "\"");
  if (text("apiVersion") != known->second.api_version()) {
    return fail(ErrorKind::InvalidInput, "apiVersion: expected \"" + known->second.api_version() +
                                             "\" for a " + kind + ", got \"" + text("apiVersion") + "\"");
  }
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object() || !metadata->contains("name")) {
    return fail(ErrorKind::InvalidInput, "metadata.name: expected text, found none");
  }
  for (const char* field : {"name", "namespace"}) {
    const auto value = metadata->find(field);
    if (value != metadata->end() && !value->is_string()) {
      return fail(ErrorKind::InvalidInput,
                  std::string("metadata.") + field + ": expected text, got " + kube::describe_json(*value));
    }
  }
  if (kind == "SparkApplication") return check_fields<api::SparkApplication>(object);
  if (kind == "ScheduledSparkApplication") return check_fields<api::ScheduledSparkApplication>(object);
  if (kind == "SparkConnect") return check_fields<api::SparkConnect>(object);
  return {};
}

std::string namespace_of(const Json& object) {
  const std::string ns = object.at("metadata").value("namespace", "");
  return ns.empty() ? "default" : ns;
}

// One application on its way to its end, and what was already told of it.
struct Followed {
  kube::ObjectKey key;
  std::string state = "?";
  std::map<std::string, std::string> pods = {};  // name → phase
  bool ended = false;
  bool completed = false;
};

class Follower {
 public:
  Follower(kube::Client& client, std::function<void(const std::string&)> say)
      : client_(client), say_(std::move(say)), start_(client.loop().steady()) {}

  Task<Result<>> apply(const Json& object) {
    const std::string kind = object.at("kind");
    const kube::Resource& resource = known_kinds().at(kind);
    const std::string name = object.at("metadata").at("name");
    const std::string ns = resource.namespaced ? namespace_of(object) : "";
    kube::JsonApi objects(client_, resource, ns);
    if (kind == "SparkApplication") {
      // A finished run under this name makes room; a running one is refused rather than disturbed.
      auto present = co_await objects.get(name);
      if (present) {
        const std::string state = state_of(*present);
        if (state != "COMPLETED" && state != "FAILED") {
          co_return fail(ErrorKind::AlreadyExists, ns + "/" + name + " is running already (" + state + ")");
        }
        auto removed = co_await objects.remove(
            name, kube::DeleteOptions().uid(present->at("metadata").value("uid", "")));
        if (!removed && !removed.error().is_not_found()) co_return fail(std::move(removed));
      }
    }
    auto applied = co_await objects.patch(name, kube::Patch::apply(object, "sparkctl"));
    if (!applied)
      co_return fail(std::move(applied).error().while_doing("apply " + kind + " " + ns + "/" + name));
    tell(kind + " " + (ns.empty() ? name : ns + "/" + name) + " applied");
    if (kind == "SparkApplication") followed_.push_back({.key = {ns, name}});
    co_return Result<>{};
  }

  Task<Result<>> follow() {
    bool all_completed = true;
    for (Followed& app : followed_) {
      while (!app.ended) {
        if (auto looked = co_await look(app); !looked) co_return looked;
        if (!app.ended) co_await kube::sleep(client_.loop(), kPollPeriod);
      }
      all_completed = all_completed && app.completed;
    }
    if (!all_completed) co_return fail(ErrorKind::InvalidInput, "not every application completed");
    co_return Result<>{};
  }

 private:
  static std::string state_of(const Json& app) {
    return app.value("status", Json::object()).value("applicationState", Json::object()).value("state", "");
  }

  void tell(const std::string& what) {
    const double seconds = std::chrono::duration<double>(client_.loop().steady() - start_).count();
    say_(fmt::format("[{:6.1f} s] {}", seconds, what));
  }

  Task<Result<>> look(Followed& app) {
    auto object =
        co_await kube::JsonApi(client_, known_kinds().at("SparkApplication"), app.key.ns).get(app.key.name);
    if (!object && object.error().is_not_found()) {
      tell(app.key.to_string() + " was deleted");
      app.ended = true;
      co_return Result<>{};
    }
    if (!object) co_return fail(std::move(object));
    auto pods = co_await kube::JsonApi(client_, kube::kPods, app.key.ns)
                    .list(kube::ListOptions().labels(std::string(api::label::kAppName) + "=" + app.key.name));
    if (!pods) co_return fail(std::move(pods));
    for (const Json& pod : pods->items) tell_pod(app, pod);
    const std::string state = state_of(*object);
    if (state == app.state) co_return Result<>{};
    app.state = state;
    const Json status = object->value("status", Json::object());
    std::string line = app.key.to_string() + " " + (state.empty() ? "NEW" : state);
    const std::string message = status.value("applicationState", Json::object()).value("errorMessage", "");
    if (!message.empty()) line += ": " + message;
    tell(line);
    app.completed = state == "COMPLETED";
    app.ended = app.completed || state == "FAILED";
    if (app.ended) co_await print_log(app, status.value("driverInfo", Json::object()).value("podName", ""));
    co_return Result<>{};
  }

  void tell_pod(Followed& app, const Json& pod) {
    const std::string name = pod.at("metadata").at("name");
    const std::string phase = pod.value("status", Json::object()).value("phase", "");
    if (std::exchange(app.pods[name], phase) != phase) tell("  pod " + name + " " + phase);
  }

  // Of a completed run what the program itself printed; of a failed one the last lines, whoever wrote them.
  Task<> print_log(const Followed& app, const std::string& pod) {
    if (pod.empty()) co_return;
    auto log = co_await kube::JsonApi(client_, kube::kPods, app.key.ns).log(pod);
    if (!log) {
      tell("  the driver's log cannot be read: " + log.error().message());
      co_return;
    }
    std::istringstream lines(*log);
    std::vector<std::string> kept;
    for (std::string line; std::getline(lines, line);) {
      // log4j's lines begin with a date ("26/01/31 12:00:00 INFO …"), the entry point's with "+".
      const bool logged = line.size() > 8 && line[2] == '/' && line[5] == '/';
      if (!app.completed || (!logged && !line.starts_with("+"))) kept.push_back(line);
    }
    const std::size_t first = app.completed || kept.size() <= 30 ? 0 : kept.size() - 30;
    for (std::size_t i = first; i < kept.size(); ++i) say_("  | " + kept[i]);
  }

  kube::Client& client_;
  std::function<void(const std::string&)> say_;
  kube::SteadyTime start_;
  std::vector<Followed> followed_;
};

}  // namespace

Result<std::vector<Json>> read_manifests(const std::string& file) {
  std::ifstream in(file);
  if (!in) return fail(ErrorKind::Io, "cannot read " + file);
  std::stringstream text;
  text << in.rdbuf();
  auto documents = kube::parse_yaml(text.str(), file);
  if (!documents) return fail(std::move(documents));
  if (documents->empty()) return fail(ErrorKind::InvalidInput, file + ": holds no object");
  for (std::size_t i = 0; i < documents->size(); ++i) {
    if (auto checked = check_object((*documents)[i]); !checked) {
      const std::string which = documents->size() == 1 ? file : file + ", document " + std::to_string(i + 1);
      return fail(std::move(checked).error().while_doing(which));
    }
  }
  return documents;
}

Task<Result<>> run_applications(kube::Client& client, std::vector<Json> objects,
                                std::function<void(const std::string&)> say) {
  Follower follower(client, std::move(say));
  for (const Json& object : objects) {
    if (auto applied = co_await follower.apply(object); !applied) co_return applied;
  }
  co_return co_await follower.follow();
}

}  // namespace cmd
