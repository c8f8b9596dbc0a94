#include "kube/kubelet/pod_worker.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "kube/async/blocking.h"
#include "kube/async/real_loop.h"
#include "kube/async/timer.h"
#include "kube/client/api.h"
#include "kube/kubelet/container_root.h"
#include "kube/kubelet/file_tree.h"
#include "kube/kubelet/probe.h"

namespace kube {

namespace fs = std::filesystem;

namespace {

// A driver makes its config map after its pod: looking often makes it start at once.
constexpr Duration kSourceRetry = 150ms;
constexpr Duration kStatusRetry = 500ms;
constexpr Duration kRestartInitial = 1s;
constexpr Duration kRestartMax = 60s;
constexpr std::size_t kMaxTerminationMessage = 4096;

std::string text_of(const Json& holder, const char* field) {
  const auto found = holder.find(field);
  return found != holder.end() && found->is_string() ? found->get<std::string>() : "";
}

Json list_of(const Json& holder, const char* field) {
  const auto found = holder.find(field);
  return found != holder.end() && found->is_array() ? *found : Json::array();
}

}  // namespace

struct PodWorker::Container {
  Json spec;
  ContainerState state;
  std::unique_ptr<PodProcess> process;
};

PodWorker::PodWorker(const PodWorkerContext& context, Json pod, std::string pod_ip)
    : context_(context),
      loop_(context.client.loop()),
      pod_(std::move(pod)),
      ns_(text_of(pod_["metadata"], "namespace")),
      name_(text_of(pod_["metadata"], "name")),
      uid_(text_of(pod_["metadata"], "uid")),
      ip_(std::move(pod_ip)),
      folder_(context.pods_folder / uid_),
      log_(context.log.with("pod", ns_ + "/" + name_)),
      facts_{ip_, context.host_ip, context.node_name},
      tasks_(loop_, log_),
      state_changed_(loop_) {
  const Json spec = pod_.value("spec", Json::object());
  const auto add = [&](const Json& container, ContainerState::Kind kind) {
    auto added = std::make_unique<Container>();
    added->spec = container;
    added->state.name = text_of(container, "name");
    added->state.image = text_of(container, "image");
    added->state.kind = kind;
    if (kind != ContainerState::Kind::Init && spec.contains("initContainers")) {
      added->state.waiting_reason = "PodInitializing";
    }
    containers_.push_back(std::move(added));
  };
  for (const Json& container : list_of(spec, "initContainers")) {
    add(container, text_of(container, "restartPolicy") == "Always" ? ContainerState::Kind::Sidecar
                                                                   : ContainerState::Kind::Init);
  }
  for (const Json& container : list_of(spec, "containers")) add(container, ContainerState::Kind::Main);
  deleting_ = pod_["metadata"].contains("deletionTimestamp");
}

PodWorker::~PodWorker() = default;

fs::path PodWorker::log_file(const fs::path& pod_folder, const std::string& container, bool previous) {
  return pod_folder / (container + (previous ? ".previous.log" : ".log"));
}

void PodWorker::changed() {
  ++version_;
  state_changed_.wake_all();
}

void PodWorker::update(Json pod) {
  pod_ = std::move(pod);
  if (!deleting_ && pod_["metadata"].contains("deletionTimestamp")) {
    deleting_ = true;
    changed();
  }
}

void PodWorker::gone() {
  gone_ = true;
  for (auto& container : containers_) {
    if (container->process) container->process->kill();
  }
  changed();
}

void PodWorker::abandon() {
  abandoned_ = true;
  gone();
}

void PodWorker::refresh_hosts() {
  if (!prepared_) return;
  if (auto written = write_file(folder_ / "hosts", context_.hosts(pod_, ip_), 0644); !written) {
    log_.warn("hosts file cannot be written", {{"error", written.error()}});
  }
}

Task<> PodWorker::run() {
  TaskGroup helpers(loop_, log_);
  helpers.spawn("deletion of " + name_, end_on_deletion());
  helpers.spawn("status of " + name_, write_statuses());
  helpers.spawn("tokens of " + name_, refresh_tokens());
  std::exception_ptr thrown;
  try {
    co_await live();
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await shield();
  for (auto& container : containers_) {
    if (container->process) container->process->kill();
  }
  co_await tasks_.cancel_and_join();
  co_await helpers.cancel_and_join();
  // What is mounted in a container's namespace ended with it; only files are left.
  const fs::path folder = folder_;
  const bool keep_logs = !gone_;
  auto remove = [folder, keep_logs]() -> Result<> {
    if (!keep_logs) return remove_tree(folder);
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      if (entry.is_directory()) {
        if (auto removed = remove_tree(entry.path()); !removed) return removed;
      }
    }
    return {};
  };
  auto removed = co_await run_blocking(loop_, remove);
  if (!removed) log_.warn("pod folder cannot be removed", {{"error", removed.error()}});
  if (thrown) std::rethrow_exception(thrown);
}

Task<> PodWorker::live() {
  started_ = loop_.now();
  changed();
  bool lives = co_await prepare();
  const std::string policy = text_of(pod_["spec"], "restartPolicy");
  for (auto& container : containers_) {
    if (!lives || stopping()) break;
    if (container->state.kind == ContainerState::Kind::Main) continue;
    lives = co_await run_init(*container);
  }
  if (lives && !stopping()) {
    for (auto& container : containers_) {
      if (container->state.kind == ContainerState::Kind::Main) {
        tasks_.spawn("container " + container->state.name, run_container(*container));
      }
    }
    std::optional<SteadyTime> limit;
    if (const auto seconds = pod_["spec"].find("activeDeadlineSeconds"); seconds != pod_["spec"].end()) {
      limit = loop_.after(std::chrono::seconds(seconds->get<std::int64_t>()));
    }
    const auto main_ended = [&] {
      return std::all_of(containers_.begin(), containers_.end(), [](const auto& container) {
        return container->state.kind != ContainerState::Kind::Main ||
               container->state.phase == ContainerState::Phase::Ended;
      });
    };
    // A container that will be started again is Waiting, not Ended: Ended is for good.
    while (!gone_ && !main_ended()) {
      const bool in_time = co_await state_changed_.wait_until(limit.value_or(kNever));
      if (!in_time && limit && loop_.steady() >= *limit) {
        failed_reason_ = "DeadlineExceeded";
        failed_message_ = "Pod was active on the node longer than the specified deadline";
        limit.reset();
        stop_containers();
      }
    }
  }
  // Sidecars end after the main containers.
  for (auto& container : containers_) {
    if (container->process) container->process->signal(SIGTERM);
  }
  const SteadyTime patience = loop_.after(5s);
  while (!gone_ && std::any_of(containers_.begin(), containers_.end(),
                               [](const auto& container) { return container->process != nullptr; })) {
    if (!co_await state_changed_.wait_until(patience)) break;
  }
  if (deleting_ && !failed_reason_ && std::none_of(containers_.begin(), containers_.end(), [](const auto& c) {
        return c->state.ended.has_value();
      })) {
    failed_reason_ = "Terminated";
    failed_message_ = "deleted before it started";
  }
  over_ = true;
  changed();
  if (gone_) co_return;
  while (written_version_ != version_ && !gone_) co_await state_changed_.wait();
  // The object stays until somebody deletes it; then it is ours to remove.
  while (!deleting_ && !gone_) co_await state_changed_.wait();
  if (gone_) co_return;
  JsonApi pods(context_.client, kPods, ns_);
  for (;;) {
    auto removed = co_await pods.remove(name_, DeleteOptions().uid(uid_).grace(0s));
    if (removed || removed.error().is_not_found() || removed.error().is_conflict()) co_return;
    log_.warn("finished pod cannot be removed, trying again", {{"error", removed.error()}});
    co_await sleep(loop_, kStatusRetry);
  }
}

Task<bool> PodWorker::prepare() {
  if (auto made = make_folders(folder_); !made) {
    failed_reason_ = "NodeError";
    failed_message_ = made.error().message();
    co_return false;
  }
  prepared_ = true;
  refresh_hosts();
  std::string told;
  for (;;) {
    if (stopping()) co_return false;
    auto fetched = co_await fetch_sources();
    if (fetched) {
      auto tokens = co_await fetch_tokens();
      if (tokens) {
        auto folders =
            make_volumes(pod_, sources_, *tokens, facts_, folder_ / "volumes", context_.claims_folder);
        if (folders) {
          volumes_ = std::move(*folders);
          co_return true;
        }
        fetched = fail(std::move(folders));
      } else {
        fetched = fail(std::move(tokens));
      }
    }
    if (std::exchange(told, fetched.error().message()) != told) {
      log_.info("pod waits for its volumes", {{"reason", told}});
    }
    for (auto& container : containers_) container->state.waiting_message = told;
    co_await sleep(loop_, kSourceRetry);
  }
}

Task<Result<>> PodWorker::fetch_sources() {
  for (const SourceReference& reference : pod_references(pod_)) {
    const bool is_map = reference.kind == SourceKind::ConfigMap;
    auto& into = is_map ? sources_.config_maps : sources_.secrets;
    if (into.contains(reference.name)) continue;
    auto object = co_await JsonApi(context_.client, is_map ? kConfigMaps : kSecrets, ns_).get(reference.name);
    if (object) {
      into[reference.name] = std::move(*object);
    } else if (!object.error().is_not_found() || !reference.optional) {
      co_return fail(std::move(object));
    }
  }
  co_return Result<>{};
}

Task<Result<Tokens>> PodWorker::fetch_tokens() {
  Tokens tokens;
  const std::string account = text_of(pod_["spec"], "serviceAccountName");
  JsonApi accounts(context_.client, kServiceAccounts, ns_);
  for (const TokenRequest& request : token_requests(pod_)) {
    Json body{
        {"apiVersion", "authentication.k8s.io/v1"},
        {"kind", "TokenRequest"},
        {"spec",
         {{"expirationSeconds", std::chrono::duration_cast<std::chrono::seconds>(request.lifetime).count()},
          {"audiences", request.audience.empty() ? Json::array() : Json::array({request.audience})},
          {"boundObjectRef", {{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", name_}, {"uid", uid_}}}}}};
    auto issued = co_await accounts.create(std::move(body), account.empty() ? "default" : account, "token");
    if (!issued) co_return fail(std::move(issued));
    tokens[{request.volume, request.path}] = text_of(issued->value("status", Json::object()), "token");
  }
  co_return tokens;
}

// Tokens are written anew at 80 % of their life; readers open the file again for each request.
Task<> PodWorker::refresh_tokens() {
  Duration shortest = Duration::max();
  for (const TokenRequest& request : token_requests(pod_)) shortest = std::min(shortest, request.lifetime);
  if (shortest == Duration::max()) co_return;
  for (;;) {
    co_await sleep(loop_, shortest / 5 * 4);
    auto tokens = co_await fetch_tokens();
    if (!tokens || volumes_.empty()) continue;
    for (const auto& [place, token] : *tokens) {
      auto written = write_file(volumes_.at(place.first) / place.second, token, 0644);
      if (!written) log_.warn("token cannot be renewed", {{"error", written.error()}});
    }
  }
}

Task<bool> PodWorker::run_init(Container& container) {
  if (container.state.kind == ContainerState::Kind::Sidecar) {
    tasks_.spawn("sidecar " + container.state.name, run_container(container));
    while (!stopping() && container.state.phase == ContainerState::Phase::Waiting)
      co_await state_changed_.wait();
    co_return !stopping();
  }
  const bool again = text_of(pod_["spec"], "restartPolicy") != "Never";
  Duration wait = kRestartInitial;
  for (;;) {
    auto code = co_await run_once(container);
    if (stopping()) co_return false;
    if (code && *code == 0) co_return true;
    if (!again) co_return false;
    ++container.state.restarts;
    container.state.phase = ContainerState::Phase::Waiting;
    container.state.waiting_reason = "CrashLoopBackOff";
    changed();
    co_await sleep(loop_, wait);
    wait = std::min(wait * 2, kRestartMax);
  }
}

Task<> PodWorker::run_container(Container& container) {
  const std::string policy = text_of(pod_["spec"], "restartPolicy");
  const bool sidecar = container.state.kind == ContainerState::Kind::Sidecar;
  Duration wait = kRestartInitial;
  for (;;) {
    auto code = co_await run_once(container);
    const bool failed = !code || *code != 0;
    const bool again = sidecar || policy == "Always" || policy.empty() || (policy == "OnFailure" && failed);
    if (!again || stopping() || over_ || failed_reason_) co_return;
    ++container.state.restarts;
    container.state.phase = ContainerState::Phase::Waiting;
    container.state.waiting_reason = "CrashLoopBackOff";
    changed();
    co_await sleep(loop_, wait);
    wait = std::min(wait * 2, kRestartMax);
    if (stopping() || over_) {
      container.state.phase = ContainerState::Phase::Ended;
      changed();
      co_return;
    }
  }
}

Result<LaunchPlan> PodWorker::plan(const Container& container) const {
  auto image = context_.images.find(container.state.image);
  if (!image) return fail(std::move(image));
  Variables initial = image->environment;
  const std::string host = text_of(pod_["spec"], "hostname");
  initial["HOSTNAME"] = host.empty() ? name_ : host;
  for (const auto& [name, value] : context_.service_environment) initial[name] = value;
  for (const auto& [name, value] : context_.extra_environment) {
    initial[name] = expand_variables(value, {{"POD_IP", ip_}});
  }
  auto environment = container_environment(pod_, container.spec, sources_, facts_, std::move(initial));
  if (!environment) return fail(std::move(environment));

  ContainerRoot root;
  root.work_folder = folder_ / "containers" / container.state.name;
  root.image_opt = image->opt;
  root.hosts_file = folder_ / "hosts";
  root.termination_log = folder_ / (container.state.name + ".termination");
  if (const std::string path = text_of(container.spec, "terminationMessagePath"); !path.empty()) {
    root.termination_path = path;
  }
  root.hostname = host.empty() ? name_ : host;
  root.host_folders = context_.host_folders;
  if (auto removed = remove_tree(root.work_folder); !removed) return fail(std::move(removed));
  if (auto prepared = prepare_container_root(root); !prepared) return fail(std::move(prepared));
  LaunchPlan steps;
  plan_container_root(root, read_host_layout(), steps);
  if (auto mounted = plan_volume_mounts(container.spec, volumes_, *environment, steps); !mounted) {
    return fail(std::move(mounted));
  }
  steps.pivot();
  for (const auto& [name, value] : *environment) steps.environment(name, value);
  const std::string folder = text_of(container.spec, "workingDir");
  steps.working_directory(folder.empty() ? image->working_directory : folder);
  const std::vector<std::string> command = container_command(container.spec, image->entrypoint, *environment);
  if (command.empty())
    return fail(ErrorKind::InvalidInput, "no command: neither the pod nor the image names one");
  for (const std::string& word : command) steps.argument(word);
  return steps;
}

Task<Result<int>> PodWorker::run_once(Container& container) {
  ContainerState& state = container.state;
  const fs::path log = log_file(folder_, state.name, false);
  std::error_code ignored;
  if (fs::exists(log, ignored)) fs::rename(log, log_file(folder_, state.name, true), ignored);
  const auto fails = [&](const Error& error) {
    state.ended = ContainerEnding{128, "StartError", error.message(), loop_.now(), loop_.now()};
    state.phase = ContainerState::Phase::Ended;
    (void)write_file(log, error.message() + "\n", 0644);
    log_.warn("container cannot start", {{"container", state.name}, {"error", error}});
    changed();
    return fail(error);
  };
  auto steps = plan(container);
  if (!steps) co_return fails(steps.error());
  auto process = co_await PodProcess::start(loop_, *steps);
  if (!process) co_return fails(process.error());
  container.process = std::move(*process);
  if (stopping()) container.process->kill();
  state.started = loop_.now();
  state.phase = ContainerState::Phase::Running;
  state.ready = !container.spec.contains("readinessProbe");
  changed();

  TaskGroup beside(loop_, log_);
  beside.spawn("output", copy_output(container, container.process->take_output()));
  TaskGroup probing(loop_, log_);
  if (!state.ready) probing.spawn("readiness", probe_readiness(container));
  auto exit = co_await container.process->wait();
  co_await shield();
  co_await probing.cancel_and_join();
  // The pipe ends with the last process; whoever holds it open beyond that is not waited for long.
  co_await beside.stop(1s);
  container.process.reset();

  ContainerEnding ending;
  ending.exit_code = exit ? exit->code : 128;
  ending.reason = ending.exit_code == 0 ? "Completed" : "Error";
  ending.started = state.started;
  ending.finished = loop_.now();
  if (auto said = read_file(folder_ / (state.name + ".termination"), kMaxTerminationMessage); said) {
    ending.message = *said;
  }
  if (ending.message.empty() && ending.exit_code != 0 &&
      text_of(container.spec, "terminationMessagePolicy") == "FallbackToLogsOnError") {
    auto text = read_file(log);
    if (text) ending.message = text->substr(text->size() > 2048 ? text->size() - 2048 : 0);
  }
  state.ended = ending;
  state.ready = false;
  state.phase = ContainerState::Phase::Ended;
  changed();
  co_return ending.exit_code;
}

Task<> PodWorker::copy_output(Container& container, UniqueFd output) {
  const std::string path = log_file(folder_, container.state.name, false).string();
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  std::size_t kept = 0;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t size = ::read(output.get(), buffer.data(), buffer.size());
    if (size == 0) co_return;
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) co_return;
      if (auto readable = co_await wait_readable(loop_, output.get()); !readable) co_return;
      continue;
    }
    // Beyond the bound output is read and dropped, so that the container never blocks on its log.
    const std::size_t room = std::min(static_cast<std::size_t>(size), context_.max_log_bytes - kept);
    if (room > 0 && ::write(file.get(), buffer.data(), room) > 0) kept += room;
  }
}

Task<> PodWorker::probe_readiness(Container& container) {
  const Json probe = container.spec["readinessProbe"];
  co_await sleep(loop_, std::chrono::seconds(probe.value("initialDelaySeconds", 0)));
  const int needed = std::max(1, probe.value("successThreshold", 1));
  const int allowed = std::max(1, probe.value("failureThreshold", 3));
  int good = 0, bad = 0;
  for (;;) {
    const bool passed = co_await probe_once(container, probe);
    good = passed ? good + 1 : 0;
    bad = passed ? 0 : bad + 1;
    const bool ready = container.state.ready ? bad < allowed : good >= needed;
    if (std::exchange(container.state.ready, ready) != ready) changed();
    co_await sleep(loop_, std::chrono::seconds(std::max(1, probe.value("periodSeconds", 10))));
  }
}

Task<bool> PodWorker::probe_once(const Container& container, const Json& probe) {
  const SteadyTime deadline =
      loop_.after(std::chrono::seconds(std::max(1, probe.value("timeoutSeconds", 1))));
  if (const auto exec = probe.find("exec"); exec != probe.end() && container.process) {
    LaunchPlan steps;
    steps.enter();
    for (const Json& word : list_of(*exec, "command")) steps.argument(word.get<std::string>());
    co_return co_await exec_probe(loop_, *container.process, steps, deadline);
  }
  co_return co_await network_probe(context_.network, container.spec, probe, ip_, deadline);
}

void PodWorker::stop_containers() {
  for (auto& container : containers_) {
    if (container->process) container->process->signal(SIGTERM);
  }
}

Task<> PodWorker::end_on_deletion() {
  while (!deleting_ && !gone_) co_await state_changed_.wait();
  if (gone_) co_return;
  for (auto& container : containers_) {
    const Json hook = container->spec.value("lifecycle", Json::object()).value("preStop", Json::object());
    if (const auto exec = hook.find("exec"); exec != hook.end() && container->process) {
      LaunchPlan steps;
      steps.enter();
      for (const Json& word : list_of(*exec, "command")) steps.argument(word.get<std::string>());
      (void)co_await exec_probe(loop_, *container->process, steps, loop_.after(5s));
    }
  }
  stop_containers();
  const std::int64_t grace = pod_["metadata"].value("deletionGracePeriodSeconds", std::int64_t{30});
  co_await sleep(loop_, std::chrono::seconds(grace));
  for (auto& container : containers_) {
    if (container->process) container->process->kill();
  }
}

Task<> PodWorker::write_statuses() {
  for (;;) {
    while (written_version_ == version_) co_await state_changed_.wait();
    if (gone_) co_return;
    const std::uint64_t writing = version_;
    auto written = co_await write_status();
    if (written || written.error().is_not_found() || written.error().kind() == ErrorKind::Invalid) {
      if (!written) log_.warn("status is refused", {{"error", written.error()}});
      written_version_ = writing;
      state_changed_.wake_all();
    } else {
      log_.warn("status cannot be written, trying again", {{"error", written.error()}});
      co_await sleep(loop_, kStatusRetry);
    }
  }
}

Task<Result<>> PodWorker::write_status() {
  PodStatusInput input;
  input.uid = uid_;
  input.host_ip = context_.host_ip;
  input.pod_ip = ip_;
  input.started = started_;
  input.now = loop_.now();
  for (const auto& container : containers_) input.containers.push_back(container->state);
  input.failed_reason = failed_reason_;
  input.failed_message = failed_message_;
  input.over = over_;
  Json status = pod_status(input, last_status_);
  // A merge patch replaces lists whole, so no container keeps two states; the uid keeps us off a successor's
  // object.
  Json patch{{"metadata", {{"uid", uid_}}}, {"status", status}};
  auto patched =
      co_await JsonApi(context_.client, kPods, ns_).patch(name_, Patch::merge(std::move(patch)), "status");
  if (!patched && patched.error().is_conflict())
    co_return Result<>{};  // another pod of this name: ours is gone
  if (!patched) co_return fail(std::move(patched));
  last_status_ = std::move(status);
  co_return Result<>{};
}

}  // namespace kube
