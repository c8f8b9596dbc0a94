#include "spark/spark_conf.h"

#include <catch2/catch.hpp>

using spark::SparkConf;

TEST_CASE("the later value of a key wins", "[spark]") {
  SparkConf conf;
  conf.set("spark.a", "1");
  conf.set("spark.a", "2");
  conf.set_if_missing("spark.a", "3");
  CHECK(conf.raw("spark.a") == "2");
}

TEST_CASE("declared keys resolve references, texts and families do not", "[spark]") {
  SparkConf conf;
  conf.set_environment({{"TAG", "3.5.7"}});
  conf.set("spark.name", "spark-${spark.suffix}");
  conf.set("spark.suffix", "${env:TAG}");
  conf.set("spark.unknown", "${spark.none} ${env:NONE} ${system:x} ${other} ${");
  conf.set("spark.label.x", "${env:TAG}");
  CHECK(**conf.get("spark.name") == "spark-3.5.7");
  CHECK(**conf.get("spark.unknown") == "${spark.none} ${env:NONE} ${system:x} ${other} ${");
  CHECK(conf.raw("spark.name") == "spark-${spark.suffix}");
  CHECK(conf.with_prefix("spark.label.")[0].second == "${env:TAG}");
}

TEST_CASE("references in a circle are an error, the same reference twice is not", "[spark]") {
  SparkConf conf;
  conf.set("spark.a", "${spark.b}");
  conf.set("spark.b", "${spark.a}");
  conf.set("spark.c", "${spark.d}${spark.d}");
  conf.set("spark.d", "x");
  CHECK_FALSE(conf.get("spark.a").has_value());
  CHECK(**conf.get("spark.c") == "xx");
}

TEST_CASE("a value of the wrong type is named by its key and never shown", "[spark]") {
  SparkConf conf;
  conf.set("spark.flag", "hunter2");
  for (const auto& message :
       {conf.get_bool("spark.flag").error().message(), conf.get_int("spark.flag").error().message(),
        conf.get_double("spark.flag").error().message(),
        conf.get_memory("spark.flag", spark::ByteUnit::MiB).error().message()}) {
    CHECK(message.find("spark.flag") != std::string::npos);
    CHECK(message.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("typed values ignore spaces around them and letter case of booleans", "[spark]") {
  SparkConf conf;
  conf.set("spark.bool", " TRUE ");
  conf.set("spark.int", " 12 ");
  conf.set("spark.double", " .5 ");
  conf.set("spark.list", " a , ,b,");
  CHECK(**conf.get_bool("spark.bool"));
  CHECK(**conf.get_int("spark.int") == 12);
  CHECK(**conf.get_double("spark.double") == 0.5);
  CHECK(*conf.get_list("spark.list") == std::vector<std::string>{"a", "b"});
  CHECK_FALSE(conf.get_int("spark.none")->has_value());
  for (const char* text : {"NaN", "inf", "infinity", "1e999", "0x10", ""}) {
    conf.set("spark.double", text);
    CHECK_FALSE(conf.get_double("spark.double").has_value());
  }
}
