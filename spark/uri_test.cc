#include "spark/uri.h"

#include <catch2/catch.hpp>

TEST_CASE("a path without a scheme is a file of the submitter", "[spark]") {
  struct Row {
    const char* path;
    const char* uri;
  };
  auto row = GENERATE(values<Row>({{"local:///opt/a.jar", "local:///opt/a.jar"},
                                   {"s3a://b/k#frag", "s3a://b/k#frag"},
                                   {"/a/b.jar", "file:/a/b.jar"},
                                   {"/a b/c.jar", "file:/a%20b/c.jar"},
                                   {"rel/../x.py", "file:/jobs/x.py"},
                                   {"x.tgz#env", "file:/jobs/x.tgz#env"},
                                   {"hdfs:/x y", "file:/jobs/hdfs:/x%20y"}}));
  CHECK(spark::resolve_uri(row.path, "/jobs") == row.uri);
}

TEST_CASE("lists are resolved item by item", "[spark]") {
  CHECK(spark::resolve_uri_list(" local:///a , ,b", "/w") == "local:///a,file:/w/b");
  CHECK(spark::resolve_uri_list("", "/w").empty());
}

TEST_CASE("only files of the submitter need an upload", "[spark]") {
  CHECK(spark::is_submitter_file("file:/a"));
  CHECK(spark::is_submitter_file("/a"));
  CHECK_FALSE(spark::is_submitter_file("local:///a"));
  CHECK_FALSE(spark::is_submitter_file("spark-internal"));
}
