#include "kube/core/quantity.h"

#include <catch2/catch.hpp>
#include <limits>

using namespace kube;

TEST_CASE("quantities are written in Kubernetes' canonical form", "[quantity]") {
  struct Row {
    const char* text;
    const char* canonical;
  };
  auto row = GENERATE(values<Row>({
      {"0", "0"},
      {"0m", "0"},
      {"-0", "0"},
      {"0Ki", "0"},
      {"1", "1"},
      {"+1", "1"},
      {"-1", "-1"},
      {"0.5", "500m"},
      {".5", "500m"},
      {"5.", "5"},
      {"1.5", "1500m"},
      {"1500m", "1500m"},
      {"1000m", "1"},
      {"100", "100"},
      {"1000", "1k"},
      {"1000k", "1M"},
      {"12345", "12345"},
      {"1200000", "1200k"},
      {"0.1m", "100u"},
      {"1n", "1n"},
      {"0.1n", "1n"},
      {"-0.1n", "-1n"},
      {"1.0000000001", "1000000001n"},
      {"3E", "3E"},
      {"1000E", "1000E"},
      {"1Ki", "1Ki"},
      {"1024Ki", "1Mi"},
      {"1024Mi", "1Gi"},
      {"1.5Gi", "1536Mi"},
      {"1.5Ki", "1536"},
      {"1000Ki", "1000Ki"},
      {"0.5Ki", "512"},
      {"0.0001Ki", "102400u"},
      {"0.5Mi", "512Ki"},
      {"0.001Ki", "1024m"},
      {"1.0005Ki", "1024512m"},
      {"7Ei", "7Ei"},
      {"8Ei", "9223372036854775807"},
      {"-1Gi", "-1Gi"},
      {"1e3", "1e3"},
      {"1E3", "1e3"},
      {"1e0", "1"},
      {"12e4", "120e3"},
      {"1.2e-3", "1200e-6"},
      {"1e-9", "1e-9"},
      {"1e-30", "1e-9"},
      {"123e1", "1230"},
      {"000500Mi", "500Mi"},
      {"1.500000000000000000000000Gi", "1536Mi"},
      {"2500000000", "2500M"},
  }));
  INFO(row.text);
  auto quantity = Quantity::parse(row.text);
  REQUIRE(quantity);
  CHECK(quantity->to_string() == row.canonical);
  auto again = Quantity::parse(row.canonical);
  REQUIRE(again);
  CHECK(*again == *quantity);
  CHECK(again->to_string() == row.canonical);
}

TEST_CASE("what is no quantity is refused in the API server's words", "[quantity]") {
  auto text = GENERATE("", "-", ".", "Mi", "1.2.3", "1 Gi", "1Gib", "abc", "1e", "1e+", "1x", "1kk", "--1",
                       "1,5", "1K", "0x10", "1i", "1e3Mi");
  INFO(text);
  auto quantity = Quantity::parse(text);
  REQUIRE_FALSE(quantity);
  CHECK(quantity.error().message().find("quantit") != std::string::npos);
}

TEST_CASE("whole values and thousandths round up", "[quantity]") {
  struct Row {
    const char* text;
    std::int64_t value, milli;
  };
  auto row = GENERATE(values<Row>({
      {"1500m", 2, 1500},
      {"1", 1, 1000},
      {"1n", 1, 1},
      {"-1500m", -2, -1500},
      {"1.5Gi", 1610612736, 1610612736000},
      {"0", 0, 0},
      {"8Ei", std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max()},
  }));
  INFO(row.text);
  CHECK(Quantity::parse(row.text)->value() == row.value);
  CHECK(Quantity::parse(row.text)->milli_value() == row.milli);
}

TEST_CASE("arithmetic and comparison are exact", "[quantity]") {
  const auto q = [](const char* text) { return *Quantity::parse(text); };
  CHECK((q("0.1") + q("0.2")) == q("300m"));
  CHECK((q("1Gi") + q("512Mi")).to_string() == "1536Mi");
  CHECK((q("0") + q("1Gi")).to_string() == "1Gi");
  CHECK((q("1Gi") - q("1Gi")).to_string() == "0");
  CHECK((q("1Gi") + q("1m")).to_string() == "1073741824001m");
  CHECK((q("1") - q("1500m")).to_string() == "-500m");
  CHECK(q("1Gi") > q("1G"));
  CHECK(q("1024Mi") == q("1Gi"));
  CHECK(q("-1") < q("0"));
  CHECK(q("1k") == q("1e3"));
  CHECK(Quantity::milli(2500).to_string() == "2500m");
  CHECK(Quantity::of(1536, Quantity::Format::BinarySI).to_string() == "1536");
  CHECK(Quantity::of(2048, Quantity::Format::BinarySI).to_string() == "2Ki");
  CHECK(Quantity::of(std::numeric_limits<std::int64_t>::min()).value() ==
        -std::numeric_limits<std::int64_t>::max());
  CHECK(q("1.5").to_double() == 1.5);
}

TEST_CASE("amounts beyond all reason stay at the bound instead of wrapping", "[quantity]") {
  const auto huge = *Quantity::parse("1e9999");
  CHECK(huge.sign() == 1);
  CHECK((huge + huge) == huge);
  CHECK(huge.value() == std::numeric_limits<std::int64_t>::max());
  const auto small = *Quantity::parse("-" + std::string(300, '9'));
  CHECK((small - huge) == small);
  CHECK(Quantity::parse(std::string(300, '9') + "Ei")->to_string() == "9223372036854775807");
  CHECK(Quantity::parse("0." + std::string(300, '3'))->to_string() == "333333334n");
}
