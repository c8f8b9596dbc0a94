#include "kube/core/watch_event.h"

#include <array>
#include <stdexcept>
#include <utility>

#include "kube/core/status_error.h"

namespace kube {

namespace {

constexpr std::array kNames{std::pair{WatchEventType::Added, std::string_view("ADDED")},
                            std::pair{WatchEventType::Modified, std::string_view("MODIFIED")},
                            std::pair{WatchEventType::Deleted, std::string_view("DELETED")},
                            std::pair{WatchEventType::Bookmark, std::string_view("BOOKMARK")},
                            std::pair{WatchEventType::Error, std::string_view("ERROR")}};

}  // namespace

std::string_view to_string(WatchEventType type) {
  for (const auto& [value, name] : kNames)
    if (value == type) return name;
  return "ERROR";
}

Result<WatchEventType> parse_watch_event_type(std::string_view wanted) {
  for (const auto& [value, name] : kNames)
    if (name == wanted) return value;
  return fail(ErrorKind::Protocol, "unknown watch event type \"" + std::string(wanted.substr(0, 64)) + "\"");
}

Error WatchEvent::error() const {
  try {
    return error_from_status(object.to_json());
  } catch (const std::length_error& too_deep) {
    return Error(ErrorKind::Protocol, std::string("watch event: status: ") + too_deep.what());
  }
}

bool WatchEvent::ends_initial_events() const {
  return object["metadata"]["annotations"]["k8s.io/initial-events-end"].string_or() == "true";
}

Result<WatchEvent> WatchDecoder::decode(std::string_view line) {
  auto root = reader_.read(line);
  if (!root) return fail(ErrorKind::Protocol, "watch event: " + root.error().message());
  const auto name = (*root)["type"].string();
  const JsonView object = (*root)["object"];
  if (!name || !object.is_object()) return fail(ErrorKind::Protocol, "watch event: expected type and object");
  auto type = parse_watch_event_type(*name);
  if (!type) return fail(std::move(type));
  return WatchEvent{*type, object, std::string(object["metadata"]["resourceVersion"].string_or())};
}

std::string encode_watch_event(WatchEventType type, std::string_view object_json) {
  std::string line = "{\"type\":\"";
  line.reserve(object_json.size() + 40);
  line.append(to_string(type)).append("\",\"object\":").append(object_json).append("}\n");
  return line;
}

}  // namespace kube
