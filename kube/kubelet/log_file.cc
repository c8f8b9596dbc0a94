#include "kube/kubelet/log_file.h"

#include <fcntl.h>

#include <filesystem>
#include <system_error>

#include "kube/base/unique_fd.h"
#include "kube/kubelet/file_tree.h"

namespace kube {
namespace {

// A program that writes without line ends must not make the kubelet hold all of it.
constexpr std::size_t kLongestLine = 16384;

}  // namespace

LogFile::LogFile(Loop& loop, std::filesystem::path file, std::size_t limit)
    : loop_(loop),
      file_(std::move(file)),
      older_(file_.string() + ".older"),
      half_(std::max<std::size_t>(limit / 2, 1)),
      changed_(loop) {
  (void)make_folders(file_.parent_path());
  (void)write_file(file_, "", 0644);
}

void LogFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos && partial_.size() + bytes.size() < kLongestLine) {
      partial_ += bytes;
      break;
    }
    const std::size_t take = std::min(end, kLongestLine - partial_.size());
    const bool whole = end != std::string_view::npos && take == end;
    partial_ += bytes.substr(0, take);
    bytes.remove_prefix(whole ? take + 1 : take);
    write_line(partial_);
    partial_.clear();
  }
  changed_.wake_all();
}

void LogFile::write_line(std::string_view line) {
  const std::string stamped = to_rfc3339_micro(loop_.now()) + " " + std::string(line) + "\n";
  if (written_ - current_start_ + stamped.size() > half_ && written_ != current_start_) rotate();
  UniqueFd file(::open(file_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  // A full disk loses log lines; the container goes on.
  if (file && ::write(file.get(), stamped.data(), stamped.size()) == static_cast<ssize_t>(stamped.size())) {
    written_ += stamped.size();
  }
}

void LogFile::rotate() {
  std::error_code ignored;
  std::filesystem::rename(file_, older_, ignored);
  (void)write_file(file_, "", 0644);
  older_start_ = current_start_;
  current_start_ = written_;
}

void LogFile::close() {
  if (closed_) return;
  if (!partial_.empty()) write_line(partial_);
  partial_.clear();
  closed_ = true;
  changed_.wake_all();
}

std::string LogFile::stored() const {
  std::string out;
  if (Result<std::string> older = read_file(older_); older) out = std::move(*older);
  if (Result<std::string> current = read_file(file_); current) out += *current;
  return out;
}

std::string LogFile::read(const LogOptions& options) const {
  return present_log(stored(), options);
}

std::string LogFile::tail(std::size_t bytes, std::int64_t lines) const {
  std::string text = present_log(stored(), {.tail_lines = lines});
  if (text.size() > bytes) text.erase(0, text.size() - bytes);
  return text;
}

Task<std::optional<std::string>> LogFile::follow(Cursor& cursor, LogOptions options) {
  options.tail_lines.reset();
  options.limit_bytes.reset();
  while (true) {
    if (cursor < written_) {
      const std::string all = stored();
      const std::uint64_t start = written_ - std::min<std::uint64_t>(written_, all.size());
      // A reader slower than the writer loses the lines that were overwritten.
      const std::uint64_t from = std::max(cursor, start);
      cursor = written_;
      co_return present_log(std::string_view(all).substr(static_cast<std::size_t>(from - start)), options);
    }
    if (closed_) co_return std::nullopt;
    co_await changed_.wait();
  }
}

std::string present_log(std::string_view stored, const LogOptions& options) {
  if (options.tail_lines) {
    std::int64_t wanted = *options.tail_lines;
    std::size_t from = stored.size();
    while (wanted > 0 && from > 0) {
      const std::size_t before = from >= 2 ? stored.rfind('\n', from - 2) : std::string_view::npos;
      from = before == std::string_view::npos ? 0 : before + 1;
      --wanted;
    }
    stored.remove_prefix(from);
  }
  std::string out;
  while (!stored.empty()) {
    const std::size_t end = stored.find('\n');
    const std::string_view line = stored.substr(0, end);
    stored.remove_prefix(end == std::string_view::npos ? stored.size() : end + 1);
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    if (options.since) {
      Result<TimePoint> time = parse_rfc3339(line.substr(0, space));
      if (time && *time < *options.since) continue;
    }
    out += options.timestamps ? line : line.substr(space + 1);
    out += '\n';
    if (options.limit_bytes && static_cast<std::int64_t>(out.size()) >= *options.limit_bytes) {
      out.resize(static_cast<std::size_t>(std::max<std::int64_t>(*options.limit_bytes, 0)));
      break;
    }
  }
  return out;
}

}  // namespace kube
