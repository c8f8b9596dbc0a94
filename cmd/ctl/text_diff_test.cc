#include "cmd/ctl/text_diff.h"

#include <catch2/catch.hpp>

using namespace ctl;

TEST_CASE("equal texts have no difference", "[ctl]") {
  CHECK(unified_diff("a", "x\ny\n", "b", "x\ny\n").empty());
}

TEST_CASE("a difference reads as diff -u prints it", "[ctl]") {
  CHECK(unified_diff("old", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "new", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n") ==
        "--- old\n+++ new\n@@ -2,8 +2,9 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n 9\n+10\n");
  CHECK(unified_diff("old", "", "new", "a\nb\n") == "--- old\n+++ new\n@@ -0,0 +1,2 @@\n+a\n+b\n");
  CHECK(unified_diff("old", "a\n", "new", "") == "--- old\n+++ new\n@@ -1,1 +0,0 @@\n-a\n");
  std::string left, right;
  for (int i = 0; i < 40; ++i) left += std::to_string(i) + "\n";
  right = left;
  right.replace(right.find("\n5\n"), 3, "\nV\n").replace(right.find("\n30\n"), 4, "\nXXX\n");
  CHECK(unified_diff("old", left, "new", right) ==
        "--- old\n+++ new\n"
        "@@ -3,7 +3,7 @@\n 2\n 3\n 4\n-5\n+V\n 6\n 7\n 8\n"
        "@@ -28,7 +28,7 @@\n 27\n 28\n 29\n-30\n+XXX\n 31\n 32\n 33\n");
}
