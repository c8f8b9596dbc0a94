#include "controller/submit/rest_submitter.h"

#include "api/constants.h"
#include "controller/application/event_texts.h"
#include "controller/submit/spark_made_start.h"
#include "kube/async/timer.h"

namespace controller {

using kube::ErrorKind;
using kube::fail;
using kube::Result;
using kube::Task;

namespace {

constexpr const char* kName = "rest";
// While a driver has not appeared that the service says it has submitted.
constexpr kube::Duration kLookForDriver = std::chrono::seconds(1);

class RestStart final : public SparkMadeStart {
 public:
  RestStart(SubmissionService& service, kube::Loop& loop, const RestOptions& rest, Parts parts,
            std::string application)
      : SparkMadeStart(kName, std::move(parts), service.options().request_timeout + rest.lease),
        service_(service),
        loop_(loop),
        rest_(rest),
        doing_("failed to submit Spark application " + application) {}

  Task<Result<PodView>> create_driver(PostPermit may_post) override;

 private:
  Task<Result<SparkDriver::Left>> appearance(SubmissionService::Permit permit);
  Task<Result<PodView>> judge(Result<> asked, SubmissionService::Permit permit);

  SubmissionService& service_;
  kube::Loop& loop_;
  const RestOptions& rest_;
  const std::string doing_;
};

Task<Result<PodView>> RestStart::create_driver(PostPermit may_post) {
  if (auto vacant = co_await driver_.is_vacant(); !vacant) co_return fail(std::move(vacant));

  const SubmissionService::Permit permit = [may_post = std::move(may_post)] {
    return may_post().has_value();
  };
  const kube::Log log = rest_.log.with("submissionID", driver_.submission_id());
  log.info("the submission service is asked",
           {{"arguments", command_line(redaction_.arguments(input_.arguments))}});
  auto asked = co_await service_.submit({.submission_id = driver_.submission_id(),
                                         .arguments = input_.arguments,
                                         .driver_template = input_.templates.driver,
                                         .executor_template = input_.templates.executor,
                                         .redaction = redaction_},
                                        permit);
  if (!asked && asked.error().kind() == ErrorKind::ShuttingDown) co_return fail(std::move(asked));
  if (!asked) asked = fail(std::move(asked).error().while_doing(doing_));
  if (!asked && asked.error().kind() != ErrorKind::InvalidInput) co_return fail(std::move(asked));
  co_return co_await judge(std::move(asked), permit);
}

// What has come of a success, or of a refusal.
Task<Result<PodView>> RestStart::judge(Result<> asked, SubmissionService::Permit permit) {
  Result<SparkDriver::Left> left = co_await driver_.left_behind();
  const bool finished = asked && left && left->driver;
  if (asked && left && !left->driver && !left->taken_back) left = co_await appearance(std::move(permit));
  if (!left) co_return fail(std::move(left));
  if (left->driver) co_return made(*std::move(left->driver), finished);
  if (!asked) co_return fail(std::move(asked));
  co_return fail(ErrorKind::InvalidInput,
                 doing_ + ": submitter service says that it has, but there is no driver pod " +
                     driver_.key().to_string());
}

// A service may answer before its spark-submit has come to the pod: as long as one request may take, it is
// looked for.
Task<Result<SparkDriver::Left>> RestStart::appearance(SubmissionService::Permit permit) {
  const kube::SteadyTime end = loop_.after(service_.options().request_timeout);
  while (true) {
    co_await kube::sleep(loop_, kLookForDriver);
    if (!permit()) co_return fail(ErrorKind::ShuttingDown, "the submission is not due any more");
    auto left = co_await driver_.left_behind();
    if (!left || left->driver || left->taken_back || loop_.steady() >= end) co_return left;
  }
}

}  // namespace

Result<std::unique_ptr<DriverStart>> RestSubmitter::begin(const api::SparkApplication& app,
                                                          const spark::Attempt& attempt, std::string why) {
  auto input = spark_submit_input(app, options_, attempt, spark::PodTemplates::Beside);
  if (!input) return fail(std::move(input));
  input->templates.driver["metadata"]["annotations"][api::annotation::kSubmittedBy] = kName;
  SparkDriver driver(client_, input->driver, app.metadata.uid, attempt.submission_id);
  return std::make_unique<RestStart>(
      service_, client_.loop(), rest_,
      SparkMadeStart::Parts{
          .driver = std::move(driver),
          .input = *std::move(input),
          .redaction = service_.options().redaction.of(app.spec.spark_conf),
          .announcement = {event(EventReason::SparkSubmissionRequested, {why.empty() ? "" : ": " + why})}},
      app.metadata.key().to_string());
}

// All that is left to do is to see whether the driver is complete.
Result<std::unique_ptr<DriverStart>> RestSubmitter::resume(const api::SparkApplication& app,
                                                           const spark::Attempt& attempt,
                                                           const PodView& driver) {
  return std::make_unique<RestStart>(
      service_, client_.loop(), rest_,
      SparkMadeStart::Parts{SparkDriver(client_, driver.key, app.metadata.uid, attempt.submission_id)},
      app.metadata.key().to_string());
}

}  // namespace controller
