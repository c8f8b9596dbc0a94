#include "kube/core/json_reader.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "kube/core/projection.h"
#include "kube/core/watch_event.h"

using namespace kube;
using namespace std::chrono_literals;

TEST_CASE("views chain without checks; what is not there is absent", "[json_reader]") {
  JsonReader reader;
  auto root = reader.read(R"({"a":{"b":[1,-2,2.5,true,null,"x\n"]},"s":"t","big":18446744073709551615})");
  REQUIRE(root);
  const JsonView view = *root;
  CHECK(view["a"]["b"].size() == 6);
  CHECK(view["a"].size() == 1);
  const auto items = view["a"]["b"].items();
  CHECK(items[0].integer() == 1);
  CHECK(items[1].integer() == -2);
  CHECK(items[2].number() == 2.5);
  CHECK_FALSE(items[2].integer());
  CHECK(items[3].boolean() == true);
  CHECK(items[4].is_null());
  CHECK(items[4].exists());
  CHECK(items[5].string() == "x\n");
  CHECK(view.at("s").string_or("z") == "t");
  CHECK_FALSE(view["big"].integer());
  CHECK_FALSE(view["x"]["y"]["z"]);
  CHECK(view["x"].string_or("none") == "none");
  CHECK(view["s"]["t"].items().empty());
  CHECK_FALSE(view["s"].boolean());
  CHECK(view["x"].to_json().is_null());
  CHECK_FALSE(JsonView().is_object());
}

TEST_CASE("a view becomes the Json that parsing would have made", "[json_reader]") {
  auto text =
      GENERATE(R"({"a":[1,-1,1.5,1e300,18446744073709551615,true,false,null,"é\u0000"],"b":{},"c":[]})", "[]",
               "\"x\"", "5", "null");
  JsonReader reader;
  CHECK(reader.read(text)->to_json() == Json::parse(text));
}

TEST_CASE("a reader reads again, small after big", "[json_reader]") {
  JsonReader reader;
  const std::string big = "[" + std::string(100'000, ' ') + "1]";
  CHECK(reader.read(big)->items()[0].integer() == 1);
  CHECK(reader.read("{\"a\":2}")->at("a").integer() == 2);
  JsonReader moved = std::move(reader);
  CHECK(moved.read("[]")->is_array());
}

TEST_CASE("malformed bytes are errors, also between good ones", "[json_reader]") {
  JsonReader reader;
  auto text = GENERATE(as<std::string>(), "", "{", "{\"a\":}", "[1,]", "{\"a\":\"\xff\"}", "nul", "1 2",
                       std::string(kMaxJsonDepth + 5, '['));
  INFO(text);
  auto root = reader.read(text);
  REQUIRE_FALSE(root);
  CHECK(root.error().kind() == ErrorKind::InvalidInput);
  CHECK(reader.read("{}"));
}

namespace {

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE("nesting up to the bound is read", "[json_reader]") {
  JsonReader reader;
  CHECK(reader.read(nested(kMaxJsonDepth)));
  CHECK_FALSE(reader.read(nested(kMaxJsonDepth + 5)));
  JsonReader served(kMaxServedJsonDepth);
  CHECK(served.read(nested(kMaxServedJsonDepth)));
  CHECK_FALSE(served.read(nested(kMaxServedJsonDepth + 5)));
  CHECK_FALSE(served.read(std::string(1'000'000, '[')));
}

TEST_CASE("what nests too deep to become a Json is looked at all the same", "[json_reader]") {
  JsonReader reader(kMaxServedJsonDepth);
  auto root = reader.read(R"({"deep":)" + nested(10'000) + R"(,"fits":)" + nested(kMaxJsonDepth) +
                          R"(,"over":)" + nested(kMaxJsonDepth + 1) + R"(,"name":"a"})");
  REQUIRE(root);
  CHECK(root->at("name").string() == "a");
  CHECK(root->size() == 4);
  CHECK(root->at("deep").items().size() == 1);
  CHECK(root->string_map() == std::map<std::string, std::string>{{"name", "a"}});
  CHECK(dump_json(root->at("fits").to_json()) == nested(kMaxJsonDepth));
  for (const char* member : {"over", "deep"}) CHECK_THROWS_AS(root->at(member).to_json(), std::length_error);
  CHECK_THROWS_AS(root->to_json(), std::length_error);
}

TEST_CASE("one item that nests too deep does not hide those around it", "[projection]") {
  JsonReader reader(kMaxServedJsonDepth);
  std::string names;
  const std::string list =
      R"({"metadata":{},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"},"spec":)" +
      nested(9'990) + R"(},{"metadata":{"name":"c"}}]})";
  CHECK(for_each_list_item(reader, list, [&](JsonView item) -> Result<> {
    names += project_meta(item)->key.name;
    return {};
  }));
  CHECK(names == "abc");
}

TEST_CASE("a watch event may nest as deep as a server lets it; a status that does is a fault",
          "[watch_event]") {
  WatchDecoder decoder;
  auto event = decoder.decode(R"({"type":"MODIFIED","object":{"metadata":{"resourceVersion":"7"},"spec":)" +
                              nested(9'990) + "}}");
  REQUIRE(event);
  CHECK(event->resource_version == "7");
  event = decoder.decode(R"({"type":"ERROR","object":{"code":410,"details":)" + nested(9'990) + "}}");
  REQUIRE(event);
  CHECK(event->error().kind() == ErrorKind::Protocol);
}

TEST_CASE("lists give their items and where to go on", "[projection]") {
  JsonReader reader;
  std::string names;
  auto meta =
      for_each_list_item(reader, R"({"kind":"PodList","metadata":{"resourceVersion":"7","continue":"tok",
      "remainingItemCount":3},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]})",
                         [&](JsonView item) -> Result<> {
                           names += item["metadata"]["name"].string_or();
                           return {};
                         });
  REQUIRE(meta);
  CHECK(names == "ab");
  CHECK(meta->resource_version == "7");
  CHECK(meta->continue_token == "tok");
  CHECK(meta->remaining_item_count == 3);

  const auto nothing = [](JsonView) -> Result<> { return {}; };
  CHECK(for_each_list_item(reader, R"({"metadata":{},"items":null})", nothing));
  CHECK_FALSE(for_each_list_item(reader, R"({"metadata":{}})", nothing));
  CHECK_FALSE(for_each_list_item(reader, R"({"items":[]})", nothing));
  CHECK_FALSE(for_each_list_item(reader, "[]", nothing));
}

TEST_CASE("an item that cannot be projected ends the walk and is named", "[projection]") {
  JsonReader reader;
  int seen = 0;
  auto meta = for_each_list_item(reader, R"({"metadata":{},"items":[{"metadata":{}},{},{"metadata":{}}]})",
                                 [&](JsonView item) -> Result<> {
                                   ++seen;
                                   auto projected = project_meta(item);
                                   if (!projected) return fail(std::move(projected));
                                   return {};
                                 });
  REQUIRE_FALSE(meta);
  CHECK(meta.error().message() == "items[1]: metadata: expected object");
  CHECK(seen == 2);
}

TEST_CASE("projected metadata keeps what was asked for", "[projection]") {
  JsonReader reader;
  auto root =
      reader.read(R"({"metadata":{"name":"pi","namespace":"ns","uid":"u","resourceVersion":"5","generation":2,
    "labels":{"a":"1","b":"2"},"annotations":{"big":"x","want":"y"},"finalizers":["f"],
    "ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"o","uid":"ou","controller":true}],
    "creationTimestamp":"2026-11-21T03:51:07Z","deletionTimestamp":"2026-11-21T03:51:08Z"}})");
  auto meta = project_meta(*root);
  REQUIRE(meta);
  CHECK(meta->key == ObjectKey{"ns", "pi"});
  CHECK(meta->uid == "u");
  CHECK(meta->resource_version == "5");
  CHECK(meta->generation == 2);
  CHECK(meta->labels.size() == 2);
  CHECK(meta->annotations.empty());
  CHECK(meta->finalizers == std::vector<std::string>{"f"});
  REQUIRE(controller_of(meta->owner_references) != nullptr);
  CHECK(controller_of(meta->owner_references)->uid == "ou");
  CHECK(*meta->deletion_timestamp - *meta->creation_timestamp == 1s);

  auto some =
      project_meta(*root, {.labels = std::vector<std::string>{"b", "zz"}, .annotations = std::nullopt});
  CHECK(some->labels == std::map<std::string, std::string>{{"b", "2"}});
  CHECK(some->annotations.size() == 2);
  CHECK_FALSE(project_meta(*reader.read(R"({"metadata":{"creationTimestamp":"soon"}})")));
}

TEST_CASE("watch lines become events", "[watch_event]") {
  WatchDecoder decoder;
  struct Row {
    WatchEventType type;
    const char* name;
  };
  auto row = GENERATE(values<Row>({{WatchEventType::Added, "ADDED"},
                                   {WatchEventType::Modified, "MODIFIED"},
                                   {WatchEventType::Deleted, "DELETED"},
                                   {WatchEventType::Bookmark, "BOOKMARK"},
                                   {WatchEventType::Error, "ERROR"}}));
  const std::string line =
      encode_watch_event(row.type, R"({"metadata":{"resourceVersion":"9","name":"pi"}})");
  CHECK(line == "{\"type\":\"" + std::string(row.name) +
                    "\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\",\"name\":\"pi\"}}}\n");
  auto event = decoder.decode(line);
  REQUIRE(event);
  CHECK(event->type == row.type);
  CHECK(event->resource_version == "9");
  CHECK(event->object["metadata"]["name"].string_or() == "pi");
  CHECK_FALSE(event->ends_initial_events());
}

TEST_CASE("a watch's error event is the Status inside", "[watch_event]") {
  WatchDecoder decoder;
  auto event = decoder.decode(
      R"({"object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"},"type":"ERROR"})");
  REQUIRE(event);
  CHECK(event->error().is_gone());
  CHECK(event->resource_version.empty());
  auto end = decoder.decode(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"3",
      "annotations":{"k8s.io/initial-events-end":"true"}}}})");
  CHECK(end->ends_initial_events());
}

TEST_CASE("a line that is no watch event is a fault of the protocol", "[watch_event]") {
  WatchDecoder decoder;
  auto line =
      GENERATE("", "{}", "{\"type\":\"ADDED\"}", "{\"type\":\"RENAMED\",\"object\":{}}",
               "{\"type\":5,\"object\":{}}", "{\"type\":\"ADDED\",\"object\":[]}", "{\"type\":\"ADDED\",");
  INFO(line);
  auto event = decoder.decode(line);
  REQUIRE_FALSE(event);
  CHECK(event.error().kind() == ErrorKind::Protocol);
}
