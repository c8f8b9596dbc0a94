#include "kube/core/fields.h"

#include <array>
#include <catch2/catch.hpp>

#include "kube/core/object_meta.h"

using namespace kube;

namespace paint {

enum class Color { None, Red, Blue };

constexpr auto wire_names(Color) {
  return std::array{WireName{Color::None, ""}, WireName{Color::Red, "RED"}, WireName{Color::Blue, "BLUE"}};
}

struct Hint {
  int minimum;
};

struct Brush {
  std::string name;
  std::int32_t width = 0;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("name", self.name);
    field("width", self.width, Hint{1});
  }
  bool operator==(const Brush&) const = default;
};

struct Picture {
  std::optional<int> cores;
  bool dry = false;
  double scale = 0;
  Color color = Color::None;
  std::map<std::string, std::string> labels;
  std::vector<Brush> brushes;
  std::map<std::string, std::vector<std::int64_t>> counts;
  std::optional<Brush> spare;
  Brush main;
  std::vector<std::string> always;
  std::optional<TimePoint> started;
  std::optional<MicroTime> renewed;
  std::uint8_t small = 0;
  std::optional<std::vector<Picture>> inner;
  Json pod_template;
  Json unknown;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& field) {
    field("cores", self.cores);
    field("dry", self.dry);
    field("scale", self.scale);
    field("color", self.color);
    field("labels", self.labels);
    field("brushes", self.brushes);
    field("counts", self.counts);
    field("spare", self.spare);
    field("main", self.main);
    field("always", self.always, kAlways);
    field("started", self.started);
    field("renewed", self.renewed);
    field("small", self.small);
    field("inner", self.inner);
    field("template", self.pod_template);
  }
  bool operator==(const Picture&) const = default;
};

}  // namespace paint

using paint::Brush;
using paint::Color;
using paint::Picture;

TEST_CASE("encoding what was decoded gives the same JSON", "[fields]") {
  auto text = GENERATE(
      R"({"always":[]})", R"({"always":["x"],"cores":0})",
      R"({"always":[],"color":"RED","dry":true,"scale":0.5})",
      R"({"always":[],"brushes":[{"name":"a","width":3},{"name":"b","extra":[1,{"z":null}]},{}]})",
      R"({"always":[],"counts":{"a":[1,2,-3],"b":[]},"labels":{"":"","k":"v"}})",
      R"({"always":[],"spare":{},"main":{"width":1}})", R"({"always":[],"inner":[{"always":[],"cores":1}]})",
      R"({"always":[],"started":"2026-11-21T03:51:07Z","renewed":"2026-11-21T03:51:07.000000Z"})",
      R"({"always":[],"started":"2026-11-21T03:51:07.250000Z"})",
      R"({"always":[],"small":255,"template":{"spec":{"containers":[null]}},"newerField":{"a":1},"other":false})");
  INFO(text);
  const Json json = Json::parse(text);
  auto picture = decode<Picture>(json);
  REQUIRE(picture);
  CHECK(encode(*picture).dump() == json.dump());
  CHECK(*decode<Picture>(encode(*picture)) == *picture);
}

TEST_CASE("a JSON null is an absent field", "[fields]") {
  auto picture = decode<Picture>(Json::parse(R"({"cores":null,"labels":null,"main":null,"template":null})"));
  REQUIRE(picture);
  CHECK(*picture == Picture{});
  CHECK(encode(*picture).dump() == R"({"always":[]})");
}

TEST_CASE("a wrong type is named with its path and what was expected", "[fields]") {
  struct Row {
    const char* json;
    const char* message;
  };
  auto row = GENERATE(values<Row>({
      {R"({"cores":"two"})", R"(spec.driver.cores: expected integer, got "two")"},
      {R"({"cores":1.5})", "spec.driver.cores: expected integer, got 1.5"},
      {R"({"cores":2147483648})",
       "spec.driver.cores: expected integer from -2147483648 to 2147483647, got 2147483648"},
      {R"({"cores":18446744073709551615})",
       "spec.driver.cores: expected integer up to 2147483647, got 18446744073709551615"},
      {R"({"small":256})", "spec.driver.small: expected integer from 0 to 255, got 256"},
      {R"({"dry":"true"})", R"(spec.driver.dry: expected boolean, got "true")"},
      {R"({"scale":[]})", "spec.driver.scale: expected number, got array"},
      {R"({"labels":{"a":1}})", "spec.driver.labels.a: expected string, got 1"},
      {R"({"labels":[]})", "spec.driver.labels: expected object, got array"},
      {R"({"brushes":[{},{"width":true}]})", "spec.driver.brushes[1].width: expected integer, got true"},
      {R"({"brushes":{}})", "spec.driver.brushes: expected array, got object"},
      {R"({"counts":{"x":[0,"y"]}})", R"(spec.driver.counts.x[1]: expected integer, got "y")"},
      {R"({"spare":7})", "spec.driver.spare: expected object, got 7"},
      {R"({"color":"GREEN"})", R"(spec.driver.color: expected one of "", "RED", "BLUE", got "GREEN")"},
      {R"({"color":1})", R"(spec.driver.color: expected one of "", "RED", "BLUE", got 1)"},
      {R"({"started":5})", "spec.driver.started: expected time, got 5"},
      {R"({"started":"soon"})",
       R"(spec.driver.started: expected RFC 3339 time such as 2026-11-21T03:51:07Z, got "soon")"},
  }));
  auto picture = decode<Picture>(Json::parse(row.json), "spec.driver");
  REQUIRE_FALSE(picture);
  CHECK(picture.error().kind() == ErrorKind::InvalidInput);
  CHECK(picture.error().message() == row.message);
}

TEST_CASE("the top itself may be wrong, with and without a path", "[fields]") {
  CHECK(decode<Picture>(Json(1)).error().message() == "expected object, got 1");
  CHECK(decode<std::vector<int>>(Json::parse("[1,null]"), "list").error().message() ==
        "list[1]: expected integer, got null");
  CHECK(*decode<std::vector<int>>(Json::parse("[1,2.0,3e0]")) == std::vector<int>{1, 2, 3});
}

TEST_CASE("long values are shortened in messages", "[fields]") {
  const auto picture = decode<Picture>(Json{{"cores", std::string(10'000, 'x')}});
  REQUIRE_FALSE(picture);
  CHECK(picture.error().message().size() < 150);
}

TEST_CASE("visitors see every field in order with its type and hints", "[fields]") {
  struct Listing {
    std::string text;
    void operator()(std::string_view name, std::type_identity<std::string>) {
      text += std::string(name) + ":string ";
    }
    void operator()(std::string_view name, std::type_identity<std::int32_t>, paint::Hint hint) {
      text += std::string(name) + ":int>=" + std::to_string(hint.minimum);
    }
  };
  Listing listing;
  visit_fields<Brush>(listing);
  CHECK(listing.text == "name:string width:int>=1");

  int count = 0;
  visit_fields<Picture>([&](std::string_view, auto, auto...) { ++count; });
  CHECK(count == 15);
}

TEST_CASE("malformed JSON is an error with line and column, deep JSON too", "[json]") {
  auto bad = parse_json("{\n  \"a\": ]");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message().find("line 2, column 8") != std::string::npos);
  CHECK_FALSE(parse_json(""));
  CHECK_FALSE(parse_json("{\"a\":\"\xff\"}"));
  const std::string deep(kMaxJsonDepth + 1, '[');
  CHECK(parse_json(deep + std::string(deep.size(), ']')).error().message() ==
        "JSON nests deeper than 500 levels");
  CHECK(parse_json(deep.substr(1) + std::string(deep.size() - 1, ']')));
  CHECK(parse_json("\"" + deep + "\\\"" + deep + "\""));
}

TEST_CASE("paths into JSON find values without throwing", "[json]") {
  const Json json = Json::parse(R"({"status":{"phase":"Running","n":1},"list":[{"a":1}]})");
  CHECK(string_at(json, {"status", "phase"}) == "Running");
  CHECK(string_at(json, {"status", "n"}).empty());
  CHECK(string_at(json, {"status", "phase", "x"}).empty());
  CHECK(find_path(json, {"list", "a"}) == nullptr);
  CHECK(*find_path(json, {"status", "n"}) == 1);
  CHECK(find_path(json, {}) == &json);
}

TEST_CASE("bytes that are not UTF-8 are printed as replacement, not thrown", "[json]") {
  CHECK(dump_json(Json("a\xff")) == "\"a\xef\xbf\xbd\"");
}

TEST_CASE("a result of Json holds what was put in", "[json]") {
  const auto make = [](bool good) -> Result<Json> {
    if (!good) return fail(ErrorKind::InvalidInput, "no");
    Json json = Json::array();
    return json;
  };
  CHECK(make(true)->dump() == "[]");
  CHECK_FALSE(make(false));
}
