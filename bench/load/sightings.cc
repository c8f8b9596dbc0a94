#include "bench/load/sightings.h"

#include <charconv>

#include "api/constants.h"
#include "controller/application/application_view.h"
#include "kube/async/timer.h"

namespace bench {

using kube::Result;
using kube::SteadyTime;
using kube::Task;

namespace {

constexpr int kDigits = 6;

std::string driver_selector() {
  return std::string(api::label::kSparkRole) + "=" + api::label::kRoleDriver;
}

}  // namespace

Sightings::Sightings(kube::Client& client, std::string prefix, int count)
    : client_(client),
      loop_(client.loop()),
      prefix_(std::move(prefix)),
      pods_(static_cast<std::size_t>(count), kube::kNever),
      submitted_(static_cast<std::size_t>(count), kube::kNever),
      changed_(loop_) {}

std::string Sightings::name(int index) const {
  const std::string digits = std::to_string(index);
  return prefix_ + "-" + std::string(kDigits - std::min<std::size_t>(digits.size(), kDigits), '0') + digits;
}

int Sightings::index_of(std::string_view name) const {
  if (!name.starts_with(prefix_) || name.size() != prefix_.size() + 1 + kDigits) return -1;
  int index = -1;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(end - kDigits, end, index);
  if (error != std::errc() || stop != end || static_cast<std::size_t>(index) >= pods_.size()) return -1;
  return index;
}

Task<Result<>> Sightings::open(kube::TaskGroup& group) {
  auto pods = co_await version_now(kube::kPods);
  if (!pods) co_return kube::fail(std::move(pods));
  auto apps = co_await version_now(controller::kSparkApplications);
  if (!apps) co_return kube::fail(std::move(apps));
  group.spawn("watch pods", follow(Kind::Pods, kube::kPods, driver_selector(), *pods));
  group.spawn("watch applications", follow(Kind::Applications, controller::kSparkApplications, "", *apps));
  co_return Result<>{};
}

Task<Result<std::string>> Sightings::version_now(kube::Resource resource) {
  auto page = co_await kube::JsonApi(client_, resource).list_text(kube::ListOptions().limit(1));
  if (!page) co_return kube::fail(std::move(page));
  auto list = kube::parse_json(*page);
  if (!list) co_return kube::fail(std::move(list));
  co_return kube::string_at(*list, {"metadata", "resourceVersion"});
}

Task<> Sightings::follow(Kind kind, kube::Resource resource, std::string selector, std::string version) {
  kube::JsonApi api(client_, std::move(resource));
  while (true) {
    co_await follow_once(kind, api, selector, version);
    co_await kube::sleep(loop_, std::chrono::milliseconds(10));
  }
}

// Ends with the watch; what comes next goes on from `version`.
Task<> Sightings::follow_once(Kind kind, kube::JsonApi& api, const std::string& selector,
                              std::string& version) {
  auto watch = co_await api.watch(kube::WatchOptions().labels(selector).from(version));
  if (!watch) {
    // Too old: synthetic additions tell what is there, later than it happened. A run that is measured is not
    // that long.
    if (watch.error().is_gone()) version.clear();
    co_return;
  }
  kube::WatchDecoder decoder;
  while (true) {
    auto line = co_await watch->next_raw();
    if (!line || !*line) co_return;
    auto event = decoder.decode(**line);
    if (!event) co_return;
    if (event->type == kube::WatchEventType::Error) {
      version.clear();
      co_return;
    }
    version = event->resource_version;
    see(kind, *event);
  }
}

void Sightings::see(Kind kind, const kube::WatchEvent& event) {
  const auto note = [this](SteadyTime& when, int& count) {
    if (when != kube::kNever) return;
    when = loop_.steady();
    ++count;
    changed_.wake_all();
  };
  const kube::JsonView metadata = event.object["metadata"];
  if (kind == Kind::Pods) {
    const int index = index_of(metadata["labels"][api::label::kAppName].string_or());
    if (index >= 0) note(pods_[static_cast<std::size_t>(index)], pods_seen_);
    return;
  }
  const std::string_view state = event.object["status"]["applicationState"]["state"].string_or();
  const int index = index_of(metadata["name"].string_or());
  if (index >= 0 && !state.empty() && state != "SUBMISSION_FAILED")
    note(submitted_[static_cast<std::size_t>(index)], submitted_seen_);
}

void Sightings::give_up_one() {
  ++given_up_;
  changed_.wake_all();
}

Task<bool> Sightings::wait_until_all_submitted(SteadyTime deadline) {
  const int all = static_cast<int>(pods_.size());
  while (submitted_seen_ + given_up_ < all || pods_seen_ + given_up_ < all) {
    if (!co_await changed_.wait_until(deadline)) co_return false;
  }
  co_return true;
}

}  // namespace bench
