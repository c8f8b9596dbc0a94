// WatchEvent is one line of a watch: what happened to which object.
//
//   WatchDecoder decoder;                      // keep it: its buffers are used again
//   auto event = decoder.decode(line);         // {"type":"MODIFIED","object":{…}}
//   if (event->type == WatchEventType::Error) return fail(event->error());
//   auto pod = project_pod(event->object);
//   resume_at = event->resource_version;
//
// Lifetime: `object` and its views live until the decoder decodes again.
// Thread: one at a time.
#pragma once

#include <string>
#include <string_view>

#include "kube/base/result.h"
#include "kube/core/json_reader.h"

namespace kube {

enum class WatchEventType { Added, Modified, Deleted, Bookmark, Error };

std::string_view to_string(WatchEventType type);  // "ADDED" …
Result<WatchEventType> parse_watch_event_type(std::string_view name);

struct WatchEvent {
  WatchEventType type = WatchEventType::Error;
  JsonView object;               // for Error a metav1.Status
  std::string resource_version;  // of the object; "" for Error

  // Of an Error event: kind Gone when the resourceVersion is too old.
  Error error() const;
  // Of a Bookmark: whether it ends the initial list of a watch that was opened with sendInitialEvents.
  bool ends_initial_events() const;
};

class WatchDecoder {
 public:
  // Error: Protocol when the line is no watch event.
  Result<WatchEvent> decode(std::string_view line);

 private:
  JsonReader reader_{kMaxServedJsonDepth};
};

// The line that a server sends, with its line end.
std::string encode_watch_event(WatchEventType type, std::string_view object_json);

}  // namespace kube
