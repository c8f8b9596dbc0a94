#include "controller/submit/spark_submit_submitter.h"

#include "controller/application/event_texts.h"
#include "controller/submit/spark_made_start.h"
#include "kube/core/yaml.h"

namespace controller {

using kube::ErrorKind;
using kube::fail;
using kube::Result;
using kube::Task;

namespace {

constexpr const char* kName = "spark-submit";
// Of each end of stderr. A message is stored with the application, in etcd and in every cache; Spark's first
// lines say what it set out to do, its last ones what went wrong.
constexpr std::size_t kReasonLimit = 1800;

// A JVM that is killed leaves its temporary files behind: they lie in the folder that goes when it has ended.
// Only Java's own setting: SPARK_LOCAL_DIRS and spark.local.dir would be read as the driver's.
std::map<std::string, std::string> with_temporary_folder(std::map<std::string, std::string> environment,
                                                         const std::string& folder) {
  environment["TMPDIR"] = folder;
  std::string& options = environment["SPARK_SUBMIT_OPTS"];
  options = "-Djava.io.tmpdir=" + folder + (options.empty() ? "" : " ") + options;
  return environment;
}

// Where the process finds its pod templates.
kube::ChildFolder folder_of(const spark::Attempt& attempt, const ProcessTemplates& templates) {
  const std::string driver = spark::template_path(attempt.submission_id, spark::PodRole::Driver);
  const std::string executor = spark::template_path(attempt.submission_id, spark::PodRole::Executor);
  const std::size_t slash = driver.rfind('/');
  return {.path = driver.substr(0, slash),
          .files = {{driver.substr(slash + 1), kube::to_yaml(templates.driver)},
                    {executor.substr(slash + 1), kube::to_yaml(templates.executor)}}};
}

class ProcessStart final : public SparkMadeStart {
 public:
  ProcessStart(kube::ChildRunner& runner, kube::Loop& loop, const SparkSubmitOptions& process, Parts parts,
               kube::ChildFolder folder)
      : SparkMadeStart(kName, std::move(parts), process.timeout + process.lease),
        runner_(runner),
        loop_(loop),
        process_(process),
        folder_(std::move(folder)) {}

  Task<Result<PodView>> create_driver(PostPermit may_post) override;

 private:
  kube::ChildCommand command(PostPermit may_post) const;
  Task<Result<PodView>> judge(kube::ChildExit ended);
  kube::Error refusal(const kube::ChildExit& ended) const;

  kube::ChildRunner& runner_;
  kube::Loop& loop_;
  const SparkSubmitOptions& process_;
  const kube::ChildFolder folder_;
};

kube::ChildCommand ProcessStart::command(PostPermit may_post) const {
  kube::ChildCommand command;
  command.program = process_.program;
  command.arguments = input_.arguments;
  command.environment = with_temporary_folder(process_.environment, folder_.path);
  command.folder = folder_;
  command.deadline = loop_.after(process_.timeout);
  command.permit = [may_post = std::move(may_post)] { return may_post().has_value(); };
  return command;
}

Task<Result<PodView>> ProcessStart::create_driver(PostPermit may_post) {
  // A process costs seconds of several processors: not for a driver that is there already.
  if (auto vacant = co_await driver_.is_vacant(); !vacant) co_return fail(std::move(vacant));

  const kube::Log log = process_.log.with("submissionID", driver_.submission_id());
  log.info("spark-submit starts", {{"program", process_.program},
                                   {"arguments", command_line(redaction_.arguments(input_.arguments))}});
  const kube::SteadyTime begin = loop_.steady();
  auto ended = co_await runner_.run(command(std::move(may_post)));
  if (!ended && ended.error().kind() == ErrorKind::ShuttingDown) co_return fail(std::move(ended));
  if (!ended)
    co_return fail(ErrorKind::InvalidInput, "failed to run spark-submit: " + ended.error().message());
  const auto secrets = redaction_.values_in(input_.arguments);
  ended->errors = redaction_.text(std::move(ended->errors), secrets);
  ended->output = redaction_.text(std::move(ended->output), secrets);
  log.info("spark-submit has ended", {{"result", ended->to_string()}, {"took", loop_.steady() - begin}});
  log.debug("output of spark-submit", {{"stdout", ended->output}, {"stderr", ended->errors}});
  if (ended->how == kube::ChildEnd::Revoked)
    co_return fail(ErrorKind::ShuttingDown, "spark-submit was stopped: the submission is not due any more");
  co_return co_await judge(std::move(*ended));
}

// What stands under the driver's name now that the process has ended.
Task<Result<PodView>> ProcessStart::judge(kube::ChildExit ended) {
  auto left = co_await driver_.left_behind();
  if (!left) co_return fail(std::move(left));
  if (left->driver) co_return made(*std::move(left->driver), ended.succeeded());
  // Somebody else's pod was in the way and has gone meanwhile.
  if (!left->taken_back && ended.errors.find("code=409") != std::string::npos)
    co_return fail(ErrorKind::AlreadyExists, "driver pod already exist");
  co_return fail(refusal(ended));
}

kube::Error ProcessStart::refusal(const kube::ChildExit& ended) const {
  std::string message = "failed to run spark-submit: ";
  if (ended.succeeded()) {
    message += "it has ended well, but there is no driver pod " + driver_.key().to_string();
  } else if (ended.how == kube::ChildEnd::TimedOut) {
    message += "no end within " + kube::to_go_duration(process_.timeout);
  } else if (ended.errors.empty()) {
    message += ended.to_string();
  }
  if (!ended.errors.empty() && !ended.succeeded()) {
    if (ended.how == kube::ChildEnd::TimedOut) message += ": ";
    message += ended.errors.size() <= 2 * kReasonLimit
                   ? ended.errors
                   : ended.errors.substr(0, kReasonLimit) + "\n... omitting " +
                         std::to_string(ended.errors.size() - 2 * kReasonLimit) + " bytes ...\n" +
                         ended.errors.substr(ended.errors.size() - kReasonLimit);
  }
  return {ErrorKind::InvalidInput, std::move(message)};
}

}  // namespace

Result<std::unique_ptr<DriverStart>> SparkSubmitSubmitter::begin(const api::SparkApplication& app,
                                                                 const spark::Attempt& attempt,
                                                                 std::string why) {
  if (!process_.unavailable.empty())
    return fail(ErrorKind::InvalidInput, "failed to run spark-submit: " + process_.unavailable);
  auto input = spark_submit_input(app, options_, attempt, spark::PodTemplates::Files);
  if (!input) return fail(std::move(input));
  SparkDriver driver(client_, input->driver, app.metadata.uid, attempt.submission_id);
  kube::ChildFolder folder = folder_of(attempt, input->templates);
  return std::make_unique<ProcessStart>(
      runner_, client_.loop(), process_,
      SparkMadeStart::Parts{
          .driver = std::move(driver),
          .input = *std::move(input),
          .redaction = process_.redaction.of(app.spec.spark_conf),
          .announcement = {event(EventReason::SparkSubmitStarted, {why.empty() ? "" : ": " + why})}},
      std::move(folder));
}

// Nothing is built: all that is left to do is to see whether the driver is complete.
Result<std::unique_ptr<DriverStart>> SparkSubmitSubmitter::resume(const api::SparkApplication& app,
                                                                  const spark::Attempt& attempt,
                                                                  const PodView& driver) {
  return std::make_unique<ProcessStart>(
      runner_, client_.loop(), process_,
      SparkMadeStart::Parts{SparkDriver(client_, driver.key, app.metadata.uid, attempt.submission_id)},
      kube::ChildFolder{});
}

}  // namespace controller
