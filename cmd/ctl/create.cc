
#include "api/scheduled_spark_application.h"
#include "api/validation.h"
#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/driver_log.h"
#include "cmd/ctl/lookup.h"
#include "cmd/ctl/manifest.h"
#include "cmd/ctl/removal.h"
#include "cmd/ctl/session.h"
#include "controller/application/application_view.h"
#include "controller/schedule/schedule_controller.h"
#include "kube/client/api.h"

namespace ctl {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;
using kube::Task;

namespace {

constexpr kube::Duration kGoneWithin = std::chrono::minutes(1);

// Files of this machine would have to be uploaded somewhere first.
std::string local_file_in(const api::SparkApplicationSpec& spec) {
  const auto is_local = [](const std::string& path) {
    return !path.empty() && (path.find("://") == std::string::npos || path.starts_with("file:"));
  };
  const auto in_list = [&](const std::vector<std::string>& list, const char* field) -> std::string {
    for (const std::string& path : list)
      if (is_local(path)) return std::string(field) + ": " + path;
    return "";
  };
  const std::string main = spec.main_application_file.value_or("");
  if (main != "spark-internal" && is_local(main)) return "spec.mainApplicationFile: " + main;
  for (const std::string& found :
       {in_list(spec.deps.jars, "spec.deps.jars"), in_list(spec.deps.files, "spec.deps.files"),
        in_list(spec.deps.py_files, "spec.deps.pyFiles")})
    if (!found.empty()) return found;
  return "";
}

Result<> check(const Manifest& manifest, const Cluster& cluster, bool namespace_given) {
  const auto wrong = [&](const std::string& what) {
    return fail(ErrorKind::InvalidInput, manifest.what + ": " + what);
  };
  const auto& spec = manifest.app.spec;
  if (namespace_given && manifest.app.metadata.namespace_ != cluster.ns)
    return wrong("metadata.namespace: is not the " + cluster.ns + " of --namespace");
  const auto image = [](const std::optional<std::string>& name) { return name && !name->empty(); };
  if (!image(spec.image) && !(image(spec.driver.image) && image(spec.executor.image)))
    return wrong("spec.image: is missing, and driver and executor do not both have one");
  if (const std::string file = local_file_in(spec); !file.empty())
    return wrong(file +
                 ": is a file of this machine; put it where the cluster can read it, or into the image "
                 "(local://)");
  if (const auto faults = api::validate_submission(manifest.app); !faults.empty())
    return wrong(api::describe(faults));
  return {};
}

Json application_of_schedule(const Json& schedule, const std::string& name) {
  return {{"apiVersion", api::kApiVersion},
          {"kind", api::SparkApplication::kKind},
          {"metadata",
           {{"name", name},
            {"namespace", namespace_of(schedule)},
            {"ownerReferences", Json::array({{{"apiVersion", api::kApiVersion},
                                              {"kind", api::ScheduledSparkApplication::kKind},
                                              {"name", name_of(schedule)},
                                              {"uid", uid_of(schedule)}}})}}},
          {"spec", schedule["spec"].value("template", Json::object())}};
}

class Creator {
 public:
  Creator(Session& session, const Invocation& asked, Cluster cluster)
      : session_(session), asked_(asked), cluster_(cluster) {}

  Task<int> from_file(std::string file);
  Task<int> from_schedule(std::string schedule, std::string name);

 private:
  Task<int> create(Json object);
  Task<Result<>> make_room(const Json& object);

  Session& session_;
  const Invocation& asked_;
  Cluster cluster_;
};

Task<Result<>> Creator::make_room(const Json& object) {
  Cluster there = cluster_;
  there.ns = namespace_of(object);
  auto old = kube::string_at(object, {"kind"}) == "SparkApplication"
                 ? co_await find_application(there, name_of(object))
                 : co_await find_schedule(there, name_of(object));
  if (!old && old.error().is_not_found()) co_return Result<>{};
  if (!old) co_return fail(std::move(old));
  co_return co_await remove_object(there, *std::move(old), kGoneWithin);
}

// One request: a Ctrl-C comes before it or after it.
Task<int> Creator::create(Json object) {
  const std::string kind = kube::string_at(object, {"kind"}), name = name_of(object),
                    ns = namespace_of(object);
  if (asked_.on("delete") && !asked_.on("dry-run")) {
    if (auto gone = co_await make_room(object); !gone) co_return session_.failed(gone.error());
  }
  const kube::Resource& resource =
      kind == "SparkApplication" ? controller::kSparkApplications : controller::kScheduledSparkApplications;
  kube::QueryParameters query;
  if (asked_.on("dry-run")) query.emplace_back("dryRun", "All");
  auto created = co_await cluster_.client->request({.method = "POST",
                                                    .path = resource.collection_path(ns),
                                                    .query = std::move(query),
                                                    .body = kube::dump_json(object)});
  if (!created)
    co_return session_.failed(
        std::move(created).error().while_doing("create " + kind + " " + ns + "/" + name));
  session_.say(kind + " \"" + name + (asked_.on("dry-run") ? "\" would be created" : "\" created"));
  if (!asked_.on("logs") || asked_.on("dry-run") || kind != "SparkApplication") co_return exit_code::kDone;
  Cluster there = cluster_;
  there.ns = ns;
  co_return co_await follow_driver(session_, there, name);
}

Task<int> Creator::from_file(std::string file) {
  auto text = session_.read_file(file);
  if (!text) co_return session_.wrong(text.error());
  auto manifests = applications_in(*text, file, cluster_.ns);
  if (!manifests) co_return session_.wrong(manifests.error());
  for (const Manifest& manifest : *manifests) {
    if (auto checked = check(manifest, cluster_, asked_.given("namespace")); !checked)
      co_return session_.wrong(file + ": " + checked.error().message());
  }
  for (const Manifest& manifest : *manifests) {
    if (const int code = co_await create(manifest.object); code != exit_code::kDone) co_return code;
  }
  co_return exit_code::kDone;
}

Task<int> Creator::from_schedule(std::string schedule_name, std::string name) {
  auto schedule = co_await find_schedule(cluster_, std::move(schedule_name));
  if (!schedule) co_return session_.failed(schedule.error());
  co_return co_await create(application_of_schedule(*schedule, name));
}

}  // namespace

Task<int> create(Session& session, const Invocation& asked) {
  const bool from = asked.given("from");
  const std::string word = asked.argument(0);
  const std::string file = asked.given("filename") ? asked.text("filename") : from ? "" : word;
  if (from && (word.empty() || asked.given("filename")))
    co_return session.wrong(
        "create: --from wants the new application's name, and no file; see sparkctl create --help");
  if (!from && (file.empty() || (asked.given("filename") && !word.empty())))
    co_return session.wrong("create: expected one FILE; see sparkctl create --help");
  auto cluster = session.cluster(asked);
  if (!cluster) co_return session.wrong(cluster.error());
  Creator creator(session, asked, *cluster);
  co_return from ? co_await creator.from_schedule(asked.text("from"), word)
                 : co_await creator.from_file(file);
}

}  // namespace ctl
