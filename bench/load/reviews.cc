#include "bench/load/reviews.h"

#include <algorithm>
#include <memory>

#include "controller/application/attempt_status.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/async/wait_list.h"
#include "kube/core/admission_review.h"
#include "kube/core/fields.h"
#include "kube/http/tls.h"
#include "kube/http/wire.h"
#include "spark/driver_builder.h"
#include "spark/submit_conf.h"

namespace bench {

using kube::fail;
using kube::Json;
using kube::Result;
using kube::SteadyTime;
using kube::Task;

namespace {

// One kept-alive connection. The request is text already and of the answer no value is made: a client that
// spends as much on a review as the webhook does would measure itself.
class ReviewConnection {
 public:
  explicit ReviewConnection(std::unique_ptr<kube::Stream> stream) : stream_(std::move(stream)) {}

  Task<Result<kube::HttpResponse>> ask(std::string_view request, SteadyTime deadline) {
    stream_->set_deadline(deadline);
    keep_alive_ = false;  // until the answer is whole
    // Go's client fills its buffer, and hands on the rest as it comes: a review is two TLS records, not one.
    for (std::size_t piece = 4u << 10; !request.empty(); piece = 32u << 10) {
      const std::string_view part = request.substr(0, piece);
      if (auto sent = co_await stream_->write(part); !sent) co_return fail(std::move(sent));
      request.remove_prefix(part.size());
    }
    kube::WireParser parser(kube::WireParser::Role::Response, {});
    while (true) {
      input_.consume(parser.put(input_.bytes()));
      if (parser.problem() != kube::WireParser::Problem::None)
        co_return fail(kube::ErrorKind::Protocol, "answer: " + parser.problem_text());
      if (parser.done()) break;
      auto got = co_await input_.read_from(*stream_);
      if (!got) co_return fail(std::move(got));
      if (*got == 0) parser.put_end();
    }
    keep_alive_ = parser.keep_alive() && input_.empty();
    parser.response().body = std::move(parser.body());
    co_return std::move(parser.response());
  }
  bool can_be_used_again() const { return keep_alive_; }

 private:
  std::unique_ptr<kube::Stream> stream_;
  kube::InputBuffer input_;
  bool keep_alive_ = false;
};
using ReviewConnectionPtr = std::unique_ptr<ReviewConnection>;

Result<std::vector<std::string>> request_texts(const ReviewPlan& plan) {
  std::vector<std::string> texts;
  for (const std::string& body : plan.reviews) {
    const kube::HttpRequest request{.method = "POST",
                                    .target = plan.path,
                                    .headers = {{"User-Agent", "kube-apiserver-admission"},
                                                {"Accept", "application/json, */*"},
                                                {"Content-Type", "application/json"},
                                                {"Accept-Encoding", "gzip"}},
                                    .body = body};
    auto head = kube::request_head(request, plan.server_name + ":443");
    if (!head) return fail(std::move(head));
    texts.push_back(*head + body);
  }
  if (texts.empty()) return fail(kube::ErrorKind::InvalidInput, "there is no review to send");
  return texts;
}

class ReviewLoad {
 public:
  ReviewLoad(kube::Loop& loop, kube::Network& network, ReviewPlan plan, std::vector<std::string> requests,
             std::shared_ptr<kube::TlsClientContext> tls)
      : loop_(loop),
        network_(network),
        plan_(std::move(plan)),
        requests_(std::move(requests)),
        tls_(std::move(tls)),
        freed_(loop) {}

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
    const SteadyTime deadline = due + std::chrono::seconds(30);
    const std::string& request = requests_[static_cast<std::size_t>(report_.sent++) % requests_.size()];
    auto connection = co_await take(deadline);
    if (!connection) co_return fail(std::move(connection));
    auto answer = co_await (*connection)->ask(request, deadline);
    give_back(std::move(*connection));
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

  // The connection used last, a new one while there may be more, or the next that is given back. First come,
  // first served: what is given back while others wait is promised, and nobody who comes later takes it.
  Task<Result<ReviewConnectionPtr>> take(SteadyTime deadline) {
    if (static_cast<int>(idle_.size()) + plan_.connections - open_ <= promised_) {
      if (!co_await freed_.wait_until(deadline))
        co_return fail(kube::ErrorKind::Timeout, "all connections were in use until the deadline");
      --promised_;
    }
    if (!idle_.empty()) {
      ReviewConnectionPtr connection = std::move(idle_.back());
      idle_.pop_back();
      co_return connection;
    }
    ++open_;
    auto stream = co_await network_.connect(plan_.server, deadline);
    if (stream && tls_) stream = co_await tls_->connect(std::move(*stream), plan_.server.host, deadline);
    if (!stream) {
      give_back(nullptr);
      co_return fail(std::move(stream));
    }
    co_return std::make_unique<ReviewConnection>(std::move(*stream));
  }
  void give_back(ReviewConnectionPtr connection) {
    if (connection && connection->can_be_used_again())
      idle_.push_back(std::move(connection));
    else
      --open_;
    if (freed_.wake_one()) ++promised_;
  }

  kube::Loop& loop_;
  kube::Network& network_;
  const ReviewPlan plan_;
  const std::vector<std::string> requests_;
  const std::shared_ptr<kube::TlsClientContext> tls_;
  std::vector<ReviewConnectionPtr> idle_;
  int open_ = 0;
  int promised_ = 0;  // to those who were woken and have not run yet
  kube::WaitList freed_;
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
  auto requests = request_texts(plan);
  if (!requests) co_return fail(std::move(requests));
  ReviewLoad load(loop, network, std::move(plan), std::move(*requests), std::move(tls));
  co_return co_await load.run();
}

Result<Json> driver_pod(const Json& object) {
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
  Json pod = std::move(submission->driver_pod);
  pod["metadata"]["namespace"] = app->metadata.namespace_;
  return pod;
}

Result<std::string> driver_pod_review(const Json& app) {
  auto made = driver_pod(app);
  if (!made) return fail(std::move(made));
  const Json& pod = *made;
  kube::AdmissionRequest request;
  request.uid = "705ab4f5-6393-11e8-b7cc-42010a800002";
  request.kind = kube::kPods.gvk();
  request.resource = {"", "v1", "pods"};
  request.name = kube::string_at(pod, {"metadata", "name"});
  request.namespace_ = kube::string_at(pod, {"metadata", "namespace"});
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
