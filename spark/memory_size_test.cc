#include "spark/memory_size.h"

#include <catch2/catch.hpp>

using spark::ByteUnit;

TEST_CASE("JVM sizes are binary and whole", "[spark]") {
  struct Row {
    const char* text;
    ByteUnit unit;
    std::int64_t mebibytes;
  };
  auto row = GENERATE(values<Row>({{"1g", ByteUnit::MiB, 1024},
                                   {"512m", ByteUnit::MiB, 512},
                                   {"512", ByteUnit::MiB, 512},
                                   {"1048576", ByteUnit::Byte, 1},
                                   {" 2GB ", ByteUnit::MiB, 2048},
                                   {"1536k", ByteUnit::MiB, 1},
                                   {"1t", ByteUnit::MiB, 1048576},
                                   {"0", ByteUnit::MiB, 0}}));
  INFO(row.text);
  auto size = spark::parse_memory_size(row.text, row.unit);
  REQUIRE(size.has_value());
  CHECK(size->mebibytes() == row.mebibytes);
}

TEST_CASE("fractions, signs and Kubernetes units are no JVM sizes", "[spark]") {
  auto text = GENERATE("1.5g", "-1g", "g", "", "1gi", "1 g", "9999999999999p");
  INFO(text);
  CHECK_FALSE(spark::parse_memory_size(text, ByteUnit::MiB).has_value());
}

TEST_CASE("a memory limit may be written the JVM's way or Kubernetes' way", "[spark]") {
  struct Row {
    const char* text;
    const char* quantity;  // nullptr: refused
  };
  auto row = GENERATE(values<Row>({{"2G", "2Gi"},
                                   {"2g", "2Gi"},
                                   {"2GB", "2Gi"},
                                   {"500m", "500Mi"},
                                   {"1.5g", "1.5Gi"},
                                   {" 2Gi ", "2Gi"},
                                   {"1024", "1024"},
                                   {"2gi", nullptr},
                                   {"10b", nullptr},
                                   {"g", nullptr},
                                   {"", nullptr}}));
  INFO(row.text);
  auto quantity = spark::memory_limit_quantity(row.text);
  REQUIRE(quantity.has_value() == (row.quantity != nullptr));
  if (quantity) CHECK(*quantity == row.quantity);
}

TEST_CASE("requests and limits are written in MiB", "[spark]") {
  CHECK(spark::to_quantity(spark::MemorySize::of_mebibytes(1408)) == "1408Mi");
}
