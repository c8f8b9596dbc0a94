#include "test/sim/crash_world.h"

#include <stdexcept>

#include "kube/async/timer.h"
#include "test/sim/definitions.h"
#include "test/sim/disasters.h"
#include "test/sim/end_state.h"
#include "test/sim/fault_source.h"

namespace sim {

using kube::Task;
using kube::apiserver::FaultAction;
using kube::apiserver::RequestInfo;
using namespace std::chrono_literals;

namespace {

// Stories wait for what they see: one that takes longer than this waits for ever. An id that a lost
// spark-submit has left behind is used up after its time-out and the lease.
constexpr kube::Duration kLongestStory = 30min;
constexpr kube::Duration kSettles = 3min;
constexpr kube::Duration kQuiet = 1h;
// Renewals of the lease are most of what happens in such a time.
constexpr kube::Duration kQuietWithLease = 10min;

Plan plan_of(const CrashCase& what) {
  Plan plan = Plan::quiet(1);
  plan.lease = what.lease;
  plan.started_by = what.started_by;
  plan.restart_pause = 100ms;
  const StoryKind* kind = find_story(what.story);
  plan.schedules = kind != nullptr && kind->of == StoryOf::Schedule ? 1 : 0;
  plan.connects = kind != nullptr && kind->of == StoryOf::Connect ? 1 : 0;
  return plan;
}

kube::apiserver::ApiServerOptions server_options() {
  kube::apiserver::ApiServerOptions options;
  options.listen = {"apiserver", 80};
  options.tls = false;
  options.static_tokens = {
      {.token = kOperatorUser, .user = {kOperatorUser, "", {"system:authenticated"}, {}}}};
  options.controller_delay = 300ms;
  return options;
}

bool is_write(const RequestInfo& request) {
  return request.verb == "create" || request.verb == "update" || request.verb == "patch" ||
         request.verb == "delete" || request.verb == "deletecollection";
}

std::string words(const RequestInfo& request) {
  return request.verb + " " + request.resource +
         (request.subresource.empty() ? "" : "/" + request.subresource) +
         (request.name.empty() ? "" : " " + request.name);
}

}  // namespace

CrashWorld::CrashWorld(CrashCase what, Trace::Print print)
    : case_(std::move(what)),
      plan_(plan_of(case_)),
      loop_(plan_.seed),
      net_(loop_),
      trace_(loop_, print),
      sink_(std::make_shared<TraceSink>(trace_, "apiserver")),
      server_(loop_, net_.host("apiserver"), server_options(), kube::Log(sink_, kube::LogLevel::Warn)),
      invariants_(loop_, server_, trace_, Invariants::Form::Checked, plan_.lease ? kLease : ""),
      servers_(loop_),
      pods_(loop_),
      people_(loop_),
      operators_(loop_),
      kubelet_(loop_, server_, plan_, pods_),
      fleet_({loop_, net_, trace_, invariants_}, plan_, "http://apiserver"),
      story_(loop_, server_, trace_),
      again_(loop_, [] {}) {
  loop_.on_step([this] {
    if (fleet_.run_ready()) again_.set(loop_.steady());
  });
  story_.jump_clock = [this](kube::Duration by) { loop_.jump_wall_clock(by); };
  const auto dies = [this] { return story_.submits_to_die > 0 && story_.submits_to_die-- > 0; };
  fleet_.submit_dies = dies;
  if (plan_.started_by == StartedBy::Rest) service_.emplace(loop_, net_, "http://apiserver", servers_, dies);
}

CrashWorld::~CrashWorld() = default;

CrashWorld::Outcome CrashWorld::run() {
  try {
    play();
  } catch (const std::exception& exception) {
    invariants_.violate(std::string("the world itself failed: ") + exception.what());
  }
  if (!invariants_.violated() && violated()) invariants_.violate("an exception escaped a task");
  Outcome outcome{.violation = invariants_.violation(),
                  .end = end_state(server_),
                  .writes = writes_,
                  .kills = kills_,
                  .tail = trace_.tail()};
  tear_down();
  return outcome;
}

namespace {

Task<> tell(const StoryKind* kind, Story* story) {
  co_await kind->play(*story);
  story->told();
}

}  // namespace

void CrashWorld::play() {
  const StoryKind* kind = find_story(case_.story);
  if (kind == nullptr) throw std::runtime_error("no story " + case_.story);
  loop_.run(prepare());
  server_.on_commit([this](const kube::apiserver::Commit& commit) {
    invariants_.committed(commit);
    if (commit.table == kPodTable && !commit.change.before) kubelet_.run_pod(commit.change.after);
  });
  server_.on_request([this](const RequestInfo& request, int code) {
    invariants_.request_answered(request, code);
    answered(request);
  });
  server_.faults().set_hook([this](const RequestInfo& request) {
    invariants_.request_arrived(request);
    return decide(request);
  });
  operators_.spawn("operator", fleet_.supervise(0));
  people_.spawn("story", tell(kind, &story_));
  loop_.run_until([this] { return violated() || people_.empty(); }, kLongestStory);
  if (violated()) return;
  if (!story_.waits_for().empty())
    return invariants_.violate("the story still waits for: " + story_.waits_for());

  loop_.run_until([this] { return violated(); }, kSettles);
  if (violated()) return;
  if (const std::string left = leftovers(server_); !left.empty()) return invariants_.violate(left);
  // A recovery may have less to write than the drawn second kill asks for.
  if (kills_ == 0 && !case_.kills.empty())
    return invariants_.violate("fewer writes than it is to be killed at");
  const std::string settled = end_state(server_);
  must_not_write_ = "it has settled";
  loop_.run_until([this] { return violated(); }, plan_.lease ? kQuietWithLease : kQuiet);
  if (!violated() && end_state(server_) != settled)
    invariants_.violate("it has settled, and changes all the same");
}

Task<> CrashWorld::prepare() {
  if (auto started = server_.start(); !started) throw std::runtime_error(started.error().message());
  servers_.spawn("apiserver", server_.run());
  co_await install_definitions(loop_, server_, plan_);
}

// ---- kills

// Of the lease its making, and its taking by whoever comes next; not the renewals.
bool CrashWorld::counts(const RequestInfo& request) const {
  if (!from_operator(request) || !is_write(request)) return false;
  if (request.resource != "leases") return true;
  return request.verb == "create";
}

FaultAction CrashWorld::decide(const RequestInfo& request) {
  FaultAction action;
  if (story_.refuses_drivers && from_operator(request) && is_pod_post(request))
    action = FaultAction::fail(403, "exceeded quota");
  if (story_.refuses_config_maps && from_operator(request) && request.verb == "create" &&
      request.resource == "configmaps") {
    action = FaultAction::fail(403, "exceeded quota");
  }
  if (!counts(request)) return action;
  if (!must_not_write_.empty()) invariants_.violate(must_not_write_ + ", and writes: " + words(request));
  if (kills_ == 0) writes_.push_back(words(request));
  ++since_kill_;
  if (kills_ == case_.kills.size() || since_kill_ != case_.kills[kills_].write) return action;
  const bool after = case_.kills[kills_].after;
  ++kills_;
  since_kill_ = 0;
  trace_.add("kill", std::string(after ? "after: " : "before: ") + words(request));
  if (after) {
    kill_when_answered_ = words(request);
    return action;
  }
  kill(process_of(request));
  return FaultAction::cut_before();
}

// Nothing of the answer has left yet, and nothing of it will: what is on its way to a host that dies is lost.
void CrashWorld::answered(const RequestInfo& request) {
  if (!counts(request) || kill_when_answered_ != words(request)) return;
  kill_when_answered_.clear();
  kill(process_of(request));
}

// Not inside the server's call: what happens to a process is an event of its own, at this very moment.
void CrashWorld::kill(const std::string& name) {
  loop_.post([this, name] { fleet_.crash(name); });
}

void CrashWorld::tear_down() {
  fleet_.close();
  operators_.cancel();
  people_.cancel();
  pods_.cancel();
  loop_.settle();
  fleet_.crash_all();
  // What is left of crashed processes comes to its end once its calls have met their deadlines.
  if (!loop_.run_until([&] { return fleet_.all_buried(); }, 10min))
    throw std::runtime_error("a crashed operator's tasks do not end");
  server_.stop();
  servers_.cancel();
  for (kube::TaskGroup* group : {&operators_, &people_, &pods_, &servers_}) loop_.run(group->join());
}

}  // namespace sim
