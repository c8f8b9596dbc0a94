// Trace is what a world did, line by line: the last lines for whoever looks into a violation, and a hash of
// all of them, by which two runs of one seed are compared.
//
//   Trace trace(loop, Trace::Print::No);
//   trace.add("request", "operator-0 PATCH … → 200");
//   trace.hash();                       // equal for equal runs
//   trace.tail(60)                      // the last lines, each with its simulated time
//
// Thread: one.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "kube/async/loop.h"
#include "kube/base/log.h"

namespace sim {

class Trace {
 public:
  enum class Print { No, Yes };  // Yes: every line goes to stderr as it comes
  Trace(kube::Loop& loop, Print print) : loop_(loop), print_(print) {}

  void add(std::string_view what, std::string_view text);
  std::uint64_t hash() const { return hash_; }
  std::string tail() const;
  std::size_t lines() const { return count_; }
  bool prints() const { return print_ == Print::Yes; }

 private:
  static constexpr std::size_t kKept = 60;

  kube::Loop& loop_;
  const Print print_;
  std::deque<std::string> last_;
  std::uint64_t hash_ = 0xcbf29ce484222325;
  std::size_t count_ = 0;
};

// Log lines of the operators become lines of the trace.
class TraceSink final : public kube::LogSink {
 public:
  TraceSink(Trace& trace, std::string who) : trace_(trace), who_(std::move(who)) {}
  void write(kube::LogLevel level, std::string_view logger, std::string_view sentence,
             const std::vector<kube::LogField>& fields) override;
  // A task or reconcile of the operator ended by an exception: always a bug.
  bool escaped_exception() const { return escaped_; }

 private:
  Trace& trace_;
  const std::string who_;
  bool escaped_ = false;
};

}  // namespace sim
