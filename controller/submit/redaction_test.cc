#include "controller/submit/redaction.h"

#include <catch2/catch.hpp>

#include "api/spark_application.h"
#include "kube/core/fields.h"

using namespace controller;

using Words = std::vector<std::string>;

TEST_CASE("values that look secret are found wherever a command line can hold them", "[secrets]") {
  struct Row {
    const char* why;
    Words arguments;
    Words secrets;
  };
  const auto row = GENERATE(values<Row>({
      {"by the key of a property", {"--conf", "spark.hadoop.fs.s3a.secret.key=AbCdEf=="}, {"AbCdEf=="}},
      {"keys of stores that Spark does not know",
       {"--conf", "spark.hadoop.fs.azure.account.key.a.blob.core.windows.net=AbCdEf=="},
       {"AbCdEf=="}},
      {"environment by its name",
       {"--conf", "spark.kubernetes.driverEnv.DB_PASSWORD=hunter22", "--conf",
        "spark.kubernetes.driverEnv.AWS_REGION=eu-north-1"},
       {"hunter22"}},
      {"the word after an option", {"local:///a.py", "--password", "hunter22"}, {"hunter22"}},
      {"an option with its value", {"local:///a.py", "--token=hunter22"}, {"hunter22"}},
      {"inside of Java's options",
       {"--conf", "spark.driver.extraJavaOptions=-Xmx1g -Ddb.password=hunter22 -Dx=1"},
       {"hunter22"}},
      {"ordinary settings are not", {"--conf", "spark.executor.memory=512m", "--name", "pi-secondary"}, {}},
      {"names of Kubernetes secrets are not",
       {"--conf", "spark.kubernetes.driver.secrets.db-creds=/mnt/secrets", "--conf",
        "spark.kubernetes.driver.secretKeyRef.PASSWORD=db-creds:password", "--conf",
        "spark.kubernetes.container.image.pullSecrets=regcred"},
       {}},
      {"paths are not",
       {"--conf", "spark.kubernetes.authenticate.driver.oauthTokenFile=/var/run/token", "--conf",
        "spark.hadoop.fs.s3a.aws.credentials.provider=org.example.Provider"},
       {}},
      {"a service account is not",
       {"--conf", "spark.kubernetes.authenticate.driver.serviceAccountName=spark-operator-spark"},
       {}},
      {"what is too short to be told from other text is not", {"--conf", "spark.my.password=true"}, {}},
      {"longest first, once each",
       {"--conf", "a.secret=123456", "--conf", "b.secret=1234567", "--conf", "c.secret=123456"},
       {"1234567", "123456"}},
  }));
  INFO(row.why);
  CHECK(Redaction().values_in(row.arguments) == row.secrets);
}

TEST_CASE("arguments for the log carry no secret values, and show what is none", "[secrets]") {
  const Words hidden = Redaction().arguments(
      {"--conf", "spark.kubernetes.driverEnv.X=hunter22", "--conf", "spark.hadoop.fs.s3a.secret.key=hunter22",
       "--conf", "spark.driver.extraJavaOptions=-Ddb.password=hunter22 -Dx=1", "--conf",
       "spark.driver.cores=1", "--conf", "spark.kubernetes.authenticate.driver.serviceAccountName=spark",
       "local:///a.jar", "--password", "hunter22", "--token=hunter22", "jdbc:pg://u:hunter22@h/db", "10"});
  CHECK(hidden == Words{"--conf", "spark.kubernetes.driverEnv.X=(hidden)", "--conf",
                        "spark.hadoop.fs.s3a.secret.key=(hidden)", "--conf",
                        "spark.driver.extraJavaOptions=-Ddb.password=(hidden) -Dx=1", "--conf",
                        "spark.driver.cores=1", "--conf",
                        "spark.kubernetes.authenticate.driver.serviceAccountName=spark", "local:///a.jar",
                        "--password", "(hidden)", "--token=(hidden)", "jdbc:pg://u:(hidden)@h/db", "10"});
}

TEST_CASE("an application's secrets are found in all that its spec can hold", "[secrets]") {
  api::SparkApplication app;
  app.spec.spark_conf = {{"spark.hadoop.fs.s3a.secret.key", "conf-secret"}, {"spark.app.name", "harmless"}};
  app.spec.hadoop_conf = {{"fs.s3a.session.token", "hadoop-secret"}};
  app.spec.driver.env_vars = {{"API_KEY", "envvars-secret"}};
  app.spec.driver.env = {{{"name", "DB_PASSWORD"}, {"value", "env-secret"}},
                         {{"name", "PASSWORD"}, {"valueFrom", {{"secretKeyRef", {{"name", "db"}}}}}}};
  app.spec.executor.java_options = "-Dmy.token=java-secret -Xss1m";
  app.spec.arguments = {"--day", "monday", "--password", "argument-secret"};
  CHECK(Redaction().values_of(app) == Words{"argument-secret", "envvars-secret", "hadoop-secret",
                                            "conf-secret", "java-secret", "env-secret"});
  SECTION("its own pattern counts as well") {
    app.spec.spark_conf["spark.redaction.regex"] = "(?i)app[.]name";
    CHECK(Redaction().values_of(app).back() == "harmless");
  }
  SECTION("one that RE2 does not know is left out") {
    app.spec.spark_conf["spark.redaction.regex"] = "(?=x";
    CHECK(Redaction().values_of(app).size() == 6);
  }
}

TEST_CASE("an application's own pattern counts wherever its words are shown", "[secrets]") {
  const Redaction redaction = Redaction().of({{"spark.redaction.regex", "(?i)dsn"}});
  const Words arguments{"--conf", "spark.my.dsn=srv1;pw9=Hunter2222", "--conf", "spark.x.password=secret1"};
  CHECK(redaction.arguments(arguments) ==
        Words{"--conf", "spark.my.dsn=(hidden)", "--conf", "spark.x.password=(hidden)"});
  CHECK(redaction.values_in(arguments) == Words{"srv1;pw9=Hunter2222", "secret1"});
  CHECK(redaction.text("dsn=abc") == "dsn=(hidden)");
}

TEST_CASE("other people's text is kept without them", "[secrets]") {
  const Redaction redaction;
  CHECK(redaction.text("user hunter22 hunter22!", {"hunter22"}) == "user (hidden) (hidden)!");
  CHECK(redaction.text("-Ddb.Password=abc -Dx=1\nTOKEN=a\"b") ==
        "-Ddb.Password=(hidden) -Dx=1\nTOKEN=(hidden)\"b");
  CHECK(redaction.text("{\"password\": \"a b\", \"user\": \"me\"}") ==
        "{\"password\": \"(hidden)\", \"user\": \"me\"}");
  CHECK(redaction.text("GET https://h/p?X-Amz-Signature=abc&x=1") ==
        "GET https://h/p?X-Amz-Signature=(hidden)&x=1");
  CHECK(redaction.text("pg://me:pw@host/db") == "pg://me:(hidden)@host/db");
  CHECK(redaction.text("Authorization: Bearer abcdefgh.ijkl") == "Authorization: Bearer (hidden)");
  CHECK(redaction.text("x -----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY----- y") == "x (hidden) y");
  CHECK(redaction.text("password=") == "password=");
  CHECK(redaction.text("secret \"db\" not found") == "secret \"db\" not found");
  CHECK(redaction.text("error looking up service account ns/spark: not found") ==
        "error looking up service account ns/spark: not found");
  CHECK(redaction.text("", {"hunter22"}).empty());
}

TEST_CASE("the pattern is the operator's to choose", "[secrets]") {
  const Redaction own = Redaction::create("(?i)colour").value();
  CHECK(own.hides("favourite.Colour"));
  CHECK_FALSE(own.hides("password"));
  CHECK(own.text("colour=green password=x") == "colour=(hidden) password=x");
  const auto wrong = Redaction::create("(");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message().find("missing )") != std::string::npos);
}
