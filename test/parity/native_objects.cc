// The native submitter's side of a comparison with a real spark-submit (parity.py): what the operator would
// pass to spark-submit, and the objects that the native submitter makes of the same arguments.
//
//   parity_native < request.json > answer.json
//
//   request   [{"app": "cases/python-pi/app.yaml", "version": "4.1.4",
//               "master": "k8s://http://127.0.0.1:4711", "submissionId": "…",
//               "submitter": {"user": "spark", "workingDirectory": "/", "environment": {},
//                             "sparkConfFiles": {}, "hadoopConfFiles": {}, "files": {}},
//               "options": {"loadSparkDefaults": false}, "ways": false}, …]
//             or {"app": …, "version": …, "mutate": {…}}: a pod for the webhook
//   answer    one element each: {"spec": {…}, "arguments": […], "files": {…}} and then
//             {"objects": […], "serverSideApply": true},
//             {"fallback": ["rule: reason", …]} or {"refused": "why"}; or {"pod": {…}} of the webhook.
//             With "ways", what executors are made from and the driver, in the ways of kWays below
//
// "version" replaces spec.sparkVersion, so that one case serves all Spark lines. What a pod webhook would add
// is left out: spark-submit knows nothing of it.
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "api/spark_application.h"
#include "kube/core/fields.h"
#include "kube/core/json.h"
#include "kube/core/yaml.h"
#include "spark/driver_builder.h"
#include "spark/fallback.h"
#include "spark/native_submission.h"
#include "spark/pod_mutation.h"
#include "spark/submit_conf.h"

namespace {

using kube::Json;
using kube::Result;

std::map<std::string, std::string> texts(const Json& object) {
  std::map<std::string, std::string> out;
  for (const auto& item : object.items()) out[item.key()] = item.value().get<std::string>();
  return out;
}

spark::Submitter submitter_of(const Json& given) {
  spark::Submitter out;
  out.user = given.value("user", out.user);
  out.working_directory = given.value("workingDirectory", out.working_directory);
  if (given.contains("environment")) out.environment = texts(given["environment"]);
  if (given.contains("sparkConfFiles")) out.spark_conf_files = texts(given["sparkConfFiles"]);
  if (given.contains("hadoopConfFiles")) out.hadoop_conf_files = texts(given["hadoopConfFiles"]);
  if (given.contains("files")) out.files = texts(given["files"]);
  return out;
}

Result<api::SparkApplication> load(const Json& request) {
  const auto path = request["app"].get<std::string>();
  std::ifstream in(path);
  if (!in) return kube::fail(kube::ErrorKind::InvalidInput, path + ": cannot be read");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  auto json = kube::parse_yaml_document(text, path);
  if (!json) return kube::fail(json);
  auto app = kube::decode<api::SparkApplication>(*json);
  if (app) app->spec.spark_version = request["version"].get<std::string>();
  return app;
}

// The ways to mutations: by the webhook alone, as for spark-submit's own pods, or by the native submitter,
// without a webhook or beside one.
struct Way {
  const char* name;
  bool native, webhook, partial_restart;
};
constexpr Way kWays[] = {{"webhook", false, true, false},
                         {"native", true, false, false},
                         {"both", true, true, false},
                         {"both, partial restart", true, true, true}};

// What a driver makes executors from, and the driver itself.
Json way_of(const spark::Submission& submission) {
  Json out = {{"driver", submission.driver_pod}};
  for (const Json& child : submission.children) {
    if (!child.contains("data")) continue;
    for (const char* key : {"spark.properties", "podspec-configmap-key"})
      if (child["data"].contains(key)) out[key] = child["data"][key];
  }
  return out;
}

Result<Json> ways(const api::SparkApplication& stored, spark::SubmitOptions options,
                  const spark::Attempt& attempt, const spark::Submission& by_spark_submit) {
  Json out = Json::object();
  for (const Way& way : kWays) {
    options.webhook_runs = way.webhook;
    options.partial_restart = way.partial_restart;
    if (!way.native) {
      out[way.name] = way_of(by_spark_submit);
      continue;
    }
    auto submission = spark::native_submission(stored, options, attempt);
    if (!submission) return kube::fail(submission);
    out[way.name] = way_of(*submission);
  }
  out["needWebhook"] = spark::fields_needing_webhook(stored);
  return out;
}

Result<> mutate(const Json& request, Json& answer) {
  auto stored = load(request);
  if (!stored) return kube::fail(stored);
  const auto role = spark::pod_role(kube::string_at(request["mutate"], {"metadata", "labels", "spark-role"}));
  auto pod = spark::mutate_pod(request["mutate"], *stored, role.value_or(spark::PodRole::Driver));
  if (!pod) return kube::fail(pod);
  answer["pod"] = *std::move(pod);
  return {};
}

// Fills `answer` as far as it gets; the error is the refusal.
Result<> answer_to(const Json& request, Json& answer) {
  if (request.contains("mutate")) return mutate(request, answer);
  auto stored = load(request);
  if (!stored) return kube::fail(stored);
  answer["spec"] = kube::encode(stored->spec);
  spark::SubmitOptions options;
  options.master_url = request["master"].get<std::string>();
  options.submitter = submitter_of(request["submitter"]);
  if (request.contains("options"))
    options.load_spark_defaults = request["options"].value("loadSparkDefaults", false);
  const spark::Attempt attempt{.submission_id = request["submissionId"].get<std::string>(),
                               .time = kube::TimePoint(std::chrono::seconds(1795225810))};
  auto app = spark::prepare_application(*stored, options, attempt);
  if (!app) return kube::fail(app);
  auto arguments = spark::spark_submit_arguments(*app, options, attempt);
  if (!arguments) return kube::fail(arguments);
  answer["arguments"] = *arguments;

  spark::Submitter submitter = options.submitter;
  Json& files = answer["files"] = Json::object();
  for (auto role : {spark::PodRole::Driver, spark::PodRole::Executor}) {
    const std::string path = spark::template_path(attempt.submission_id, role);
    files[path] = kube::to_yaml(spark::pod_template(*app, role));
    submitter.files[path] = files[path].get<std::string>();
  }
  auto version = spark::parse_spark_version(request["version"].get<std::string>());
  if (!version) return kube::fail(kube::ErrorKind::InvalidInput, "version: no Spark version");
  auto conf = spark::driver_conf(
      *arguments, std::move(submitter),
      {.submission_id = attempt.submission_id, .version = *version, .submit_time = attempt.time});
  if (!conf) return kube::fail(conf);
  Json fallback = Json::array();
  for (const auto& reason : spark::fallback_reasons(*conf))
    if (reason.rule != "spark-line") fallback.push_back(std::string(reason.rule) + ": " + reason.text);
  if (!fallback.empty()) {
    answer["fallback"] = std::move(fallback);
    return {};
  }
  auto submission = spark::build_submission(*conf);
  if (!submission) return kube::fail(submission);
  Json& objects = answer["objects"] = submission->pre_resources;
  objects.push_back(submission->driver_pod);
  // What had to be there before the driver comes again, as its own.
  const std::string driver = kube::string_at(submission->driver_pod, {"metadata", "name"});
  for (const auto* owned : {&submission->pre_resources, &submission->children})
    for (const Json& child : spark::with_owner(*owned, driver, "uid-of-the-driver")) objects.push_back(child);
  answer["serverSideApply"] = conf->line->server_side_apply;
  if (request.value("ways", false)) {
    auto made = ways(*stored, options, attempt, *submission);
    if (!made) return kube::fail(made);
    answer["ways"] = *std::move(made);
  }
  return {};
}

}  // namespace

int main() {
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  auto requests = kube::parse_json(text);
  if (!requests || !requests->is_array()) {
    std::cerr << "parity_native: expected a JSON list of requests on standard input\n";
    return 2;
  }
  Json answers = Json::array();
  for (const Json& request : *requests) {
    Json answer = Json::object();
    if (auto done = answer_to(request, answer); !done) answer["refused"] = done.error().message();
    answers.push_back(std::move(answer));
  }
  std::cout << kube::dump_json(answers) << '\n';
  return 0;
}
