#include "controller/submit/secret_values.h"

#include <catch2/catch.hpp>

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
      {"environment is nobody's business",
       {"--conf", "spark.kubernetes.driverEnv.DB_URL=pg://u:p@h"},
       {"pg://u:p@h"}},
      {"the word after an option", {"local:///a.py", "--password", "hunter22"}, {"hunter22"}},
      {"an option with its value", {"local:///a.py", "--token=hunter22"}, {"hunter22"}},
      {"by what the value says",
       {"--conf", "spark.driver.extraJavaOptions=-Ddb.password=hunter22"},
       {"-Ddb.password=hunter22"}},
      {"ordinary settings are not", {"--conf", "spark.executor.memory=512m", "--name", "pi-secondary"}, {}},
      {"names of Kubernetes secrets are not",
       {"--conf", "spark.kubernetes.driver.secrets.db-creds=/mnt/secrets", "--conf",
        "spark.kubernetes.driver.secretKeyRef.PASSWORD=db-creds:password"},
       {}},
      {"a service account is not",
       {"--conf", "spark.kubernetes.authenticate.driver.serviceAccountName=spark-operator-spark"},
       {}},
      {"what is too short to be told from other text is not", {"--conf", "spark.authenticate=true"}, {}},
      {"longest first, once each",
       {"--conf", "a.secret=123456", "--conf", "b.secret=1234567", "--conf", "c.secret=123456"},
       {"1234567", "123456"}},
  }));
  INFO(row.why);
  CHECK(secret_values(row.arguments) == row.secrets);
}

TEST_CASE("output is kept without them", "[secrets]") {
  CHECK(without_secrets("user hunter22 hunter22!", {"hunter22"}) == "user (hidden) (hidden)!");
  CHECK(without_secrets("-Ddb.Password=abc -Dx=1\nTOKEN=a\"b", {}) ==
        "-Ddb.Password=(hidden) -Dx=1\nTOKEN=(hidden)\"b");
  CHECK(without_secrets("password=", {}) == "password=");
  CHECK(without_secrets("", {"hunter22"}).empty());
}
