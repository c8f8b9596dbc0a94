#include "kube/kubelet/scheduler.h"

#include <algorithm>
#include <map>

#include "kube/async/timer.h"
#include "kube/client/api.h"

namespace kube {

namespace {

constexpr Duration kRetry = 500ms;

std::string text_of(const Json& holder, const char* field) {
  const auto found = holder.find(field);
  return found != holder.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

Scheduler::Scheduler(Client& client, SchedulerOptions options)
    : client_(client),
      loop_(client.loop()),
      options_(std::move(options)),
      pods_(client, {.resource = kPods, .project = project_whole, .log = options_.log}),
      nodes_(client, {.resource = kNodes, .project = project_whole, .log = options_.log}),
      parts_(loop_, options_.log),
      changed_(loop_) {
  pods_.on_change([this](const Change<WholeObject>& change) {
    const Json& pod = change.object->json;
    if (change.type == ChangeType::Deleted || !text_of(pod["spec"], "nodeName").empty()) {
      waiting_.erase(change.key);
      bound_.erase(text_of(pod["metadata"], "uid"));
    } else if (is_ours(pod)) {
      waiting_.insert(change.key);
    }
    changed_.wake_all();
  });
  nodes_.on_change([this](const Change<WholeObject>&) { changed_.wake_all(); });
}

bool Scheduler::is_ours(const Json& pod) const {
  const std::string name = text_of(pod["spec"], "schedulerName");
  return options_.names.empty() ||
         std::find(options_.names.begin(), options_.names.end(), name.empty() ? "default-scheduler" : name) !=
             options_.names.end();
}

void Scheduler::stop() {
  stopped_ = true;
  changed_.wake_all();
}

Task<Result<>> Scheduler::run() {
  auto run_informer = [](InformerBase* informer) -> Task<> { (void)co_await informer->run(); };
  parts_.spawn("pods", run_informer(&pods_));
  parts_.spawn("nodes", run_informer(&nodes_));
  std::exception_ptr thrown;
  try {
    co_await work();
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await shield();
  pods_.stop();
  nodes_.stop();
  co_await parts_.stop(1s);
  if (thrown) std::rethrow_exception(thrown);
  co_return Result<>{};
}

Task<> Scheduler::work() {
  while (!stopped_) {
    const std::set<ObjectKey> round = waiting_;
    for (const ObjectKey& key : round) {
      auto pod = pods_.store().get(key);
      if (pod && !stopped_) co_await schedule(pod->json);
    }
    if (stopped_ || waiting_ != round) continue;
    // What could not be bound is looked at again, also when nothing was heard of.
    co_await changed_.wait_until(waiting_.empty() ? kNever : loop_.after(kRetry));
  }
}

Result<std::string> Scheduler::choose(const Json& pod) const {
  std::map<std::string, std::int64_t> load;
  for (const auto& other : pods_.store().list()) {
    const std::string phase = text_of(other->json.value("status", Json::object()), "phase");
    if (phase != "Succeeded" && phase != "Failed") ++load[text_of(other->json["spec"], "nodeName")];
  }
  const Json selector = pod["spec"].value("nodeSelector", Json::object());
  std::string best;
  int unfit = 0, full = 0;
  for (const auto& node : nodes_.store().list()) {
    const Json& metadata = node->json["metadata"];
    const std::string name = text_of(metadata, "name");
    const Json labels = metadata.value("labels", Json::object());
    const bool fits = std::all_of(selector.items().begin(), selector.items().end(), [&](const auto& item) {
      return item.value().is_string() &&
             text_of(labels, item.key().c_str()) == item.value().template get<std::string>();
    });
    const std::string limit =
        text_of(node->json.value("status", Json::object()).value("allocatable", Json::object()), "pods");
    if (!fits || node->json["spec"].value("unschedulable", false)) {
      ++unfit;
    } else if (!limit.empty() && load[name] >= std::atoll(limit.c_str())) {
      ++full;
    } else if (best.empty() || load[name] < load[best]) {
      best = name;
    }
  }
  if (!best.empty()) return best;
  const std::size_t nodes = nodes_.store().list().size();
  return fail(ErrorKind::NotFound,
              "0/" + std::to_string(nodes) + " nodes are available: " + std::to_string(unfit) +
                  " didn't match Pod's node affinity/selector, " + std::to_string(full) + " Too many pods.");
}

Task<> Scheduler::schedule(Json pod) {
  const Json metadata = pod["metadata"];
  const std::string name = text_of(metadata, "name");
  const std::string uid = text_of(metadata, "uid");
  if (bound_.contains(uid)) co_return;
  JsonApi pods(client_, kPods, text_of(metadata, "namespace"));
  auto node = choose(pod);
  if (!node) {
    const Json conditions = pod.value("status", Json::object()).value("conditions", Json::array());
    for (const Json& condition : conditions) {
      if (text_of(condition, "reason") == "Unschedulable" &&
          text_of(condition, "message") == node.error().message()) {
        co_return;
      }
    }
    Json condition{{"type", "PodScheduled"},
                   {"status", "False"},
                   {"reason", "Unschedulable"},
                   {"message", node.error().message()},
                   {"lastTransitionTime", to_rfc3339(loop_.now())}};
    Json patch{{"metadata", {{"uid", uid}}}, {"status", {{"conditions", Json::array({condition})}}}};
    (void)co_await pods.patch(name, Patch::merge(std::move(patch)), "status");
    co_return;
  }
  Json binding{{"apiVersion", "v1"},
               {"kind", "Binding"},
               {"metadata", {{"name", name}, {"uid", uid}}},
               {"target", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", *node}}}};
  auto bound = co_await pods.create(std::move(binding), name, "binding");
  if (bound) {
    bound_.insert(uid);
  } else if (!bound.error().is_not_found() && !bound.error().is_conflict()) {
    options_.log.warn("pod cannot be bound", {{"pod", name}, {"error", bound.error()}});
  }
}

}  // namespace kube
