#include "kube/apiserver/strict_json.h"

#include <set>

#include "kube/core/json.h"

namespace kube::apiserver {

namespace {

// An object or array that is being read, and where in it the reader is.
struct Level {
  bool array = false;
  std::size_t index = 0;
  std::string member;
  std::set<std::string> members;
};

std::string path_of(const std::vector<Level>& levels) {
  std::string path;
  for (const Level& level : levels) {
    if (level.array)
      path += "[" + std::to_string(level.index) + "]";
    else
      path += (path.empty() ? "" : ".") + level.member;
  }
  return path;
}

}  // namespace

std::vector<std::string> duplicate_members(std::string_view json) {
  std::vector<std::string> found;
  std::vector<Level> levels;
  auto next = [&] {
    if (!levels.empty() && levels.back().array) ++levels.back().index;
  };
  auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    switch (event) {
      case Json::parse_event_t::object_start:
      case Json::parse_event_t::array_start:
        levels.emplace_back().array = event == Json::parse_event_t::array_start;
        break;
      case Json::parse_event_t::object_end:
      case Json::parse_event_t::array_end:
        levels.pop_back();
        next();
        break;
      case Json::parse_event_t::key:
        levels.back().member = parsed.get<std::string>();
        if (!levels.back().members.insert(levels.back().member).second) found.push_back(path_of(levels));
        break;
      case Json::parse_event_t::value:
        next();
        break;
    }
    return true;
  };
  const bool whole = !Json::parse(json, watch, false).is_discarded();
  return whole ? found : std::vector<std::string>();
}

}  // namespace kube::apiserver
