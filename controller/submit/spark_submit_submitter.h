// SparkSubmitSubmitter starts drivers with Spark's own spark-submit, a process of this machine: for what only
// a JVM can do, and for whoever trusts nothing else.
//
//   SparkSubmitSubmitter submitter(client, children, options, {.program = "/opt/spark/bin/spark-submit", …});
//   auto start = submitter.begin(app, attempt, "spark.jars holds a file of the submitter");
//
// The program gets the arguments that upstream gives it, and two pod templates: the executors' with their
// share of the mutations, as natively; the driver's with its share too, unless a pod webhook runs, which does
// it better, since it comes after Spark. What Spark writes over a template is named by an event.
//
// Exactly one driver, though a process answers with an exit code only (docs/one-driver.md):
//  - a pod that stands under the name is never started over (AlreadyExists);
//  - the process lives no longer than its time-out, the lease, and this operator;
//  - what has come of it is read from the API server: a driver of this attempt is ours, whatever the exit
//    code says, and complete once the config map is there that Spark makes last;
//  - when that has not come although every process that could make it must be dead by now (time-out + lease),
//    it never will.
//
// Temporary files of the process lie in a folder that is removed when it has ended, however it ended.
// Arguments are logged, and output is kept, without what looks secret.
// Thread: the loop's only. Lifetime: client and runner outlive it.
#pragma once

#include <map>
#include <string>

#include "controller/submit/redaction.h"
#include "controller/submit/submitter.h"
#include "kube/async/child_process.h"
#include "kube/base/log.h"
#include "kube/client/api.h"

namespace controller {

struct SparkSubmitOptions {
  std::string program;      // …/bin/spark-submit; "": there is none
  std::string unavailable;  // why there is none: "env SPARK_HOME is not specified"
  std::map<std::string, std::string> environment = {};  // of the process
  kube::Duration timeout = std::chrono::minutes(3);
  // How long a process of an operator that has lost the lease may live on: the lease's duration.
  kube::Duration lease = std::chrono::seconds(15);
  Redaction redaction = {};
  kube::Log log = {};
};

class SparkSubmitSubmitter final : public Submitter {
 public:
  SparkSubmitSubmitter(kube::Client& client, kube::ChildRunner& runner, spark::SubmitOptions options,
                       SparkSubmitOptions process)
      : client_(client), runner_(runner), options_(std::move(options)), process_(std::move(process)) {}

  // "" or why it cannot be used here.
  const std::string& unavailable() const { return process_.unavailable; }

  // `why` ends the sentence "spark-submit starts the driver: …" of the event that announces it.
  kube::Result<std::unique_ptr<DriverStart>> begin(const api::SparkApplication& app,
                                                   const spark::Attempt& attempt, std::string why);
  kube::Result<std::unique_ptr<DriverStart>> begin(const api::SparkApplication& app,
                                                   const spark::Attempt& attempt) override {
    return begin(app, attempt, "");
  }
  kube::Result<std::unique_ptr<DriverStart>> resume(const api::SparkApplication& app,
                                                    const spark::Attempt& attempt,
                                                    const PodView& driver) override;

 private:
  kube::Client& client_;
  kube::ChildRunner& runner_;
  const spark::SubmitOptions options_;
  const SparkSubmitOptions process_;
};

}  // namespace controller
