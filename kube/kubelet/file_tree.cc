#include "kube/kubelet/file_tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "kube/base/unique_fd.h"

namespace kube {
namespace fs = std::filesystem;
namespace {

std::unexpected<Error> failed(std::string_view what, const fs::path& path, int error) {
  return fail(error == ENOENT ? ErrorKind::NotFound : ErrorKind::Io,
              std::string(what) + " " + path.string() + ": " + std::strerror(error));
}

void open_folders(const fs::path& path) {
  (void)::chmod(path.c_str(), 0700);
  std::error_code error;
  for (fs::directory_iterator entry(path, error); !error && entry != fs::end(entry); entry.increment(error)) {
    std::error_code ignored;
    if (fs::is_directory(entry->symlink_status(ignored))) open_folders(entry->path());
  }
}

}  // namespace

Result<> make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return failed("make folder", path, error.value());
  return {};
}

Result<> write_file(const fs::path& path, std::string_view content, unsigned mode) {
  const auto open_it = [&] { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode); };
  UniqueFd file(open_it());
  // A file of our own that is read-only: root would not have been asked.
  if (!file && errno == EACCES && ::chmod(path.c_str(), 0600) == 0) file = UniqueFd(open_it());
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
  if (error == std::errc::permission_denied) {
    // Folders of our own without rights (an overlay's work folder is one) keep all but root out.
    open_folders(path);
    fs::remove_all(path, error);
  }
  if (error && error.value() != ENOENT) return failed("remove", path, error.value());
  return {};
}

Result<> set_mode(const fs::path& path, unsigned mode) {
  if (chmod(path.c_str(), mode) != 0) return failed("set the mode of", path, errno);
  return {};
}

}  // namespace kube
