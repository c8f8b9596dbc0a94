#include "kube/runtime/event_recorder.h"

#include <algorithm>

namespace kube {

namespace {

constexpr std::size_t kMaxNote = 1024;
constexpr std::size_t kMaxName = 128;  // of an action or an instance
constexpr int kConnections = 1;        // one call at a time
constexpr std::string_view kCut = " \xE2\x80\xA6";
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

std::string cut_note(std::string text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  return cut_utf8(std::move(text), bytes - kCut.size()).append(kCut);
}

EventRecorder::EventRecorder(Client& client, EventRecorderOptions options)
    : loop_(client.loop()),
      client_(client.sibling(kConnections)),
      options_(std::move(options)),
      changed_(client.loop()) {
  if (options_.metrics != nullptr) {
    dropped_count_ = &options_.metrics->counter(
        "event_recorder_dropped_total", "Events not written: too many at once, or refused by the server");
  }
}

EventRecorder::~EventRecorder() = default;

bool EventRecorder::is_combined(const ObjectReference& about, EventType type, const std::string& reason,
                                const std::string& note) {
  auto theme = same_object(about);
  theme.emplace_back(to_string(type));
  theme.push_back(reason);
  Similar& similar = similar_[theme];
  const SteadyTime now = loop_.steady();
  std::erase_if(similar.notes, [&](const auto& known) { return known.second + options_.window < now; });
  similar.last = now;
  const bool combined = !similar.notes.contains(note) &&
                        similar.notes.size() >= static_cast<std::size_t>(options_.similar_limit);
  if (!combined) similar.notes[note] = now;
  bound(similar_, options_.remembered, [](const Similar& s) { return s.last; });
  return combined;
}

void EventRecorder::event(const ObjectReference& about, EventType type, std::string reason, std::string note,
                          std::string action) {
  if (stopped_) return drop();
  note = cut_note(std::move(note), kMaxNote);
  Pending pending{.same = same_object(about),
                  .about = about,
                  .type = type,
                  .reason = std::move(reason),
                  .note = std::move(note),
                  .action = std::move(action),
                  .time = loop_.now()};
  pending.same.emplace_back(to_string(type));
  pending.same.push_back(pending.reason);
  if (is_combined(about, type, pending.reason, pending.note)) {
    // Of a series the note stays as it was written first; the server allows nothing else.
    pending.note = cut_note(std::string(kCombined) + pending.note, kMaxNote);
    pending.same.emplace_back(kCombined);
  } else {
    pending.same.push_back(pending.note);
  }
  const SteadyTime now = loop_.steady();
  const auto known = series_.find(pending.same);
  if (known != series_.end() && known->second.last + options_.window >= now) {
    ++known->second.count;
    known->second.last_time = pending.time;
    known->second.last = now;
    changed_.wake_one();
    return;
  }
  if (queue_.size() >= options_.queue_limit) return drop();
  series_[pending.same] = {.last_time = pending.time, .last = now};
  bound(series_, options_.remembered, [](const Series& s) { return s.last; });
  queue_.push_back(std::move(pending));
  changed_.wake_one();
}

void EventRecorder::drop() {
  ++dropped_;
  if (dropped_count_ != nullptr) dropped_count_->Increment();
}

const EventRecorder::SameKey* EventRecorder::next_series(SteadyTime& when) const {
  const SameKey* next = nullptr;
  for (const auto& [same, series] : series_) {
    if (series.event_name.empty() || series.count == series.written) continue;
    if (next != nullptr && series.next_write >= when) continue;
    next = &same;
    when = series.next_write;
  }
  return next;
}

Task<Result<>> EventRecorder::run() {
  std::optional<SteadyTime> end;
  while (true) {
    if (stopped_ && !end) end = loop_.after(options_.flush_deadline);
    if (end && loop_.steady() >= *end) break;
    const Duration deadline = end ? *end - loop_.steady() : kCallDeadline;
    if (!queue_.empty()) {
      Pending pending = std::move(queue_.front());
      queue_.pop_front();
      co_await write(std::move(pending), deadline);
      continue;
    }
    SteadyTime when{};
    const SameKey* series = next_series(when);
    if (series != nullptr && (stopped_ || when <= loop_.steady())) {
      co_await write_series(*series, deadline);
      continue;
    }
    if (stopped_) break;
    if (series != nullptr) {
      (void)co_await changed_.wait_until(when);
    } else {
      co_await changed_.wait();
    }
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

Json EventRecorder::body(const Pending& pending, const std::string& name) const {
  Json event{
      {"kind", "Event"},
      {"metadata", {{"name", name}, {"namespace", pending.about.ns.empty() ? "default" : pending.about.ns}}},
      {"type", to_string(pending.type)},
      {"reason", pending.reason}};
  // A server refuses events of the new group that do not name an instance.
  const std::string instance =
      options_.host.empty() ? options_.component : options_.component + "-" + options_.host;
  event["reportingInstance"] = cut_utf8(instance, kMaxName);
  const std::string time = to_rfc3339(pending.time);
  if (core_only_) {
    event.update({{"apiVersion", "v1"},
                  {"involvedObject", pending.about.to_json()},
                  {"message", pending.note},
                  {"firstTimestamp", time},
                  {"lastTimestamp", time},
                  {"count", 1},
                  {"eventTime", nullptr},
                  {"source", {{"component", options_.component}}},
                  {"reportingComponent", options_.component}});
    if (!options_.host.empty()) event["source"]["host"] = options_.host;
  } else {
    event.update({{"apiVersion", "events.k8s.io/v1"},
                  {"regarding", pending.about.to_json()},
                  {"note", pending.note},
                  {"eventTime", to_rfc3339_micro(pending.time)},
                  {"action", cut_utf8(pending.action.empty() ? pending.reason : pending.action, kMaxName)},
                  {"reportingController", options_.component}});
  }
  return event;
}

Task<Result<Json>> EventRecorder::create(const Pending& pending, const std::string& name, Duration deadline) {
  Json event = body(pending, name);
  JsonApi events(*client_, core_only_ ? kEvents : kEventsV1, string_at(event, {"metadata", "namespace"}));
  events.with_deadline(deadline);
  co_return co_await events.create(std::move(event));
}

Task<> EventRecorder::write(Pending pending, Duration deadline) {
  // The name is client-go's: object, dot, a number that does not repeat.
  const std::string name = cut_utf8(pending.about.name, 200) + "." + next_suffix();
  auto created = co_await create(pending, name, deadline);
  if (!created && !core_only_ &&
      (created.error().kind() == ErrorKind::Forbidden || created.error().is_not_found())) {
    core_only_ = true;
    created = co_await create(pending, name, deadline);
    if (!created) core_only_ = false;  // it is not the group that is in the way
  }
  const auto known = series_.find(pending.same);
  if (!created) {
    if (known != series_.end()) series_.erase(known);
    co_return refused(created.error());
  }
  if (known == series_.end()) co_return;  // forgotten meanwhile: many others came
  known->second.event_name = name;
  known->second.written = 1;
  known->second.next_write = loop_.after(options_.series_interval);
}

Task<> EventRecorder::write_series(SameKey same, Duration deadline) {
  const Series series = series_[same];
  const std::string ns = same[2].empty() ? "default" : same[2];
  const bool core = core_only_;
  JsonApi events(*client_, core ? kEvents : kEventsV1, ns);
  events.with_deadline(deadline);
  Json change =
      core ? Json{{"count", series.count}, {"lastTimestamp", to_rfc3339(series.last_time)}}
           : Json{{"series",
                   {{"count", series.count}, {"lastObservedTime", to_rfc3339_micro(series.last_time)}}}};
  auto patched = co_await events.patch(series.event_name, Patch::merge(std::move(change)));
  const auto known = series_.find(same);
  if (known == series_.end()) co_return;
  known->second.written = series.count;
  known->second.next_write = loop_.after(options_.series_interval);
  if (patched) co_return;
  // An event lives for an hour on most servers. The next of its kind is a new one.
  if (patched.error().is_not_found()) series_.erase(known);
  refused(patched.error());
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
