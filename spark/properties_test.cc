#include "spark/properties.h"

#include <catch2/catch.hpp>

TEST_CASE("properties are escaped as Java stores them", "[spark]") {
  struct Row {
    const char* key;
    const char* value;
    const char* line;
  };
  // Lines as a real spark-submit wrote them.
  auto row = GENERATE(values<Row>({
      {"spark.master", "k8s://https://h:1", "spark.master=k8s\\://https\\://h\\:1\n"},
      {"spark.k ey", " lead trail ", "spark.k\\ ey=\\ lead trail \n"},
      {"a", "b=c:d#e!f\tt", "a=b\\=c\\:d\\#e\\!f\\tt\n"},
      {"a", "x\ny\\z", "a=x\\ny\\\\z\n"},
      {"a", "", "a=\n"},
      {"a", "é", "a=é\n"},
  }));
  CHECK(spark::properties_text({{row.key, row.value}}, {}) == row.line);
}

TEST_CASE("what was written reads back the same", "[spark]") {
  const spark::PropertyMap map{
      {"k ey=:#!", " v\t\n\r\f\\ "}, {"#a", "!b"}, {"unicode é", "😀"}, {"empty", ""}, {"colon:", "a:b=c"}};
  CHECK(spark::parse_properties(spark::properties_text(map, {"comment", "two"})) == map);
}

TEST_CASE("property files may be written in all of Java's ways", "[spark]") {
  auto map = spark::parse_properties(
      "# comment\n  ! another\r\n\na=1\nb : 2\n  c   3\nd\ne=one\\\n   "
      "two\nf=\\u00e9\\uD83D\\uDE00\na=last\n\\ g=x\\");
  CHECK(map["a"] == "last");
  CHECK(map["b"] == "2");
  CHECK(map["c"] == "3");
  CHECK(map["d"].empty());
  CHECK(map["e"] == "onetwo");
  CHECK(map["f"] == "é😀");
  CHECK(map[" g"] == "x");
}

TEST_CASE("the date line is English and in UTC", "[spark]") {
  CHECK(spark::properties_date(kube::TimePoint(std::chrono::seconds(1795225810))) ==
        "Sat Nov 21 01:50:10 UTC 2026");
}
