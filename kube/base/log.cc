#include "kube/base/log.h"

#include <fmt/format.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cmath>

namespace kube {

namespace {

// Length of the valid UTF-8 sequence at the start of `text`, 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  std::size_t length = first < 0x80   ? 1
                       : first < 0xc2 ? 0
                       : first < 0xe0 ? 2
                       : first < 0xf0 ? 3
                       : first < 0xf5 ? 4
                                      : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f)) return 0;
  if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f)) return 0;
  return length;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      out += "\\ufffd";  // a broken byte must not make the whole line unreadable to log collectors
      text.remove_prefix(1);
      continue;
    }
    const char c = text.front();
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  out += '"';
}

void append_value(std::string& out, const LogValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    append_quoted(out, *text);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    out += std::to_string(*integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    if (std::isfinite(*number)) {
      out += fmt::format("{}", *number);
    } else {
      append_quoted(out, fmt::format("{}", *number));
    }
  } else {
    out += std::get<bool>(value) ? "true" : "false";
  }
}

void append_field(std::string& out, std::string_view key, const LogValue& value) {
  append_quoted(out, key);
  out += ':';
  append_value(out, value);
}

class StderrSink final : public LogSink {
 public:
  StderrSink(LogFormat format, std::shared_ptr<const Clock> clock)
      : format_(format), clock_(std::move(clock)) {
    sink_.set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
  }

  void write(LogLevel level, std::string_view logger, std::string_view sentence,
             const std::vector<LogField>& fields) override {
    const std::string line = format_log_line(format_, level, clock_->now(), logger, sentence, fields);
    sink_.log(spdlog::details::log_msg("", spdlog::level::info, line));
    sink_.flush();
  }

 private:
  LogFormat format_;
  std::shared_ptr<const Clock> clock_;
  spdlog::sinks::stderr_sink_mt sink_;
};

}  // namespace

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return "DEBUG";
    case LogLevel::Info:
      return "INFO";
    case LogLevel::Warn:
      return "WARN";
    case LogLevel::Error:
      return "ERROR";
    case LogLevel::Off:
      return "OFF";
  }
  return "OFF";
}

std::string format_log_line(LogFormat format, LogLevel level, TimePoint time, std::string_view logger,
                            std::string_view sentence, const std::vector<LogField>& fields) {
  std::string line;
  if (format == LogFormat::Json) {
    line = "{";
    append_field(line, "level", std::string(to_string(level)));
    line += ',';
    append_field(line, "ts", to_rfc3339_milli(time));
    if (!logger.empty()) {
      line += ',';
      append_field(line, "logger", std::string(logger));
    }
    line += ',';
    append_field(line, "msg", std::string(sentence));
    for (const LogField& field : fields) {
      line += ',';
      append_field(line, field.key, field.value);
    }
    return line + "}";
  }
  line = fmt::format("{}\t{}\t", to_rfc3339_milli(time), to_string(level));
  if (!logger.empty()) line += fmt::format("{}\t", logger);
  line += sentence;
  if (fields.empty()) return line;
  line += "\t{";
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += ", ";
    append_quoted(line, fields[i].key);
    line += ": ";
    append_value(line, fields[i].value);
  }
  return line + "}";
}

Log::Log(std::shared_ptr<LogSink> sink, LogLevel threshold) : sink_(std::move(sink)), threshold_(threshold) {}

Log Log::to_stderr(LogLevel threshold, LogFormat format, std::shared_ptr<const Clock> clock) {
  return Log(std::make_shared<StderrSink>(format, std::move(clock)), threshold);
}

Log Log::with(std::string_view key, LogValue value) const {
  if (!sink_) return *this;
  auto fields =
      bound_ ? std::make_shared<std::vector<LogField>>(*bound_) : std::make_shared<std::vector<LogField>>();
  // The inner meaning of a key replaces the outer one: a JSON line with a key twice is read differently by
  // everyone.
  std::erase_if(*fields, [&](const LogField& field) { return field.key == key; });
  LogField field(key, std::string_view());
  field.value = std::move(value);
  fields->push_back(std::move(field));
  Log bound = *this;
  bound.bound_ = std::move(fields);
  return bound;
}

Log Log::named(std::string_view logger) const {
  Log named = *this;
  if (!named.logger_.empty()) named.logger_ += '.';
  named.logger_ += logger;
  return named;
}

void Log::write(LogLevel level, std::string_view sentence, Fields fields) const {
  if (!enabled(level)) return;
  std::vector<LogField> all;
  if (bound_) {
    for (const LogField& field : *bound_) {
      bool replaced = false;
      for (const LogField& own : fields) replaced = replaced || own.key == field.key;
      if (!replaced) all.push_back(field);
    }
  }
  all.insert(all.end(), fields.begin(), fields.end());
  sink_->write(level, logger_, sentence, all);
}

void RecordingSink::write(LogLevel level, std::string_view logger, std::string_view sentence,
                          const std::vector<LogField>& fields) {
  lines.push_back({level, std::string(logger), std::string(sentence), fields});
}

const LogValue* RecordingSink::Line::find(std::string_view key) const {
  for (const LogField& field : fields)
    if (field.key == key) return &field.value;
  return nullptr;
}

bool RecordingSink::contains(std::string_view sentence) const {
  for (const Line& line : lines)
    if (line.sentence == sentence) return true;
  return false;
}

}  // namespace kube
