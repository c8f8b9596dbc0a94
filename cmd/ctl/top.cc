#include <algorithm>
#include <map>

#include "api/constants.h"
#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/lookup.h"
#include "cmd/ctl/output.h"
#include "cmd/ctl/session.h"
#include "controller/application/application_view.h"
#include "kube/client/api.h"
#include "kube/core/quantity.h"

namespace ctl {

using kube::Json;
using kube::Quantity;
using kube::Task;

namespace {

const kube::Resource kPodMetrics{"metrics.k8s.io", "v1beta1", "PodMetrics", "pods"};

struct Amount {
  Quantity cpu, memory;

  // Of one container: its requests, or what it uses.
  void add(const Json& amounts) {
    const auto read = [&](const char* resource) {
      const Json* text = kube::find_path(amounts, {resource});
      if (text == nullptr) return Quantity();
      return Quantity::parse(text->is_string() ? text->get<std::string>() : text->dump())
          .value_or(Quantity());
    };
    cpu += read("cpu");
    memory += read("memory");
  }
};

struct Row {
  const Json* application = nullptr;
  std::string driver = "-";  // phase
  int executors = 0, running = 0;
  Amount asked, used;
};

std::string cores(const Quantity& cpu) {
  return std::to_string(cpu.milli_value()) + "m";
}
std::string mebibytes(const Quantity& memory) {
  return std::to_string(memory.value() / (1 << 20)) + "Mi";
}

std::string key_of(const Json& object) {
  return namespace_of(object) + "/" + label_of(object, api::label::kAppName);
}

// Pods that have ended hold nothing any more.
bool holds_resources(const Json& pod) {
  const std::string phase = kube::string_at(pod, {"status", "phase"});
  return phase != "Succeeded" && phase != "Failed";
}

}  // namespace

Task<int> top(Session& session, const Invocation& asked) {
  auto cluster = session.cluster(asked);
  if (!cluster) co_return session.wrong(cluster.error());
  kube::Client& client = *cluster->client;
  auto apps = co_await kube::JsonApi(client, controller::kSparkApplications, cluster->ns).list();
  if (!apps) co_return session.failed(apps.error());
  const std::string ours = std::string(api::label::kLaunchedByOperator) + "=true";
  auto pods = co_await kube::JsonApi(client, kube::kPods, cluster->ns).list(kube::ListOptions().labels(ours));
  if (!pods) co_return session.failed(std::move(pods).error().while_doing("list pods"));
  // Most clusters have a metrics server; without one there is nothing to show, and nothing to complain of.
  auto metrics =
      co_await kube::JsonApi(client, kPodMetrics, cluster->ns).list(kube::ListOptions().labels(ours));

  std::map<std::string, Row> rows;
  for (const Json& app : apps->items) rows[namespace_of(app) + "/" + name_of(app)].application = &app;
  for (const Json& pod : pods->items) {
    Row& row = rows[key_of(pod)];
    const std::string phase = kube::string_at(pod, {"status", "phase"});
    if (is_role(pod, api::label::kRoleDriver)) row.driver = phase;
    if (!holds_resources(pod)) continue;
    if (is_role(pod, api::label::kRoleExecutor)) {
      ++row.executors;
      row.running += phase == "Running";
    }
    for (const Json& container : pod["spec"].value("containers", Json::array()))
      row.asked.add(container.value("resources", Json::object()).value("requests", Json::object()));
  }
  if (metrics) {
    for (const Json& pod : metrics->items)
      for (const Json& container : pod.value("containers", Json::array()))
        rows[key_of(pod)].used.add(container.value("usage", Json::object()));
  }

  std::vector<Row> shown;
  for (auto& [key, row] : rows)
    if (row.application != nullptr && (asked.on("all") || row.executors > 0 || row.asked.cpu.sign() > 0))
      shown.push_back(std::move(row));
  const std::string by = asked.text("sort-by");
  const auto less = [&](const Row& a, const Row& b) {
    const auto by_name = [](const Row& row) {
      return std::pair(namespace_of(*row.application), name_of(*row.application));
    };
    if (by == "cpu" && a.asked.cpu != b.asked.cpu) return a.asked.cpu > b.asked.cpu;
    if (by == "memory" && a.asked.memory != b.asked.memory) return a.asked.memory > b.asked.memory;
    if (by == "executors" && a.executors != b.executors) return a.executors > b.executors;
    return by_name(a) < by_name(b);
  };
  std::ranges::sort(shown, less);
  if (const std::string format = asked.text("output"); format != "table") {
    Json items = Json::array();
    for (const Row& row : shown) {
      Json item = {{"namespace", namespace_of(*row.application)},
                   {"name", name_of(*row.application)},
                   {"state", state_of(*row.application)},
                   {"driver", row.driver},
                   {"executors", row.executors},
                   {"executorsRunning", row.running},
                   {"requests", {{"cpu", cores(row.asked.cpu)}, {"memory", mebibytes(row.asked.memory)}}}};
      if (metrics) item["usage"] = {{"cpu", cores(row.used.cpu)}, {"memory", mebibytes(row.used.memory)}};
      items.push_back(std::move(item));
    }
    session.print(as_text({{"items", std::move(items)}}, format));
    co_return exit_code::kDone;
  }
  std::vector<std::string> header;
  if (cluster->ns.empty()) header.emplace_back("NAMESPACE");
  for (const char* name : {"NAME", "STATE", "DRIVER", "EXECUTORS", "CPU", "MEMORY"})
    header.emplace_back(name);
  if (metrics)
    for (const char* name : {"CPU USED", "MEMORY USED"}) header.emplace_back(name);
  Table table(std::move(header));
  for (const Row& row : shown) {
    std::vector<Cell> cells;
    if (cluster->ns.empty()) cells.push_back({namespace_of(*row.application)});
    const std::string state = state_of(*row.application);
    cells.push_back({name_of(*row.application)});
    cells.push_back({state, colour_of_state(state)});
    cells.push_back({row.driver});
    cells.push_back({std::to_string(row.running) + "/" + std::to_string(row.executors)});
    cells.push_back({cores(row.asked.cpu)});
    cells.push_back({mebibytes(row.asked.memory)});
    if (metrics) {
      cells.push_back({cores(row.used.cpu)});
      cells.push_back({mebibytes(row.used.memory)});
    }
    table.add(std::move(cells));
  }
  if (table.empty())
    session.note("No application holds resources" +
                 (cluster->ns.empty() ? "." : " in namespace " + cluster->ns + "."));
  else
    session.print(table.text(session.surroundings().colours));
  co_return exit_code::kDone;
}

}  // namespace ctl
