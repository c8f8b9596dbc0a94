// Hints stand behind a member in a field list and say what its C++ type cannot: they go into the CRD schema
// (api/crd.h) and into `explain`; decode and encode do not look at them.
//
//   field("cores", self.cores, Minimum{1}, Doc{"CPU cores that Spark counts with"});
//   field("volumes", self.volumes, Embedded{"Volume"}, Doc{"Volumes that pods may mount"});
//
// Thread: constants.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace api {

// The API server refuses an object without this field. decode() does not: see api/validation.h for what we
// ask for.
struct Required {};
inline constexpr Required kRequired{};

// JSON null is a value of its own (metav1.Time that may be zero).
struct Nullable {};
inline constexpr Nullable kNullable{};

struct Minimum {
  std::int64_t value;
};
struct Maximum {
  std::int64_t value;
};

// Text without an `enum` in the schema although the member is of an enum type: an older CRD must not refuse
// the words of a newer operator.
struct OpenWords {};
inline constexpr OpenWords kOpenWords{};

// The schema's `enum` for a field that is text in C++. A member of an enum type needs no hint: its words are
// its enum.
struct OneOf {
  std::array<std::string_view, 2> words;
};

// `pattern`, as the API server shall apply it: unanchored unless it says otherwise.
struct Pattern {
  std::string_view regex;
};

// The Kubernetes type of a member that we keep as Json (or of its items), by its name in the API reference.
struct Embedded {
  std::string_view type;
};

// The API server stores whatever is there.
struct Schemaless {};
inline constexpr Schemaless kSchemaless{};

// A list that server-side apply merges by this key of its items.
struct ListMapKey {
  std::string_view key;
};

struct Doc {
  std::string_view text;
};

}  // namespace api
