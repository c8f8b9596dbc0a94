#include "cmd/local/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace cmd {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string home() {
  return variable("HOME").empty() ? "/root" : variable("HOME");
}

}  // namespace

StateFolder StateFolder::from_environment() {
  if (const std::string chosen = variable("SPARK_OPERATOR_LOCAL_DIR"); !chosen.empty())
    return StateFolder(chosen);
  const std::string state = variable("XDG_STATE_HOME");
  return StateFolder((state.empty() ? home() + "/.local/state" : state) + "/spark-operator/local");
}

Result<> StateFolder::create() const {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (!error) std::filesystem::permissions(path_, std::filesystem::perms::owner_all, error);
  if (error) return fail(ErrorKind::Io, "cannot make " + path_ + ": " + error.message());
  return {};
}

Result<> StateFolder::lock() const {
  const std::string file = path_ + "/lock";
  // Never closed: the lock is this process's for as long as it lives. Not inherited by the pods.
  const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail(ErrorKind::Io, "cannot open " + file + ": " + std::strerror(errno));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    close(fd);
    const auto pid = running();
    return fail(ErrorKind::Io, "a local cluster runs already (process " + (pid ? std::to_string(*pid) : "?") +
                                   "); `sparkctl local down` ends it");
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    return fail(ErrorKind::Io, "cannot write " + file + ": " + std::strerror(errno));
  }
  return {};
}

std::optional<pid_t> StateFolder::running() const {
  const std::string file = path_ + "/lock";
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  const bool held = flock(fd, LOCK_SH | LOCK_NB) != 0;
  close(fd);
  if (!held) return std::nullopt;
  std::ifstream in(file);
  pid_t pid = 0;
  if (!(in >> pid) || pid <= 1) return std::nullopt;
  return pid;
}

std::string images_folder() {
  if (const std::string chosen = variable("SPARK_OPERATOR_IMAGES"); !chosen.empty()) return chosen;
  const std::string cache = variable("XDG_CACHE_HOME");
  return (cache.empty() ? home() + "/.cache" : cache) + "/spark-operator/images";
}

}  // namespace cmd
