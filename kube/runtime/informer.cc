#include "kube/runtime/informer.h"

#include <algorithm>

namespace kube {

InformerBase::InformerBase(Client& client, std::string name, Log log)
    : log_(log.with("informer", name)),
      client_(client),
      loop_(client.loop()),
      name_(std::move(name)),
      reflecting_(client.loop(), log),
      changed_(client.loop()) {}

InformerBase::~InformerBase() = default;

void InformerBase::add_part(ReflectorOptions options, std::unique_ptr<ReflectorSink> sink) {
  Part& part = parts_.emplace_back();
  part.ns = options.ns;
  part.sink = std::move(sink);
  part.reflector = std::make_unique<Reflector>(client_, std::move(options), *part.sink);
}

Task<Result<>> InformerBase::run() {
  for (Part& part : parts_) reflecting_.spawn(name_ + " " + part.ns, part.reflector->run());
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
    if (part.ns == ns) part.synced = true;
  if (has_synced()) changed_.wake_all();
}

bool InformerBase::has_synced() const {
  return std::ranges::all_of(parts_, &Part::synced);
}

Task<> InformerBase::wait_synced() {
  while (!has_synced() && !stopped_) co_await changed_.wait();
}

std::optional<Duration> InformerBase::silent_for() const {
  if (!has_synced()) return std::nullopt;
  Duration longest{};
  for (const Part& part : parts_)
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
