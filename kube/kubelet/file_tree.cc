#include "kube/kubelet/file_tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "kube/kubelet/unique_fd.h"

namespace kube {
namespace fs = std::filesystem;
namespace {

std::unexpected<Error> failed(std::string_view what, const fs::path& path, int error) {
  return fail(error == ENOENT ? ErrorKind::NotFound : ErrorKind::Io,
              std::string(what) + " " + path.string() + ": " + std::strerror(error));
}

}  // namespace

Result<> make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return failed("make folder", path, error.value());
  return {};
}

Result<> write_file(const fs::path& path, std::string_view content, unsigned mode) {
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!file) return failed("write", path, errno);
  while (!content.empty()) {
    const ssize_t n = ::write(file.get(), content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  if (fchmod(file.get(), mode) != 0) return failed("set the mode of", path, errno);
  return {};
}

Result<std::string> read_file(const fs::path& path, std::size_t limit) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return failed("read", path, errno);
  std::string content;
  char buffer[16384];
  while (true) {
    const ssize_t n = ::read(file.get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read", path, errno);
    if (n == 0) return content;
    if (content.size() + static_cast<std::size_t>(n) > limit) {
      return fail(ErrorKind::RequestTooLarge,
                  "read " + path.string() + ": more than " + std::to_string(limit) + " bytes");
    }
    content.append(buffer, static_cast<std::size_t>(n));
  }
}

Result<> remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error && error.value() != ENOENT) return failed("remove", path, error.value());
  return {};
}

Result<> set_mode(const fs::path& path, unsigned mode) {
  if (chmod(path.c_str(), mode) != 0) return failed("set the mode of", path, errno);
  return {};
}

}  // namespace kube
