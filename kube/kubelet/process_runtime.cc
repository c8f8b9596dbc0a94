#include "kube/kubelet/process_runtime.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "kube/async/deadline.h"
#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/client/api.h"
#include "kube/kubelet/container_root.h"
#include "kube/kubelet/file_tree.h"
#include "kube/kubelet/host_rights.h"
#include "kube/kubelet/log_file.h"
#include "kube/kubelet/pod_network.h"
#include "kube/kubelet/pod_process.h"
#include "kube/kubelet/volumes.h"

namespace kube {
namespace {

namespace fs = std::filesystem;

// As much as Kubernetes keeps of a termination message.
constexpr std::size_t kTerminationMessage = 4096;
constexpr std::size_t kFallbackMessage = 2048;
constexpr std::int64_t kFallbackLines = 80;

std::string uid_of(const Json& pod) {
  return string_at(pod, {"metadata", "uid"});
}

Task<> copy_output(Loop& loop, int fd, std::shared_ptr<LogFile> log) {
  char buffer[16384];
  while (true) {
    const ssize_t n = ::read(fd, buffer, sizeof(buffer));
    if (n > 0) {
      log->append(std::string_view(buffer, static_cast<std::size_t>(n)));
    } else if (n < 0 && errno == EAGAIN) {
      Result<> readable = co_await wait_readable(loop, fd);
      if (!readable) break;
    } else if (n == 0 || errno != EINTR) {
      break;
    }
  }
}

class ProcessContainer final : public RunningContainer {
 public:
  ProcessContainer(Loop& loop, std::unique_ptr<PodProcess> process, std::shared_ptr<LogFile> log,
                   fs::path termination_log, bool fall_back, std::map<std::string, std::string> environment)
      : loop_(loop),
        process_(std::move(process)),
        output_(process_->take_output()),
        log_(std::move(log)),
        termination_log_(std::move(termination_log)),
        fall_back_(fall_back),
        environment_(std::move(environment)) {}
  ~ProcessContainer() override {
    process_.reset();
    log_->close();
  }

  Task<ContainerExit> wait() override {
    // The output ends when the last process of the container has: nothing of it is lost.
    co_await copy_output(loop_, output_.get(), log_);
    Result<ProcessExit> ended = co_await process_->wait();
    log_->close();
    ContainerExit out;
    if (!ended) {
      out.code = 255;
      out.message = ended.error().message();
      co_return out;
    }
    out.code = ended->code;
    if (Result<std::string> message = read_file(termination_log_)) {
      out.message = message->substr(0, kTerminationMessage);
    }
    if (out.message.empty() && fall_back_ && out.code != 0)
      out.message = log_->tail(kFallbackMessage, kFallbackLines);
    co_return out;
  }
  void terminate() override { process_->signal(SIGTERM); }
  void kill() override { process_->kill(); }

  Task<Result<int>> execute(std::vector<std::string> command, Duration limit) override {
    co_return co_await with_deadline(loop_, loop_.after(limit), run_inside(std::move(command)));
  }

 private:
  Task<Result<int>> run_inside(std::vector<std::string> command) {
    LaunchPlan plan;
    plan.enter();
    for (const auto& [name, value] : environment_) plan.environment(name, value);
    for (const std::string& argument : command) plan.argument(argument);
    auto process = co_await process_->start_inside(plan);
    if (!process) co_return fail(process);
    UniqueFd output = (*process)->take_output();
    // Not read to its end: a child left behind may hold it. A pipe's capacity is enough for a probe.
    Result<ProcessExit> ended = co_await (*process)->wait();
    if (!ended) co_return fail(ended);
    co_return ended->code;
  }

  Loop& loop_;
  std::unique_ptr<PodProcess> process_;
  UniqueFd output_;
  std::shared_ptr<LogFile> log_;
  const fs::path termination_log_;
  const bool fall_back_;
  const std::map<std::string, std::string> environment_;
};

void add_privilege_gain(const Json& container, LaunchPlan& plan) {
  const Json* gain = find_path(container, {"securityContext", "allowPrivilegeEscalation"});
  if (gain != nullptr && gain->is_boolean() && !gain->get<bool>()) plan.no_new_privileges();
}

void add_identity(const Json& pod, const Json& container, LaunchPlan& plan) {
  auto id = [&](const char* name) -> std::optional<std::int64_t> {
    for (const Json* at : {find_path(container, {"securityContext", name}),
                           find_path(pod, {"spec", "securityContext", name})}) {
      if (at != nullptr && at->is_number_integer()) return at->get<std::int64_t>();
    }
    return std::nullopt;
  };
  const auto& rights = host_rights();
  if (rights && !rights->has_other_users) {
    const std::int64_t user = id("runAsUser").value_or(0), group = id("runAsGroup").value_or(0);
    if (user != 0 || group != 0) plan.other_name(user, group);
    add_privilege_gain(container, plan);
    return;
  }
  if (auto user = id("runAsUser")) {
    plan.user(*user);
    plan.group(id("runAsGroup").value_or(0));
  } else if (auto group = id("runAsGroup")) {
    plan.group(*group);
  }
  if (auto group = id("fsGroup")) plan.supplemental_group(*group);
  for (const Json& group : array_at(pod, {"spec", "securityContext", "supplementalGroups"})) {
    if (group.is_number_integer()) plan.supplemental_group(group.get<std::int64_t>());
  }
  add_privilege_gain(container, plan);
}

}  // namespace

class ProcessRuntime::Impl {
 public:
  Impl(Client& client, ProcessRuntimeOptions options)
      : client_(client),
        loop_(client.loop()),
        options_(std::move(options)),
        images_(options_.images, options_.image_table),
        addresses_(options_.folder / "next-address", options_.address_prefix),
        // A file system in memory that is there anyway: a mount of our own would stay behind after kill -9.
        memory_folder_(fs::path("/dev/shm") / ("kubelet" + flat(fs::absolute(options_.folder).string()))),
        renewals_(loop_, options_.log) {}

  Task<Result<>> open() {
    Result<> able = probe_namespaces();
    if (!able) co_return fail(able);
    for (const char* part : {"pods", "claims"}) {
      Result<> made = make_folders(options_.folder / part);
      if (!made) co_return fail(made);
    }
    Result<> private_folder = set_mode(options_.folder / "pods", 0711);
    if (!private_folder) co_return fail(private_folder);
    left_behind_.clear();
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(options_.folder / "pods", ignored)) {
      left_behind_.push_back(entry.path().filename().string());
    }
    std::ranges::sort(left_behind_);
    (void)remove_tree(memory_folder_);
    host_ = read_host_layout();
    co_return Result<>{};
  }
  Task<> close() {
    co_await renewals_.cancel_and_join();
    (void)remove_tree(memory_folder_);
  }

  Result<std::string> assign_address(const Json& pod) {
    Pod& known = pods_[uid_of(pod)];
    if (!known.address.empty()) return known.address;
    Result<std::string> address = addresses_.next();
    if (address) known.address = *address;
    return address;
  }

  Task<Result<>> prepare(std::shared_ptr<const Json> pod, std::string address) {
    const std::string uid = uid_of(*pod);
    const fs::path folder = options_.folder / "pods" / uid;
    Result<> made = make_folders(folder);
    if (!made) co_return fail(made);
    Pod& known = pods_[uid];
    known.pod = pod;
    known.address = address;
    if (!flag_at((*pod)["spec"], "hostNetwork")) {
      Result<> hosts = write_hosts(known);
      if (!hosts) co_return fail(hosts);
    }
    Result<PodObjects> objects = co_await fetch(*pod);
    if (!objects) co_return fail(objects);
    Result<std::vector<PodVolume>> volumes = plan_volumes(facts(*pod, address), *objects);
    if (!volumes) co_return fail(volumes);
    std::map<std::string, fs::path> sources;
    for (const PodVolume& volume : *volumes) {
      Result<fs::path> source = place_volume(*pod, folder, volume);
      if (!source) co_return fail(source.error().while_doing("volume \"" + volume.name + "\""));
      for (const TokenFile& token : volume.tokens) {
        Result<> written = co_await write_token(pod, token, *source / token.path);
        if (!written) co_return fail(written.error().while_doing("volume \"" + volume.name + "\""));
        renewals_.spawn("token renewal", renew_token(uid, pod, token, *source / token.path));
      }
      sources[volume.name] = *source;
    }
    Pod& ready = pods_[uid];
    ready.objects = std::move(*objects);
    ready.sources = std::move(sources);
    co_return Result<>{};
  }

  Task<Result<std::unique_ptr<RunningContainer>>> start(StartContainer request) {
    const Json& pod = *request.pod;
    const Json& container = request.container;
    const std::string uid = uid_of(pod), name = string_at(container, {"name"});
    Pod& known = pods_[uid];
    Result<Image> image = images_.find(string_at(container, {"image"}));
    if (!image) co_return fail(image);
    Result<ContainerCommand> command = plan_command(facts(pod, request.address), container, *image,
                                                    known.objects, options_.extra_environment);
    if (!command) co_return fail(config_error(command.error()));
    Result<std::vector<BindMount>> mounts = plan_mounts(container, command->environment, known.sources);
    if (!mounts) co_return fail(config_error(mounts.error()));

    const fs::path folder = options_.folder / "pods" / uid;
    ContainerRoot root;
    root.work_folder = folder / "containers" / name / std::to_string(request.restart_count);
    root.image_opt = image->opt;
    if (!flag_at(pod["spec"], "hostNetwork")) root.hosts_file = folder / "hosts";
    root.termination_log = root.work_folder / "termination-log";
    if (std::string path = string_at(container, {"terminationMessagePath"}); !path.empty())
      root.termination_path = path;
    root.hostname = pod_hostname(pod);
    root.user_attributes = host_rights() && host_rights()->mounts_in_user_namespace;
    root.host_folders = options_.host_folders;
    if (request.restart_count > 0) {
      (void)remove_tree(folder / "containers" / name / std::to_string(request.restart_count - 1));
    }
    Result<> folders = make_folders(root.work_folder);
    if (folders) folders = prepare_container_root(root);
    if (!folders) co_return fail(folders);

    LaunchPlan plan;
    plan_container_root(root, host_, plan);
    for (const BindMount& mount : *mounts) plan.bind(mount);
    plan.pivot();
    add_identity(pod, container, plan);
    for (const auto& [key, value] : command->environment) plan.environment(key, value);
    plan.working_directory(command->working_directory);
    for (const std::string& argument : command->arguments) plan.argument(argument);

    auto log = std::make_shared<LogFile>(
        loop_, folder / "logs" / name / (std::to_string(request.restart_count) + ".log"), options_.log_limit);
    auto& logs = known.logs[name];
    logs.push_back(log);
    if (logs.size() > 2) logs.erase(logs.begin());
    auto process = co_await PodProcess::start(loop_, plan);
    if (!process) {
      log->append(process.error().message() + "\n");
      log->close();
      co_return fail(process);
    }
    const bool fall_back = string_at(container, {"terminationMessagePolicy"}) == "FallbackToLogsOnError";
    co_return std::make_unique<ProcessContainer>(loop_, std::move(*process), std::move(log),
                                                 root.termination_log, fall_back, command->environment);
  }

  Task<> discard(std::string uid) {
    pods_.erase(uid);
    for (const fs::path& folder : {options_.folder / "pods" / uid, memory_folder_ / uid}) {
      Result<> removed = remove_tree(folder);
      if (!removed) options_.log.warn("files of a pod stay", {{"error", removed.error()}});
    }
    co_return;
  }
  const std::vector<std::string>& left_behind() const { return left_behind_; }

  void set_host_names(std::vector<HostName> names) {
    if (names == names_) return;
    names_ = std::move(names);
    for (auto& [uid, pod] : pods_) {
      if (pod.pod == nullptr) continue;
      Result<> written = write_hosts(pod);
      if (!written) options_.log.warn("a pod's hosts file is not up to date", {{"error", written.error()}});
    }
  }
  std::shared_ptr<LogFile> log(const std::string& uid, const std::string& container, bool previous) {
    auto pod = pods_.find(uid);
    if (pod == pods_.end()) return nullptr;
    auto logs = pod->second.logs.find(container);
    const std::size_t wanted = previous ? 2 : 1;
    if (logs == pod->second.logs.end() || logs->second.size() < wanted) return nullptr;
    return logs->second[logs->second.size() - wanted];
  }

 private:
  struct Pod {
    std::shared_ptr<const Json> pod;
    std::string address;
    PodObjects objects;
    std::map<std::string, fs::path> sources;
    std::map<std::string, std::vector<std::shared_ptr<LogFile>>> logs;  // the last two of each container
  };

  static std::string flat(std::string path) {
    std::ranges::replace(path, '/', '-');
    return path;
  }
  // An error in what the pod asks for, not in an image that may still come.
  static Error config_error(const Error& error) {
    return error.is_not_found() ? Error(ErrorKind::Invalid, error.message()) : error;
  }
  PodFacts facts(const Json& pod, const std::string& address) const {
    return {pod,
            address,
            options_.host_address,
            options_.node_name,
            options_.api_server.host,
            std::to_string(options_.api_server.port)};
  }
  Result<> write_hosts(const Pod& pod) {
    return write_file(options_.folder / "pods" / uid_of(*pod.pod) / "hosts",
                      hosts_file(*pod.pod, pod.address, options_.api_server.host, names_), 0644);
  }

  Task<Result<PodObjects>> fetch(const Json& pod) {
    PodObjects objects;
    const std::string ns = string_at(pod, {"metadata", "namespace"});
    for (const PodReference& reference : referenced_objects(pod)) {
      const Resource& resource = reference.kind == PodReference::Kind::ConfigMap ? kConfigMaps
                                 : reference.kind == PodReference::Kind::Secret  ? kSecrets
                                                                                 : kPersistentVolumeClaims;
      JsonApi api(client_, resource, ns);
      Result<Json> object = co_await api.get(reference.name);
      if (object) {
        objects.add(reference, std::move(*object));
      } else if (!object.error().is_not_found()) {
        co_return fail(object);
      }
    }
    co_return objects;
  }

  Result<fs::path> place_volume(const Json& pod, const fs::path& folder, const PodVolume& volume) {
    fs::path place = folder / "volumes" / volume.name;
    switch (volume.kind) {
      case PodVolume::Kind::Host: {
        Result<> checked = check_host_path(volume);
        if (!checked) return fail(checked);
        return fs::path(volume.host_path);
      }
      case PodVolume::Kind::Claim:
        place = options_.folder / "claims" / string_at(pod, {"metadata", "namespace"}) / volume.claim;
        break;
      case PodVolume::Kind::Memory:
        place = memory_folder_ / uid_of(pod) / volume.name;
        break;
      case PodVolume::Kind::Files:
      case PodVolume::Kind::Empty:
        break;
    }
    Result<> written = write_volume(volume, place);
    if (!written) return fail(written);
    return place;
  }

  Task<Result<>> write_token(std::shared_ptr<const Json> pod, TokenFile token, fs::path path) {
    std::string account = string_at(*pod, {"spec", "serviceAccountName"});
    if (account.empty()) account = "default";
    Json spec = {{"expirationSeconds", token.expiration_seconds},
                 {"boundObjectRef",
                  {{"apiVersion", "v1"},
                   {"kind", "Pod"},
                   {"name", string_at(*pod, {"metadata", "name"})},
                   {"uid", uid_of(*pod)}}}};
    if (!token.audience.empty()) spec["audiences"] = Json::array({token.audience});
    JsonApi api(client_, kServiceAccounts, string_at(*pod, {"metadata", "namespace"}));
    Result<Json> answer = co_await api.create(
        {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenRequest"}, {"spec", spec}}, account,
        "token");
    if (!answer) co_return fail(answer.error().while_doing("token of service account \"" + account + "\""));
    Result<> folder = make_folders(path.parent_path());
    if (!folder) co_return fail(folder);
    co_return write_file(path, string_at(*answer, {"status", "token"}), token.mode);
  }

  // Rewrites the file at 80 % of the token's life, as long as the pod is there.
  Task<> renew_token(std::string uid, std::shared_ptr<const Json> pod, TokenFile token, fs::path path) {
    Duration wait = std::chrono::seconds(token.expiration_seconds) * 4 / 5;
    while (true) {
      co_await sleep(loop_, wait);
      auto known = pods_.find(uid);
      if (known == pods_.end() || known->second.pod != pod) co_return;
      Result<> written = co_await write_token(pod, token, path);
      wait = written ? std::chrono::seconds(token.expiration_seconds) * 4 / 5 : Duration(30s);
      if (!written)
        options_.log.warn("token of a pod could not be renewed", {{"pod", uid}, {"error", written.error()}});
    }
  }

  Client& client_;
  Loop& loop_;
  const ProcessRuntimeOptions options_;
  const ImageStore images_;
  AddressCounter addresses_;
  const fs::path memory_folder_;
  HostLayout host_;
  std::map<std::string, Pod> pods_;
  std::vector<std::string> left_behind_;
  std::vector<HostName> names_;
  TaskGroup renewals_;
};

ProcessRuntime::ProcessRuntime(Client& client, ProcessRuntimeOptions options)
    : impl_(std::make_unique<Impl>(client, std::move(options))) {}
ProcessRuntime::~ProcessRuntime() = default;
Task<Result<>> ProcessRuntime::open() {
  return impl_->open();
}
Task<> ProcessRuntime::close() {
  return impl_->close();
}
Result<std::string> ProcessRuntime::assign_address(const Json& pod) {
  return impl_->assign_address(pod);
}
Task<Result<>> ProcessRuntime::prepare(std::shared_ptr<const Json> pod, std::string address) {
  return impl_->prepare(std::move(pod), std::move(address));
}
Task<Result<std::unique_ptr<RunningContainer>>> ProcessRuntime::start(StartContainer request) {
  return impl_->start(std::move(request));
}
Task<> ProcessRuntime::discard(std::string uid) {
  return impl_->discard(std::move(uid));
}
std::vector<std::string> ProcessRuntime::left_behind() const {
  return impl_->left_behind();
}
void ProcessRuntime::set_host_names(std::vector<HostName> names) {
  impl_->set_host_names(std::move(names));
}
std::shared_ptr<LogFile> ProcessRuntime::log(const std::string& uid, const std::string& container,
                                             bool previous) {
  return impl_->log(uid, container, previous);
}

}  // namespace kube
