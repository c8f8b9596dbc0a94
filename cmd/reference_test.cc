#include "cmd/reference.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>

using namespace cmd;

TEST_CASE("the committed pages are what the code says", "[reference]") {
  const auto pages = reference_pages(SOURCE_DIR);
  REQUIRE(pages);
  for (const ReferencePage& page : *pages) {
    std::ifstream file(std::string(SOURCE_DIR) + "/" + page.path);
    const std::string committed{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    INFO(page.path << " differs from what the code says; `<build folder>/cmd/reference_pages .` writes it");
    CHECK(committed == page.text);
  }
}

TEST_CASE("a scrape is read as names, types and labels", "[reference]") {
  const std::string text =
      "# HELP a_total help\n# TYPE a_total counter\na_total{x=\"1,y=\\\"}\",b=\"2\"} 3\n"
      "# TYPE s summary\ns_count 1\ns_sum 2\n"
      "# TYPE h histogram\nh_bucket{c=\"w\",le=\"+Inf\"} 1\nh_count{c=\"w\"} 1\nh_sum{c=\"w\"} 1\n";
  CHECK(scraped_metrics(text) ==
        std::vector<std::string>{"counter a_total{b,x}", "histogram h{c}", "summary s{}"});
}

TEST_CASE("a line of the list that misses a column is an error that shows it", "[reference]") {
  const auto rows = parse_metric_list("# comment\na\tcounter\t-\tboth\tours\tmeaning\nb\tcounter\n");
  REQUIRE_FALSE(rows);
  CHECK_THAT(rows.error().message(), Catch::Contains("b\tcounter"));
  const auto good = parse_metric_list("a\tcounter\t*,x\tboth\tours\tmeaning\n").value();
  CHECK(listed_metrics(good, "webhook", "u,v") == std::vector<std::string>{"counter a{u,v,x}"});
  CHECK(listed_metrics(good, "controller", "") == std::vector<std::string>{"counter a{x}"});
}
