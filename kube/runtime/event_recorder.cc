#include "kube/runtime/event_recorder.h"

#include <algorithm>

namespace kube {

namespace {

constexpr std::size_t kMaxNote = 1024;
constexpr std::string_view kCombined = "(combined from similar events): ";

std::vector<std::string> same_object(const ObjectReference& about) {
  return {about.api_version, about.kind, about.ns, about.name, about.uid};
}

std::string_view to_string(EventType type) {
  return type == EventType::Normal ? "Normal" : "Warning";
}

// Forgets the entry that was used longest ago.
template <class Map, class LastUse>
void bound(Map& map, std::size_t limit, LastUse last_use) {
  if (map.size() <= limit) return;
  map.erase(std::ranges::min_element(map, {}, [&](const auto& entry) { return last_use(entry.second); }));
}

}  // namespace

Json ObjectReference::to_json() const {
  Json json{{"apiVersion", api_version}, {"kind", kind}, {"name", name}};
  if (!ns.empty()) json["namespace"] = ns;
  if (!uid.empty()) json["uid"] = uid;
  if (!resource_version.empty()) json["resourceVersion"] = resource_version;
  return json;
}

std::string cut_utf8(std::string text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  // Bytes 10xxxxxx go on with a character that began before.
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  text.resize(bytes);
  return text;
}

EventRecorder::EventRecorder(Client& client, EventRecorderOptions options)
    : loop_(client.loop()), client_(client), options_(std::move(options)), changed_(client.loop()) {
  if (options_.metrics != nullptr) {
    dropped_count_ = &options_.metrics->counter(
        "event_recorder_dropped_total", "Events not written: too many at once, or refused by the server");
  }
}

EventRecorder::~EventRecorder() = default;

void EventRecorder::event(const ObjectReference& about, EventType type, std::string reason,
                          std::string note) {
  if (stopped_) return drop();
  auto object = same_object(about);
  auto [budget, fresh] = budgets_.try_emplace(
      std::move(object), TokenBucket(options_.object_qps, options_.object_burst), loop_.steady());
  budget->second.second = loop_.steady();
  const bool affordable = budget->second.first.take_if_ready(loop_.steady());
  bound(budgets_, options_.remembered, [](const auto& used) { return used.second; });
  if (!affordable || queue_.size() >= options_.queue_limit) return drop();
  queue_.push_back({about, type, std::move(reason), cut_utf8(std::move(note), kMaxNote), loop_.now()});
  changed_.wake_one();
}

void EventRecorder::drop() {
  ++dropped_;
  if (dropped_count_ != nullptr) dropped_count_->Increment();
}

Task<Result<>> EventRecorder::run() {
  std::optional<SteadyTime> end;
  while (true) {
    if (stopped_ && !end) end = loop_.after(options_.flush_deadline);
    if (queue_.empty()) {
      if (stopped_) break;
      co_await changed_.wait();
      continue;
    }
    if (end && loop_.steady() >= *end) break;
    Pending pending = std::move(queue_.front());
    queue_.pop_front();
    co_await write(std::move(pending), end ? *end - loop_.steady() : kCallDeadline);
  }
  while (!queue_.empty()) {
    queue_.pop_front();
    drop();
  }
  co_return Result<>{};
}

void EventRecorder::stop() {
  stopped_ = true;
  changed_.wake_all();
}

// Turns the eleventh variation of one theme into a combined event.
void EventRecorder::fold(Pending& pending) {
  auto theme = same_object(pending.about);
  theme.emplace_back(to_string(pending.type));
  theme.push_back(pending.reason);
  Similar& similar = similar_[theme];
  const SteadyTime now = loop_.steady();
  std::erase_if(similar.notes, [&](const auto& note) { return note.second + options_.window < now; });
  similar.last = now;
  if (!similar.notes.contains(pending.note) &&
      similar.notes.size() >= static_cast<std::size_t>(options_.similar_limit)) {
    pending.note = cut_utf8(std::string(kCombined) + pending.note, kMaxNote);
    pending.combined = true;
  } else {
    similar.notes[pending.note] = now;
  }
  bound(similar_, options_.remembered, [](const Similar& s) { return s.last; });
}

Task<> EventRecorder::write(Pending pending, Duration deadline) {
  fold(pending);
  SameKey same = same_object(pending.about);
  same.emplace_back(to_string(pending.type));
  same.push_back(pending.reason);
  // All combined events of one theme are one event whose note is the latest.
  same.push_back(pending.combined ? std::string(kCombined) : pending.note);
  const std::string ns = pending.about.ns.empty() ? "default" : pending.about.ns;
  JsonApi events(client_, kEvents, ns);
  events.with_deadline(deadline);
  const std::string time = to_rfc3339(pending.time);

  auto known = written_.find(same);
  if (known != written_.end() && known->second.last + options_.window >= loop_.steady()) {
    const int count = known->second.count + 1;
    auto patched = co_await events.patch(
        known->second.event_name,
        Patch::merge({{"count", count}, {"lastTimestamp", time}, {"message", pending.note}}));
    if (patched) {
      // Not by the iterator: nobody else writes written_, but the await is a place where that could change.
      Written& again = written_[same];
      again.count = count;
      again.last = loop_.steady();
      co_return;
    }
    if (!patched.error().is_not_found()) co_return refused(patched.error());
  }

  // The name is client-go's: object, dot, a number that does not repeat.
  Written fresh{cut_utf8(pending.about.name, 200) + "." + next_suffix(), 1, loop_.steady()};
  Json event{{"apiVersion", "v1"},
             {"kind", "Event"},
             {"metadata", {{"name", fresh.event_name}, {"namespace", ns}}},
             {"involvedObject", pending.about.to_json()},
             {"type", to_string(pending.type)},
             {"reason", pending.reason},
             {"message", pending.note},
             {"firstTimestamp", time},
             {"lastTimestamp", time},
             {"count", 1},
             {"eventTime", nullptr},
             {"source", {{"component", options_.component}}},
             {"reportingComponent", options_.component},
             {"reportingInstance", options_.host}};
  if (!options_.host.empty()) event["source"]["host"] = options_.host;
  auto created = co_await events.create(std::move(event));
  if (!created) co_return refused(created.error());
  written_[same] = std::move(fresh);
  bound(written_, options_.remembered, [](const Written& w) { return w.last; });
}

std::string EventRecorder::next_suffix() {
  static constexpr char kDigits[] = "0123456789abcdef";
  const std::uint64_t number = loop_.random().next();
  std::string suffix;
  for (int shift = 60; shift >= 0; shift -= 4) suffix.push_back(kDigits[number >> shift & 15]);
  return suffix;
}

void EventRecorder::refused(const Error& error) {
  drop();
  options_.log.debug("event was not written", {{"error", error}});
}

}  // namespace kube
