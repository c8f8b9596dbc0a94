#include "spark/spark_version.h"

#include <catch2/catch.hpp>

TEST_CASE("the version that runs is said by the spec and made exact by the image", "[spark]") {
  struct Row {
    const char* why;
    const char* version;
    const char* image;
    const char* resolved;  // "": none
  };
  auto row = GENERATE(values<Row>({
      {"as said", "3.5.1", "spark:3.5.7", "3.5.1"},
      {"image is more exact", "3.5", "repo:5000/spark:v3.5.6-scala2.12-java17", "3.5.6"},
      {"image of another line says nothing", "3.5", "spark:4.0.1", "3.5.7"},
      {"newest release of the line", "3.5", "", "3.5.7"},
      {"image alone", "latest", "spark:3.5.4", "3.5.4"},
      {"vendor's suffix stays", "3.5.1-vendor", "", "3.5.1-vendor"},
      {"leading v", "v3.5.2", "", "3.5.2"},
      {"port of a registry is no tag", "", "repo:5000/spark", ""},
      {"tag before a digest", "", "spark:3.5.3@sha256:0123", "3.5.3"},
      {"nothing says it", "latest", "spark:latest", ""},
  }));
  INFO(row.why);
  auto version = spark::resolve_version(row.version, row.image);
  CHECK((version ? version->to_string() : "") == row.resolved);
}

TEST_CASE("templates need 3.0.0, compared as semantic versions", "[spark]") {
  struct Row {
    const char* version;
    bool below;
  };
  auto row = GENERATE(values<Row>({{"3.0.0", false},
                                   {"3", false},
                                   {"3.0", false},
                                   {"v3.5", false},
                                   {"3.0.0+meta", false},
                                   {"3.0.0-preview", true},
                                   {"3.5.1-vendor", false},
                                   {"2.4.8", true},
                                   {"4.0.0-preview1", false},
                                   {"latest", true},
                                   {"", true},
                                   {"3.5.1.2", true},
                                   {"03.1", true},
                                   {"3.0+meta", true},
                                   {"V3.5.0", true},
                                   {"3.0.0-preview..1", true}}));
  INFO(row.version);
  CHECK(spark::is_below_3_0(row.version) == row.below);
}

TEST_CASE("lines are known from 3.4 to 4.3, and each has its own behaviour", "[spark]") {
  auto line = [](const char* version) { return spark::find_line(*spark::parse_spark_version(version)); };
  CHECK(line("3.3.2") == nullptr);
  CHECK(line("4.4.0") == nullptr);
  REQUIRE(line("3.5.7") != nullptr);
  CHECK_FALSE(line("3.4.1")->server_side_apply);
  CHECK(line("4.0.0")->sub_path_expr);
  CHECK_FALSE(line("4.0.0")->connect_port);
  CHECK(line("4.1.0")->connect_port);
  CHECK_FALSE(line("4.1.0")->network_policy);
  CHECK(line("4.2.0")->network_policy);
  CHECK(line("4.3.0")->allow_privilege_escalation);
  CHECK(spark::spark_lines().size() == 6);
  for (const spark::SparkLine& known : spark::spark_lines()) CHECK(known.native);
}
