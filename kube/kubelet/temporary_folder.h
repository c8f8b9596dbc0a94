// TemporaryFolder is a folder of a test's own, gone with the value.
//
//   TemporaryFolder folder = *TemporaryFolder::make("volumes");
//   write_file(folder.path() / "a", "1", 0644);
//
// Thread: one owner.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <utility>

#include "kube/kubelet/file_tree.h"

namespace kube {

class TemporaryFolder {
 public:
  // Error: Io.
  static Result<TemporaryFolder> make(const std::string& name) {
    std::string pattern = (std::filesystem::temp_directory_path() / (name + ".XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) return fail(ErrorKind::Io, "make " + pattern);
    return TemporaryFolder(pattern);
  }
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder() {
    if (!path_.empty()) (void)remove_tree(path_);
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace kube
