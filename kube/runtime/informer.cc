#include "kube/runtime/informer.h"

#include <algorithm>

namespace kube {

InformerBase::InformerBase(Client& client, std::string name, Log log, bool more_namespaces)
    : log_(log.with("informer", name)),
      client_(client),
      loop_(client.loop()),
      name_(std::move(name)),
      reflecting_(client.loop(), log),
      changed_(client.loop()),
      known_(!more_namespaces) {}

InformerBase::~InformerBase() = default;

void InformerBase::add_part(ReflectorOptions options, std::unique_ptr<ReflectorSink> sink) {
  Part& part = parts_.emplace_back();
  part.ns = options.ns;
  part.sink = std::move(sink);
  part.tasks = std::make_unique<TaskGroup>(loop_, log_);
  part.reflector = std::make_unique<Reflector>(client_, std::move(options), *part.sink);
  if (running_) start(std::prev(parts_.end()));
}

void InformerBase::remove_part(const std::string& ns) {
  for (auto part = parts_.begin(); part != parts_.end(); ++part) {
    if (part->ns != ns || part->leaving) continue;
    part->leaving = true;
    part->tasks->cancel();
    if (!running_) parts_.erase(part);
    break;
  }
  part_synced(ns);  // for who waits for it, or for all others
}

const InformerBase::Part* InformerBase::part_of(const std::string& ns) const {
  for (const Part& part : parts_)
    if (part.ns == ns && !part.leaving) return &part;
  return nullptr;
}

bool InformerBase::has_part(const std::string& ns) const {
  return part_of(ns) != nullptr;
}

void InformerBase::start(std::list<Part>::iterator part) {
  reflecting_.spawn(name_ + " " + part->ns, run_part(part));
}

Task<> InformerBase::run_part(std::list<Part>::iterator part) {
  part->tasks->spawn(name_ + " " + part->ns, part->reflector->run());
  co_await part->tasks->join_or_cancel();
  if (part->leaving) parts_.erase(part);
}

Task<> InformerBase::until_stopped() {
  while (!stopped_) co_await changed_.wait();
}

Task<Result<>> InformerBase::run() {
  running_ = true;
  for (auto part = parts_.begin(); part != parts_.end(); ++part) start(part);
  reflecting_.spawn(name_, until_stopped());
  if (stopped_) reflecting_.cancel();
  co_await reflecting_.join_or_cancel();
  co_return Result<>{};
}

void InformerBase::stop() {
  stopped_ = true;
  reflecting_.cancel();
  changed_.wake_all();
}

void InformerBase::part_synced(const std::string& ns) {
  for (Part& part : parts_)
    if (part.ns == ns && !part.leaving) part.synced = true;
  if (has_synced()) synced_ = true;
  changed_.wake_all();
}

bool InformerBase::has_synced() const {
  return synced_ || (known_ && std::ranges::all_of(
                                   parts_, [](const Part& part) { return part.synced || part.leaving; }));
}

Task<> InformerBase::wait_synced() {
  while (!has_synced() && !stopped_) co_await changed_.wait();
}

void InformerBase::namespaces_known() {
  known_ = true;
  if (has_synced()) synced_ = true;
  changed_.wake_all();
}

bool InformerBase::has_synced(const std::string& ns) const {
  const Part* part = part_of(ns);
  return part != nullptr && part->synced;
}

Task<> InformerBase::wait_synced(std::string ns) {
  while (has_part(ns) && !has_synced(ns) && !stopped_) co_await changed_.wait();
}

std::optional<Duration> InformerBase::silent_for() const {
  if (!has_synced()) return std::nullopt;
  Duration longest{};
  for (const Part& part : parts_)
    if (!part.leaving)
      longest = std::max(longest, loop_.steady() - part.reflector->last_heard().value_or(loop_.steady()));
  return longest;
}

void InformerBase::guarded(std::string_view what, const ObjectKey& key,
                           const std::function<void()>& call) const {
  try {
    call();
  } catch (const std::exception& exception) {
    log_.error("informer met an exception",
               {{"in", what}, {"object", key.to_string()}, {"exception", exception.what()}});
  }
}

ObjectKey InformerBase::key_of(JsonView object) {
  const JsonView metadata = object["metadata"];
  return {std::string(metadata["namespace"].string_or()), std::string(metadata["name"].string_or())};
}

}  // namespace kube
