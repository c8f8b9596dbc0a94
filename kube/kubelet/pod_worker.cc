#include "kube/kubelet/pod_worker.h"

#include <signal.h>

#include <algorithm>
#include <exception>

#include "kube/async/deadline.h"
#include "kube/async/retry.h"
#include "kube/client/api.h"
#include "kube/http/client.h"
#include "kube/kubelet/pod_objects.h"

namespace kube {
namespace {

std::int64_t integer_at(const Json& json, std::initializer_list<std::string_view> path,
                        std::int64_t otherwise) {
  const Json* found = find_path(json, path);
  return found != nullptr && found->is_number_integer() ? found->get<std::int64_t>() : otherwise;
}

// A container that ran for this long starts its back-off over.
constexpr Duration kSteadyRun = 10min;

std::vector<std::string> command_of(const Json& action) {
  std::vector<std::string> out;
  for (const Json& part : array_at(action, {"exec", "command"})) {
    if (part.is_string()) out.push_back(part.get<std::string>());
  }
  return out;
}

// A port by number, or by the name that the container gives it.
std::uint16_t port_of(const Json& container, const Json* port) {
  if (port == nullptr) return 0;
  if (port->is_number_integer()) return port->get<std::uint16_t>();
  for (const Json& known : array_at(container, {"ports"})) {
    if (port->is_string() && string_at(known, {"name"}) == port->get<std::string>())
      return static_cast<std::uint16_t>(integer_at(known, {"containerPort"}, 0));
  }
  return 0;
}

}  // namespace

PodWorker::PodWorker(PodContext context, std::shared_ptr<const Json> pod, Origin origin)
    : context_(context),
      loop_(context.loop),
      pod_(std::move(pod)),
      origin_(origin),
      uid_(string_at(*pod_, {"metadata", "uid"})),
      ns_(string_at(*pod_, {"metadata", "namespace"})),
      name_(string_at(*pod_, {"metadata", "name"})),
      changed_(loop_),
      supervisors_(loop_, context.options.log),
      others_(loop_, context.options.log),
      deadline_(loop_, [this] {
        failed_ = true;
        report_.reason = "DeadlineExceeded";
        report_.message = "Pod was active on the node longer than the specified deadline";
        begin_stop(std::chrono::seconds(integer_at(*pod_, {"spec", "terminationGracePeriodSeconds"}, 30)));
      }) {
  report_.host_address = context.options.address;
  report_.started = loop_.now();
  for (const char* list : {"initContainers", "containers"}) {
    for (const Json& spec : array_at(*pod_, {"spec", list})) {
      ContainerReport report;
      report.name = string_at(spec, {"name"});
      report.image = string_at(spec, {"image"});
      if (list[0] == 'i') {
        report.role =
            string_at(spec, {"restartPolicy"}) == "Always" ? ContainerRole::Sidecar : ContainerRole::Init;
      }
      containers_.push_back({spec, report_.containers.size(), nullptr, false});
      report_.containers.push_back(std::move(report));
    }
  }
}

PodWorker::~PodWorker() = default;

const ContainerReport* PodWorker::container(const std::string& name) const {
  for (const ContainerReport& report : report_.containers) {
    if (report.name == name || (name.empty() && report.role == ContainerRole::Main)) return &report;
  }
  return nullptr;
}

void PodWorker::update(std::shared_ptr<const Json> pod) {
  pod_ = std::move(pod);
  const Json* deletion = find_path(*pod_, {"metadata", "deletionTimestamp"});
  if (deletion == nullptr || deletion->is_null() || deleting_) return;
  deleting_ = true;
  begin_stop(std::chrono::seconds(integer_at(*pod_, {"metadata", "deletionGracePeriodSeconds"}, 30)));
  changed_.wake_all();
}

void PodWorker::removed() {
  gone_ = stopping_ = true;
  for (Container& container : containers_) {
    if (container.running) container.running->kill();
  }
  changed_.wake_all();
}

void PodWorker::shut_down(Duration grace) {
  if (is_over() || gone_) return;
  failed_ = true;
  report_.reason = "NodeShutdown";
  report_.message = "The node that ran this pod was shut down";
  begin_stop(grace);
}

void PodWorker::begin_stop(Duration grace) {
  changed_.wake_all();
  if (stopping_) return;
  stopping_ = true;
  others_.spawn("terminate pod", terminate(grace));
}

Task<> PodWorker::run() {
  std::exception_ptr thrown;
  try {
    others_.spawn("pod status", write_statuses());
    co_await live();
    co_await flush();
    while (!deleting_ && !gone_) co_await changed_.wait();
    if (!gone_) co_await delete_finally();
    while (!gone_) co_await changed_.wait();
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await shield();
  deadline_.cancel();
  co_await supervisors_.cancel_and_join();
  co_await others_.cancel_and_join();
  for (Container& container : containers_) container.running.reset();
  if (gone_) co_await context_.runtime.discard(uid_);
  if (thrown) std::rethrow_exception(thrown);
}

Task<> PodWorker::live() {
  const std::string phase = string_at(*pod_, {"status", "phase"});
  if (phase == "Succeeded" || phase == "Failed") {
    report_.phase = phase;
    co_return;
  }
  if (origin_ == Origin::LeftBehind) {
    report_.phase = "Failed";
    report_.reason = "KubeletRestarted";
    report_.message = "The kubelet that ran this pod has ended, and the pod's processes with it";
    for (ContainerReport& container : report_.containers) {
      container.ended = {{137, "ContainerStatusUnknown", report_.message}, report_.started, loop_.now()};
    }
    publish();
    co_return;
  }
  Result<std::string> address = context_.runtime.assign_address(*pod_);
  if (address) {
    report_.pod_address = *address;
    if (flag_at((*pod_)["spec"], "hostNetwork")) report_.pod_address = context_.options.address;
  } else {
    context_.options.log.error("pod gets no address",
                               {{"pod", ns_ + "/" + name_}, {"error", address.error()}});
  }
  if (const std::int64_t limit = integer_at(*pod_, {"spec", "activeDeadlineSeconds"}, 0); limit > 0)
    deadline_.set(loop_.after(std::chrono::seconds(limit)));
  publish();

  if (co_await prepare() && co_await initialize()) {
    const std::string policy = string_at(*pod_, {"spec", "restartPolicy"});
    const Restart restart = policy == "Never"       ? Restart::Never
                            : policy == "OnFailure" ? Restart::OnFailure
                                                    : Restart::Always;
    for (Container& container : containers_) {
      if (report_of(container).role == ContainerRole::Main)
        supervisors_.spawn("container", supervise(container, restart));
    }
    while (!main_done()) co_await changed_.wait();
  }
  // Sidecars go when the containers they served have ended.
  begin_stop(std::chrono::seconds(integer_at(*pod_, {"spec", "terminationGracePeriodSeconds"}, 30)));
  co_await supervisors_.join_or_cancel();
  deadline_.cancel();
  report_.phase = final_phase();
  if (!gone_) publish();
}

bool PodWorker::main_done() const {
  return std::ranges::all_of(containers_, [&](const Container& container) {
    return report_.containers[container.index].role != ContainerRole::Main || container.done;
  });
}

std::string PodWorker::final_phase() const {
  for (const ContainerReport& container : report_.containers) {
    if (container.role == ContainerRole::Main && (!container.ended || container.ended->exit.code != 0))
      return "Failed";
  }
  return failed_ ? "Failed" : "Succeeded";
}

Task<bool> PodWorker::prepare() {
  std::string told;
  while (!stopping_) {
    Result<> prepared = co_await context_.runtime.prepare(pod_, report_.pod_address);
    if (prepared) co_return !stopping_;
    if (prepared.error().message() != told) {
      told = prepared.error().message();
      context_.options.log.info("pod waits for its volumes",
                                {{"pod", ns_ + "/" + name_}, {"error", prepared.error()}});
      for (ContainerReport& container : report_.containers) container.waiting_message = told;
      publish();
    }
    // What does not depend on others' haste need not be tried as often.
    const bool soon = prepared.error().is_not_found() || prepared.error().kind() == ErrorKind::Unavailable;
    (void)co_await changed_.wait_until(loop_.after(soon ? context_.options.volume_retry : Duration(2s)));
  }
  co_return false;
}

Task<bool> PodWorker::initialize() {
  for (ContainerReport& container : report_.containers) container.waiting_message.clear();
  const Restart restart =
      string_at(*pod_, {"spec", "restartPolicy"}) == "Never" ? Restart::Never : Restart::OnFailure;
  for (Container& container : containers_) {
    const ContainerRole role = report_of(container).role;
    if (role == ContainerRole::Main || stopping_) continue;
    if (role == ContainerRole::Sidecar) {
      supervisors_.spawn("sidecar", supervise(container, Restart::Always));
      const ContainerReport& sidecar = report_of(container);
      while (!stopping_ && !(sidecar.running && sidecar.started_up)) co_await changed_.wait();
      continue;
    }
    co_await supervise(container, restart);
    const auto& ended = report_of(container).ended;
    if (!stopping_ && (!ended || ended->exit.code != 0)) {
      failed_ = true;
      for (ContainerReport& other : report_.containers) {
        if (other.role == ContainerRole::Main) other.waiting_reason = "PodInitializing";
      }
      co_return false;
    }
  }
  report_.initialized = !stopping_;
  co_return !stopping_;
}

Task<> PodWorker::supervise(Container& container, Restart restart) {
  Duration backoff = context_.options.restart_backoff;
  while (!stopping_) {
    bool waiting = false;
    ContainerExit exit = co_await run_once(container, &waiting);
    ContainerReport& report = report_of(container);
    if (waiting) {
      publish();
      (void)co_await changed_.wait_until(loop_.after(context_.options.volume_retry * 4));
      continue;
    }
    const TimePoint now = loop_.now();
    report.running = report.ready = false;
    report.ended = {exit, report.started == TimePoint{} ? now : report.started, now};
    const bool again =
        !stopping_ && (restart == Restart::Always || (restart == Restart::OnFailure && exit.code != 0));
    if (!again) break;
    publish();
    if (now - report.ended->started > kSteadyRun) backoff = context_.options.restart_backoff;
    const SteadyTime next = loop_.after(backoff);
    report.last = std::exchange(report.ended, std::nullopt);
    report.waiting_reason = "CrashLoopBackOff";
    report.waiting_message = "back-off " + to_go_duration(backoff) + " restarting failed container";
    publish();
    backoff = std::min(backoff * 2, context_.options.restart_backoff_max);
    while (!stopping_ && loop_.steady() < next) (void)co_await changed_.wait_until(next);
    if (stopping_) {
      report.ended = report.last;
      break;
    }
    ++report.restarts;
  }
  container.done = true;
  publish();
  changed_.wake_all();
}

Task<ContainerExit> PodWorker::run_once(Container& container, bool* waiting) {
  auto started = co_await context_.runtime.start(
      {pod_, container.spec, report_.pod_address, report_of(container).restarts});
  ContainerReport& report = report_of(container);
  if (!started) {
    const ErrorKind kind = started.error().kind();
    if (kind == ErrorKind::NotFound || kind == ErrorKind::Invalid) {
      report.waiting_reason = kind == ErrorKind::NotFound ? "ErrImagePull" : "CreateContainerConfigError";
      report.waiting_message = started.error().message();
      *waiting = true;
      co_return ContainerExit{};
    }
    co_return ContainerExit{128, "StartError", started.error().message()};
  }
  container.running = std::move(*started);
  report.running = true;
  report.started = loop_.now();
  report.ended.reset();
  report.waiting_reason.clear();
  report.waiting_message.clear();
  const Json* startup = find_path(container.spec, {"startupProbe"});
  const Json* readiness = find_path(container.spec, {"readinessProbe"});
  report.started_up = startup == nullptr;
  report.ready = report.started_up && readiness == nullptr;
  if (report.role == ContainerRole::Main) report_.phase = "Running";
  publish();
  changed_.wake_all();
  // Deletion may have come while it was starting.
  if (stopping_) container.running->kill();

  TaskGroup probes(loop_, context_.options.log);
  ContainerExit exit;
  std::exception_ptr thrown;
  try {
    if (startup != nullptr) probes.spawn("startup probe", probe(container, *startup, Probe::Startup));
    if (readiness != nullptr) probes.spawn("readiness probe", probe(container, *readiness, Probe::Readiness));
    if (const Json* liveness = find_path(container.spec, {"livenessProbe"}))
      probes.spawn("liveness probe", probe(container, *liveness, Probe::Liveness));
    exit = co_await container.running->wait();
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) co_await shield();
  co_await probes.cancel_and_join();
  container.running.reset();
  if (thrown) std::rethrow_exception(thrown);
  co_return exit;
}

Task<> PodWorker::probe(Container& container, Json spec, Probe kind) {
  auto seconds = [&](const char* name, std::int64_t otherwise) {
    return std::chrono::seconds(integer_at(spec, {name}, otherwise));
  };
  const Duration period = std::max<Duration>(seconds("periodSeconds", 10), 1s);
  const std::int64_t needed = std::max<std::int64_t>(integer_at(spec, {"successThreshold"}, 1), 1);
  const std::int64_t allowed = std::max<std::int64_t>(integer_at(spec, {"failureThreshold"}, 3), 1);
  std::int64_t successes = 0, failures = 0;
  // The others do not count before the startup probe has held.
  while (kind != Probe::Startup && !report_of(container).started_up) co_await changed_.wait();
  co_await sleep(loop_, seconds("initialDelaySeconds", 0));
  while (true) {
    const bool good = co_await probe_once(container, spec, seconds("timeoutSeconds", 1));
    successes = good ? successes + 1 : 0;
    failures = good ? 0 : failures + 1;
    ContainerReport& report = report_of(container);
    if (kind == Probe::Startup && good) {
      report.started_up = true;
      report.ready = find_path(container.spec, {"readinessProbe"}) == nullptr;
      publish();
      changed_.wake_all();
      co_return;
    }
    if (kind != Probe::Readiness && failures >= allowed && container.running) {
      context_.options.log.info("container fails its probe and is ended",
                                {{"pod", ns_ + "/" + name_},
                                 {"container", report.name},
                                 {"probe", kind == Probe::Startup ? "startup" : "liveness"}});
      container.running->terminate();
      co_await sleep(loop_,
                     std::chrono::seconds(integer_at(*pod_, {"spec", "terminationGracePeriodSeconds"}, 30)));
      if (container.running) container.running->kill();
      co_return;
    }
    if (kind == Probe::Readiness &&
        ((successes >= needed && !report.ready) || (failures >= allowed && report.ready))) {
      report.ready = good;
      publish();
    }
    co_await sleep(loop_, period);
  }
}

Task<bool> PodWorker::probe_once(Container& container, Json spec, Duration limit) {
  if (const Json* http = find_path(spec, {"httpGet"})) {
    const std::string host = string_at(*http, {"host"});
    HttpClientOptions options;
    options.origin = {host.empty() ? report_.pod_address : host,
                      port_of(container.spec, find_path(*http, {"port"}))};
    if (string_at(*http, {"scheme"}) == "HTTPS") {
      auto tls = TlsClientContext::create({.insecure_skip_verify = true});
      if (!tls) co_return false;
      options.tls = *tls;
    }
    HttpClient client(loop_, context_.network, options);
    HttpRequest request;
    request.target = string_at(*http, {"path"});
    if (!request.target.starts_with('/')) request.target = "/" + request.target;
    Result<HttpResponse> answer = co_await client.send(request, loop_.after(limit));
    co_return answer && answer->status >= 200 && answer->status < 400;
  }
  if (const Json* tcp = find_path(spec, {"tcpSocket"})) {
    const std::string host = string_at(*tcp, {"host"});
    const Endpoint to{host.empty() ? report_.pod_address : host,
                      port_of(container.spec, find_path(*tcp, {"port"}))};
    auto stream = co_await context_.network.connect(to, loop_.after(limit));
    if (stream) (*stream)->close();
    co_return stream.has_value();
  }
  if (find_path(spec, {"exec"}) != nullptr && container.running) {
    Result<int> code = co_await container.running->execute(command_of(spec), limit);
    co_return code && *code == 0;
  }
  co_return true;
}

Task<> PodWorker::terminate(Duration grace) {
  const SteadyTime deadline = loop_.after(grace);
  TaskGroup ending(loop_, context_.options.log);
  auto all_done = [this](bool sidecars) {
    return std::ranges::none_of(containers_, [&](const Container& container) {
      return container.running &&
             (sidecars || report_.containers[container.index].role != ContainerRole::Sidecar);
    });
  };
  std::exception_ptr thrown;
  try {
    for (bool sidecars : {false, true}) {
      for (Container& container : containers_) {
        if (container.running && (report_of(container).role == ContainerRole::Sidecar) == sidecars)
          ending.spawn("end container", terminate_one(container, deadline));
      }
      while (!all_done(sidecars) && loop_.steady() < deadline) {
        if (!co_await changed_.wait_until(deadline)) break;
      }
    }
  } catch (...) {
    thrown = std::current_exception();
  }
  for (Container& container : containers_) {
    if (container.running) container.running->kill();
  }
  if (thrown) co_await shield();
  co_await ending.cancel_and_join();
  if (thrown) std::rethrow_exception(thrown);
}

Task<> PodWorker::terminate_one(Container& container, SteadyTime deadline) {
  if (const Json* hook = find_path(container.spec, {"lifecycle", "preStop"})) {
    const Duration left = std::max<Duration>(deadline - loop_.steady(), 0s);
    if (const std::int64_t pause = integer_at(*hook, {"sleep", "seconds"}, 0); pause > 0) {
      co_await sleep(loop_, std::min<Duration>(std::chrono::seconds(pause), left));
    } else if (container.running) {
      // Best effort: whatever comes of it, the signal follows.
      (void)co_await probe_once(container, *hook, left);
    }
  }
  if (container.running) container.running->terminate();
}

void PodWorker::publish() {
  if (gone_) return;
  Json status = make_pod_status(*pod_, report_, loop_.now());
  if (status == published_) return;
  published_ = std::move(status);
  ++version_;
  changed_.wake_all();
}

Task<> PodWorker::write_statuses() {
  JsonApi pods(context_.client, kPods, ns_);
  int attempt = 0;
  while (!gone_) {
    if (written_ == version_) {
      co_await changed_.wait();
      continue;
    }
    const std::uint64_t writing = version_;
    Json body = {{"metadata", {{"uid", uid_}}}, {"status", published_}};
    Result<Json> answer = co_await pods.patch(name_, Patch::merge(std::move(body)), "status");
    // Not found, or another pod by that name: nobody needs this status any more.
    const bool pointless =
        !answer && answer.error().retry() != Retry::Backoff && answer.error().retry() != Retry::After;
    if (answer || pointless) {
      written_ = writing;
      attempt = 0;
      changed_.wake_all();
      if (!answer && !answer.error().is_not_found() && !answer.error().is_conflict())
        context_.options.log.warn("pod status was refused",
                                  {{"pod", ns_ + "/" + name_}, {"error", answer.error()}});
      continue;
    }
    co_await sleep(loop_, Backoff{.initial = 200ms, .factor = 2.0, .max = 5s, .jitter = 0.2}.delay(
                              ++attempt, loop_.random()));
  }
}

Task<> PodWorker::flush() {
  while (written_ != version_ && !gone_) co_await changed_.wait();
}

Task<> PodWorker::delete_finally() {
  JsonApi pods(context_.client, kPods, ns_);
  for (int attempt = 1; !gone_; ++attempt) {
    Result<Json> answer = co_await pods.remove(name_, DeleteOptions().uid(uid_).grace(0s));
    if (answer || answer.error().is_not_found() || answer.error().is_conflict()) co_return;
    co_await sleep(loop_, Backoff{}.delay(attempt, loop_.random()));
  }
}

}  // namespace kube
