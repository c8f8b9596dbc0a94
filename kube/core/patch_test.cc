#include "kube/core/patch.h"

#include <catch2/catch.hpp>

#include "kube/base/random.h"

using namespace kube;

namespace {

// Small random values over few keys, so that changes of every sort happen often.
Json arbitrary(Random& random, int depth, bool nulls) {
  const auto kind = random.below(depth > 0 ? 7 : 4);
  if (kind == 0) return nulls ? Json() : Json(false);
  if (kind == 1) return random.below(3);
  if (kind == 2) return std::string(1, static_cast<char>('a' + random.below(3)));
  if (kind == 3) return random.chance(0.5);
  const auto size = random.below(4);
  if (kind == 4) {
    Json array = Json::array();
    for (std::uint64_t i = 0; i < size; ++i) array.push_back(arbitrary(random, depth - 1, nulls));
    return array;
  }
  Json object = Json::object();
  for (std::uint64_t i = 0; i < size; ++i) {
    static const char* kKeys[] = {"a", "b", "c/d", "e~f", "", "~1"};
    object[kKeys[random.below(6)]] = arbitrary(random, depth - 1, nulls);
  }
  return object;
}

}  // namespace

TEST_CASE("a merge patch from a to b makes a into b", "[patch]") {
  Random random(11);
  for (int i = 0; i < 5'000; ++i) {
    const Json a = arbitrary(random, 3, false), b = arbitrary(random, 3, false);
    const Json patch = create_merge_patch(a, b);
    INFO(a.dump() << " -> " << b.dump() << " by " << patch.dump());
    REQUIRE(apply_merge_patch(a, patch) == b);
    if (a.is_object()) REQUIRE(create_merge_patch(a, a) == Json::object());
  }
}

TEST_CASE("a JSON patch from a to b makes a into b", "[patch]") {
  Random random(12);
  for (int i = 0; i < 5'000; ++i) {
    const Json a = arbitrary(random, 3, true), b = arbitrary(random, 3, true);
    const Json patch = create_json_patch(a, b);
    INFO(a.dump() << " -> " << b.dump() << " by " << patch.dump());
    auto result = apply_json_patch(a, patch);
    REQUIRE(result);
    REQUIRE(*result == b);
    REQUIRE(create_json_patch(a, a).empty());
  }
}

TEST_CASE("a JSON patch names what differs and nothing around it", "[patch]") {
  struct Row {
    const char* from;
    const char* to;
    const char* patch;
  };
  auto row = GENERATE(values<Row>({
      {R"({"a":1})", R"({"a":1.0})", R"([])"},
      {R"({"a":1,"b":2,"d":4})", R"({"b":3,"c":null,"d":4})",
       R"([{"op":"remove","path":"/a"},{"op":"replace","path":"/b","value":3},{"op":"add","path":"/c","value":null}])"},
      {R"([1,2])", R"([1,3,4,5])",
       R"([{"op":"replace","path":"/1","value":3},{"op":"add","path":"/-","value":4},{"op":"add","path":"/-","value":5}])"},
      {R"([1,2,3,4])", R"([0,2])",
       R"([{"op":"replace","path":"/0","value":0},{"op":"remove","path":"/3"},{"op":"remove","path":"/2"}])"},
      {R"({"x":{"a/b":{"~":[{"k":1}]}}})", R"({"x":{"a/b":{"~":[{"k":2}]}}})",
       R"([{"op":"replace","path":"/x/a~1b/~0/0/k","value":2}])"},
      {R"({"x":{},"y":[]})", R"({"x":[],"y":{}})",
       R"([{"op":"replace","path":"/x","value":[]},{"op":"replace","path":"/y","value":{}}])"},
      {R"({"":{"":1}})", R"({"":{}})", R"([{"op":"remove","path":"//"}])"},
      {R"("a")", R"({"a":1})", R"([{"op":"replace","path":"","value":{"a":1}}])"},
  }));
  INFO(row.from << " -> " << row.to);
  CHECK(create_json_patch(Json::parse(row.from), Json::parse(row.to)) == Json::parse(row.patch));
}

TEST_CASE("merge patches follow RFC 7386", "[patch]") {
  struct Row {
    const char* document;
    const char* patch;
    const char* result;
  };
  auto row = GENERATE(values<Row>({
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"foo"})", R"(null)", R"(null)"},
      {R"({"e":null})", R"({"a":1})", R"({"a":1,"e":null})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  }));
  INFO(row.document << " + " << row.patch);
  CHECK(apply_merge_patch(Json::parse(row.document), Json::parse(row.patch)) == Json::parse(row.result));
}

TEST_CASE("JSON patches follow RFC 6902", "[patch]") {
  struct Row {
    const char* document;
    const char* patch;
    const char* result;
  };
  auto row = GENERATE(values<Row>({
      {R"({"a":1})", R"([{"op":"add","path":"/b","value":2}])", R"({"a":1,"b":2})"},
      {R"({"a":1})", R"([{"op":"add","path":"/a","value":null}])", R"({"a":null})"},
      {R"({"a":[1,3]})", R"([{"op":"add","path":"/a/1","value":2}])", R"({"a":[1,2,3]})"},
      {R"({"a":[1]})", R"([{"op":"add","path":"/a/-","value":2}])", R"({"a":[1,2]})"},
      {R"({"a":[1]})", R"([{"op":"add","path":"/a/1","value":2}])", R"({"a":[1,2]})"},
      {R"({"a":1})", R"([{"op":"add","path":"","value":[]}])", R"([])"},
      {R"({"a":1,"b":2})", R"([{"op":"remove","path":"/b"}])", R"({"a":1})"},
      {R"({"a":[1,2,3]})", R"([{"op":"remove","path":"/a/1"}])", R"({"a":[1,3]})"},
      {R"({"a":{"b":1}})", R"([{"op":"replace","path":"/a/b","value":{"c":2}}])", R"({"a":{"b":{"c":2}}})"},
      {R"({"a":{"b":1},"c":{}})", R"([{"op":"move","from":"/a/b","path":"/c/d"}])",
       R"({"a":{},"c":{"d":1}})"},
      {R"({"a":[1,2,3]})", R"([{"op":"move","from":"/a/0","path":"/a/2"}])", R"({"a":[2,3,1]})"},
      {R"({"a":{"b":1}})", R"([{"op":"copy","from":"/a","path":"/a/c"}])", R"({"a":{"b":1,"c":{"b":1}}})"},
      {R"({"a":1.0})", R"([{"op":"test","path":"/a","value":1}])", R"({"a":1})"},
      {R"({"a/b":{"c~d":1}})", R"([{"op":"replace","path":"/a~1b/c~0d","value":2}])", R"({"a/b":{"c~d":2}})"},
      {R"({"~1":1})", R"([{"op":"remove","path":"/~01"}])", R"({})"},
      {R"({"":1})", R"([{"op":"replace","path":"/","value":2}])", R"({"":2})"},
      {R"({"a":1})", R"([])", R"({"a":1})"},
  }));
  INFO(row.document << " + " << row.patch);
  auto result = apply_json_patch(Json::parse(row.document), Json::parse(row.patch));
  REQUIRE(result);
  CHECK(*result == Json::parse(row.result));
}

TEST_CASE("a JSON patch that does not fit is Invalid, a malformed one BadRequest", "[patch]") {
  struct Row {
    const char* patch;
    ErrorKind kind;
    const char* message;
  };
  const Json document = Json::parse(R"({"a":[1,2],"s":"x"})");
  auto row = GENERATE(values<Row>({
      {R"([{"op":"remove","path":"/x"}])", ErrorKind::Invalid, "op 0: remove /x: path not found"},
      {R"([{"op":"test","path":"/s","value":"x"},{"op":"replace","path":"/x/y","value":1}])",
       ErrorKind::Invalid, "op 1: replace /x/y: path not found"},
      {R"([{"op":"test","path":"/s","value":"y"}])", ErrorKind::Invalid,
       R"(op 0: test /s: test failed: expected "y", found "x")"},
      {R"([{"op":"add","path":"/a/3","value":1}])", ErrorKind::Invalid,
       "op 0: add /a/3: array index 3 is out of range"},
      {R"([{"op":"remove","path":"/a/-"}])", ErrorKind::Invalid,
       R"(op 0: remove /a/-: "-" is no array index)"},
      {R"([{"op":"remove","path":"/a/01"}])", ErrorKind::Invalid,
       R"(op 0: remove /a/01: "01" is no array index)"},
      {R"([{"op":"add","path":"/s/x","value":1}])", ErrorKind::Invalid,
       R"(op 0: add /s/x: cannot add "x" to a string)"},
      {R"([{"op":"move","from":"/a","path":"/a/0"}])", ErrorKind::Invalid,
       "op 0: move /a/0: cannot move a value into itself"},
      {R"({"op":"add"})", ErrorKind::BadRequest, "JSON patch: expected array, got object"},
      {R"([{"path":"/a"}])", ErrorKind::BadRequest,
       R"(op 0:  /a: "op" must be one of add, remove, replace, move, copy, test)"},
      {R"([{"op":"add","value":1}])", ErrorKind::BadRequest, R"(op 0: add : "path" is missing)"},
      {R"([{"op":"add","path":"/b"}])", ErrorKind::BadRequest, R"(op 0: add /b: "value" is missing)"},
      {R"([{"op":"copy","path":"/b"}])", ErrorKind::BadRequest, R"(op 0: copy /b: "from" is missing)"},
      {R"([{"op":"remove","path":"a"}])", ErrorKind::BadRequest,
       "op 0: remove a: JSON pointer must be empty or begin with /"},
      {R"([{"op":"remove","path":"/a~2"}])", ErrorKind::BadRequest,
       "op 0: remove /a~2: ~ in a JSON pointer must be followed by 0 or 1"},
      {R"([5])", ErrorKind::BadRequest, R"(op 0:  : "path" is missing)"},
  }));
  auto result = apply_json_patch(document, Json::parse(row.patch));
  REQUIRE_FALSE(result);
  CHECK(result.error().message() == row.message);
  CHECK(result.error().kind() == row.kind);
}

TEST_CASE("pointer tokens are escaped and back", "[patch]") {
  CHECK(escape_json_pointer("a/b~c") == "a~1b~0c");
  CHECK(unescape_json_pointer("a~1b~0c~01") == "a/b~c~1");
}

TEST_CASE("strategic merge patches merge lists by the keys of the built-in kinds", "[patch]") {
  struct Row {
    const char* why;
    const char* document;
    const char* patch;
    const char* result;
  };
  auto row = GENERATE(values<Row>({
      {"conditions by type",
       R"({"status":{"conditions":[{"type":"Ready","status":"False","x":1},{"type":"B"}]}})",
       R"({"status":{"conditions":[{"type":"Ready","status":"True"},{"type":"C"}]}})",
       R"({"status":{"conditions":[{"type":"Ready","status":"True","x":1},{"type":"B"},{"type":"C"}]}})"},
      {"container statuses are replaced whole",
       R"({"status":{"containerStatuses":[{"name":"a"},{"name":"b"}]}})",
       R"({"status":{"containerStatuses":[{"name":"a","ready":true}]}})",
       R"({"status":{"containerStatuses":[{"name":"a","ready":true}]}})"},
      {"containers by name, and inside them env, mounts and ports",
       R"({"spec":{"containers":[{"name":"a","image":"1","env":[{"name":"X","value":"1"}],
           "ports":[{"containerPort":80,"name":"w"}],"args":["x","y"]},{"name":"b"}]}})",
       R"({"spec":{"containers":[{"name":"a","env":[{"name":"Y","value":"2"}],
           "ports":[{"containerPort":80,"protocol":"TCP"}],"args":["z"],
           "volumeMounts":[{"mountPath":"/a","name":"v"}]}]}})",
       R"({"spec":{"containers":[{"name":"a","image":"1","env":[{"name":"X","value":"1"},{"name":"Y","value":"2"}],
           "ports":[{"containerPort":80,"name":"w","protocol":"TCP"}],"args":["z"],
           "volumeMounts":[{"mountPath":"/a","name":"v"}]},{"name":"b"}]}})"},
      {"service ports by port", R"({"spec":{"ports":[{"port":80,"name":"a"},{"port":81}]}})",
       R"({"spec":{"ports":[{"port":80,"targetPort":8080}]}})",
       R"({"spec":{"ports":[{"port":80,"name":"a","targetPort":8080},{"port":81}]}})"},
      {"tolerations are replaced whole", R"({"spec":{"tolerations":[{"key":"a"}]}})",
       R"({"spec":{"tolerations":[{"key":"b"}]}})", R"({"spec":{"tolerations":[{"key":"b"}]}})"},
      {"finalizers are a set", R"({"metadata":{"finalizers":["a","b"]}})",
       R"({"metadata":{"finalizers":["b","c"]}})", R"({"metadata":{"finalizers":["a","b","c"]}})"},
      {"values deleted from a set", R"({"metadata":{"finalizers":["a","b"]}})",
       R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]}})",
       R"({"metadata":{"finalizers":["b"]}})"},
      {"an element deleted by its key", R"({"spec":{"volumes":[{"name":"a"},{"name":"b"}]}})",
       R"({"spec":{"volumes":[{"$patch":"delete","name":"a"},{"$patch":"delete","name":"zz"}]}})",
       R"({"spec":{"volumes":[{"name":"b"}]}})"},
      {"a list replaced", R"({"spec":{"volumes":[{"name":"a"},{"name":"b"}]}})",
       R"({"spec":{"volumes":[{"name":"c"},{"$patch":"replace"}]}})",
       R"({"spec":{"volumes":[{"name":"c"}]}})"},
      {"a struct replaced", R"({"spec":{"strategy":{"a":1,"b":2}}})",
       R"({"spec":{"strategy":{"$patch":"replace","c":3}}})", R"({"spec":{"strategy":{"c":3}}})"},
      {"a struct deleted", R"({"spec":{"strategy":{"a":1},"x":1}})",
       R"({"spec":{"strategy":{"$patch":"delete"}}})", R"({"spec":{"x":1}})"},
      {"keys retained", R"({"spec":{"volumes":[{"name":"a","emptyDir":{}}]}})",
       R"({"spec":{"volumes":[{"$retainKeys":["name","secret"],"name":"a","secret":{"secretName":"s"}}]}})",
       R"({"spec":{"volumes":[{"name":"a","secret":{"secretName":"s"}}]}})"},
      {"elements in the wanted order, others at their places",
       R"({"spec":{"containers":[{"name":"a"},{"name":"x"},{"name":"b"}]}})",
       R"({"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"c"},{"name":"a"}],
           "containers":[{"name":"c"}]}})",
       R"({"spec":{"containers":[{"name":"x"},{"name":"b"},{"name":"c"},{"name":"a"}]}})"},
      {"null removes, and directives never reach the document",
       R"({"metadata":{"labels":{"a":"1","b":"2"}}})",
       R"({"metadata":{"labels":{"a":null,"c":"3"},"annotations":{"$patch":"merge","x":"y","z":null}}})",
       R"({"metadata":{"labels":{"b":"2","c":"3"},"annotations":{"x":"y"}}})"},
  }));
  INFO(row.why);
  auto result = apply_strategic_merge_patch(Json::parse(row.document), Json::parse(row.patch));
  REQUIRE(result);
  CHECK(*result == Json::parse(row.result));
}

TEST_CASE("strategic merge patches that make no sense are refused with their path", "[patch]") {
  const Json pod = Json::parse(R"({"spec":{"containers":[{"name":"a"}]}})");
  const auto message = [&](const char* patch) {
    auto result = apply_strategic_merge_patch(pod, Json::parse(patch));
    REQUIRE_FALSE(result);
    CHECK(result.error().kind() == ErrorKind::BadRequest);
    return result.error().message();
  };
  CHECK(message(R"({"spec":{"containers":[{"image":"x"}]}})") ==
        "spec.containers[0]: does not contain declared merge key: name");
  CHECK(message(R"({"spec":{"containers":["x"]}})") == R"(spec.containers[0]: expected object, got "x")");
  CHECK(message(R"({"spec":{"$patch":"explode"}})") == R"(spec: unknown $patch directive "explode")");
  CHECK(message("[]") == "expected object, got array");
}
