#include "cmd/ctl/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kube/core/yaml.h"

namespace ctl {

using kube::Json;
using namespace std::chrono_literals;

namespace {

// Characters, not bytes: what begins with bits 10 goes on with a character.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string on_one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  std::ranges::replace(text, '\r', ' ');
  std::ranges::replace(text, '\t', ' ');
  return text;
}

}  // namespace

std::string coloured(std::string_view text, Colour colour, bool colours) {
  static constexpr std::array<std::string_view, 6> kCodes{"", "32", "31", "33", "2", "1"};
  if (!colours || colour == Colour::None || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<std::size_t>(colour)], text);
}

std::string Table::text(bool colours) const {
  std::vector<std::size_t> widths;
  for (const std::string& name : header_) widths.push_back(width_of(name));
  std::vector<std::vector<Cell>> rows = rows_;
  for (std::vector<Cell>& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i].text = on_one_line(std::move(row[i].text));
      widths[i] = std::max(widths[i], width_of(row[i].text));
    }
  }
  std::string out;
  const auto line = [&](const std::vector<Cell>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      out += coloured(cells[i].text, cells[i].colour, colours);
      if (i + 1 < cells.size()) out.append(widths[i] - width_of(cells[i].text) + 3, ' ');
    }
    out += "\n";
  };
  std::vector<Cell> header;
  for (const std::string& name : header_) header.push_back({name, Colour::None});
  line(header);
  for (const std::vector<Cell>& row : rows) line(row);
  return out;
}

Colour colour_of_state(std::string_view state) {
  static constexpr std::array<std::string_view, 6> kGood{"RUNNING", "COMPLETED", "SUCCEEDING",
                                                         "Running", "Succeeded", "Scheduled"};
  static constexpr std::array<std::string_view, 6> kBad{"FAILED", "SUBMISSION_FAILED", "FAILING", "UNKNOWN",
                                                        "Failed", "FailedValidation"};
  if (std::ranges::find(kGood, state) != kGood.end()) return Colour::Good;
  if (std::ranges::find(kBad, state) != kBad.end()) return Colour::Bad;
  return Colour::Waiting;
}

std::string short_duration(kube::Duration duration) {
  using std::chrono::duration_cast;
  const auto seconds = duration_cast<std::chrono::seconds>(duration).count();
  if (seconds <= 0) return "0s";
  const auto minutes = seconds / 60, hours = minutes / 60, days = hours / 24, years = days / 365;
  const auto both = [](auto large, const char* unit, auto small, const char* rest) {
    return small == 0 ? fmt::format("{}{}", large, unit) : fmt::format("{}{}{}{}", large, unit, small, rest);
  };
  if (seconds < 120) return fmt::format("{}s", seconds);
  if (minutes < 10) return both(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return fmt::format("{}m", minutes);
  if (hours < 8) return both(hours, "h", minutes % 60, "m");
  if (hours < 48) return fmt::format("{}h", hours);
  if (days < 8) return both(days, "d", hours % 24, "h");
  if (days < 730) return fmt::format("{}d", days);
  if (years < 8) return both(years, "y", days % 365, "d");
  return fmt::format("{}y", years);
}

std::string age_of(std::string_view time, kube::TimePoint now) {
  if (time.empty()) return "N.A.";
  const auto at = kube::parse_rfc3339(time);
  return at ? short_duration(now - *at) : "N.A.";
}

std::string as_text(const Json& object, std::string_view format) {
  return format == "json" ? kube::dump_json(object, 2) + "\n" : kube::to_yaml(object);
}

Json list_of(std::vector<Json> items) {
  return {{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}};
}

Json without_managed_fields(Json object) {
  if (auto metadata = object.find("metadata"); metadata != object.end() && metadata->is_object())
    metadata->erase("managedFields");
  return object;
}

}  // namespace ctl
