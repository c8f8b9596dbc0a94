#include "spark/batch/pod_request.h"

#include <catch2/catch.hpp>

#include "spark/native_submission.h"

using kube::Json;

namespace {

api::SparkApplication application(const Json& spec) {
  Json json{{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
            {"kind", "SparkApplication"},
            {"metadata", {{"name", "pi"}, {"namespace", "ns"}, {"uid", "u"}}},
            {"spec",
             {{"type", "Scala"},
              {"mode", "cluster"},
              {"sparkVersion", "3.5.7"},
              {"image", "spark:3.5.7"},
              {"mainClass", "P"},
              {"mainApplicationFile", "local:///a.jar"},
              {"driver", Json::object()},
              {"executor", Json::object()}}}};
  json["spec"].merge_patch(spec);
  return kube::decode<api::SparkApplication>(json).value();
}

Json python(Json spec) {
  spec["type"] = "Python";
  spec["mainApplicationFile"] = "local:///a.py";
  return spec;
}

}  // namespace

TEST_CASE("faults 19 and 21: sizes are Spark's, with what comes on top of the heap", "[batch]") {
  struct Row {
    const char* why;
    Json spec;  // of the executor alone, or with what else matters
    std::int64_t mebibytes;
  };
  const auto executor = [](Json fields, Json more = Json::object()) {
    more["executor"] = std::move(fields);
    return more;
  };
  const Json off_heap{{"spark.memory.offHeap.enabled", "true"}, {"spark.memory.offHeap.size", "400m"}};
  const std::vector<Row> rows{
      {"nothing said", executor(Json::object()), 1024 + 384},
      {"g is binary", executor({{"memory", "1g"}}), 1024 + 384},
      {"m is no thousandth", executor({{"memory", "512m"}}), 896},
      {"a bare number counts MiB", executor({{"memory", "2048"}}), 2048 + 384},
      {"a tenth beyond 3.75 GiB", executor({{"memory", "8g"}}), 8192 + 819},
      {"two fifths for Python", python(executor({{"memory", "1g"}})), 1433},
      {"two fifths for R", executor({{"memory", "1g"}}, {{"type", "R"}}), 1433},
      {"a factor", python(executor({{"memory", "8g"}}, {{"memoryOverheadFactor", "0.3"}})), 10649},
      {"a factor in sparkConf wins over the field",
       executor({{"memory", "8g"}}, {{"memoryOverheadFactor", "0.3"},
                                     {"sparkConf", {{"spark.kubernetes.memoryOverheadFactor", "0.5"}}}}),
       12288},
      {"a factor of executors",
       executor({{"memory", "8g"}}, {{"sparkConf", {{"spark.executor.memoryOverheadFactor", "0.5"}}}}),
       12288},
      {"an overhead", executor({{"memory", "64g"}, {"memoryOverhead", "2g"}}), 67584},
      {"an overhead as a bare number", executor({{"memory", "1g"}, {"memoryOverhead", "100"}}), 1124},
      {"a least overhead",
       executor({{"memory", "1g"}}, {{"sparkConf", {{"spark.executor.minMemoryOverhead", "500m"}}}}), 1524},
      {"sizes in sparkConf", executor(Json::object(), {{"sparkConf", {{"spark.executor.memory", "3g"}}}}),
       3456},
      {"PySpark's memory",
       python(executor({{"memory", "512m"}}, {{"sparkConf", {{"spark.executor.pyspark.memory", "500m"}}}})),
       1396},
      {"PySpark's memory without Python",
       executor({{"memory", "512m"}}, {{"sparkConf", {{"spark.executor.pyspark.memory", "500"}}}}), 896},
      {"off-heap memory", executor({{"memory", "512m"}}, {{"sparkConf", off_heap}}), 1296},
      {"off-heap memory that is off",
       executor({{"memory", "512m"}},
                {{"sparkConf",
                  {{"spark.memory.offHeap.enabled", "FALSE"}, {"spark.memory.offHeap.size", "400m"}}}}),
       896},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    auto request = spark::executor_request(application(row.spec).spec);
    REQUIRE(request);
    CHECK(request->memory.mebibytes() == row.mebibytes);
  }
}

TEST_CASE("cores are those of the request, else the cores, with sparkConf for what fields leave open",
          "[batch]") {
  struct Row {
    const char* why;
    Json spec;
    const char* cpu;
  };
  const std::vector<Row> rows{
      {"nothing said", Json::object(), "1"},
      {"cores", {{"driver", {{"cores", 2}}}}, "2"},
      {"fault 19: the driver's request counts",
       {{"driver", {{"cores", 2}, {"coreRequest", "500m"}}}},
       "500m"},
      {"a limit is no request", {{"driver", {{"cores", 2}, {"coreLimit", "4"}}}}, "2"},
      {"cores in sparkConf", {{"sparkConf", {{"spark.driver.cores", "3"}}}}, "3"},
      {"a request in sparkConf", {{"sparkConf", {{"spark.kubernetes.driver.request.cores", "0.5"}}}}, "0.5"},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    CHECK(spark::driver_request(application(row.spec).spec)->cpu == row.cpu);
  }
}

TEST_CASE("limits are those that were said, else the cores and what is requested", "[batch]") {
  struct Row {
    const char* why;
    Json spec;
    const char* cpu;
    const char* memory;
  };
  const std::vector<Row> rows{
      {"nothing said", Json::object(), "1", "1408Mi"},
      {"cores", {{"driver", {{"cores", 2}, {"coreRequest", "500m"}}}}, "2", "1408Mi"},
      {"limits", {{"driver", {{"coreLimit", "1200m"}, {"memoryLimit", "2G"}}}}, "1200m", "2Gi"},
      {"a limit in sparkConf",
       {{"sparkConf", {{"spark.kubernetes.driver.limit.cores", "3"}}}},
       "3",
       "1408Mi"},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const auto request = spark::driver_request(application(row.spec).spec);
    REQUIRE(request);
    CHECK(request->cpu_limit.to_string() == row.cpu);
    CHECK(request->memory_limit.to_string() == row.memory);
  }
  const auto refused = spark::driver_request(application({{"driver", {{"memoryLimit", "2gi"}}}}).spec);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message().find("spec.driver.memoryLimit") != std::string::npos);
}

TEST_CASE("what is reserved for a driver is what its pod requests", "[batch]") {
  const std::vector<Json> specs{
      Json::object(),
      {{"driver", {{"memory", "3g"}, {"coreRequest", "250m"}}}},
      python({{"driver", {{"memory", "1g"}, {"cores", 2}}}}),
      {{"driver", {{"memory", "900"}, {"memoryOverhead", "64m"}}}},
      {{"memoryOverheadFactor", "0.25"}, {"driver", {{"memory", "10g"}}}},
      {{"sparkConf", {{"spark.driver.memory", "2g"}, {"spark.driver.memoryOverheadFactor", "0.7"}}}},
  };
  for (const Json& spec : specs) {
    INFO(spec.dump());
    const auto app = application(spec);
    spark::SubmitOptions options;
    options.master_url = "k8s://https://10.96.0.1:443";
    auto submission = spark::native_submission(app, options, {.submission_id = "id", .time = {}});
    REQUIRE(submission);
    const Json& requests = submission->driver_pod["spec"]["containers"][0]["resources"]["requests"];
    const auto request = spark::driver_request(app.spec);
    REQUIRE(request);
    CHECK(spark::to_quantity(request->memory) == requests["memory"].get<std::string>());
    CHECK(request->cpu == requests["cpu"].get<std::string>());
  }
}

TEST_CASE("executors at the start", "[batch]") {
  struct Row {
    const char* why;
    Json spec;
    std::int64_t count;
  };
  const Json dynamic{{"spark.dynamicAllocation.enabled", "true"},
                     {"spark.dynamicAllocation.minExecutors", "3"}};
  const std::vector<Row> rows{
      {"one by default", Json::object(), 1},
      {"as many as said", {{"executor", {{"instances", 4}}}}, 4},
      {"said in sparkConf", {{"sparkConf", {{"spark.executor.instances", "5"}}}}, 5},
      {"dynamic: the most of three",
       {{"executor", {{"instances", 2}}},
        {"dynamicAllocation", {{"enabled", true}, {"initialExecutors", 3}, {"minExecutors", 4}}}},
       4},
      {"dynamic: none", {{"dynamicAllocation", {{"enabled", true}}}}, 0},
      {"dynamic in sparkConf", {{"sparkConf", dynamic}}, 3},
      {"not dynamic after all",
       {{"dynamicAllocation", {{"enabled", false}, {"minExecutors", 4}}}, {"executor", {{"instances", 2}}}},
       2},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    CHECK(spark::initial_executors(application(row.spec).spec).value() == row.count);
  }
}

TEST_CASE("sizes that Spark would refuse are refused, by name", "[batch]") {
  const auto fails = [](const Json& spec) {
    const auto total = spark::total_request(application(spec).spec);
    REQUIRE_FALSE(total);
    CHECK(total.error().kind() == kube::ErrorKind::InvalidInput);
    return total.error().message();
  };
  CHECK(fails({{"driver", {{"memory", "1.5g"}}}}).find("spark.driver.memory") != std::string::npos);
  CHECK(fails({{"executor", {{"memoryOverhead", "lots"}}}}).find("spark.executor.memoryOverhead") !=
        std::string::npos);
  CHECK(fails({{"memoryOverheadFactor", "much"}}).find("memoryOverheadFactor") != std::string::npos);
  CHECK(fails({{"executor", {{"coreRequest", "one"}}}}).find("spark.kubernetes.executor.request.cores") !=
        std::string::npos);
  CHECK(fails({{"sparkConf", {{"spark.executor.instances", "x"}}}, {"executor", Json::object()}})
            .find("spark.executor.instances") != std::string::npos);
  CHECK(fails({{"executor", {{"memory", "8388607t"}}}}).find("8 EiB") != std::string::npos);
  CHECK(fails({{"executor", {{"instances", 2147483647}, {"memory", "8000000t"}}}}).find("beyond counting") !=
        std::string::npos);
}

TEST_CASE("driver and executors together", "[batch]") {
  const auto total =
      spark::total_request(application({{"driver", {{"coreRequest", "500m"}}},
                                        {"executor", {{"instances", 3}, {"coreRequest", "250m"}}}})
                               .spec);
  REQUIRE(total);
  CHECK(total->cpu.to_string() == "1250m");
  CHECK(total->memory.to_string() == "5632Mi");
}
