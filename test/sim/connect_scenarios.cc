// Stories of one SparkConnect.
#include "api/constants.h"
#include "api/names.h"
#include "api/spark_connect.h"
#include "test/sim/connect_user.h"
#include "test/sim/crash_scenarios.h"
#include "test/sim/plan.h"
#include "test/sim/pretend_kubelet.h"

namespace sim {

using kube::Json;
using kube::Task;

namespace {

class ConnectStory {
 public:
  explicit ConnectStory(Story& story) : story_(story) {}

  Task<> create(Json spec = Json::object()) {
    Json whole = connect_spec();
    whole.merge_patch(spec);
    story_.say("create " + spec.dump());
    (void)co_await story_.user().send("POST", connects_path(key_.ns),
                                      Json{{"apiVersion", "sparkoperator.k8s.io/v1alpha1"},
                                           {"kind", "SparkConnect"},
                                           {"metadata", {{"name", key_.name}, {"namespace", key_.ns}}},
                                           {"spec", std::move(whole)}});
  }
  Task<> edit(Json spec) {
    story_.say("edit " + spec.dump());
    (void)co_await story_.user().merge(connect_path(key_), Json{{"spec", std::move(spec)}});
  }
  Task<> remove() {
    story_.say("delete");
    (void)co_await story_.user().send("DELETE", connect_path(key_),
                                      Json{{"propagationPolicy", "Background"}});
  }

  // A server of which the story has not heard yet is ready, and its executors are known.
  Task<> ready() {
    co_await story_.until("Ready", [this] {
      const auto pod = server();
      return pod && pod->uid() != known_ && is_ready();
    });
    known_ = server()->uid();
  }
  // The server that the story knows goes on.
  Task<> stays_ready() {
    co_await story_.until("the same server to be ready", [this] {
      const auto pod = server();
      return pod && pod->uid() == known_ && is_ready();
    });
  }
  Task<> fails_for(std::string reason) {
    co_await story_.until(reason, [this, reason] {
      const Json* conditions = find({"status", "conditions"});
      return text({"status", "state"}) == "Failed" && conditions != nullptr && !conditions->empty() &&
             conditions->at(0).value("reason", "") == reason;
    });
  }
  Task<> service_is(std::string name) {
    co_await story_.until("service " + name, [this, name] {
      int services = 0;
      for (const auto& service : story_.server().store().list("services", key_.ns))
        services += owner_uid(service->json(), api::SparkConnect::kKind).empty() ? 0 : 1;
      return services == 1 && story_.server().store().get("services", {key_.ns, name}) &&
             text({"status", "server", "serviceName"}) == name;
    });
  }
  Task<> server_is_evicted() {
    story_.say("the server is evicted");
    (void)co_await story_.kubelet().merge(pod_path(server()->key()),
                                          Json{{"metadata", {{"annotations", {{kExitCode, "1"}}}}}});
  }
  Task<> server_is_deleted() {
    story_.say("somebody deletes the server");
    (void)co_await story_.user().send("DELETE", pod_path(server()->key()));
  }
  Task<> gone() {
    co_await story_.until("all to be gone", [this] {
      return !connect() && story_.server().store().list(kPodTable, key_.ns).empty() &&
             !story_.server().store().get("services", {key_.ns, api::connect_service_name(key_.name)}) &&
             !story_.server().store().get("configmaps", {key_.ns, api::connect_config_map_name(key_.name)});
    });
  }

 private:
  kube::apiserver::ObjectRef connect() const { return story_.server().store().get(kConnectTable, key_); }
  kube::apiserver::ObjectRef server() const {
    return story_.server().store().get(kPodTable, {key_.ns, api::connect_server_pod_name(key_.name)});
  }
  const Json* find(std::initializer_list<std::string_view> path) const {
    const auto object = connect();
    return object ? kube::find_path(object->json(), path) : nullptr;
  }
  std::string text(std::initializer_list<std::string_view> path) const {
    const Json* found = find(path);
    return found != nullptr && found->is_string() ? found->get<std::string>() : "";
  }
  bool is_ready() const {
    const Json* executors = find({"status", "executors"});
    return text({"status", "state"}) == "Ready" && executors != nullptr &&
           *executors == Json{{"running", kExecutors}};
  }

  Story& story_;
  const kube::ObjectKey key_{kNamespace, "sql"};
  std::string known_;  // UID of a server
};

Task<> connect(Story& told) {
  ConnectStory story(told);
  co_await story.create();
  co_await story.ready();
}

Task<> edit(Story& told) {
  ConnectStory story(told);
  co_await story.create();
  co_await story.ready();
  co_await story.edit(Json{{"image", "spark:4.1.5"}});
  co_await story.ready();
}

Task<> service(Story& told) {
  ConnectStory story(told);
  co_await story.create();
  co_await story.ready();
  Json front{{"metadata", {{"name", "sql-front"}}}, {"spec", {{"type", "NodePort"}}}};
  co_await story.edit(Json{{"server", {{"service", std::move(front)}}}});
  co_await story.service_is("sql-front");
  co_await story.stays_ready();
}

Task<> evicted(Story& told) {
  ConnectStory story(told);
  co_await story.create();
  co_await story.ready();
  co_await story.server_is_evicted();
  co_await story.ready();
}

Task<> server_deleted(Story& told) {
  ConnectStory story(told);
  co_await story.create();
  co_await story.ready();
  co_await story.server_is_deleted();
  co_await story.ready();
}

Task<> impossible(Story& told) {
  ConnectStory story(told);
  co_await story.create(Json{{"image", nullptr}});
  co_await story.fails_for("InvalidSpec");
  co_await story.edit(Json{{"image", "spark:4.1.4"}});
  co_await story.ready();
}

// The refusal is a quota's, and passes.
Task<> refused(Story& told) {
  ConnectStory story(told);
  told.refuses_drivers = true;
  co_await story.create();
  co_await story.fails_for("QuotaExceeded");
  told.refuses_drivers = false;
  co_await story.ready();
}

Task<> remove(Story& told) {
  ConnectStory story(told);
  co_await story.create();
  co_await story.ready();
  co_await story.remove();
  co_await story.gone();
}

Task<> recreate(Story& told) {
  ConnectStory story(told);
  co_await story.create();
  co_await story.ready();
  co_await story.remove();
  co_await story.create();
  co_await story.ready();
}

constexpr StoryKind of_connect(const char* name, const char* words, Task<> (*play)(Story&)) {
  return {name, words, play, true, false, StoryOf::Connect};
}

constexpr StoryKind kStories[] = {
    of_connect("connect", "a Connect server becomes ready", connect),
    of_connect("connect-edit", "an edit of its spec replaces the server", edit),
    of_connect("connect-service", "its service is called otherwise, the server runs on", service),
    of_connect("connect-evicted", "its node takes the server away", evicted),
    of_connect("connect-server-deleted", "somebody deletes the server", server_deleted),
    of_connect("connect-impossible", "a spec of which no server can be made is mended", impossible),
    of_connect("connect-refused", "the server is refused, then not", refused),
    of_connect("connect-delete", "deleted while it serves", remove),
    of_connect("connect-recreate", "deleted and created again under its name", recreate),
};

}  // namespace

std::span<const StoryKind> connect_stories() {
  return kStories;
}

}  // namespace sim
