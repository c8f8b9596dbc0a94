// StateFolder is where `sparkctl local` keeps what belongs to one embedded cluster: kubeconfig, log, lock,
// pods.
//
//   StateFolder folder = StateFolder::from_environment();     // $SPARK_OPERATOR_LOCAL_DIR, else
//                                                             //
//                                                             ${XDG_STATE_HOME:-~/.local/state}/spark-operator/local
//   folder.running()                                          // pid of the process that holds the lock
//
// The lock is the kernel's (flock): it ends with the process, however that ended, so a stale file means
// nothing. Thread: any; blocking file operations.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "kube/base/result.h"

namespace cmd {

class StateFolder {
 public:
  static StateFolder from_environment();
  explicit StateFolder(std::string path) : path_(std::move(path)) {}

  // Makes the folder, readable by its owner only. Error Io.
  kube::Result<> create() const;
  // Takes the lock for the life of this process. Error Io: another process holds it (its pid is in the
  // message).
  kube::Result<> lock() const;
  std::optional<pid_t> running() const;

  const std::string& path() const { return path_; }
  std::string kubeconfig() const { return path_ + "/kubeconfig"; }
  std::string log() const { return path_ + "/log"; }
  std::string pods() const { return path_ + "/pods"; }

 private:
  std::string path_;
};

// $SPARK_OPERATOR_IMAGES, else ${XDG_CACHE_HOME:-~/.cache}/spark-operator/images.
std::string images_folder();

}  // namespace cmd
