#include "kube/base/random.h"

#include <array>
#include <catch2/catch.hpp>
#include <set>

using namespace kube;

TEST_CASE("equal seeds give equal sequences, other seeds other ones", "[random]") {
  Random a(7), b(7), c(8);
  for (int i = 0; i < 100; ++i) {
    const auto value = a.next();
    CHECK(value == b.next());
    CHECK(value != c.next());
  }
}

TEST_CASE("the sequence of a seed is fixed for ever, or old simulation seeds would not replay", "[random]") {
  Random random(0);
  // xoshiro256** over splitmix64(0): the reference values of the published generators.
  CHECK(random.next() == 0x99ec5f36cb75f2b4);
  CHECK(random.next() == 0xbf6e1f784956452a);
}

TEST_CASE("below() stays in range and reaches every value about equally often", "[random]") {
  Random random(1);
  std::array<int, 7> seen{};
  for (int i = 0; i < 70'000; ++i) ++seen[random.below(7)];
  for (int count : seen) {
    CHECK(count > 9'500);
    CHECK(count < 10'500);
  }
  CHECK(random.below(1) == 0);
}

TEST_CASE("unit() and chance() cover [0, 1)", "[random]") {
  Random random(2);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double value = random.unit();
    REQUIRE(value >= 0);
    REQUIRE(value < 1);
    hits += random.chance(0.25);
  }
  CHECK(hits > 2'300);
  CHECK(hits < 2'700);
  CHECK_FALSE(random.chance(0));
  CHECK(random.chance(1));
}

TEST_CASE("jitter only ever adds, up to its factor", "[random]") {
  Random random(3);
  for (int i = 0; i < 1'000; ++i) {
    const Duration value = random.jitter(10s, 0.1);
    REQUIRE(value >= 10s);
    REQUIRE(value <= 11s);
  }
  CHECK(random.jitter(Duration::max(), 0.5) == Duration::max());
}

TEST_CASE("UUIDs are version 4 and name suffixes have no vowels", "[random]") {
  Random random(4);
  std::set<std::string> uuids;
  for (int i = 0; i < 1'000; ++i) {
    const std::string uuid = random.uuid_v4();
    REQUIRE(uuid.size() == 36);
    REQUIRE(uuid[14] == '4');
    REQUIRE(std::string("89ab").find(uuid[19]) != std::string::npos);
    REQUIRE((uuid[8] == '-' && uuid[13] == '-' && uuid[18] == '-' && uuid[23] == '-'));
    uuids.insert(uuid);
    const std::string suffix = random.name_suffix();
    REQUIRE(suffix.size() == 5);
    REQUIRE(suffix.find_first_not_of("bcdfghjklmnpqrstvwxz2456789") == std::string::npos);
  }
  CHECK(uuids.size() == 1'000);
}

TEST_CASE("two generators from the kernel differ", "[random]") {
  Random a = Random::from_kernel(), b = Random::from_kernel();
  CHECK(a.next() != b.next());
}
