// From a SparkApplication to the arguments of spark-submit: one list, in upstream's order, that serves both
// submitters.
//
//   auto app = prepare_application(stored, options, attempt);         // in-memory additions of one attempt
//   auto arguments = spark_submit_arguments(*app, options, attempt);  // {"--master", "k8s://…", …}
//   exec(SPARK_HOME + "/bin/spark-submit", *arguments);               // the JVM, or natively:
//   driver_conf(*arguments, submitter, identity);                     // spark/driver_conf.h
//
// spark-submit keeps the last --conf of a key, so the order is the precedence: typed fields win over
// sparkConf, except namespace, image, pull policy and secrets, Python version, overhead factor and
// waitAppCompletion, where sparkConf wins. Within sparkConf and hadoopConf, whose order is random upstream,
// we sort.
//
// The list carries secret values in plain text (envVars, sparkConf). Whoever logs it redacts it.
// Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/base/clock.h"
#include "kube/base/result.h"
#include "kube/core/json.h"
#include "spark/batch/batch_scheduler.h"
#include "spark/driver_conf.h"

namespace api {
struct SparkApplication;
}

namespace spark {

enum class PodRole { Driver, Executor };

// Whether a pod's processes find every Service of its namespace in their environment (enableServiceLinks).
// Each application brings Services of its own, and the kernel bounds the environment of a process: after some
// thousands no container starts any more. The API server's own Service is there in any case.
enum class ServiceLinks {
  On,   // nothing is said, and Kubernetes has them on
  Off,  // unless the application's own pod template says something
};

// Of the operator's process: the same for all applications.
struct SubmitOptions {
  std::string master_url;            // master_url(…) of the operator's own API server
  bool load_spark_defaults = false;  // feature gate LoadSparkDefaults: adds --load-spark-defaults
  bool enable_ui_service = true;     // with ingress_url_format: the UI is told its path behind the ingress
  std::string ingress_url_format;
  // A pod webhook runs beside us. Only then can the five executor fields of the PartialRestart gate be left
  // to it.
  bool webhook_runs = false;
  bool partial_restart = false;
  BatchSchedulers batch;
  ServiceLinks service_links = ServiceLinks::On;
  Submitter submitter;  // what the native submitter uses in place of a process environment
};

// One attempt to run the application.
struct Attempt {
  std::string submission_id;
  kube::TimePoint time{};  // of the submission; see Identity::submit_time
};

// "k8s://https://<host>:<port>", an IPv6 host in brackets. Error: one of both is empty, with upstream's
// words.
Result<std::string> master_url(std::string_view service_host, std::string_view service_port);

// The application with what one attempt adds in memory and never stores: defaults, web UI proxy paths, the
// Prometheus agent, and what a batch scheduler reads on pods.
Result<api::SparkApplication> prepare_application(const api::SparkApplication& app,
                                                  const SubmitOptions& options, const Attempt& attempt);

// How pod templates reach spark-submit: in the files that two properties name, or beside the arguments, by
// whoever passes those on (a submission service).
enum class PodTemplates { Files, Beside };

// Arguments without the program's name.
Result<std::vector<std::string>> spark_submit_arguments(const api::SparkApplication& app,
                                                        const SubmitOptions& options, const Attempt& attempt,
                                                        PodTemplates templates = PodTemplates::Files);

// Pod templates (v1 PodTemplateSpec): the user's, or one with Spark's container only; with the owner
// reference to the application. spark-submit finds them under template_path().
Json pod_template(const api::SparkApplication& app, PodRole role);
std::string template_path(std::string_view submission_id, PodRole role);

}  // namespace spark
