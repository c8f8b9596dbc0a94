#include "spark/children/web_ui_url.h"

#include <catch2/catch.hpp>

#include "api/spark_application.h"
#include "spark/submit_conf.h"

namespace {

constexpr const char* kAttemptId = "5b0e1f3c-9a77-8d21-8104-9fe02b6c1d55";

api::SparkApplication application() {
  api::SparkApplication app;
  app.metadata.name = "pi";
  app.metadata.namespace_ = "ns";
  return app;
}

}  // namespace

TEST_CASE("fault 24: URL formats are read rightly with and without scheme, port and path", "[children]") {
  struct Row {
    const char* why;
    const char* format;
    const char* host;
    const char* port;
    const char* path;
    const char* text;
  };
  auto row = GENERATE(values<Row>({
      {"name only", "{{$appName}}.ex.com", "pi.ex.com", "", "", "http://pi.ex.com"},
      {"below a path", "ex.com/{{$appNamespace}}/{{$appName}}", "ex.com", "", "/ns/pi",
       "http://ex.com/ns/pi"},
      {"port without scheme", "host.com:80/x", "host.com", "80", "/x", "http://host.com:80/x"},
      {"address and port without scheme", "10.0.0.1:80/x", "10.0.0.1", "80", "/x", "http://10.0.0.1:80/x"},
      {"IPv6", "https://[fd00::1]:8443/x", "fd00::1", "8443", "/x", "https://[fd00::1]:8443/x"},
      {"IPv6 without port", "http://[fd00::1]", "fd00::1", "", "", "http://[fd00::1]"},
      {"upper case", "HTTPS://Ex.COM/X", "ex.com", "", "/X", "HTTPS://Ex.COM/X"},
      {"a user", "https://me@ex.com/x", "ex.com", "", "/x", "https://me@ex.com/x"},
      {"query without path", "ex.com?a=b", "ex.com", "", "", "http://ex.com?a=b"},
      {"query and fragment", "ex.com/x?y#z", "ex.com", "", "/x", "http://ex.com/x?y#z"},
      {"escapes", "ex.com/a%20b", "ex.com", "", "/a b", "http://ex.com/a%20b"},
      {"white space inside the braces", "{{\t$appName }}.ex.com/{{  $appNamespace}}", "pi.ex.com", "", "/ns",
       "http://pi.ex.com/ns"},
      {"no placeholder of ours", "ex.com/{{other}}", "ex.com", "", "/{{other}}", "http://ex.com/{{other}}"},
  }));
  INFO(row.why);
  auto url = spark::web_ui_url(row.format, application());
  REQUIRE(url);
  CHECK(url->host == row.host);
  CHECK(url->port == row.port);
  CHECK(url->path == row.path);
  CHECK(url->text == row.text);
}

TEST_CASE("fault 24: what is no URL is refused", "[children]") {
  for (const char* format : {"", "http:///x", "http://[fd00::1/x", "ex.com:http/x", "ex.com/%zz", "ex.com/%2",
                             "{{$oops}}.ex.com", "a b.com"}) {
    INFO(format);
    auto url = spark::web_ui_url(format, application());
    REQUIRE_FALSE(url);
    CHECK(url.error().kind() == kube::ErrorKind::InvalidInput);
  }
}

TEST_CASE("an address is told from a name", "[children]") {
  CHECK(spark::web_ui_url("10.0.0.1/x", application())->host_is_address());
  CHECK(spark::web_ui_url("[::1]/x", application())->host_is_address());
  CHECK_FALSE(spark::web_ui_url("10.ex.com", application())->host_is_address());
  CHECK_FALSE(spark::web_ui_url("1.2.3", application())->host_is_address());
}

TEST_CASE("fault 23: the path that the driver is told is the path of its ingress, application id included",
          "[children]") {
  auto app = application();
  app.spec.spark_version = "3.5.7";
  spark::SubmitOptions options;
  options.ingress_url_format = "ex.com/{{$appId}}";
  const auto prepared =
      spark::prepare_application(app, options, {.submission_id = kAttemptId, .time = {}}).value();
  const std::string told = prepared.spec.spark_conf.at("spark.ui.proxyBase");

  // As it is once the driver runs; spark-submit's drivers have an id of their own.
  app.status.submission_id = kAttemptId;
  app.status.spark_application_id = GENERATE("", "spark-of-its-own");
  CHECK(spark::web_ui_url(options.ingress_url_format, app)->path == told);
  CHECK(told.starts_with("/spark-"));
}

TEST_CASE("a run that another operator began has the id that its pods bear", "[children]") {
  auto app = application();
  app.status.submission_id = "b9e0b2b3-7f3c-4a5e-9d0f-0a1b2c3d4e5f";
  app.status.spark_application_id = "spark-123";
  CHECK(spark::web_ui_url("ex.com/{{$appId}}", app)->path == "/spark-123");
}
