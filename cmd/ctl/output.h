// What commands print: tables for people, JSON and YAML for machines.
//
//   Table table({"NAME", "STATE", "AGE"});
//   table.add({{"pi"}, {"RUNNING", Colour::Good}, {"3m12s"}});
//   session.print(table.text(colours));
//   print_objects(session, "json", list);
//
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/base/clock.h"
#include "kube/core/json.h"

namespace ctl {

class Session;

enum class Colour { None, Good, Bad, Waiting, Faint, Bold };
std::string coloured(std::string_view text, Colour colour, bool colours);

struct Cell {
  std::string text;
  Colour colour = Colour::None;
};

class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  // Columns three blanks apart, as kubectl's. Line ends inside of a cell become blanks.
  std::string text(bool colours) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<Cell>> rows_;
};

// What a state of an application or pod looks like.
Colour colour_of_state(std::string_view state);

// kubectl's short durations: "45s", "3m12s", "5h", "2d", "1y20d".
std::string short_duration(kube::Duration duration);
// Since an RFC 3339 time; "N.A." for none or one that cannot be read.
std::string age_of(std::string_view time, kube::TimePoint now);

// "json" or "yaml".
std::string as_text(const kube::Json& object, std::string_view format);
// A v1 List of items, as kubectl prints several objects.
kube::Json list_of(std::vector<kube::Json> items);
// metadata.managedFields is nobody's business here.
kube::Json without_managed_fields(kube::Json object);

}  // namespace ctl
