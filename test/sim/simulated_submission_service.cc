#include "test/sim/simulated_submission_service.h"

#include <stdexcept>
#include <utility>
#include <vector>

namespace sim {

using kube::ChildCommand;
using kube::Json;
using kube::Task;
using namespace std::chrono_literals;

namespace {

// Of one spark-submit.
constexpr kube::Duration kLongestRun = 20s;

Task<> say(kube::HttpExchange& exchange, int status, Json body) {
  (void)co_await exchange.respond(
      {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = kube::dump_json(body)});
}

}  // namespace

SimulatedSubmissionService::SimulatedSubmissionService(kube::Loop& loop, kube::SimNetwork& net,
                                                       std::string server, kube::TaskGroup& tasks,
                                                       std::function<bool()> dies)
    : loop_(loop),
      host_(net.host("submitter")),
      server_(std::move(server)),
      tasks_(tasks),
      dies_(std::move(dies)),
      ended_(loop),
      http_(loop, {}, [this](kube::HttpExchange& exchange) { return answer(exchange); }) {
  auto listener = host_.listen({"", 8080});
  if (!listener) throw std::runtime_error(listener.error().message());
  tasks_.spawn("submission service", http_.serve(std::move(*listener)));
}

Task<> SimulatedSubmissionService::answer(kube::HttpExchange& exchange) {
  if (exchange.request().method != "POST")
    co_return co_await say(exchange, 405, {{"error_code", "METHOD_NOT_ALLOWED"}, {"message", "POST only"}});
  const auto request = kube::parse_json(exchange.request().body);
  if (!request)
    co_return co_await say(exchange, 400, {{"error_code", "BAD_REQUEST"}, {"message", "no JSON"}});
  const std::string id = kube::string_at(*request, {"submission_id"});
  Submission& submission = submissions_[id];
  const bool duplicate = submission.done || submission.runs;
  if (!duplicate) {
    ChildCommand command;
    for (const Json& word : request->value("spark_submit_args", Json::array()))
      command.arguments.push_back(word.get<std::string>());
    command.folder.files["driver-pod-template.yaml"] =
        kube::dump_json(request->value("driver_pod_template", Json::object()));
    command.deadline = loop_.after(kLongestRun);
    submission.runs = true;
    tasks_.spawn("submission", run(id, exchange.peer().host, std::move(command)));
  }
  while (submission.runs) co_await ended_.wait();
  if (submission.done)
    co_return co_await say(exchange, duplicate ? 200 : 201,
                           {{"submission_id", id}, {"duplicate_submission", duplicate}});
  const bool exists = submission.errors.find("code=409") != std::string::npos;
  co_await say(exchange, exists ? 409 : 500,
               {{"error_code", exists ? "DRIVER_POD_ALREADY_EXISTS" : "INTERNAL_SERVER_ERROR"},
                {"message", submission.errors.empty() ? "spark-submit has failed" : submission.errors}});
}

Task<> SimulatedSubmissionService::run(std::string id, std::string asked_by, ChildCommand command) {
  kube::ClientConfig config;
  config.server = server_;
  config.token = "operator";
  auto client = kube::Client::create(loop_, host_, std::move(config),
                                     {.user_agent = asked_by + kSparkSubmitAgent, .default_deadline = 10s});
  if (!client) throw std::runtime_error(client.error().message());
  SimulatedSparkSubmit process(**client, dies_);
  auto ended = co_await process.run(std::move(command));
  Submission& submission = submissions_[id];
  submission.runs = false;
  submission.done = ended && ended->succeeded();
  submission.errors = ended ? ended->errors : ended.error().message();
  ended_.wake_all();
}

}  // namespace sim
