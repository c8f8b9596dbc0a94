#include "bench/load/applications.h"

#include <algorithm>
#include <optional>

#include "bench/load/sightings.h"
#include "controller/application/application_view.h"
#include "controller/application/attempt_status.h"
#include "kube/async/timer.h"
#include "kube/core/fields.h"
#include "kube/core/json_reader.h"
#include "spark/children/ui_objects.h"
#include "spark/native_submission.h"

namespace bench {

using kube::Json;
using kube::Result;
using kube::SteadyTime;
using kube::Task;

namespace {

// Stand in the bodies that are made beforehand where the server's answers are not known yet.
constexpr std::string_view kApplicationUid = "00000000-0000-4000-8000-00000000aaaa";
constexpr std::string_view kPodUid = "00000000-0000-4000-8000-00000000bbbb";

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

// The two events that an application has until it is SUBMITTED.
struct EventWords {
  const char *suffix, *reason, *sentence;
};
constexpr EventWords kAdded{".added", "SparkApplicationAdded", " was added, submitting it for execution"};
constexpr EventWords kSubmitted{".submitted", "SparkApplicationSubmitted", " was submitted successfully"};

class Load {
 public:
  enum class Mode { Create, WriteAll };

  Load(kube::Client& client, LoadPlan plan, Mode mode)
      : client_(client),
        loop_(client.loop()),
        plan_(std::move(plan)),
        mode_(mode),
        seen_(client, plan_.prefix, plan_.count),
        began_(static_cast<std::size_t>(plan_.count), kube::kNever) {}

  Task<Result<LoadReport>> run() {
    kube::TaskGroup watching(loop_), writing(loop_);
    auto ready = make_bodies();
    if (ready) ready = co_await seen_.open(watching);
    if (!ready) {
      co_await watching.cancel_and_join();
      co_return kube::fail(std::move(ready));
    }
    start_ = loop_.steady();
    for (int i = 0; i < std::min(plan_.connections, plan_.count); ++i) writing.spawn("writer", write());
    co_await writing.join();
    co_await seen_.wait_until_all_submitted(loop_.after(plan_.patience));
    co_await watching.cancel_and_join();
    co_return report();
  }

 private:
  struct Bodies {
    std::string application;
    // Mode WriteAll only.
    std::string pod;
    std::vector<std::pair<kube::Resource, std::string>> children;
    std::string ui_service;
    std::string pod_name;
  };

  const std::string& ns(int index) const {
    return plan_.namespaces[static_cast<std::size_t>(index) % plan_.namespaces.size()];
  }

  // Before the clock runs: making objects is not what is measured.
  Result<> make_bodies() {
    for (int i = 0; i < plan_.count; ++i) {
      Json object = plan_.application;
      object["metadata"] = {{"name", seen_.name(i)}, {"namespace", ns(i)}};
      object["spec"]["sparkConf"]["spark.kubernetes.executor.podNamePrefix"] = seen_.name(i);
      object["spec"]["driver"]["serviceAccount"] = kServiceAccount;
      Bodies bodies;
      bodies.application = kube::dump_json(object);
      if (mode_ == Mode::WriteAll) {
        if (auto made = make_submission(std::move(object), bodies); !made) return made;
      }
      bodies_.push_back(std::move(bodies));
    }
    return {};
  }

  static Result<> make_submission(Json object, Bodies& into) {
    object["metadata"]["uid"] = kApplicationUid;
    auto app = kube::decode<api::SparkApplication>(object);
    if (!app) return kube::fail(std::move(app));
    app->status.submission_id = controller::next_id(*app, {});
    into.ui_service = kube::dump_json(spark::ui_service(*app));
    spark::SubmitOptions options;
    options.master_url = "k8s://https://kubernetes.default.svc:443";
    auto submission = spark::native_submission(*app, options, {.submission_id = app->status.submission_id});
    if (!submission) return kube::fail(std::move(submission));
    into.pod_name = kube::string_at(submission->driver_pod, {"metadata", "name"});
    into.pod = kube::dump_json(submission->driver_pod);
    for (const Json& child : spark::with_owner(std::move(submission->children), into.pod_name, kPodUid)) {
      const bool service = kube::string_at(child, {"kind"}) == "Service";
      into.children.emplace_back(service ? kube::kServices : kube::kConfigMaps, kube::dump_json(child));
    }
    return {};
  }

  struct Written {
    std::string uid, version;
  };
  // nullopt: it failed, and was counted.
  Task<std::optional<Written>> send(std::string method, std::string path, std::string body,
                                    std::string type = "application/json") {
    auto answer = co_await client_.request_text({.method = std::move(method),
                                                 .path = std::move(path),
                                                 .body = std::move(body),
                                                 .content_type = std::move(type)});
    if (!answer) {
      if (failures_++ == 0) first_failure_ = answer.error().message();
      co_return std::nullopt;
    }
    ++writes_;
    Written written;
    if (auto object = reader_.read(*answer)) {
      written.uid = (*object)["metadata"]["uid"].string_or();
      written.version = (*object)["metadata"]["resourceVersion"].string_or();
    }
    co_return written;
  }

  Task<> write() {
    while (next_ < plan_.count) {
      const int index = next_++;
      SteadyTime due = loop_.steady();
      if (plan_.per_minute > 0) {
        due = start_ + std::chrono::duration_cast<kube::Duration>(std::chrono::duration<double>(
                           60.0 * static_cast<double>(index) / plan_.per_minute));
        co_await kube::sleep_until(loop_, due);
      }
      began_[static_cast<std::size_t>(index)] = due;
      const bool done = co_await write_one(index, due);
      if (!done) seen_.give_up_one();
    }
  }

  Task<bool> write_one(int index, SteadyTime due) {
    Bodies& bodies = bodies_[static_cast<std::size_t>(index)];
    const auto app = co_await send("POST", controller::kSparkApplications.collection_path(ns(index)),
                                   std::move(bodies.application));
    if (!app) co_return false;
    creates_.push_back(loop_.steady() - due);
    last_created_ = loop_.steady();
    if (mode_ == Mode::Create) co_return true;
    if (!co_await tell(index, *app, kAdded)) co_return false;

    replace_all(bodies.pod, kApplicationUid, app->uid);
    const auto pod = co_await send("POST", kube::kPods.collection_path(ns(index)), std::move(bodies.pod));
    if (!pod) co_return false;
    for (auto& [resource, body] : bodies.children) {
      replace_all(body, kPodUid, pod->uid);
      if (!co_await send("POST", resource.collection_path(ns(index)), std::move(body))) co_return false;
    }
    replace_all(bodies.ui_service, kApplicationUid, app->uid);
    if (!co_await send("POST", kube::kServices.collection_path(ns(index)), std::move(bodies.ui_service)))
      co_return false;
    api::SparkApplicationStatus status;
    status.application_state.state = api::State::Submitted;
    status.driver_info.pod_name = bodies.pod_name;
    status.submission_id = pod->uid;
    status.submission_attempts = status.execution_attempts = 1;
    const Json operations = Json::array({
        {{"op", "replace"}, {"path", "/metadata/resourceVersion"}, {"value", app->version}},
        {{"op", "add"}, {"path", "/status"}, {"value", kube::encode(status)}},
    });
    const std::string path =
        controller::kSparkApplications.object_path({ns(index), seen_.name(index)}, "status");
    if (!co_await send("PATCH", path, kube::dump_json(operations), "application/json-patch+json"))
      co_return false;
    co_return co_await tell(index, *app, kSubmitted);
  }

  Task<bool> tell(int index, const Written& app, const EventWords& words) {
    std::string body = event(index, app, words);
    co_return (co_await send("POST", kube::kEvents.collection_path(ns(index)), std::move(body))).has_value();
  }

  std::string event(int index, const Written& app, const EventWords& words) const {
    const std::string name = seen_.name(index), now = kube::to_rfc3339(loop_.now());
    return kube::dump_json({{"apiVersion", "v1"},
                            {"kind", "Event"},
                            {"metadata", {{"name", name + words.suffix}, {"namespace", ns(index)}}},
                            {"involvedObject",
                             {{"apiVersion", controller::kSparkApplications.api_version()},
                              {"kind", "SparkApplication"},
                              {"name", name},
                              {"namespace", ns(index)},
                              {"uid", app.uid},
                              {"resourceVersion", app.version}}},
                            {"type", "Normal"},
                            {"reason", words.reason},
                            {"message", "SparkApplication " + name + words.sentence},
                            {"firstTimestamp", now},
                            {"lastTimestamp", now},
                            {"count", 1},
                            {"source", {{"component", "bench-load"}}},
                            {"reportingComponent", "bench-load"},
                            {"reportingInstance", ""}});
  }

  LoadReport report() const {
    LoadReport out{.wanted = plan_.count,
                   .failures = failures_,
                   .first_failure = first_failure_,
                   .pods_seen = seen_.pods_seen(),
                   .submitted_seen = seen_.submitted_seen(),
                   .writes = writes_,
                   .creating = last_created_ - start_,
                   .create = quantiles(creates_),
                   .pod = {},
                   .submitted = {}};
    std::vector<kube::Duration> pods, submitted;
    for (int i = 0; i < plan_.count; ++i) {
      const SteadyTime began = began_[static_cast<std::size_t>(i)];
      if (seen_.pod(i) != kube::kNever) {
        pods.push_back(seen_.pod(i) - began);
        out.all_pods = std::max(out.all_pods, seen_.pod(i) - start_);
      }
      if (seen_.submitted(i) != kube::kNever) {
        submitted.push_back(seen_.submitted(i) - began);
        out.all_submitted = std::max(out.all_submitted, seen_.submitted(i) - start_);
      }
    }
    out.pod = quantiles(std::move(pods));
    out.submitted = quantiles(std::move(submitted));
    return out;
  }

  kube::Client& client_;
  kube::Loop& loop_;
  const LoadPlan plan_;
  const Mode mode_;
  Sightings seen_;
  kube::JsonReader reader_;
  std::vector<Bodies> bodies_;
  std::vector<SteadyTime> began_;
  std::vector<kube::Duration> creates_;
  SteadyTime start_{}, last_created_{};
  int next_ = 0;
  int failures_ = 0;
  std::string first_failure_;
  std::int64_t writes_ = 0;
};

}  // namespace

Task<Result<>> prepare_namespaces(kube::Client& client, std::vector<std::string> namespaces) {
  for (const std::string& ns : namespaces) {
    auto made = co_await kube::JsonApi(client, kube::kNamespaces)
                    .create({{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ns}}}});
    if (!made && !made.error().is_already_exists()) co_return kube::fail(std::move(made));
    for (const char* account : {kServiceAccount, "default"}) {
      auto added = co_await kube::JsonApi(client, kube::kServiceAccounts, ns)
                       .create({{"apiVersion", "v1"},
                                {"kind", "ServiceAccount"},
                                {"metadata", {{"name", account}, {"namespace", ns}}}});
      if (!added && !added.error().is_already_exists()) co_return kube::fail(std::move(added));
    }
  }
  co_return Result<>{};
}

Task<Result<LoadReport>> create_applications(kube::Client& client, LoadPlan plan) {
  Load load(client, std::move(plan), Load::Mode::Create);
  co_return co_await load.run();
}

Task<Result<LoadReport>> write_applications(kube::Client& client, LoadPlan plan) {
  Load load(client, std::move(plan), Load::Mode::WriteAll);
  co_return co_await load.run();
}

}  // namespace bench
