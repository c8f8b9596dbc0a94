#include "controller/application/driver_log.h"

#include <algorithm>
#include <vector>

#include "api/constants.h"
#include "controller/application/failure_reason.h"

namespace controller {

namespace {

// A stack trace with causes fits into it; a node that is about to die does not hold us up.
constexpr const char* kTailLines = "200";
constexpr const char* kLimitBytes = "65536";
constexpr kube::Duration kDeadline = std::chrono::seconds(3);

constexpr std::size_t kLineLimit = 512;
constexpr std::size_t kLinesWithoutError = 3;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    if (!line.empty()) lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string line(std::string_view text) {
  return shortened(std::string(text), kLineLimit);
}

// The line behind a Python stack, whose frames are indented.
std::size_t exception_of(const std::vector<std::string_view>& lines, std::size_t traceback) {
  for (std::size_t i = traceback + 1; i < lines.size(); ++i) {
    if (!lines[i].starts_with(' ') && !lines[i].starts_with('\t')) return i;
  }
  return lines.size();
}

}  // namespace

std::string last_words(std::string_view log) {
  const std::vector<std::string_view> lines = lines_of(log);
  std::size_t headline = lines.size();
  std::size_t error = lines.size();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].starts_with("Traceback (most recent call last)")) {
      if (const std::size_t end = exception_of(lines, i); end < lines.size()) headline = end;
    } else if (lines[i].starts_with("Exception in thread ")) {
      headline = i;
    } else if (lines[i].find(" ERROR ") != std::string_view::npos) {
      error = i;
    }
  }
  if (headline == lines.size()) headline = error;
  if (headline == lines.size()) {
    std::string words;
    for (std::size_t i = lines.size() - std::min(lines.size(), kLinesWithoutError); i < lines.size(); ++i)
      words.append(words.empty() ? "" : " | ").append(line(lines[i]));
    return words;
  }
  std::string words = line(lines[headline]);
  // What a Java exception says in Python comes on the next line, behind a colon.
  if (headline + 1 < lines.size() && lines[headline + 1].starts_with(": "))
    words.append(line(lines[headline + 1]));
  for (std::size_t i = lines.size(); i > headline + 1; --i) {
    if (!lines[i - 1].starts_with("Caused by: ")) continue;
    words.append("; ").append(line(lines[i - 1]));
    break;
  }
  return words;
}

kube::Task<std::string> DriverLog::last_words(kube::ObjectKey pod) {
  kube::JsonApi pods(client_, kube::kPods, pod.ns);
  pods.with_deadline(kDeadline);
  auto log = co_await pods.log(
      pod.name,
      {{"container", api::container::kDriver}, {"tailLines", kTailLines}, {"limitBytes", kLimitBytes}});
  if (!log) co_return std::string();
  co_return controller::last_words(*log);
}

}  // namespace controller
