#include "controller/application/post_deadline.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;

namespace {

struct Lease final : kube::Leadership {
  kube::Duration left;
  explicit Lease(kube::Duration duration) : left(duration) {}
  std::uint64_t term() const override { return 1; }
  bool valid_for(kube::Duration duration) const override { return duration < left; }
};

}  // namespace

TEST_CASE("a request that needs the lease never outlasts it, and takes ten seconds at most", "[lease]") {
  struct Row {
    const char* why;
    kube::Duration left;
    std::optional<kube::Duration> deadline;
  };
  const Row rows[] = {
      {"a usual lease", 13s, 10s},
      {"one that has not been renewed for a while", 6s, 5s},
      {"one of a few seconds", 3s, 2s},
      {"one of two seconds", 2s, 1s},
      {"one that is about to end", 1s, std::nullopt},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    CHECK(controller::post_deadline(Lease(row.left)) == row.deadline);
  }
}

TEST_CASE("whoever leads undisputed has the longest time", "[lease]") {
  CHECK(controller::post_deadline(kube::UndisputedLeadership()) == kube::Duration(10s));
}
