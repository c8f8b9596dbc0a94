// Log writes one constant sentence with named values; context is bound at the edge and travels with the call.
//
//   Log log = root.with("app", key.to_string()).with("reconcile", id);
//   log.info("state changed", {{"from", "SUBMITTED"}, {"to", "RUNNING"}, {"attempt", 2}});
//   // {"level":"INFO","ts":"2026-11-21T01:32:23.408Z","logger":"…","msg":"state changed","app":"ns/pi",…}
//
// Levels: error = a person must act; warn = we recovered; info = a state changed; debug = why.
// An error is logged once, where it is handled. No secret value may be passed in.
// Thread: any; copies share one sink. Lifetime: the sink lives as long as its last Log.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "kube/base/clock.h"
#include "kube/base/error.h"

namespace kube {

enum class LogLevel { Debug, Info, Warn, Error, Off };
enum class LogFormat { Console, Json };

std::string_view to_string(LogLevel level);  // "DEBUG", "INFO" …

using LogValue = std::variant<std::string, std::int64_t, double, bool>;

struct LogField {
  std::string key;
  LogValue value;

  LogField(std::string_view k, std::string_view v) : key(k), value(std::string(v)) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  LogField(std::string_view k, double v) : key(k), value(v) {}
  template <class Int>
    requires std::is_integral_v<Int>
  LogField(std::string_view k, Int v) : key(k), value(static_cast<std::int64_t>(v)) {}
  template <class Rep, class Period>
  LogField(std::string_view k, std::chrono::duration<Rep, Period> v)
      : key(k), value(to_go_duration(std::chrono::duration_cast<Duration>(v))) {}
  LogField(std::string_view k, const Error& e) : key(k), value(e.message()) {}
};

// Where lines go. Production: spdlog to stderr (kube/base/log.cc); tests keep them in memory.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(LogLevel level, std::string_view logger, std::string_view sentence,
                     const std::vector<LogField>& fields) = 0;
};

class Log {
 public:
  using Fields = std::initializer_list<LogField>;

  // A log that drops everything.
  Log() = default;
  explicit Log(std::shared_ptr<LogSink> sink, LogLevel threshold = LogLevel::Info);

  // Lines on stderr, stamped by `clock`.
  static Log to_stderr(LogLevel threshold, LogFormat format, std::shared_ptr<const Clock> clock);

  Log with(std::string_view key, LogValue value) const;
  Log with(std::string_view key, std::string_view value) const {
    return with(key, LogValue(std::string(value)));
  }
  Log with(std::string_view key, const std::string& value) const { return with(key, LogValue(value)); }
  Log with(std::string_view key, const char* value) const { return with(key, LogValue(std::string(value))); }
  Log named(std::string_view logger) const;  // "controller" → "controller.application"

  bool enabled(LogLevel level) const { return sink_ && level >= threshold_; }
  void debug(std::string_view sentence, Fields fields = {}) const {
    write(LogLevel::Debug, sentence, fields);
  }
  void info(std::string_view sentence, Fields fields = {}) const { write(LogLevel::Info, sentence, fields); }
  void warn(std::string_view sentence, Fields fields = {}) const { write(LogLevel::Warn, sentence, fields); }
  void error(std::string_view sentence, Fields fields = {}) const {
    write(LogLevel::Error, sentence, fields);
  }

 private:
  void write(LogLevel level, std::string_view sentence, Fields fields) const;

  std::shared_ptr<LogSink> sink_;
  LogLevel threshold_ = LogLevel::Off;
  std::string logger_;
  std::shared_ptr<const std::vector<LogField>> bound_;
};

// One line without its end, as to_stderr() writes it. Text that is not UTF-8 is replaced byte by byte.
std::string format_log_line(LogFormat format, LogLevel level, TimePoint time, std::string_view logger,
                            std::string_view sentence, const std::vector<LogField>& fields);

// Keeps lines for tests. Thread: one.
class RecordingSink final : public LogSink {
 public:
  struct Line {
    LogLevel level;
    std::string logger;
    std::string sentence;
    std::vector<LogField> fields;

    const LogValue* find(std::string_view key) const;  // null when absent
  };

  void write(LogLevel level, std::string_view logger, std::string_view sentence,
             const std::vector<LogField>& fields) override;
  bool contains(std::string_view sentence) const;

  std::vector<Line> lines;
};

}  // namespace kube
