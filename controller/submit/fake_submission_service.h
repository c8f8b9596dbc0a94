// FakeSubmissionService stands in for a submission service in front of a FakeApi: it makes the driver pod
// and, last, its config map, in simulated time, whether or not anybody still waits for its answer.
//
//   FakeSubmissionService service(api);                    // at http://submitter:8080/api/v1/spark-submit
//   service.script = {.makes_pod = false, .status = 500, .body = R"({…})"};
//   CHECK(service.asked.size() == 1);                      // bodies, as JSON
//
// It knows ids: a second request of one that it has begun is answered when that has ended, as a duplicate.
// For this room's tests. Thread: one. Lifetime: the FakeApi outlives it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/submit/fake_spark_submit.h"
#include "controller/submit/submission_service.h"

namespace controller {

class FakeSubmissionService {
 public:
  static constexpr const char* kUrl = "http://submitter:8080/api/v1/spark-submit";

  struct Script {
    kube::Duration takes = std::chrono::seconds(8);  // a quarter of it before the pod is there
    bool makes_pod = true;
    bool makes_config_map = true;
    bool takes_pod_back = false;
    int status = 201;
    std::string body = R"({"message":"submitted"})";
    bool loses_answer = false;
  };

  explicit FakeSubmissionService(FakeApi& api) : api_(api), tasks_(api.server.loop) {
    server_.emplace(api.server.loop, kube::HttpServerOptions{},
                    [this](kube::HttpExchange& exchange) { return answer(exchange); });
    tasks_.spawn("submitter",
                 server_->serve(std::move(*api.server.net.host("submitter").listen({"", 8080}))));
  }
  ~FakeSubmissionService() {
    tasks_.cancel();
    api_.server.loop.run(tasks_.join());
  }

  Script script;
  std::vector<kube::Json> asked;
  int looks = 0;

  static std::string conf(const kube::Json& request, const std::string& key) {
    return FakeSparkSubmit::conf(command_of(request), key);
  }

 private:
  static kube::ChildCommand command_of(const kube::Json& request) {
    kube::ChildCommand command;
    command.arguments = request.at("spark_submit_args").get<std::vector<std::string>>();
    command.folder.files["driver-pod-template.yaml"] = kube::dump_json(request.at("driver_pod_template"));
    return command;
  }

  kube::Task<> answer(kube::HttpExchange& exchange) {
    if (exchange.request().method == "GET") {
      ++looks;
      co_return co_await kube::reply(exchange, 405, "");
    }
    const kube::Json request = kube::Json::parse(exchange.request().body);
    asked.push_back(request);
    const Script plan = script;
    const std::string id = request.at("submission_id");
    if (!begun_.contains(id)) {
      begun_[id] = api_.server.loop.after(plan.takes);
      // Of the service's own: a caller that goes away ends nothing.
      tasks_.spawn("spark-submit", run(request, plan));
      co_await kube::sleep_until(api_.server.loop, begun_[id]);
      if (plan.loses_answer) co_return exchange.abort();
      co_return co_await kube::reply(exchange, plan.status, plan.body);
    }
    co_await kube::sleep_until(api_.server.loop, begun_[id]);
    co_await kube::reply(exchange, plan.status == 201 ? 200 : plan.status,
                         plan.status == 201 ? R"({"duplicate_submission":true})" : plan.body);
  }

  kube::Task<> run(kube::Json request, Script plan) {
    const kube::ChildCommand command = command_of(request);
    kube::Loop& loop = api_.server.loop;
    co_await kube::sleep(loop, plan.takes / 4);
    if (!plan.makes_pod) co_return;
    const std::string pod = pod_path(FakeSparkSubmit::conf(command, "spark.kubernetes.driver.pod.name"));
    if (api_.has(pod)) co_return;
    FakeSparkSubmit::make_pod(api_, command, ++pods_);
    co_await kube::sleep(loop, plan.takes / 4);
    if (plan.takes_pod_back && api_.has(pod))
      api_.change(pod, [&](kube::Json& object) { object["metadata"]["deletionTimestamp"] = api_.now(); });
    if (plan.makes_config_map && api_.has(pod)) FakeSparkSubmit::make_config_map(api_, pod);
  }

  FakeApi& api_;
  kube::TaskGroup tasks_;
  std::optional<kube::HttpServer> server_;
  std::map<std::string, kube::SteadyTime> begun_;
  int pods_ = 0;
};

}  // namespace controller
