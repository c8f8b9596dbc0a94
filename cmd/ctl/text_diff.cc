#include "cmd/ctl/text_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace ctl {

namespace {

constexpr std::size_t kContext = 3;
constexpr std::size_t kMostWork = 4'000'000;

struct Line {
  char sign;  // ' ', '-', '+'
  std::string_view text;
};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// The longest common subsequence of what lies between equal ends.
void compare(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b,
             std::vector<Line>& out) {
  const std::size_t rows = a.size(), columns = b.size();
  if (rows * columns > kMostWork) {
    for (const std::string_view line : a) out.push_back({'-', line});
    for (const std::string_view line : b) out.push_back({'+', line});
    return;
  }
  std::vector<std::vector<std::uint32_t>> longest(rows + 1, std::vector<std::uint32_t>(columns + 1, 0));
  for (std::size_t i = rows; i-- > 0;)
    for (std::size_t j = columns; j-- > 0;)
      longest[i][j] =
          a[i] == b[j] ? longest[i + 1][j + 1] + 1 : std::max(longest[i + 1][j], longest[i][j + 1]);
  std::size_t i = 0, j = 0;
  while (i < rows || j < columns) {
    if (i < rows && j < columns && a[i] == b[j]) {
      out.push_back({' ', a[i]});
      ++i, ++j;
    } else if (i < rows && (j == columns || longest[i + 1][j] >= longest[i][j + 1])) {
      out.push_back({'-', a[i++]});
    } else {
      out.push_back({'+', b[j++]});
    }
  }
}

}  // namespace

std::string unified_diff(std::string_view before_name, std::string_view before, std::string_view after_name,
                         std::string_view after) {
  if (before == after) return "";
  std::vector<std::string_view> a = lines_of(before), b = lines_of(after);
  std::size_t head = 0, tail = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) ++head;
  while (tail + head < a.size() && tail + head < b.size() && a[a.size() - 1 - tail] == b[b.size() - 1 - tail])
    ++tail;
  std::vector<Line> lines;
  for (std::size_t i = 0; i < head; ++i) lines.push_back({' ', a[i]});
  const auto middle = [&](const std::vector<std::string_view>& text) {
    return std::vector<std::string_view>(text.begin() + static_cast<std::ptrdiff_t>(head),
                                         text.end() - static_cast<std::ptrdiff_t>(tail));
  };
  compare(middle(a), middle(b), lines);
  for (std::size_t i = a.size() - tail; i < a.size(); ++i) lines.push_back({' ', a[i]});

  std::string out = fmt::format("--- {}\n+++ {}\n", before_name, after_name);
  std::size_t old_line = 1, new_line = 1;
  for (std::size_t at = 0; at < lines.size();) {
    // A hunk: changes with no more than two contexts between them.
    std::size_t first = at;
    while (first < lines.size() && lines[first].sign == ' ') ++first;
    if (first == lines.size()) break;
    std::size_t last = first;
    for (std::size_t i = first; i < lines.size() && i <= last + 2 * kContext; ++i)
      if (lines[i].sign != ' ') last = i;
    const std::size_t begin = std::max(at, first < kContext ? 0 : first - kContext);
    const std::size_t end = std::min(lines.size(), last + 1 + kContext);
    for (; at < begin; ++at) ++old_line, ++new_line;
    std::string body;
    std::size_t old_count = 0, new_count = 0;
    for (; at < end; ++at) {
      old_count += lines[at].sign != '+';
      new_count += lines[at].sign != '-';
      body += lines[at].sign;
      body += lines[at].text;
      body += "\n";
    }
    out += fmt::format("@@ -{},{} +{},{} @@\n", old_line - (old_count == 0 ? 1 : 0), old_count,
                       new_line - (new_count == 0 ? 1 : 0), new_count);
    out += body;
    old_line += old_count;
    new_line += new_count;
  }
  return out;
}

}  // namespace ctl
