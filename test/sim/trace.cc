#include "test/sim/trace.h"

#include <cstdio>

#include <fmt/format.h>

namespace sim {

void Trace::add(std::string_view what, std::string_view text) {
  const double seconds = std::chrono::duration<double>(loop_.steady().time_since_epoch()).count();
  std::string line = fmt::format("{:11.4f}  {:8} {}", seconds, what, text);
  for (const char c : line) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  ++count_;
  if (print_ == Print::Yes) std::fprintf(stderr, "%s\n", line.c_str());
  last_.push_back(std::move(line));
  if (last_.size() > kKept) last_.pop_front();
}

std::string Trace::tail() const {
  std::string text;
  for (const std::string& line : last_) text += line + "\n";
  return text;
}

void TraceSink::write(kube::LogLevel level, std::string_view, std::string_view sentence,
                      const std::vector<kube::LogField>& fields) {
  std::string text = fmt::format("{} {} {}", who_, kube::to_string(level), sentence);
  for (const kube::LogField& field : fields) {
    if (field.key == "reconcileID" || field.key == "controller") continue;
    text += " " + field.key + "=";
    std::visit(
        [&](const auto& value) {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>)
            text += value;
          else
            text += fmt::format("{}", value);
        },
        field.value);
  }
  if (sentence.find("exception") != std::string_view::npos) escaped_ = true;
  for (const kube::LogField& field : fields) escaped_ |= field.key == "exception" || field.key == "panic";
  trace_.add("log", text);
}

}  // namespace sim
