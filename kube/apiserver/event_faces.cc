#include "kube/apiserver/event_faces.h"

#include <array>
#include <string_view>
#include <utility>

namespace kube::apiserver {

namespace {

struct Renamed {
  std::string_view core, events;
};
constexpr std::array kRenamed{Renamed{"involvedObject", "regarding"},
                              Renamed{"message", "note"},
                              Renamed{"source", "deprecatedSource"},
                              Renamed{"firstTimestamp", "deprecatedFirstTimestamp"},
                              Renamed{"lastTimestamp", "deprecatedLastTimestamp"},
                              Renamed{"count", "deprecatedCount"},
                              Renamed{"reportingComponent", "reportingController"}};

void rename(Json& object, std::string_view from, std::string_view to) {
  auto found = object.find(from);
  if (found == object.end()) return;
  Json value = std::move(*found);
  object.erase(found);
  object[std::string(to)] = std::move(value);
}

}  // namespace

Json to_events_v1(Json event) {
  for (const Renamed& field : kRenamed) rename(event, field.core, field.events);
  event["apiVersion"] = "events.k8s.io/v1";
  return event;
}

Json from_events_v1(Json event) {
  for (const Renamed& field : kRenamed) rename(event, field.events, field.core);
  event["apiVersion"] = "v1";
  return event;
}

}  // namespace kube::apiserver
