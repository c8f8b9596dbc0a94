#include "controller/metrics/label_sets.h"

#include <catch2/catch.hpp>

using namespace controller;
using kube::MetricLabels;

TEST_CASE("labels of objects become labels of metrics, dashes as underscores", "[metrics]") {
  LabelSets sets({"app-type", "team.example.com/name", "namespace"}, 10);
  CHECK(
      sets.labels(sets.of({{"app-type", "etl"}, {"team.example.com/name", "blue"}, {"other", "x"}}, "ns")) ==
      MetricLabels{{"app_type", "etl"}, {"team_example_com_name", "blue"}, {"namespace", "ns"}});
  // The object may spell it either way.
  CHECK(sets.labels(sets.of({{"app_type", "etl"}}, "ns")) ==
        MetricLabels{{"app_type", "etl"}, {"team_example_com_name", "Unknown"}, {"namespace", "ns"}});
}

TEST_CASE("a real label named namespace wins over the object's namespace", "[metrics]") {
  LabelSets sets({"namespace"}, 10);
  CHECK(sets.labels(sets.of({{"namespace", "logical"}}, "ns")) == MetricLabels{{"namespace", "logical"}});
  CHECK(sets.labels(sets.of({}, "ns")) == MetricLabels{{"namespace", "ns"}});
}

TEST_CASE("equal labels are one set, and without names there is only one", "[metrics]") {
  LabelSets sets({"a"}, 10);
  CHECK(sets.of({{"a", "1"}, {"b", "1"}}, "ns") == sets.of({{"a", "1"}, {"b", "2"}}, "other"));
  CHECK(sets.of({{"a", "1"}}, "ns") != sets.of({{"a", "2"}}, "ns"));
  LabelSets none({"", ""}, 10);
  CHECK(none.of({{"a", "1"}}, "ns") == none.of({}, "other"));
  CHECK(none.labels(0).empty());
}

TEST_CASE("names that would print alike are one label", "[metrics]") {
  LabelSets sets({"a-b", "a.b", "a_b"}, 10);
  CHECK(sets.labels(sets.of({{"a-b", "1"}, {"a.b", "2"}}, "ns")) == MetricLabels{{"a_b", "1"}});
}

TEST_CASE("label sets beyond the bound count together", "[metrics]") {
  LabelSets sets({"user", "team"}, 2);
  const auto set = [&](const char* user) {
    return sets.labels(sets.of({{"user", user}, {"team", "t"}}, "ns"));
  };
  CHECK(set("a").at("user") == "a");
  CHECK(set("b").at("user") == "b");
  CHECK(set("c") == MetricLabels{{"user", LabelSets::kOverflow}, {"team", LabelSets::kOverflow}});
  CHECK(set("d") == set("c"));
  CHECK(set("a").at("user") == "a");
  CHECK(sets.size() == 3);
}

TEST_CASE("a watched object counts as its labels say", "[metrics]") {
  LabelSets sets({"app-type", "namespace"}, 10);
  kube::JsonReader reader;
  const auto object = reader.read(R"({"metadata":{"namespace":"ns","labels":{"app-type":"etl"}}})");
  REQUIRE(object);
  CHECK(sets.of(*object) == sets.of({{"app-type", "etl"}}, "ns"));
}

TEST_CASE("characters that names may not have become underscores", "[metrics]") {
  CHECK(metric_name("my-pfx-spark_application_count") == "my_pfx_spark_application_count");
  CHECK(metric_name("1a.b/c:d") == "_a_b_c:d");
}
