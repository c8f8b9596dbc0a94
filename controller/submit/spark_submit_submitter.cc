#include "controller/submit/spark_submit_submitter.h"

#include "api/constants.h"
#include "api/names.h"
#include "controller/application/event_texts.h"
#include "controller/submit/process_templates.h"
#include "controller/submit/remarks.h"
#include "kube/async/timer.h"
#include "kube/core/yaml.h"
#include "spark/pod_mutation.h"

namespace controller {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;
using kube::Task;

namespace {

constexpr const char* kName = "spark-submit";
// Of each end of stderr. A message is stored with the application, in etcd and in every cache; Spark's first
// lines say what it set out to do, its last ones what went wrong.
constexpr std::size_t kReasonLimit = 1800;
// While somebody else's process may still be completing a driver.
constexpr kube::Duration kLookAgain = std::chrono::seconds(5);
// How long we wait for a driver to be gone that spark-submit has taken back: longer than a pod's usual grace.
constexpr kube::Duration kTakenBack = std::chrono::seconds(60);
constexpr const char* kConfVolume = "spark-conf-volume-driver";

std::string quoted(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    const bool plain = !word.empty() && word.find_first_of(" \t\n\"'\\$") == std::string::npos;
    line.append(line.empty() ? "" : " ").append(plain ? word : kube::dump_json(Json(word)));
  }
  return line;
}

// A JVM that is killed leaves its temporary files behind: they lie in the folder that goes when it has ended.
// Only Java's own setting: SPARK_LOCAL_DIRS and spark.local.dir would be read as the driver's.
std::map<std::string, std::string> with_temporary_folder(std::map<std::string, std::string> environment,
                                                         const std::string& folder) {
  environment["TMPDIR"] = folder;
  std::string& options = environment["SPARK_SUBMIT_OPTS"];
  options = "-Djava.io.tmpdir=" + folder + (options.empty() ? "" : " ") + options;
  return environment;
}

// Of the config map that Spark makes last.
std::string config_map_of(const Json& pod) {
  const Json* volumes = kube::find_path(pod, {"spec", "volumes"});
  if (volumes == nullptr || !volumes->is_array()) return "";
  for (const Json& volume : *volumes) {
    if (kube::string_at(volume, {"name"}) == kConfVolume)
      return kube::string_at(volume, {"configMap", "name"});
  }
  return "";
}

// What one process is to do.
struct Job {
  kube::ObjectKey pod;
  std::string app_uid;
  std::string submission_id;
  std::vector<std::string> arguments;
  kube::ChildFolder folder;
  bool driver_needs_webhook = false;
  std::vector<Note> announcement, remarks;
};

class ProcessStart final : public DriverStart {
 public:
  ProcessStart(kube::Client& client, kube::ChildRunner& runner, const SparkSubmitOptions& process, Job job)
      : client_(client), runner_(runner), process_(process), job_(std::move(job)) {}

  std::string_view submitter() const override { return kName; }
  bool takes_long() const override { return true; }
  std::vector<Note> announcement() const override { return job_.announcement; }
  std::vector<Note> remarks() const override { return job_.remarks; }
  Task<Result<PodView>> create_driver(PostPermit may_post) override;
  Task<Result<Completion>> complete(const PodView& driver) override;

 private:
  struct Found {
    Json object;
    PodView view;
  };
  Task<Result<std::optional<Found>>> find_driver();
  bool is_ours(const PodView& pod) const {
    return pod.belongs_to(job_.app_uid) && pod.submission_id == job_.submission_id;
  }
  kube::ChildCommand command(PostPermit may_post) const;
  Task<Result<PodView>> judge(kube::ChildExit ended);
  Task<Result<bool>> is_gone(const std::string& uid);
  kube::Error refusal(const kube::ChildExit& ended) const;

  kube::Client& client_;
  kube::ChildRunner& runner_;
  const SparkSubmitOptions& process_;
  Job job_;
  bool finished_ = false;  // by our own process, which says so
};

Task<Result<std::optional<ProcessStart::Found>>> ProcessStart::find_driver() {
  auto pod = co_await kube::JsonApi(client_, kube::kPods, job_.pod.ns).get(job_.pod.name);
  if (!pod && pod.error().is_not_found()) co_return std::optional<Found>();
  // Not a refusal of the submission, whatever it says.
  if (!pod)
    co_return fail(
        std::move(pod).error().while_doing("get pod " + job_.pod.to_string()).with_ambiguous(true));
  auto view = project_pod(*pod);
  if (!view) co_return fail(std::move(view));
  co_return std::optional<Found>(Found{std::move(*pod), std::move(*view)});
}

kube::ChildCommand ProcessStart::command(PostPermit may_post) const {
  kube::ChildCommand command;
  command.program = process_.program;
  command.arguments = job_.arguments;
  command.environment = with_temporary_folder(process_.environment, job_.folder.path);
  command.folder = job_.folder;
  command.deadline = client_.loop().after(process_.timeout);
  command.permit = [may_post = std::move(may_post)] { return may_post().has_value(); };
  return command;
}

Task<Result<PodView>> ProcessStart::create_driver(PostPermit may_post) {
  // A process costs seconds of several processors: not for a driver that is there already.
  auto standing = co_await find_driver();
  if (!standing) co_return fail(std::move(standing));
  if (*standing) co_return fail(ErrorKind::AlreadyExists, "pod " + job_.pod.to_string() + " exists already");

  const kube::Log log = process_.log.with("submissionID", job_.submission_id);
  log.info("spark-submit starts", {{"program", process_.program},
                                   {"arguments", quoted(process_.redaction.arguments(job_.arguments))}});
  const kube::SteadyTime begin = client_.loop().steady();
  auto ended = co_await runner_.run(command(std::move(may_post)));
  if (!ended && ended.error().kind() == ErrorKind::ShuttingDown) co_return fail(std::move(ended));
  if (!ended)
    co_return fail(ErrorKind::InvalidInput, "failed to run spark-submit: " + ended.error().message());
  const auto secrets = process_.redaction.values_in(job_.arguments);
  ended->errors = process_.redaction.text(std::move(ended->errors), secrets);
  ended->output = process_.redaction.text(std::move(ended->output), secrets);
  log.info("spark-submit has ended",
           {{"result", ended->to_string()}, {"took", client_.loop().steady() - begin}});
  log.debug("output of spark-submit", {{"stdout", ended->output}, {"stderr", ended->errors}});
  if (ended->how == kube::ChildEnd::Revoked)
    co_return fail(ErrorKind::ShuttingDown, "spark-submit was stopped: the submission is not due any more");
  co_return co_await judge(std::move(*ended));
}

// What stands under the driver's name now that the process has ended.
Task<Result<PodView>> ProcessStart::judge(kube::ChildExit ended) {
  auto found = co_await find_driver();
  if (!found) co_return fail(std::move(found));
  if (*found && !is_ours((*found)->view)) {
    co_return fail(ErrorKind::AlreadyExists, "pod " + job_.pod.to_string() + " exists already");
  }
  if (*found && !(*found)->view.terminating) {
    finished_ = ended.succeeded();
    const bool seen_by_webhook =
        !kube::string_at((*found)->object, {"metadata", "annotations", spark::kMutatedAnnotation}).empty();
    if (job_.driver_needs_webhook && !seen_by_webhook) {
      job_.remarks.push_back(event(EventReason::SparkPodWebhookNeeded,
                                   {"the pod webhook has not changed the driver as spec.driver and "
                                    "spec.volumes ask for: does it run, and for this namespace?"}));
    }
    co_return std::move((*found)->view);
  }
  // Spark deletes its driver when it cannot make what belongs to it. That is a refusal of the submission, but
  // only once the pod is gone: until then it would be taken for a driver that is on its way.
  if (*found) {
    auto gone = co_await is_gone((*found)->view.uid);
    if (!gone) co_return fail(std::move(gone));
    if (!*gone)
      co_return fail(kube::Error(ErrorKind::Timeout, "pod " + job_.pod.to_string() + " does not end"));
  }
  // Somebody else's pod was in the way and has gone meanwhile.
  if (!*found && ended.errors.find("code=409") != std::string::npos)
    co_return fail(ErrorKind::AlreadyExists, "driver pod already exist");
  co_return fail(refusal(ended));
}

Task<Result<bool>> ProcessStart::is_gone(const std::string& uid) {
  const kube::SteadyTime end = client_.loop().after(kTakenBack);
  while (client_.loop().steady() < end) {
    auto found = co_await find_driver();
    if (!found) co_return fail(std::move(found));
    if (!*found || (*found)->view.uid != uid) co_return true;
    co_await kube::sleep(client_.loop(), std::chrono::seconds(1));
  }
  co_return false;
}

kube::Error ProcessStart::refusal(const kube::ChildExit& ended) const {
  std::string message = "failed to run spark-submit: ";
  if (ended.succeeded()) {
    message += "it has ended well, but there is no driver pod " + job_.pod.to_string();
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

Task<Result<Completion>> ProcessStart::complete(const PodView& driver) {
  if (finished_) co_return Completion{};
  auto found = co_await find_driver();
  if (!found) co_return fail(std::move(found));
  if (!*found || (*found)->view.uid != driver.uid)
    co_return fail(ErrorKind::Conflict, "pod " + job_.pod.to_string() + " has just gone");
  const std::string name = config_map_of((*found)->object);
  auto map = co_await kube::JsonApi(client_, kube::kConfigMaps, driver.key.ns).get(name);
  if (map) co_return Completion{};  // its name is drawn at random for this very pod
  if (!map.error().is_not_found()) {
    co_return fail(std::move(map).error().while_doing("get ConfigMap " + name).with_ambiguous(true));
  }
  const kube::TimePoint created = driver.created.value_or(client_.loop().now());
  const kube::Duration left = created + process_.timeout + process_.lease - client_.loop().now();
  if (left <= kube::Duration::zero()) co_return Completion{Completion::State::Never, {}};
  co_return Completion{Completion::State::NotYet, std::min(left, kLookAgain)};
}

Result<Job> job_of(const api::SparkApplication& stored, const spark::SubmitOptions& options,
                   const spark::Attempt& attempt) {
  auto app = spark::prepare_application(stored, options, attempt);
  if (!app) return fail(std::move(app));
  if (app->spec.mode != api::DeployMode::Cluster) {
    return fail(
        ErrorKind::InvalidInput,
        "spec.mode is not cluster: the driver would run inside of the operator, which does not do that");
  }
  Job job;
  job.pod = {app->metadata.namespace_, api::driver_pod_name(*app)};
  job.app_uid = app->metadata.uid;
  job.submission_id = attempt.submission_id;
  auto arguments = process_arguments(*app, options, attempt);
  if (!arguments) return fail(std::move(arguments));
  job.arguments = *std::move(arguments);

  auto templates = process_templates(*app, options);
  if (!templates) return fail(std::move(templates));
  const std::string driver = spark::template_path(attempt.submission_id, spark::PodRole::Driver);
  const std::string executor = spark::template_path(attempt.submission_id, spark::PodRole::Executor);
  const std::size_t slash = driver.rfind('/');
  job.folder.path = driver.substr(0, slash);
  job.folder.files = {{driver.substr(slash + 1), kube::to_yaml(templates->driver)},
                      {executor.substr(slash + 1), kube::to_yaml(templates->executor)}};
  job.driver_needs_webhook = templates->driver_needs_webhook;
  job.remarks = webhook_remarks(*app, options);
  for (Note& note : idle_field_remarks(stored, options)) job.remarks.push_back(std::move(note));
  if (!templates->lost.empty()) {
    job.remarks.push_back(event(EventReason::SparkPodWebhookNeeded,
                                {"spark-submit overwrites in the driver what these say, which only a pod "
                                 "webhook can mend: " +
                                 listed(templates->lost)}));
  }
  return job;
}

}  // namespace

Result<std::unique_ptr<DriverStart>> SparkSubmitSubmitter::begin(const api::SparkApplication& app,
                                                                 const spark::Attempt& attempt,
                                                                 std::string why) {
  if (!process_.unavailable.empty())
    return fail(ErrorKind::InvalidInput, "failed to run spark-submit: " + process_.unavailable);
  auto job = job_of(app, options_, attempt);
  if (!job) return fail(std::move(job));
  job->announcement.push_back(event(EventReason::SparkSubmitStarted, {why.empty() ? "" : ": " + why}));
  return std::make_unique<ProcessStart>(client_, runner_, process_, *std::move(job));
}

// Nothing is built: all that is left to do is to see whether the driver is complete.
Result<std::unique_ptr<DriverStart>> SparkSubmitSubmitter::resume(const api::SparkApplication& app,
                                                                  const spark::Attempt& attempt,
                                                                  const PodView& driver) {
  Job job;
  job.pod = driver.key;
  job.app_uid = app.metadata.uid;
  job.submission_id = attempt.submission_id;
  return std::make_unique<ProcessStart>(client_, runner_, process_, std::move(job));
}

}  // namespace controller
