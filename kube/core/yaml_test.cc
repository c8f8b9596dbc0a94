#include "kube/core/yaml.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "kube/base/random.h"

using namespace kube;

TEST_CASE("plain words mean what Kubernetes takes them for", "[yaml]") {
  struct Row {
    const char* word;
    const char* json;
  };
  auto row = GENERATE(values<Row>({
      {"~", "null"},
      {"null", "null"},
      {"NULL", "null"},
      {"nUll", R"("nUll")"},
      {"true", "true"},
      {"False", "false"},
      {"yes", R"("yes")"},
      {"on", R"("on")"},
      {"n", R"("n")"},
      {"0", "0"},
      {"-12", "-12"},
      {"+12", "12"},
      {"0644", "420"},
      {"0o17", "15"},
      {"0x1F", "31"},
      {"0b11", "3"},
      {"08", "8"},
      {"1_000", "1000"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"18446744073709551615", "18446744073709551615"},
      {"1.5", "1.5"},
      {"-.5", "-0.5"},
      {"1.", "1"},
      {"2.0", "2"},
      {"1e3", "1000"},
      {"1.5e-3", "0.0015"},
      {"1e", R"("1e")"},
      {"1.2.3", R"("1.2.3")"},
      {".", R"(".")"},
      {"500m", R"("500m")"},
      {"1Gi", R"("1Gi")"},
      {"0x", R"("0x")"},
      {"2026-11-21", R"("2026-11-21")"},
      {"2026-11-21T03:51:07Z", R"("2026-11-21T03:51:07Z")"},
      {"12:30", R"("12:30")"},
      {"local:///opt/app/x.py", R"("local:///opt/app/x.py")"},
      {"'true'", R"("true")"},
      {"\"12\"", R"("12")"},
      {"''", R"("")"},
      {"!!str 12", R"("12")"},
      {"!!int 12", "12"},
      {"!!binary aGk=", R"("aGk=")"},
  }));
  INFO(row.word);
  auto json = parse_yaml_document("v: " + std::string(row.word));
  REQUIRE(json);
  CHECK((*json)["v"].dump() == row.json);
}

TEST_CASE("a manifest is read with all its styles", "[yaml]") {
  auto documents = parse_yaml(R"(# comment
apiVersion: v1
kind: ConfigMap
metadata: {name: a, labels: {x: "1"}}
data:
  script: |
    one
      two
  folded: >-
    a
    b
  empty:
list:
- a
- - b
  - c
-
---
---
kind: Second
base: &base {a: 1, b: 2}
derived:
  <<: *base
  b: 3
...
)");
  REQUIRE(documents);
  REQUIRE(documents->size() == 2);
  CHECK((*documents)[0] == Json::parse(R"({"apiVersion":"v1","kind":"ConfigMap",
    "metadata":{"name":"a","labels":{"x":"1"}},"data":{"script":"one\n  two\n","folded":"a b","empty":null},
    "list":["a",["b","c"],null]})"));
  CHECK((*documents)[1]["derived"] == Json{{"a", 1}, {"b", 3}});
}

TEST_CASE("JSON is YAML, also where its escapes are not", "[yaml]") {
  CHECK(*parse_yaml_document(R"( {"a": "\ud83d\ude00\/", "b": [1, 2.5]} )") ==
        Json::parse(R"({"a":"😀/","b":[1,2.5]})"));
  CHECK(*parse_yaml_document("{a: b}") == Json{{"a", "b"}});
}

TEST_CASE("faults are named with file, line and column", "[yaml]") {
  struct Row {
    const char* text;
    const char* message;
  };
  auto row = GENERATE(values<Row>({
      {"a: 1\nb: 2\na: 3\n", "app.yaml:3:1: key \"a\" is already set in this mapping"},
      {"a:\n  - b: [1\n", "app.yaml:3:1: malformed YAML: "},
      {"a: b: c\n", "app.yaml:1:5: malformed YAML: "},
      {"a:\n\t- b\n", "app.yaml:2:2: malformed YAML: "},
      {"x: .inf", "app.yaml:1:4: JSON cannot hold the number .inf"},
      {"? [a]\n: b", "app.yaml:1:3: a key must be plain text"},
      {"a: *nowhere", "app.yaml:1:4: malformed YAML: "},
      {"a: !!int x", "app.yaml:1:4: \"x\" is not what its tag tag:yaml.org,2002:int says"},
      {"<<: 5", "app.yaml:1:5: << needs a mapping or a list of mappings"},
  }));
  INFO(row.text);
  auto documents = parse_yaml(row.text, "app.yaml");
  REQUIRE_FALSE(documents);
  CHECK(documents.error().kind() == ErrorKind::InvalidInput);
  CHECK(documents.error().message().substr(0, std::strlen(row.message)) == row.message);
}

TEST_CASE("without a source the place is said in words", "[yaml]") {
  CHECK(parse_yaml("a: 1\na: 2").error().message().starts_with("line 2, column 1: "));
}

TEST_CASE("one document means one", "[yaml]") {
  CHECK(parse_yaml_document("", "f").error().message() == "f: expected one YAML document, got 0");
  CHECK(parse_yaml_document("a: 1\n---\nb: 2").error().message() == "expected one YAML document, got 2");
}

TEST_CASE("hostile YAML is refused, not expanded", "[yaml]") {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int k = 0; k < 9; ++k) bomb += "," + last;
    bomb += "]\n";
  }
  auto documents = parse_yaml(bomb);
  REQUIRE_FALSE(documents);
  CHECK(documents.error().message().find("million") != std::string::npos);
  CHECK_FALSE(parse_yaml("a: " + std::string(5'000, '[')));
  CHECK_FALSE(parse_yaml("{" + std::string(5'000, '[')));
}

TEST_CASE("objects print as people write them", "[yaml]") {
  const Json json = Json::parse(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"pi","labels":{},
    "annotations":{"a/b":"true","m":"1"}},"spec":{"containers":[{"name":"c","args":["-x","y z"],"env":[]},
    {"command":[["nested"],[]],"script":"set -e\necho $1\n"}],"m":null,"f":0.5,"i":-3,"b":false}})");
  CHECK(to_yaml(json) == R"(apiVersion: v1
kind: Pod
metadata:
  annotations:
    a/b: "true"
    m: "1"
  labels: {}
  name: pi
spec:
  b: false
  containers:
  - args:
    - "-x"
    - y z
    env: []
    name: c
  - command:
    - - nested
    - []
    script: |
      set -e
      echo $1
  f: 0.5
  i: -3
  m: null
)");
  CHECK(to_yaml(std::vector<Json>{{{"a", 1}}, Json::array(), "x"}) == "a: 1\n---\n[]\n---\nx\n");
}

TEST_CASE("strings that some reader takes for something else are quoted", "[yaml]") {
  auto text = GENERATE("", "~", "null", "true", "Yes", "no", "on", "OFF", "y", "N", "12", "1.5", "0x1", "1e3",
                       "1_0", "012", "2026-11-21", "12:30:45", ".5", ".inf", "-", "- a", "a: b", "a #b",
                       "a:", " a", "a ", "#a", "&a", "*a", "!a", "%a", "@a", "`a", "[a", "{a", "|", ">", "'a",
                       "\"a", "?", "? a", "<<", "=", "---", "...", "a\tb", "é", "a\x01", "{{x}}", ",a");
  INFO(text);
  const std::string yaml = to_yaml(Json{{"k", text}});
  CHECK(yaml == "k: " + Json(text).dump() + "\n");
  CHECK((*parse_yaml_document(yaml))["k"] == text);
}

namespace {

std::string arbitrary_text(Random& random) {
  static const std::string_view kPieces[] = {
      "a", "Z", "0",      "1",  ".",  "-",  "_",  ":",  " ", "#", "\n",   "\t", "'",   "\"", "\\",
      "|", ">", "{",      "}",  "[",  "]",  ",",  "&",  "*", "!", "%",    "@",  "`",   "~",  "=",
      "?", "é", "\u2028", "\r", "\b", "<<", "no", "1e", "x", "/", "\n\n", "😀", "\x7f"};
  std::string text;
  for (auto n = random.below(7); n > 0; --n) text += kPieces[random.below(std::size(kPieces))];
  return text;
}

Json arbitrary(Random& random, int depth) {
  const auto kind = random.below(depth > 0 ? 8 : 6);
  if (kind == 0) return {};
  if (kind == 1) return random.chance(0.5);
  if (kind == 2) return static_cast<std::int64_t>(random.next());
  if (kind == 3) return random.unit() * 1e6;
  if (kind < 6) return arbitrary_text(random);
  Json json = kind == 6 ? Json::array() : Json::object();
  for (auto n = random.below(4); n > 0; --n) {
    if (kind == 6) {
      json.push_back(arbitrary(random, depth - 1));
    } else {
      json[arbitrary_text(random)] = arbitrary(random, depth - 1);
    }
  }
  return json;
}

}  // namespace

TEST_CASE("what is printed is read as the same value", "[yaml]") {
  Random random(21);
  for (int i = 0; i < 3'000; ++i) {
    const Json json{{"v", arbitrary(random, 4)}};
    const std::string text = to_yaml(json);
    INFO(json.dump() << "\n" << text);
    auto read = parse_yaml_document(text);
    if (!read) FAIL(read.error().message());
    REQUIRE(read->dump() == json.dump());
  }
}

TEST_CASE("keys longer than YAML's limit for simple ones survive", "[yaml]") {
  const Json json{{std::string(3'000, 'k'), {{"a", {1, 2}}}}, {"x", {{std::string(2'000, ' '), "v"}}}};
  CHECK(*parse_yaml_document(to_yaml(json)) == json);
}
