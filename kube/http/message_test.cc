#include "kube/http/message.h"

#include <catch2/catch.hpp>

using namespace kube;

TEST_CASE("header names are compared without case and keep their order") {
  Headers headers{{"Accept", "a"}, {"X-One", "1"}, {"accept", "b"}};
  CHECK(headers.get("ACCEPT") == "a");
  CHECK_FALSE(headers.get("X-Two"));
  headers.set("aCCept", "c");
  CHECK(headers.all() == std::vector<Headers::Field>{{"Accept", "c"}, {"X-One", "1"}});
  headers.set("X-Two", "2");
  headers.remove("x-one");
  CHECK(headers.all() == std::vector<Headers::Field>{{"Accept", "c"}, {"X-Two", "2"}});
}

TEST_CASE("tokens are found in any field of the name, whole and without case") {
  const Headers headers{{"Connection", "keep-alive , Upgrade"}, {"connection", "close"}};
  CHECK(headers.has_token("Connection", "upgrade"));
  CHECK(headers.has_token("Connection", "Keep-Alive"));
  CHECK(headers.has_token("Connection", "close"));
  CHECK_FALSE(headers.has_token("Connection", "keep"));
  CHECK_FALSE(headers.has_token("Upgrade", "upgrade"));
}

TEST_CASE("percent encoding and decoding are inverse for every byte") {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(percent_decode(percent_encode(all)) == all);
  CHECK(percent_encode("a b/c~%") == "a%20b%2Fc~%25");
}

TEST_CASE("malformed percent encoding is refused") {
  for (const char* text : {"%", "%2", "a%zz", "%2g", "%%20"}) {
    INFO(text);
    CHECK_FALSE(percent_decode(text));
  }
}

TEST_CASE("a query becomes a list in order") {
  struct Row {
    const char* why;
    const char* query;
    std::optional<QueryParameters> parameters;
  };
  const Row rows[] = {
      {"encoded value", "labelSelector=a%21%3Db&watch=true",
       QueryParameters{{"labelSelector", "a!=b"}, {"watch", "true"}}},
      {"no value", "watch&x=", QueryParameters{{"watch", ""}, {"x", ""}}},
      {"plus is a space", "a+b=c+d", QueryParameters{{"a b", "c d"}}},
      {"repeated names stay", "a=1&a=2", QueryParameters{{"a", "1"}, {"a", "2"}}},
      {"empty parts are skipped", "&&a=1&", QueryParameters{{"a", "1"}}},
      {"equals in the value", "a=b=c", QueryParameters{{"a", "b=c"}}},
      {"nothing", "", QueryParameters{}},
      {"malformed", "a=%4", std::nullopt},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    CHECK(parse_query(row.query) == row.parameters);
  }
}
