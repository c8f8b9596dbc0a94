// LogFile keeps what a container writes, line by line with the time, in a bounded part of the disk.
//
//   LogFile log(loop, folder / "0.log", 10 << 20);
//   log.append(bytes);                                   // as they come from the pipe
//   std::string text = log.read({.tail_lines = 20});
//   LogFile::Cursor cursor = log.end();
//   while (auto more = co_await log.follow(cursor, options)) …   // nullopt: it has ended, and all is read
//
// Two files of half the bound each: when the current one is full it replaces the older. A last line without
// an end is kept when the container ends; an overlong one is cut into pieces. Thread: the loop's only. The
// log may be read as long as somebody holds it, also after close().
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "kube/async/wait_list.h"

namespace kube {

// As the query of a pod's log names them.
struct LogOptions {
  std::optional<std::int64_t> tail_lines = {};
  std::optional<std::int64_t> limit_bytes = {};
  std::optional<TimePoint> since = {};
  bool timestamps = false;
};

class LogFile {
 public:
  LogFile(Loop& loop, std::filesystem::path file, std::size_t limit);

  void append(std::string_view bytes);
  // Nothing more will come.
  void close();
  bool closed() const { return closed_; }

  // The kept lines that the options ask for.
  std::string read(const LogOptions& options) const;
  // The last lines, at most `bytes`: what a termination message falls back to.
  std::string tail(std::size_t bytes, std::int64_t lines) const;

  using Cursor = std::uint64_t;
  Cursor end() const { return written_; }
  // What was written since `cursor`, which moves on; waits until there is something. nullopt at the end.
  Task<std::optional<std::string>> follow(Cursor& cursor, LogOptions options);

 private:
  void write_line(std::string_view line);
  void rotate();
  std::string stored() const;

  Loop& loop_;
  const std::filesystem::path file_, older_;
  const std::size_t half_;
  std::string partial_;
  std::uint64_t written_ = 0;        // bytes of lines ever written
  std::uint64_t current_start_ = 0;  // where the current file begins in them
  std::uint64_t older_start_ = 0;
  bool closed_ = false;
  WaitList changed_;
};

// "2026-…Z text" → "text", for the lines at or after `since`.
std::string present_log(std::string_view stored, const LogOptions& options);

}  // namespace kube
