#include "spark/resource_name.h"

#include <catch2/catch.hpp>

TEST_CASE("resource names keep letters, digits and single dashes", "[spark]") {
  CHECK(spark::resource_name_prefix("My App", "00ff") == "my-app-00ff");
  CHECK(spark::resource_name_prefix("9This", "u") == "xthis-u");
  CHECK(spark::resource_name_prefix("--a__b", "u") == "a-b-u");
  CHECK(spark::resource_name_prefix("é", "u") == "u");
  CHECK(spark::app_name_label("9this--Is_it!") == "9this-is-it");
  CHECK(spark::app_name_label(std::string(80, 'a')).size() == 63);
}

TEST_CASE("a service name that would be too long is replaced", "[spark]") {
  CHECK(spark::driver_service_name(std::string(52, 'a'), "u") == std::string(52, 'a') + "-driver-svc");
  CHECK(spark::driver_service_name(std::string(53, 'a'), "u") == "spark-u-driver-svc");
}
