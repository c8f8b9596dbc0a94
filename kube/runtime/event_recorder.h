// EventRecorder tells people what happened to an object, as core/v1 Events, without ever making a reconcile
// wait.
//
//   EventRecorder events(client, {.component = "web-operator"});
//   events.normal(reference_to(web), "WebStarted", "Web ns/pi started");
//   events.warning(reference_to(web), "WebFailed", message);
//
// event() only puts the event into a bounded queue; one task writes them one after another. An event that
// repeats (same object, type, reason and note) within the window raises the count of the one before by a
// patch; more than `similar_limit` events that differ in the note alone are folded into one "(combined from
// similar events): …". Each object has a token bucket, so that one object in trouble cannot fill etcd. What
// does not fit is dropped and counted; an event that the server refuses is logged at debug and dropped:
// events never make anything fail. Notes longer than 1024 bytes are cut at a character's boundary.
// Thread: the loop's only. Lifetime: the client outlives it; stop() flushes what waits, for at most
// flush_deadline.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "kube/base/log.h"
#include "kube/client/api.h"
#include "kube/runtime/metrics.h"
#include "kube/runtime/runnable.h"
#include "kube/runtime/work_queue.h"

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
  Duration window = 10min;  // how long the same event is counted up, and similar ones are folded
  int similar_limit = 10;
  double object_burst = 25;       // per source and object …
  double object_qps = 1.0 / 300;  // … then one in five minutes
  std::size_t remembered = 4096;  // bound of what is remembered about past events
  Duration flush_deadline = 5s;
  Log log = {};
  MetricsRegistry* metrics = nullptr;
};

class EventRecorder final : public Runnable {
 public:
  EventRecorder(Client& client, EventRecorderOptions options);
  ~EventRecorder() override;

  void event(const ObjectReference& about, EventType type, std::string reason, std::string note);
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
  struct Pending {
    ObjectReference about;
    EventType type;
    std::string reason;
    std::string note;
    TimePoint time;
    bool combined = false;
  };
  // What an event has in common with its repetitions.
  using SameKey = std::vector<std::string>;
  struct Written {
    std::string event_name;
    int count = 0;
    SteadyTime last{};
  };
  struct Similar {
    std::map<std::string, SteadyTime> notes;
    SteadyTime last{};
  };
  static constexpr Duration kCallDeadline = 10s;

  Task<> write(Pending pending, Duration deadline);
  void fold(Pending& pending);
  void refused(const Error& error);
  void drop();
  std::string next_suffix();

  Loop& loop_;
  Client& client_;
  const EventRecorderOptions options_;
  const std::string name_ = "events";
  std::deque<Pending> queue_;
  std::map<SameKey, Written> written_;
  std::map<SameKey, Similar> similar_;
  std::map<SameKey, std::pair<TokenBucket, SteadyTime>> budgets_;
  std::size_t dropped_ = 0;
  bool stopped_ = false;
  WaitList changed_;
  prometheus::Counter* dropped_count_ = nullptr;
};

// At most `bytes`, never half a UTF-8 character.
std::string cut_utf8(std::string text, std::size_t bytes);

}  // namespace kube
