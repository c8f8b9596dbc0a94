#include "test/sim/crash_case.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace sim {

namespace {

struct Word {
  StartedBy value;
  std::string_view name;
};
constexpr std::array kStartedBy{Word{StartedBy::Native, "native"},
                                Word{StartedBy::SparkSubmit, "spark-submit"}, Word{StartedBy::Rest, "rest"}};

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(at);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::string CrashCase::to_string() const {
  const auto* by = std::ranges::find(kStartedBy, started_by, &Word::value);
  std::string text = story + "/" + std::string(by->name) + (lease ? "/lease" : "/alone") + "/";
  for (std::size_t i = 0; i < kills.size(); ++i) {
    text += (i == 0 ? "" : "+") + std::to_string(kills[i].write) + (kills[i].after ? "after" : "before");
  }
  return kills.empty() ? text + "none" : text;
}

std::optional<CrashCase> CrashCase::parse(const std::string& text) {
  const std::vector<std::string> parts = split(text, '/');
  if (parts.size() != 4) return std::nullopt;
  const auto* by = std::ranges::find(kStartedBy, parts[1], &Word::name);
  if (by == kStartedBy.end()) return std::nullopt;
  CrashCase parsed{parts[0], by->value, parts[2] == "lease", {}};
  if (!parsed.lease && parts[2] != "alone") return std::nullopt;
  if (parts[3] == "none") return parsed;
  for (const std::string& word : split(parts[3], '+')) {
    Kill kill;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), kill.write);
    const std::string_view when(end, static_cast<std::size_t>(word.data() + word.size() - end));
    kill.after = when == "after";
    if (error != std::errc() || (!kill.after && when != "before")) return std::nullopt;
    parsed.kills.push_back(kill);
  }
  return parsed;
}

}  // namespace sim
