#include "kube/kubelet/scheduler.h"

#include <algorithm>

#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/client/api.h"
#include "kube/core/quantity.h"
#include "kube/runtime/informer.h"

namespace kube {
namespace {

// Whose pods those are that name no scheduler.
const std::string kDefaultScheduler = "default-scheduler";

struct Amounts {
  std::int64_t cpu_milli = 0, memory = 0;
};

Amounts amounts(JsonView list) {
  Amounts out;
  if (auto cpu = Quantity::parse(list["cpu"].string_or("0"))) out.cpu_milli = cpu->milli_value();
  if (auto cpu = list["cpu"].integer()) out.cpu_milli = *cpu * 1000;
  if (auto memory = Quantity::parse(list["memory"].string_or("0"))) out.memory = memory->value();
  if (auto memory = list["memory"].integer()) out.memory = *memory;
  return out;
}

}  // namespace

Result<SchedulablePod> SchedulablePod::project(JsonView pod) {
  SchedulablePod out;
  const JsonView meta = pod["metadata"], spec = pod["spec"], status = pod["status"];
  out.ns = meta["namespace"].string_or();
  out.name = meta["name"].string_or();
  out.uid = meta["uid"].string_or();
  out.node = spec["nodeName"].string_or();
  out.scheduler = spec["schedulerName"].string_or();
  out.node_selector = spec["nodeSelector"].string_map();
  spec["tolerations"].for_each_item([&](JsonView toleration) {
    out.tolerations.push_back(
        {std::string(toleration["key"].string_or()), std::string(toleration["value"].string_or()),
         std::string(toleration["effect"].string_or()), toleration["operator"].string_or() == "Exists"});
  });
  out.gated = spec["schedulingGates"].size() > 0;
  out.deleting = meta["deletionTimestamp"].exists();
  const std::string_view phase = status["phase"].string_or();
  out.terminal = phase == "Succeeded" || phase == "Failed";
  // All containers and sidecars at once, or the largest of the init containers that run before them.
  Amounts together, largest;
  spec["containers"].for_each_item([&](JsonView container) {
    const Amounts one = amounts(container["resources"]["requests"]);
    together.cpu_milli += one.cpu_milli;
    together.memory += one.memory;
  });
  spec["initContainers"].for_each_item([&](JsonView container) {
    const Amounts one = amounts(container["resources"]["requests"]);
    if (container["restartPolicy"].string_or() == "Always") {
      together.cpu_milli += one.cpu_milli;
      together.memory += one.memory;
    }
    largest.cpu_milli = std::max(largest.cpu_milli, one.cpu_milli);
    largest.memory = std::max(largest.memory, one.memory);
  });
  out.cpu_milli = std::max(together.cpu_milli, largest.cpu_milli);
  out.memory = std::max(together.memory, largest.memory);
  status["conditions"].for_each_item([&](JsonView condition) {
    if (condition["type"].string_or() == "PodScheduled" && condition["status"].string_or() == "False")
      out.unschedulable_message = condition["message"].string_or();
  });
  return out;
}

Result<SchedulableNode> SchedulableNode::project(JsonView node) {
  SchedulableNode out;
  out.name = node["metadata"]["name"].string_or();
  out.labels = node["metadata"]["labels"].string_map();
  out.unschedulable = node["spec"]["unschedulable"].boolean().value_or(false);
  node["spec"]["taints"].for_each_item([&](JsonView taint) {
    Taint one{std::string(taint["key"].string_or()), std::string(taint["value"].string_or()),
              std::string(taint["effect"].string_or())};
    if (one.effect == "NoSchedule" || one.effect == "NoExecute") out.taints.push_back(std::move(one));
  });
  const JsonView room = node["status"]["allocatable"];
  const Amounts amount = amounts(room);
  out.cpu_milli = amount.cpu_milli;
  out.memory = amount.memory;
  if (auto pods = Quantity::parse(room["pods"].string_or("0"))) out.pods = pods->value();
  if (auto pods = room["pods"].integer()) out.pods = *pods;
  node["status"]["conditions"].for_each_item([&](JsonView condition) {
    if (condition["type"].string_or() == "Ready") out.ready = condition["status"].string_or() == "True";
  });
  return out;
}

Placement place(const SchedulablePod& pod, const std::vector<std::shared_ptr<const SchedulableNode>>& nodes,
                const std::map<std::string, NodeUse>& used) {
  const SchedulableNode* best = nullptr;
  std::int64_t best_pods = 0;
  std::map<std::string, int> reasons;
  for (const auto& node : nodes) {
    auto known = used.find(node->name);
    const NodeUse use = known == used.end() ? NodeUse{} : known->second;
    const bool labelled = std::ranges::all_of(pod.node_selector, [&](const auto& wanted) {
      auto label = node->labels.find(wanted.first);
      return label != node->labels.end() && label->second == wanted.second;
    });
    auto untolerated = std::ranges::find_if(
        node->taints, [&](const Taint& taint) { return !tolerates(pod.tolerations, taint); });
    bool fits = false;
    if (node->unschedulable) {
      ++reasons["node(s) were unschedulable"];
    } else if (!node->ready) {
      ++reasons["node(s) were not ready"];
    } else if (!labelled) {
      ++reasons["node(s) didn't match Pod's node affinity/selector"];
    } else if (untolerated != node->taints.end()) {
      ++reasons["node(s) had untolerated taint {" + untolerated->key + ": " + untolerated->value + "}"];
    } else {
      fits = true;
      auto lacks = [&](bool lack, const char* reason) {
        if (!lack) return;
        ++reasons[reason];
        fits = false;
      };
      lacks(use.pods + 1 > node->pods, "Too many pods");
      lacks(pod.cpu_milli > 0 && use.cpu_milli + pod.cpu_milli > node->cpu_milli, "Insufficient cpu");
      lacks(pod.memory > 0 && use.memory + pod.memory > node->memory, "Insufficient memory");
    }
    if (fits && (best == nullptr || use.pods < best_pods)) {
      best = node.get();
      best_pods = use.pods;
    }
  }
  if (best != nullptr) return {best->name, ""};
  if (nodes.empty()) return {"", "no nodes available to schedule pods"};
  std::string text = "0/" + std::to_string(nodes.size()) + " nodes are available: ";
  for (bool first = true; const auto& [reason, count] : reasons) {
    text += (first ? "" : ", ") + std::to_string(count) + " " + reason;
    first = false;
  }
  return {"", text + "."};
}

class Scheduler::Impl {
 public:
  Impl(Client& client, SchedulerOptions options)
      : client_(client),
        loop_(client.loop()),
        options_(std::move(options)),
        pods_(client, {.resource = kPods, .project = SchedulablePod::project, .log = options_.log}),
        nodes_(client, {.resource = kNodes, .project = SchedulableNode::project, .log = options_.log}),
        changed_(loop_) {
    pods_.on_change([this](const Change<SchedulablePod>& change) { pod_changed(change); });
    nodes_.on_change([this](const Change<SchedulableNode>&) { look_again(); });
  }

  Task<Result<>> run() {
    TaskGroup tasks(loop_, options_.log);
    std::exception_ptr thrown;
    try {
      tasks.spawn("pods", ignore(pods_.run()));
      tasks.spawn("nodes", ignore(nodes_.run()));
      co_await pods_.wait_synced();
      co_await nodes_.wait_synced();
      while (!stopped_) {
        if (!dirty_) {
          co_await changed_.wait();
          continue;
        }
        dirty_ = false;
        co_await round();
      }
    } catch (...) {
      thrown = std::current_exception();
    }
    co_await shield();
    co_await tasks.cancel_and_join();
    if (thrown) std::rethrow_exception(thrown);
    co_return Result<>{};
  }
  void stop() {
    stopped_ = true;
    changed_.wake_all();
  }

 private:
  static Task<> ignore(Task<Result<>> task) { (void)co_await std::move(task); }

  void look_again() {
    dirty_ = true;
    changed_.wake_all();
  }
  void pod_changed(const Change<SchedulablePod>& change) {
    auto take = [&](const SchedulablePod& pod, int sign) {
      if (pod.node.empty() || pod.terminal) return;
      NodeUse& use = used_[pod.node];
      use.cpu_milli += sign * pod.cpu_milli;
      use.memory += sign * pod.memory;
      use.pods += sign;
    };
    if (change.before) take(*change.before, -1);
    if (change.type == ChangeType::Deleted) {
      assumed_.erase(change.key);
      waiting_.erase(change.key);
    } else {
      take(*change.object, 1);
      if (!change.object->node.empty()) assumed_.erase(change.key);
      if (wants(*change.object)) {
        waiting_.insert(change.key);
      } else {
        waiting_.erase(change.key);
      }
    }
    look_again();
  }
  bool wants(const SchedulablePod& pod) const {
    if (!pod.node.empty() || pod.terminal || pod.gated || pod.deleting) return false;
    return options_.any_name ||
           options_.names.contains(pod.scheduler.empty() ? kDefaultScheduler : pod.scheduler);
  }

  // Binds all that fit. What was bound counts at once, before the watch tells so.
  Task<> round() {
    const std::vector<ObjectKey> keys(waiting_.begin(), waiting_.end());
    for (const ObjectKey& key : keys) {
      auto pod = pods_.store().get(key);
      if (pod == nullptr || !wants(*pod) || assumed_.contains(key)) continue;
      std::map<std::string, NodeUse> used = used_;
      for (const auto& [bound, assumed] : assumed_) {
        NodeUse& use = used[assumed.first];
        use.cpu_milli += assumed.second.cpu_milli;
        use.memory += assumed.second.memory;
        ++use.pods;
      }
      SchedulablePod tolerant = *pod;
      for (const Taint& taint : options_.tolerated)
        tolerant.tolerations.push_back({taint.key, taint.value, taint.effect});
      const Placement placement = place(tolerant, own_nodes(), used);
      if (placement.node.empty()) {
        if (placement.why_not != pod->unschedulable_message)
          co_await tell_unschedulable(*pod, placement.why_not);
        continue;
      }
      assumed_[key] = {placement.node, {pod->cpu_milli, pod->memory, 1}};
      Result<> bound = co_await bind(*pod, placement.node);
      if (bound) continue;
      assumed_.erase(key);
      options_.log.warn("pod could not be bound", {{"pod", key.to_string()}, {"error", bound.error()}});
      if (bound.error().retry() != Retry::Never) retry_.set(loop_.after(1s));
    }
  }
  std::vector<std::shared_ptr<const SchedulableNode>> own_nodes() const {
    auto nodes = nodes_.store().list();
    if (!options_.nodes.empty())
      std::erase_if(nodes, [&](const auto& node) { return !options_.nodes.contains(node->name); });
    return nodes;
  }
  Task<Result<>> bind(const SchedulablePod& pod, const std::string& node) {
    JsonApi api(client_, kPods, pod.ns);
    Json binding = {{"apiVersion", "v1"},
                    {"kind", "Binding"},
                    {"metadata", {{"name", pod.name}, {"namespace", pod.ns}, {"uid", pod.uid}}},
                    {"target", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node}}}};
    auto answer = co_await api.create(std::move(binding), pod.name, "binding");
    if (!answer) co_return fail(answer);
    co_return Result<>{};
  }
  Task<> tell_unschedulable(const SchedulablePod& pod, const std::string& why) {
    JsonApi api(client_, kPods, pod.ns);
    Json condition = {{"type", "PodScheduled"},
                      {"status", "False"},
                      {"reason", "Unschedulable"},
                      {"message", why},
                      {"lastTransitionTime", to_rfc3339(loop_.now())}};
    auto told = co_await api.patch(
        pod.name, Patch::merge({{"status", {{"conditions", Json::array({condition})}}}}), "status");
    if (!told && !told.error().is_not_found()) {
      options_.log.warn("pod could not be told why it waits",
                        {{"pod", pod.ns + "/" + pod.name}, {"error", told.error()}});
    }
  }

  Client& client_;
  Loop& loop_;
  const SchedulerOptions options_;
  Informer<SchedulablePod> pods_;
  Informer<SchedulableNode> nodes_;
  WaitList changed_;
  std::map<std::string, NodeUse> used_;
  std::map<ObjectKey, std::pair<std::string, NodeUse>> assumed_;
  std::set<ObjectKey> waiting_;
  bool dirty_ = true;
  bool stopped_ = false;
  Timer retry_{loop_, [this] { look_again(); }};
};

Scheduler::Scheduler(Client& client, SchedulerOptions options)
    : impl_(std::make_unique<Impl>(client, std::move(options))) {}
Scheduler::~Scheduler() = default;
Task<Result<>> Scheduler::run() {
  return impl_->run();
}
void Scheduler::stop() {
  impl_->stop();
}

}  // namespace kube
