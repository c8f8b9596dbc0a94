// One field list per struct drives decode, encode, the CRD schema and the drift test; what we do not know we
// carry.
//
//   struct DriverSpec {
//     std::optional<int> cores;
//     std::map<std::string, std::string> labels;
//     Json pod_template;                       // passed through, so not modelled (null = absent)
//     Json unknown;                            // fields of a newer CRD; encoded back unchanged
//
//     template <class Self, class Visit> static void fields(Self& self, Visit&& field) {
//       field("cores", self.cores);
//       field("labels", self.labels);
//       field("template", self.pod_template);
//     }
//     bool operator==(const DriverSpec&) const = default;
//   };
//
//   auto spec = decode<DriverSpec>(json, "spec.driver");  // `spec.driver.cores: expected integer, got "two"`
//   Json back = encode(*spec);                            // encode(decode(j)) == j
//
// Members may be: bool, integers, double, std::string, TimePoint, MicroTime, Json, enums with wire_names
// (below), std::optional<X>, std::vector<X>, std::map<std::string, X>, and structs with a field list. A
// default-valued member that is not optional ("" / 0 / empty container / null Json / struct without any set
// field) is left out when encoding; use std::optional where present-but-zero differs from absent, or
// field("x", self.x, kAlways) where the wire wants it in any case. A JSON null decodes like an absent field.
//
// More arguments may follow a member: kAlways is ours, all others are hints for visitors of visit_fields() (a
// schema generator may take a minimum or an enum that way); decode and encode ignore them.
//
// A struct that calls its catch-all `unknown` (a Json) keeps unknown keys; without it they are dropped.
//
// An enum takes part when its namespace has, found by argument,
//   constexpr auto wire_names(Color) { return std::array{WireName{Color::Red, "RED"}, …}; }
// A word that is not listed is a decode error that names the words there are.
//
// Thread: pure functions.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "kube/base/clock.h"
#include "kube/base/result.h"
#include "kube/core/json.h"

namespace kube {

// metav1.MicroTime: written with six digits; TimePoint alone is metav1.Time, written in whole seconds (with
// six digits where the value is not whole, so that nothing is lost on the way through).
struct MicroTime {
  TimePoint time;
  auto operator<=>(const MicroTime&) const = default;
};

struct Always {};
inline constexpr Always kAlways{};

template <class Enum>
struct WireName {
  Enum value;
  std::string_view name;
};
template <class Enum>
WireName(Enum, const char*) -> WireName<Enum>;

// `path` is where `json` lies, for messages. Error: InvalidInput.
template <class T>
Result<T> decode(const Json& json, std::string_view path = "");

template <class T>
Json encode(const T& value);

// Calls visitor(std::string_view name, std::type_identity<Member>, hints…) for each field of T in the list's
// order.
template <class T, class Visitor>
void visit_fields(Visitor&& visitor);

namespace fields_detail {

// Where a value lies, as a chain on the stack: text is made only when there is something to complain about.
struct Path {
  const Path* parent = nullptr;
  std::string_view key;
  std::ptrdiff_t index = -1;
  std::string to_string() const;
};

struct Fault {
  std::optional<Error> error;
  bool set(const Path& path, std::string_view expected, const Json& got);
  bool set(const Path& path, std::string message);
};

struct Nothing {
  template <class... Any>
  void operator()(Any&&...) const {}
};
template <class T>
concept HasFields = requires(T& value) { T::fields(value, Nothing{}); };
template <class T>
concept HasUnknown = requires(T& value) {
  { value.unknown } -> std::same_as<Json&>;
};
template <class T>
concept HasWireNames = std::is_enum_v<T> && requires(T value) { wire_names(value); };

// The keys of a JSON object as they are asked for; what nobody asked for is `unknown`.
class ObjectReader {
 public:
  explicit ObjectReader(const Json& object) : object_(object) {}
  const Json* take(std::string_view name);  // null when absent or a JSON null
  Json unknown() const;                     // null when nothing is left

 private:
  const Json& object_;
  std::vector<std::string_view> asked_;
  std::size_t met_ = 0;
};

bool read(const Json& json, bool& out, const Path& path, Fault& fault);
bool read(const Json& json, double& out, const Path& path, Fault& fault);
bool read(const Json& json, std::string& out, const Path& path, Fault& fault);
bool read(const Json& json, TimePoint& out, const Path& path, Fault& fault);
bool read(const Json& json, MicroTime& out, const Path& path, Fault& fault);
bool read_integer(const Json& json, std::int64_t& out, std::int64_t min, std::int64_t max, const Path& path,
                  Fault& fault);
bool expect_object(const Json& json, const Path& path, Fault& fault);
bool expect_array(const Json& json, const Path& path, Fault& fault);
bool unknown_word(const Json& json, const std::vector<std::string_view>& words, const Path& path,
                  Fault& fault);
Json write_time(TimePoint time);
Json write_micro_time(TimePoint time);
void put(Json& object, std::string_view name, Json value);
void put_all(Json& object, const Json& unknown);

inline bool read(const Json& json, Json& out, const Path&, Fault&) {
  out = json;
  return true;
}
template <std::integral T>
  requires(!std::same_as<T, bool> && sizeof(T) <= sizeof(std::int64_t))
bool read(const Json& json, T& out, const Path& path, Fault& fault) {
  using Limits = std::numeric_limits<T>;
  constexpr std::int64_t kMax = std::in_range<std::int64_t>(Limits::max())
                                    ? static_cast<std::int64_t>(Limits::max())
                                    : std::numeric_limits<std::int64_t>::max();
  std::int64_t value = 0;
  if (!read_integer(json, value, static_cast<std::int64_t>(Limits::min()), kMax, path, fault)) return false;
  out = static_cast<T>(value);
  return true;
}
template <HasWireNames T>
bool read(const Json& json, T& out, const Path& path, Fault& fault);
template <HasFields T>
bool read(const Json& json, T& out, const Path& path, Fault& fault);
template <class X>
bool read(const Json& json, std::optional<X>& out, const Path& path, Fault& fault);
template <class X>
bool read(const Json& json, std::vector<X>& out, const Path& path, Fault& fault);
template <class X>
bool read(const Json& json, std::map<std::string, X>& out, const Path& path, Fault& fault);

struct FieldReader {
  ObjectReader& object;
  const Path& parent;
  Fault& fault;

  template <class Member, class... Hints>
  void operator()(std::string_view name, Member& member, const Hints&...) const {
    const Json* json = object.take(name);
    if (json == nullptr || fault.error) return;
    read(*json, member, Path{&parent, name}, fault);
  }
};

template <HasWireNames T>
bool read(const Json& json, T& out, const Path& path, Fault& fault) {
  std::vector<std::string_view> words;
  for (const auto& word : wire_names(T{})) {
    if (json.is_string() && json.get_ref<const std::string&>() == word.name) {
      out = word.value;
      return true;
    }
    words.push_back(word.name);
  }
  return unknown_word(json, words, path, fault);
}
template <HasFields T>
bool read(const Json& json, T& out, const Path& path, Fault& fault) {
  if (!expect_object(json, path, fault)) return false;
  ObjectReader object(json);
  T::fields(out, FieldReader{object, path, fault});
  if constexpr (HasUnknown<T>) out.unknown = object.unknown();
  return !fault.error;
}
template <class X>
bool read(const Json& json, std::optional<X>& out, const Path& path, Fault& fault) {
  return read(json, out.emplace(), path, fault);
}
template <class X>
bool read(const Json& json, std::vector<X>& out, const Path& path, Fault& fault) {
  if (!expect_array(json, path, fault)) return false;
  out.clear();
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    X item{};
    if (!read(json[i], item, Path{&path, {}, static_cast<std::ptrdiff_t>(i)}, fault)) return false;
    out.push_back(std::move(item));
  }
  return true;
}
template <class X>
bool read(const Json& json, std::map<std::string, X>& out, const Path& path, Fault& fault) {
  if (!expect_object(json, path, fault)) return false;
  out.clear();
  for (auto item = json.begin(); item != json.end(); ++item)
    if (!read(item.value(), out[item.key()], Path{&path, item.key()}, fault)) return false;
  return true;
}

template <class T>
Json write(const T& value);

struct FieldWriter {
  Json& object;

  template <class Member, class... Hints>
  void operator()(std::string_view name, const Member& member, const Hints&...) const {
    constexpr bool kWanted = (std::same_as<Hints, Always> || ...);
    put_member(name, member, kWanted);
  }
  template <class Member>
  void put_member(std::string_view name, const Member& member, bool always) const {
    if constexpr (HasFields<Member>) {
      // A struct with fields that are always written is empty all the same while nobody has set any of them.
      if constexpr (std::equality_comparable<Member>)
        if (!always && member == Member{}) return;
      Json json = write(member);
      if (always || !json.empty()) put(object, name, std::move(json));
    } else if constexpr (requires { member.has_value(); }) {
      if (always || member) put(object, name, write(member));
    } else if constexpr (std::same_as<Member, Json>) {
      if (always || !member.is_null()) put(object, name, member);
    } else if constexpr (requires { member.empty(); }) {
      if (always || !member.empty()) put(object, name, write(member));
    } else {
      if (always || member != Member{}) put(object, name, write(member));
    }
  }
};

template <class T>
Json write(const T& value) {
  if constexpr (HasFields<T>) {
    Json object = Json::object();
    T::fields(value, FieldWriter{object});
    if constexpr (HasUnknown<T>) put_all(object, value.unknown);
    return object;
  } else if constexpr (HasWireNames<T>) {
    for (const auto& word : wire_names(T{}))
      if (word.value == value) return Json(std::string(word.name));
    return Json();
  } else if constexpr (std::same_as<T, TimePoint>) {
    return write_time(value);
  } else if constexpr (std::same_as<T, MicroTime>) {
    return write_micro_time(value.time);
  } else if constexpr (std::same_as<T, Json>) {
    return value;
  } else if constexpr (std::same_as<T, std::string> || std::is_arithmetic_v<T>) {
    return Json(value);
  } else if constexpr (requires { value.has_value(); }) {
    return value ? write(*value) : Json();
  } else if constexpr (requires { typename T::mapped_type; }) {
    Json object = Json::object();
    for (const auto& [key, item] : value) put(object, key, write(item));
    return object;
  } else {
    Json array = Json::array();
    for (const auto& item : value) array.push_back(write(item));
    return array;
  }
}

template <class Visitor>
struct TypeVisitor {
  Visitor& visitor;

  template <class Member, class... Hints>
  void operator()(std::string_view name, const Member&, const Hints&... hints) const {
    visitor(name, std::type_identity<Member>{}, hints...);
  }
};

}  // namespace fields_detail

template <class T>
Result<T> decode(const Json& json, std::string_view path) {
  T value{};
  fields_detail::Fault fault;
  fields_detail::read(json, value, fields_detail::Path{nullptr, path}, fault);
  if (fault.error) return fail(std::move(*fault.error));
  return value;
}

template <class T>
Json encode(const T& value) {
  return fields_detail::write(value);
}

template <class T, class Visitor>
void visit_fields(Visitor&& visitor) {
  const T example{};
  T::fields(example, fields_detail::TypeVisitor<std::remove_reference_t<Visitor>>{visitor});
}

}  // namespace kube
