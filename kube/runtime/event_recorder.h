// EventRecorder tells people what happened to an object, as Events, without ever making a reconcile wait.
//
//   EventRecorder events(client, {.component = "web-operator"});
//   events.normal(reference_to(web), "WebStarted", "Web ns/pi started");
//   events.event(reference_to(web), EventType::Warning, "WebFailed", message, "Start");
//
// event() only puts the event into a bounded queue; one task writes them one after another, through
// events.k8s.io/v1, or as core/v1 where the server refuses that (roles written for older operators). It has a
// sibling of the client (client.h): events and work do not share a rate limit.
//
// An event that repeats (same object, type, reason and note) within the window is a series: counted up here,
// and on the server no more often than each series_interval. Of events that differ in the note alone only
// `similar_limit` are written; all others are one series, "(combined from similar events): …", so that
// neither one object in trouble nor one with thousands of parts can fill etcd: an object costs some ten
// events a reason, and a patch each interval.
//
// What does not fit is dropped and counted; an event that the server refuses is logged at debug and dropped:
// events never make anything fail. Notes longer than 1024 bytes, which a server refuses, are cut between
// characters, with a mark.
// Thread: the loop's only. Lifetime: the client outlives it; stop() flushes what waits, for at most
// flush_deadline.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kube/async/wait_list.h"
#include "kube/base/log.h"
#include "kube/client/api.h"
#include "kube/runtime/metrics.h"
#include "kube/runtime/runnable.h"

namespace kube {

// v1.ObjectReference: what an event is about.
struct ObjectReference {
  std::string api_version = {};
  std::string kind = {};
  std::string ns = {};
  std::string name = {};
  std::string uid = {};
  std::string resource_version = "";

  Json to_json() const;
  auto operator<=>(const ObjectReference&) const = default;
};

enum class EventType { Normal, Warning };

struct EventRecorderOptions {
  std::string component = {};
  std::string host = "";
  std::size_t queue_limit = 1000;
  Duration window = 10min;  // how long after the last one an event belongs to the same series
  int similar_limit = 10;
  Duration series_interval = 30s;
  std::size_t remembered = 4096;  // bound of what is remembered about past events
  Duration flush_deadline = 5s;
  Log log = {};
  MetricsRegistry* metrics = nullptr;
};

class EventRecorder final : public Runnable {
 public:
  EventRecorder(Client& client, EventRecorderOptions options);
  ~EventRecorder() override;

  // `action`: what was being done, in a word; "" = the reason.
  void event(const ObjectReference& about, EventType type, std::string reason, std::string note,
             std::string action = "");
  void normal(const ObjectReference& about, std::string reason, std::string note) {
    event(about, EventType::Normal, std::move(reason), std::move(note));
  }
  void warning(const ObjectReference& about, std::string reason, std::string note) {
    event(about, EventType::Warning, std::move(reason), std::move(note));
  }

  const std::string& name() const override { return name_; }
  Task<Result<>> run() override;
  void stop() override;

  std::size_t waiting() const { return queue_.size(); }
  std::size_t dropped() const { return dropped_; }

 private:
  // What an event has in common with its repetitions.
  using SameKey = std::vector<std::string>;
  struct Pending {
    SameKey same;
    ObjectReference about;
    EventType type;
    std::string reason;
    std::string note;
    std::string action;
    TimePoint time;
  };
  struct Series {
    std::string event_name = {};  // "" = waits to be written the first time
    int count = 1;
    int written = 0;
    TimePoint last_time{};
    SteadyTime last{};
    SteadyTime next_write{};
  };
  struct Similar {
    std::map<std::string, SteadyTime> notes;
    SteadyTime last{};
  };
  static constexpr Duration kCallDeadline = 10s;

  bool is_combined(const ObjectReference& about, EventType type, const std::string& reason,
                   const std::string& note);
  Task<> write(Pending pending, Duration deadline);
  Task<> write_series(SameKey same, Duration deadline);
  Task<Result<Json>> create(const Pending& pending, const std::string& name, Duration deadline);
  Json body(const Pending& pending, const std::string& name) const;
  // The series to be written next, and when.
  const SameKey* next_series(SteadyTime& when) const;
  void refused(const Error& error);
  void drop();
  std::string next_suffix();

  Loop& loop_;
  const std::unique_ptr<Client> client_;
  const EventRecorderOptions options_;
  const std::string name_ = "events";
  std::deque<Pending> queue_;
  std::map<SameKey, Series> series_;
  std::map<SameKey, Similar> similar_;
  std::size_t dropped_ = 0;
  bool core_only_ = false;  // events.k8s.io was refused, core was not
  bool stopped_ = false;
  WaitList changed_;
  prometheus::Counter* dropped_count_ = nullptr;
};

// At most `bytes`, never half a UTF-8 character. cut_note() ends what it cuts with " …".
std::string cut_note(std::string text, std::size_t bytes);
std::string cut_utf8(std::string text, std::size_t bytes);

}  // namespace kube
