#include "kube/kubelet/container_root.h"

#include <sys/stat.h>
#include <unistd.h>

#include <system_error>

#include "kube/kubelet/file_tree.h"

namespace kube {
namespace fs = std::filesystem;

HostLayout read_host_layout() {
  HostLayout layout;
  for (const char* path : {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    if (error) continue;
    if (fs::is_symlink(status)) {
      fs::path to = fs::read_symlink(path, error);
      if (!error) layout.entries.push_back({path, to.string()});
    } else if (fs::is_directory(status)) {
      layout.entries.push_back({path, ""});
    }
  }
  return layout;
}

namespace {

bool is_ours(const fs::path& path) {
  struct stat what{};
  return ::stat(path.c_str(), &what) != 0 || what.st_uid == ::geteuid();
}

// An overlay's folder belongs to whom it belongs to in the upper layer: made there beforehand, all folders of
// a lower layer can be written to, whoever owns them there.
Result<> take_over_folders(const fs::path& lower, const fs::path& upper) {
  std::error_code error;
  auto entries =
      fs::recursive_directory_iterator(lower, fs::directory_options::skip_permission_denied, error);
  for (; !error && entries != fs::end(entries); entries.increment(error)) {
    std::error_code ignored;
    if (!fs::is_directory(entries->symlink_status(ignored))) continue;
    Result<> made = make_folders(upper / entries->path().lexically_relative(lower));
    if (!made) return made;
  }
  if (error) return fail(ErrorKind::Io, "read " + lower.string() + ": " + error.message());
  return {};
}

}  // namespace

Result<> prepare_container_root(const ContainerRoot& root) {
  for (const char* part : {"root", "opt-upper", "opt-work", "etc-upper", "etc-work", "empty"}) {
    Result<> made = make_folders(root.work_folder / part);
    if (!made) return made;
  }
  // Overlay options are separated by commas, layers by colons; neither may stand in a path.
  for (const fs::path& path : {root.work_folder, root.image_opt}) {
    if (path.string().find_first_of(",:\\") != std::string::npos) {
      return fail(ErrorKind::InvalidInput,
                  path.string() + ": a folder for overlay mounts may not have , : or \\ in its path");
    }
  }
  if (!root.image_opt.empty() && !is_ours(root.image_opt)) {
    Result<> taken = take_over_folders(root.image_opt, root.work_folder / "opt-upper");
    if (!taken) return taken;
  }
  // Start scripts add the user they run as, whoever that is, if images let the root group write.
  for (const char* file : {"passwd", "group"}) {
    Result<std::string> text = read_file(fs::path("/etc") / file);
    if (!text) continue;
    Result<> written = write_file(root.work_folder / "etc-upper" / file, *text, 0664);
    if (!written) return written;
  }
  if (!root.termination_log.empty()) return write_file(root.termination_log, "", 0666);
  return {};
}

void plan_container_root(const ContainerRoot& root, const HostLayout& host, LaunchPlan& plan) {
  plan.hostname(root.hostname);
  plan.root((root.work_folder / "root").string());
  for (const HostLayout::Entry& entry : host.entries) {
    if (entry.link_to.empty()) {
      plan.bind({.source = entry.path, .target = entry.path, .access = Access::ReadOnly});
    } else {
      plan.link(entry.link_to, entry.path);
    }
  }
  for (const char* folder : {"/root", "/home", "/run", "/var/log", "/var/lib", "/mnt", "/srv"})
    plan.directory(folder, 0755);
  plan.directory("/tmp", 01777).directory("/var/tmp", 01777);
  plan.link("/run", "/var/run");

  plan.mount("tmpfs", "/dev", "mode=0755");
  for (const char* device :
       {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}) {
    plan.bind({.source = device, .target = device, .presence = Presence::Optional});
  }
  plan.link("/proc/self/fd", "/dev/fd").link("/proc/self/fd/0", "/dev/stdin");
  plan.link("/proc/self/fd/1", "/dev/stdout").link("/proc/self/fd/2", "/dev/stderr");
  plan.mount("devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=0620").link("pts/ptmx", "/dev/ptmx");
  plan.mount("tmpfs", "/dev/shm", "mode=1777");
  plan.mount("proc", "/proc", "");
  plan.bind({.source = "/sys", .target = "/sys", .access = Access::ReadOnly});

  const char* options = root.user_attributes ? "userxattr" : "";
  auto layer = [&](const char* name) { return (root.work_folder / name).string(); };
  plan.overlay(root.image_opt.empty() ? layer("empty") : root.image_opt.string(), layer("opt-upper"),
               layer("opt-work"), "/opt", options);
  plan.overlay("/etc", layer("etc-upper"), layer("etc-work"), "/etc", options);
  if (!root.hosts_file.empty()) plan.bind({.source = root.hosts_file.string(), .target = "/etc/hosts"});
  if (!root.termination_log.empty()) {
    plan.bind({.source = root.termination_log.string(), .target = root.termination_path});
  }
  for (const std::string& folder : root.host_folders) {
    plan.bind(
        {.source = folder, .target = folder, .access = Access::ReadOnly, .presence = Presence::Optional});
  }
}

}  // namespace kube
