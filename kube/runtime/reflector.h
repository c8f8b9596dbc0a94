// Reflector follows one collection of the API server: lists it page by page, then watches, and tells a sink
// what is there. It never ends by itself: cuts, silence, throttling and 410 are its business.
//
//   Reflector reflector(client, {.resource = kPods, .ns = "ns", .label_selector = "app=web"}, sink);
//   co_await reflector.run();                     // until cancelled
//
// After a cut the watch goes on from the last version seen (bookmarks keep that young). 410, as a status or
// inside the stream, means: list again; so does an event that cannot be understood, which would only come
// again. A list is always a fresh one (no resourceVersion), so the view never
// goes back in time; a continue token that expires starts the list over. Objects are given to the sink while
// they stream in; what a complete list did not contain is gone.
// Thread: the loop's only.
#pragma once

#include <string>

#include "kube/async/retry.h"
#include "kube/base/log.h"
#include "kube/client/api.h"
#include "kube/core/watch_event.h"

namespace kube {

// Who is told. Called on the loop, between two awaits of the reflector.
class ReflectorSink {
 public:
  virtual ~ReflectorSink() = default;
  virtual void list_started() = 0;         // also in the middle of a list: it starts over
  virtual void seen(JsonView object) = 0;  // listed, added or modified
  virtual void deleted(JsonView last_state) = 0;
  virtual void list_complete() = 0;  // all that was not seen since list_started() is gone
};

struct ReflectorOptions {
  Resource resource = {};
  std::string ns = "";  // "" = all
  std::string label_selector = "";
  std::string field_selector = "";
  int page_size = 500;
  Duration watch_timeout = 5min;  // and up to as much again, drawn, so that watches do not all end together
  Backoff backoff = {.initial = 200ms, .factor = 2.0, .max = 30s, .jitter = 0.5};
  Log log = {};
};

class Reflector {
 public:
  Reflector(Client& client, ReflectorOptions options, ReflectorSink& sink);

  Task<> run();

  // The version the view has reached; "" before the first complete list.
  const std::string& resource_version() const { return resource_version_; }
  // When the server last said anything (list, event or bookmark); nothing before the first complete list.
  std::optional<SteadyTime> last_heard() const { return last_heard_; }

 private:
  Task<> pause(int failures, const Error& why, const Log& log);
  Task<Result<>> list();
  Task<Result<>> watch();
  Result<> apply(std::string_view line);

  Loop& loop_;
  JsonApi api_;
  const ReflectorOptions options_;
  ReflectorSink& sink_;
  WatchDecoder decoder_;
  JsonReader reader_{kMaxServedJsonDepth};
  std::string resource_version_;
  std::optional<SteadyTime> last_heard_;
  bool progress_ = false;  // the last watch has brought something
};

}  // namespace kube
