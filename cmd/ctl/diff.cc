#include <algorithm>

#include "api/spec_hash.h"
#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/manifest.h"
#include "cmd/ctl/output.h"
#include "cmd/ctl/rendering.h"
#include "cmd/ctl/session.h"
#include "cmd/ctl/text_diff.h"
#include "controller/application/application_view.h"
#include "controller/schedule/schedule_controller.h"
#include "kube/async/retry.h"
#include "kube/client/api.h"
#include "kube/core/fields.h"
#include "kube/core/yaml.h"

namespace ctl {

using kube::Json;
using kube::Result;
using kube::Task;

namespace {

constexpr int kNothing = 0, kSomething = 1, kFailedToCompare = 3;
constexpr kube::Duration kPatience = std::chrono::seconds(10);

// What the user writes: what the server adds would only hide it.
Json as_written(const Json& object) {
  Json out = without_managed_fields(object);
  out.erase("status");
  if (auto metadata = out.find("metadata"); metadata != out.end() && metadata->is_object()) {
    for (const char* field : {"uid", "resourceVersion", "generation", "creationTimestamp", "selfLink"})
      metadata->erase(field);
    if (auto notes = metadata->find("annotations"); notes != metadata->end() && notes->is_object()) {
      notes->erase("kubectl.kubernetes.io/last-applied-configuration");
      if (notes->empty()) metadata->erase(notes);
    }
  }
  return out;
}

// The live object with what the file says, as `kubectl apply` of an object that it did not make would leave
// it: fields of the file win, `spec` is the file's alone.
Json applied(const Json& live, const Json& wanted) {
  Json out = live;
  out["spec"] = wanted.value("spec", Json::object());
  for (const char* map : {"labels", "annotations"}) {
    const auto given = wanted["metadata"].find(map);
    if (given != wanted["metadata"].end() && given->is_object()) out["metadata"][map].update(*given);
  }
  return out;
}

std::string where(const Json& object) {
  return kube::string_at(object, {"kind"}) + "/" + kube::string_at(object, {"metadata", "name"});
}

struct Comparison {
  Json live;   // null: not there
  Json after;  // as the server would store it
};

class Differ {
 public:
  Differ(Session& session, Cluster cluster, const RenderOptions& options)
      : session_(session), cluster_(cluster), options_(options) {}

  Task<Result<bool>> compare(const Manifest& manifest) {
    const kube::Resource& resource =
        manifest.is_schedule ? controller::kScheduledSparkApplications : controller::kSparkApplications;
    const kube::JsonApi api(*cluster_.client, resource, manifest.app.metadata.namespace_);
    // The operator may write status between the two requests: asked anew.
    auto sides = co_await kube::retry(session_.loop(), kube::Backoff{}, session_.loop().after(kPatience),
                                      [&] { return both(api, manifest); });
    if (!sides) co_return kube::fail(std::move(sides).error().while_doing(manifest.what));
    const std::string before = sides->live.is_null() ? "" : kube::to_yaml(as_written(sides->live));
    const bool changes = show(manifest.what, before, kube::to_yaml(as_written(sides->after)));
    if (!manifest.is_schedule) {
      if (!sides->live.is_null() && changes) tell_restart(*sides);
      if (changes) show_objects(*sides);
    }
    co_return changes;
  }

 private:
  // The server's own view of the result: defaults, pruning, admission. Nothing is stored.
  Task<Result<Comparison>> both(kube::JsonApi api, const Manifest& manifest) {
    const std::string name = kube::string_at(manifest.object, {"metadata", "name"});
    Comparison out;
    auto live = co_await api.get(name);
    if (!live && !live.error().is_not_found()) co_return kube::fail(std::move(live));
    if (live) out.live = *std::move(live);
    const bool there = !out.live.is_null();
    const Json body = there ? applied(out.live, manifest.object) : manifest.object;
    const std::string& ns = manifest.app.metadata.namespace_;
    auto after = co_await cluster_.client->request(
        {.method = there ? "PUT" : "POST",
         .path = there ? api.resource().object_path({ns, name}) : api.resource().collection_path(ns),
         .query = {{"dryRun", "All"}},
         .body = kube::dump_json(body)});
    if (!after) co_return kube::fail(std::move(after).error().while_doing("try it on the server"));
    out.after = *std::move(after);
    co_return out;
  }

  bool show(const std::string& what, const std::string& before, const std::string& after) {
    const std::string text = unified_diff("live/" + what, before, "file/" + what, after);
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n') + 1;
      const std::string_view line = rest.substr(0, end - 1);
      rest.remove_prefix(end);
      const Colour colour = line.starts_with("+")    ? Colour::Good
                            : line.starts_with("-")  ? Colour::Bad
                            : line.starts_with("@@") ? Colour::Faint
                                                     : Colour::None;
      session_.say(coloured(line, colour, session_.surroundings().colours));
    }
    return !text.empty();
  }

  void tell_restart(const Comparison& sides) {
    const auto before = kube::decode<api::SparkApplication>(sides.live);
    const auto after = kube::decode<api::SparkApplication>(sides.after);
    if (!before || !after) return;
    const std::string name = after->metadata.name;
    if (api::spec_hash(before->spec) == api::spec_hash(after->spec)) {
      session_.say("# " + name + " goes on as it is: nothing of this restarts it");
    } else if (before->status.application_state.state == api::State::New) {
      session_.say("# " + name + " has not been submitted yet");
    } else {
      session_.say("# " + name + " is " +
                   std::string(api::to_string(before->status.application_state.state)) +
                   ": this ends the run and starts another");
    }
  }

  // What the two make, side by side, so that ids and times are the same. A side that cannot be rendered is
  // empty.
  void show_objects(const Comparison& sides) {
    const auto rendered = [&](const Json& object) {
      std::vector<Json> objects;
      if (object.is_null()) return objects;
      auto app = kube::decode<api::SparkApplication>(object);
      if (!app) return objects;
      RenderOptions options = options_;
      options.attempt = spark::Attempt{.submission_id = "00000000-0000-8000-8000-000000000000"};
      auto made = render_objects(*std::move(app), options);
      if (!made) {
        session_.note("# " + where(object) + ": " + made.error().message());
      } else {
        for (const std::string& obstacle : made->obstacles)
          session_.note("# " + where(object) + " is submitted by spark-submit: " + obstacle);
        objects = std::move(made->objects);
      }
      return objects;
    };
    // A new application has no UID yet; references to it would all differ.
    Json after = sides.after;
    after["metadata"]["uid"] = kube::string_at(sides.live, {"metadata", "uid"});
    const std::vector<Json> old_objects = rendered(sides.live), new_objects = rendered(after);
    for (const Json& object : old_objects) {
      const auto same = [&](const Json& other) { return where(other) == where(object); };
      const auto found = std::ranges::find_if(new_objects, same);
      show(where(object), kube::to_yaml(object), found == new_objects.end() ? "" : kube::to_yaml(*found));
    }
    for (const Json& object : new_objects) {
      const auto same = [&](const Json& other) { return where(other) == where(object); };
      if (std::ranges::none_of(old_objects, same)) show(where(object), "", kube::to_yaml(object));
    }
  }

  Session& session_;
  Cluster cluster_;
  const RenderOptions& options_;
};

}  // namespace

Task<int> diff(Session& session, const Invocation& asked) {
  const std::string file = asked.text("filename");
  if (file.empty()) co_return session.wrong("diff: expected --filename FILE; see sparkctl diff --help");
  auto text = session.read_file(file);
  if (!text) co_return session.wrong(text.error());
  auto options = render_options(asked.text("operator-flags"));
  if (!options) co_return session.wrong(options.error());
  auto cluster = session.cluster(asked);
  if (!cluster) co_return session.wrong(cluster.error());
  auto manifests = applications_in(*text, file, cluster->ns);
  if (!manifests) co_return session.wrong(manifests.error());
  Differ differ(session, *cluster, *options);
  bool changes = false;
  for (const Manifest& manifest : *manifests) {
    auto compared = co_await differ.compare(manifest);
    if (!compared) {
      session.failed(compared.error());
      co_return kFailedToCompare;
    }
    changes = changes || *compared;
  }
  co_return changes ? kSomething : kNothing;
}

}  // namespace ctl
