// FaultPlan makes an API server misbehave on demand: a request fails, hangs, is cut before or after its
// effect, or is delayed; a watch is cut, stalls, or is told that its version is gone.
//
//   server.faults().add(
//       {.verb = "create", .resource = "pods", .nth = 3, .action = FaultAction::cut_after()});
//   server.faults().set_hook([&](const RequestInfo& request) {
//     return rng.chance(0.01) ? FaultAction::fail(503) : FaultAction::none();
//   });
//
// The hook is asked first, then the rules in the order they were added; the first that is not none() counts.
// It is asked once a request, after authentication, before anything is looked at. Health endpoints are
// spared. Thread: the loop's only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kube/base/clock.h"
#include "kube/core/admission_review.h"

namespace kube::apiserver {

// What a request is about.
struct RequestInfo {
  std::string verb{};    // get, list, watch, create, update, patch, delete, deletecollection; HTTP's own, in
                         // small letters, for paths that are no resource
  std::string method{};  // GET, POST …
  std::string path{};    // without query
  std::string group{};
  std::string version{};
  std::string resource{};     // "pods"; "" for paths that are no resource
  std::string subresource{};  // "status"
  std::string ns{};
  std::string name{};
  std::string field_manager{};
  std::string user_agent{};
  UserInfo user{};
  std::string body{};  // as sent
};

struct FaultAction {
  enum class Kind {
    None,
    Fail,       // answer `status` without doing anything
    CutBefore,  // close the connection, nothing done
    CutAfter,   // do it, then close the connection instead of answering
    Hang,       // never answer, nothing done
    HangAfter,  // do it, never answer
    Delay,      // wait `delay`, then go on as if nothing had happened
    Gone,       // a watch or list: 410 as status (a list, or `status` 410) or, for a watch, inside the stream
    CutStream,  // a watch: close after `events` events
    StallStream  // a watch: say nothing more after `events` events, and keep the connection open
  };
  Kind kind = Kind::None;
  int status = 500;
  std::string message{};        // of a Fail; "" = a plain one
  int retry_after_seconds = 0;  // of a Fail; 0 = no Retry-After
  Duration delay{};
  int events = 0;

  static FaultAction none() { return {}; }
  static FaultAction fail(int status, std::string message = "", int retry_after_seconds = 0) {
    return {.kind = Kind::Fail,
            .status = status,
            .message = std::move(message),
            .retry_after_seconds = retry_after_seconds};
  }
  static FaultAction cut_before() { return {.kind = Kind::CutBefore}; }
  static FaultAction cut_after() { return {.kind = Kind::CutAfter}; }
  static FaultAction hang() { return {.kind = Kind::Hang}; }
  static FaultAction hang_after() { return {.kind = Kind::HangAfter}; }
  static FaultAction delayed(Duration delay) { return {.kind = Kind::Delay, .delay = delay}; }
  static FaultAction gone() { return {.kind = Kind::Gone}; }
  static FaultAction cut_stream(int events) { return {.kind = Kind::CutStream, .events = events}; }
  static FaultAction stall_stream(int events) { return {.kind = Kind::StallStream, .events = events}; }
};

// Which requests a fault falls on; empty fields match any.
struct FaultRule {
  std::string verb{};
  std::string resource{};
  std::string subresource = "*";  // "*" any, "" none
  std::string ns{};
  std::string name{};
  std::string user{};  // its username
  int nth = 0;         // only the n-th matching request, from 1; 0 = each
  int times = 0;       // at most so many; 0 = without end
  FaultAction action{};
};

class FaultPlan {
 public:
  using Hook = std::function<FaultAction(const RequestInfo&)>;

  void set_hook(Hook hook) { hook_ = std::move(hook); }
  // Returns the rule's number for remove().
  int add(FaultRule rule);
  void remove(int rule);
  void clear();

  FaultAction decide(const RequestInfo& request);

 private:
  struct Armed {
    int id;
    FaultRule rule;
    int seen = 0;
    int fired = 0;
  };
  Hook hook_;
  std::vector<Armed> rules_{};
  int next_id_ = 1;
};

}  // namespace kube::apiserver
