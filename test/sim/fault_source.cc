#include "test/sim/fault_source.h"

#include <fmt/format.h>

#include "test/sim/operator_process.h"

namespace sim {

using kube::apiserver::FaultAction;
using namespace std::chrono_literals;

namespace {

std::string words(const FaultAction& action) {
  switch (action.kind) {
    case FaultAction::Kind::None:
      return "none";
    case FaultAction::Kind::Fail:
      return "answered " + std::to_string(action.status);
    case FaultAction::Kind::CutBefore:
      return "cut before its effect";
    case FaultAction::Kind::CutAfter:
      return "cut after its effect";
    case FaultAction::Kind::Hang:
      return "hangs, no effect";
    case FaultAction::Kind::HangAfter:
      return "hangs after its effect";
    case FaultAction::Kind::Delay:
      return fmt::format("delayed by {:.3f} s", std::chrono::duration<double>(action.delay).count());
    case FaultAction::Kind::Gone:
      return "told 410";
    case FaultAction::Kind::CutStream:
      return fmt::format("cut after {} events", action.events);
    case FaultAction::Kind::StallStream:
      return fmt::format("stalls after {} events", action.events);
  }
  return "";
}

}  // namespace

FaultAction FaultSource::decide(const kube::apiserver::RequestInfo& request) {
  if (stopped_ || !from_operator(request)) return FaultAction::none();
  FaultAction action = draw(request);
  if (plan_.crash_at_call > 0 && random_.chance(plan_.crash_at_call)) {
    if (random_.chance(0.5)) action = FaultAction::cut_before();
    crash(process_of(request));
  }
  if (plan_.freeze_at_call > 0 && random_.chance(plan_.freeze_at_call)) {
    freeze(process_of(request), static_cast<int>(random_.below(60)));
  }
  if (action.kind != FaultAction::Kind::None) {
    trace_.add("fault", request.user_agent + " " + request.verb + " " + request.path + ": " + words(action));
  }
  return action;
}

FaultAction FaultSource::draw(const kube::apiserver::RequestInfo& request) {
  if (request.verb == "watch") return draw_watch();
  // Of a run, too: it is under way for as long at most.
  const bool posts = is_pod_post(request) || (is_application(request) && request.verb == "create");
  if (posts && plan_.late_post > 0 && random_.chance(plan_.late_post)) {
    const auto delay = kCallDeadline + std::chrono::milliseconds(500 + random_.below(25'000));
    late(request, delay);
    return FaultAction::delayed(delay);
  }
  if (!random_.chance(plan_.call_fault)) return FaultAction::none();
  switch (random_.below(12)) {
    case 0:
      return FaultAction::fail(403, "exceeded quota");
    case 1:
      return FaultAction::fail(409);
    case 2:
      return FaultAction::fail(429, "", static_cast<int>(1 + random_.below(3)));
    case 3:
      return FaultAction::fail(500);
    case 4:
      return FaultAction::fail(503);
    case 5:
      return FaultAction::cut_before();
    case 6:
    case 7:
      return FaultAction::cut_after();
    case 8:
      return FaultAction::hang();
    case 9:
      return FaultAction::hang_after();
    default:
      return FaultAction::delayed(std::chrono::milliseconds(10 + random_.below(6'000)));
  }
}

FaultAction FaultSource::draw_watch() {
  if (!random_.chance(plan_.watch_fault)) return FaultAction::none();
  const int events = static_cast<int>(random_.below(6));
  switch (random_.below(4)) {
    case 0:
      return FaultAction::gone();
    case 1:
      return FaultAction::stall_stream(events);
    default:
      return FaultAction::cut_stream(events);
  }
}

}  // namespace sim
