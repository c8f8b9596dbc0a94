#include "bench/load/reviews.h"

#include "controller/application/attempt_status.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/core/admission_review.h"
#include "kube/core/fields.h"
#include "kube/http/client.h"
#include "spark/driver_builder.h"
#include "spark/submit_conf.h"

namespace bench {

using kube::fail;
using kube::Json;
using kube::Result;
using kube::SteadyTime;
using kube::Task;

namespace {

class ReviewLoad {
 public:
  ReviewLoad(kube::Loop& loop, kube::Network& network, ReviewPlan plan,
             std::shared_ptr<kube::TlsClientContext> tls)
      : loop_(loop),
        plan_(std::move(plan)),
        client_(loop, network,
                {.origin = plan_.server, .tls = std::move(tls), .max_connections = plan_.connections}) {}

  Task<Result<ReviewReport>> run() {
    // Also opens a connection, so that what cannot work is said at once.
    if (auto first = co_await send(loop_.steady()); !first) co_return fail(std::move(first));
    report_ = {};
    latencies_.clear();
    kube::TaskGroup sending(loop_);
    const SteadyTime start = loop_.steady();
    end_ = start + plan_.lasts;
    if (plan_.per_second > 0) {
      const auto total =
          static_cast<std::int64_t>(plan_.per_second * std::chrono::duration<double>(plan_.lasts).count());
      for (std::int64_t k = 0; k < total; ++k) {
        const SteadyTime due =
            start + std::chrono::duration_cast<kube::Duration>(
                        std::chrono::duration<double>(static_cast<double>(k) / plan_.per_second));
        if (due > loop_.steady()) co_await kube::sleep_until(loop_, due);
        sending.spawn("review", send_counted(due));
      }
    } else {
      for (int i = 0; i < plan_.connections; ++i) sending.spawn("connection", send_until_end());
    }
    co_await sending.join();
    report_.took = loop_.steady() - start;
    report_.latency = quantiles(std::move(latencies_));
    co_return report_;
  }

 private:
  Task<> send_until_end() {
    while (loop_.steady() < end_) co_await send_counted(loop_.steady());
  }
  Task<> send_counted(SteadyTime due) {
    auto sent = co_await send(due);
    if (!sent && report_.failures++ == 0) report_.first_failure = sent.error().message();
  }

  Task<Result<>> send(SteadyTime due) {
    const std::string& body = plan_.reviews[static_cast<std::size_t>(report_.sent++) % plan_.reviews.size()];
    auto answer = co_await client_.send({.method = "POST",
                                         .target = plan_.path,
                                         .headers = {{"Content-Type", "application/json"}},
                                         .body = body},
                                        due + std::chrono::seconds(30));
    if (!answer) co_return fail(std::move(answer));
    if (answer->status != 200)
      co_return fail(kube::ErrorKind::Protocol, "HTTP status " + std::to_string(answer->status));
    latencies_.push_back(loop_.steady() - due);
    // Looked for, not read: making values of the answers would cost more than sending the reviews.
    if (answer->body.find("\"allowed\":true") == std::string::npos)
      co_return fail(kube::ErrorKind::Protocol, "not allowed: " + answer->body.substr(0, 300));
    ++report_.allowed;
    if (answer->body.find("\"patch\":") != std::string::npos) ++report_.patched;
    co_return Result<>{};
  }

  kube::Loop& loop_;
  const ReviewPlan plan_;
  kube::HttpClient client_;
  SteadyTime end_{};
  ReviewReport report_;
  std::vector<kube::Duration> latencies_;
};

}  // namespace

Json ReviewReport::to_json() const {
  return {{"sent", sent},
          {"allowed", allowed},
          {"patched", patched},
          {"failures", failures},
          {"first_failure", first_failure},
          {"took_ms", milliseconds(took)},
          {"latency", latency.to_json()}};
}

Task<Result<ReviewReport>> send_reviews(kube::Loop& loop, kube::Network& network, ReviewPlan plan) {
  std::shared_ptr<kube::TlsClientContext> tls;
  if (!plan.certificate_authorities.empty()) {
    auto made = kube::TlsClientContext::create(
        {.certificate_authorities = plan.certificate_authorities, .server_name = plan.server_name});
    if (!made) co_return fail(std::move(made));
    tls = std::move(*made);
  }
  ReviewLoad load(loop, network, std::move(plan), std::move(tls));
  co_return co_await load.run();
}

Result<std::string> driver_pod_review(const Json& object) {
  auto stored = kube::decode<api::SparkApplication>(object);
  if (!stored) return fail(std::move(stored));
  spark::SubmitOptions options;
  options.master_url = "k8s://https://kubernetes.default.svc:443";
  const spark::Attempt attempt{.submission_id = controller::next_id(*stored, {})};
  auto app = spark::prepare_application(*stored, options, attempt);
  if (!app) return fail(std::move(app));
  auto version = spark::resolve_version(app->spec.spark_version, app->spec.image.value_or(""));
  if (!version) return fail(kube::ErrorKind::InvalidInput, "no Spark version");
  auto arguments = spark::spark_submit_arguments(*app, options, attempt);
  if (!arguments) return fail(std::move(arguments));
  // What spark-submit finds under the names of its pod templates.
  spark::Submitter submitter;
  for (const spark::PodRole role : {spark::PodRole::Driver, spark::PodRole::Executor})
    submitter.files[spark::template_path(attempt.submission_id, role)] =
        kube::dump_json(spark::pod_template(*app, role));
  auto conf = spark::driver_conf(*arguments, std::move(submitter),
                                 {.submission_id = attempt.submission_id, .version = *version});
  if (!conf) return fail(std::move(conf));
  auto submission = spark::build_submission(*conf);
  if (!submission) return fail(std::move(submission));
  const Json& pod = submission->driver_pod;

  kube::AdmissionRequest request;
  request.uid = "705ab4f5-6393-11e8-b7cc-42010a800002";
  request.kind = kube::kPods.gvk();
  request.resource = {"", "v1", "pods"};
  request.name = kube::string_at(pod, {"metadata", "name"});
  request.namespace_ = app->metadata.namespace_;
  request.operation = "CREATE";
  request.user_info = {.username = "system:serviceaccount:spark-operator:spark-operator-controller",
                       .uid = "",
                       .groups = {"system:serviceaccounts", "system:authenticated"},
                       .extra = {}};
  request.object = kube::dump_json(pod);
  request.options = R"({"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"})";
  return kube::encode_admission_review(request);
}

}  // namespace bench
