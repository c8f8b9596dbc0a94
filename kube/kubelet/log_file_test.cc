#include "kube/kubelet/log_file.h"

#include <catch2/catch.hpp>

#include "kube/async/sim_loop.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/kubelet/temporary_folder.h"

using namespace kube;

TEST_CASE("a log is read by its last lines, by time, by size, with or without times", "[log]") {
  TemporaryFolder folder = *TemporaryFolder::make("log");
  SimLoop loop;
  LogFile log(loop, folder.path() / "0.log", 1 << 20);
  log.append("one\ntw");
  log.append("o\n");
  loop.run_for(10s);
  const TimePoint middle = loop.now();
  log.append("three\nfour");
  CHECK(log.read({}) == "one\ntwo\nthree\n");
  log.close();
  CHECK(log.read({}) == "one\ntwo\nthree\nfour\n");
  CHECK(log.read({.tail_lines = 2}) == "three\nfour\n");
  CHECK(log.read({.tail_lines = 0}) == "");
  CHECK(log.read({.tail_lines = 99}) == "one\ntwo\nthree\nfour\n");
  CHECK(log.read({.since = middle}) == "three\nfour\n");
  CHECK(log.read({.limit_bytes = 5}) == "one\nt");
  CHECK(log.read({.tail_lines = 1, .timestamps = true}) == "2026-01-01T00:00:10.000000Z four\n");
}

TEST_CASE("a log stays within its bound and keeps the newest lines", "[log]") {
  TemporaryFolder folder = *TemporaryFolder::make("log");
  SimLoop loop;
  LogFile log(loop, folder.path() / "0.log", 4000);
  for (int i = 0; i < 500; ++i) log.append("line " + std::to_string(i) + "\n");
  const std::string kept = log.read({});
  CHECK(kept.ends_with("line 499\n"));
  CHECK(kept.find("line 0\n") == std::string::npos);
  std::uintmax_t size = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) size += entry.file_size();
  CHECK(size <= 4000);
  CHECK(size > 1000);
}

TEST_CASE("output without line ends is cut into pieces, nothing is lost", "[log]") {
  TemporaryFolder folder = *TemporaryFolder::make("log");
  SimLoop loop;
  LogFile log(loop, folder.path() / "0.log", 1 << 20);
  for (int i = 0; i < 10; ++i) log.append(std::string(5000, 'x'));
  log.close();
  const std::string text = log.read({});
  CHECK(std::count(text.begin(), text.end(), 'x') == 50000);
}

namespace {

Task<> follow_all(LogFile* log, std::string* seen, bool* ended) {
  LogFile::Cursor cursor = log->end();
  while (auto more = co_await log->follow(cursor, {})) *seen += *more;
  *ended = true;
}

}  // namespace

TEST_CASE("whoever follows a log sees each new line once, and its end", "[log]") {
  TemporaryFolder folder = *TemporaryFolder::make("log");
  SimLoop loop;
  LogFile log(loop, folder.path() / "0.log", 1 << 20);
  log.append("before\n");
  std::string seen;
  bool ended = false;
  TaskGroup tasks(loop);
  tasks.spawn("follow", follow_all(&log, &seen, &ended));
  loop.settle();
  log.append("a\n");
  loop.settle();
  CHECK(seen == "a\n");
  log.append("b\nc");
  log.close();
  loop.settle();
  CHECK(seen == "a\nb\nc\n");
  CHECK(ended);
}
