#include "api/names.h"

#include <catch2/catch.hpp>

TEST_CASE("names that fit are joined, longer ones are cut and told apart by a digest", "[api]") {
  CHECK(api::ui_service_name("pi") == "pi-ui-svc");
  CHECK(api::ui_ingress_name("pi") == "pi-ui-ingress");
  CHECK(api::ui_service_name(std::string(56, 'x')).size() == 63);

  const std::string name = "a" + std::string(62, 'b');
  CHECK(api::ui_service_name(name) == "a" + std::string(46, 'b') + "-c9d8f8cb-ui-svc");
  CHECK(api::ui_ingress_name(name) == "a" + std::string(42, 'b') + "-41db6245-ui-ingress");
  CHECK(api::ui_service_name(name).size() == 63);
  CHECK(api::ui_service_name(name) != api::ui_service_name("a" + std::string(61, 'b') + "c"));
}

TEST_CASE("names of services, ingresses and labels never exceed 63 characters", "[api]") {
  const std::string name(63, 'a');
  for (const std::string& cut :
       {api::driver_ingress_service_name(name, 65535), api::driver_ingress_name(name, 1),
        api::kube_scheduler_pod_group_name(name), api::ui_service_name(name)}) {
    INFO(cut);
    CHECK(cut.size() == 63);
  }
  CHECK(api::driver_ingress_service_name(name, 4040) != api::driver_ingress_service_name(name, 4041));
}

TEST_CASE("a suffix longer than a label does not reach beyond the name", "[api]") {
  CHECK(api::truncated_name("abc", std::string(70, 's')).starts_with("-"));
}

TEST_CASE("the driver pod is named by the field, else by sparkConf, else after the application", "[api]") {
  api::SparkApplication app;
  app.metadata.name = "pi";
  CHECK(api::driver_pod_name(app) == "pi-driver");
  app.spec.spark_conf["spark.kubernetes.driver.pod.name"] = "conf";
  CHECK(api::driver_pod_name(app) == "conf");
  app.spec.driver.pod_name = "field";
  CHECK(api::driver_pod_name(app) == "field");
  app.spec.driver.pod_name = "";
  CHECK(api::driver_pod_name(app) == "conf");
  CHECK(api::default_driver_pod_name("pi") == "pi-driver");
}

TEST_CASE("the other names are those that existing objects bear", "[api]") {
  CHECK(api::driver_ingress_service_name("pi", 4041) == "pi-driver-4041");
  CHECK(api::driver_ingress_name("pi", 4041) == "pi-ing-4041");
  CHECK(api::prometheus_config_map_name("pi") == "pi-prom-conf");
  CHECK(api::volcano_pod_group_name("pi") == "spark-pi-pg");
  CHECK(api::kube_scheduler_pod_group_name("pi") == "pi-pg");
  CHECK(api::connect_config_map_name("nb") == "nb-conf");
  CHECK(api::connect_server_pod_name("nb") == "nb-server");
  CHECK(api::connect_service_name("nb") == "nb-server");
}

TEST_CASE("a run is named after the time at which it is due, in the unit that was asked for", "[api]") {
  using api::TimestampPrecision;
  const kube::TimePoint due = *kube::parse_rfc3339("2026-01-01T00:00:00Z");
  struct Case {
    TimestampPrecision precision;
    const char* name;
  };
  for (const Case& row : {Case{TimestampPrecision::Nanos, "nightly-1767225600000000000"},
                          Case{TimestampPrecision::Micros, "nightly-1767225600000000"},
                          Case{TimestampPrecision::Millis, "nightly-1767225600000"},
                          Case{TimestampPrecision::Seconds, "nightly-1767225600"},
                          Case{TimestampPrecision::Minutes, "nightly-29453760"}}) {
    CHECK(api::scheduled_run_name("nightly", due, row.precision) == row.name);
    CHECK(api::scheduled_run_time("nightly", row.name) == due);
  }
}

TEST_CASE("other names hold no time", "[api]") {
  for (const char* name :
       {"", "nightly", "nightly-", "nightly-manual-1767225600", "nightly-12", "other-1767225600",
        "nightly-17672256x0", "nightly--767225600", "nightly_1767225600"}) {
    INFO(name);
    CHECK_FALSE(api::scheduled_run_time("nightly", name));
  }
  // Beyond what a time point holds.
  CHECK_FALSE(api::scheduled_run_time("nightly", "nightly-9999999999999999999"));
  CHECK_FALSE(api::scheduled_run_time("nightly", "nightly-9999999999"));
}
