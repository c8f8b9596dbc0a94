// Small file operations whose failures are values that name the path.
//
//   Result<> made = make_folders(pod / "volumes");
//   Result<> written = write_file(file, content, 0644);   // replaces the content in place: the inode stays
//   Result<> gone = remove_tree(pod);                     // missing is fine
//
// Blocking, but on small local files. Thread: any.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "kube/base/result.h"

namespace kube {

Result<> make_folders(const std::filesystem::path& path);
// Also sets the mode of a file that was there. In place, because a file that is bind-mounted elsewhere is its
// inode.
Result<> write_file(const std::filesystem::path& path, std::string_view content, unsigned mode);
// Error NotFound when there is no such file, Io for the rest; RequestTooLarge over `limit`.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit = std::size_t{64} << 20);
// `path` must have no mounts below it.
Result<> remove_tree(const std::filesystem::path& path);
Result<> set_mode(const std::filesystem::path& path, unsigned mode);

}  // namespace kube
