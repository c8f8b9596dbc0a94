#include "test/sim/definitions.h"

#include <map>
#include <stdexcept>

#include "api/crd.h"
#include "kube/async/timer.h"
#include "test/sim/direct_client.h"

namespace sim {

using kube::Json;
using kube::Task;
using namespace std::chrono_literals;

namespace {

// Made once a process: they are large.
const Json& definition(api::Kind kind) {
  static std::map<api::Kind, Json> made;
  auto found = made.find(kind);
  if (found == made.end()) found = made.emplace(kind, api::crd(kind)).first;
  return found->second;
}

Task<> await_served(kube::Loop& loop, DirectClient& admin, std::string path) {
  for (int i = 0; i < 100; ++i) {
    const int status = co_await admin.send("GET", path);
    if (status == 200 && admin.server.store().get("serviceaccounts", {kNamespace, "default"})) co_return;
    co_await kube::sleep(loop, 100ms);
  }
  throw std::runtime_error("the API server does not get ready");
}

}  // namespace

Task<> install_definitions(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan) {
  struct Row {
    api::Kind kind;
    bool wanted;
    std::string path;
  };
  const Row rows[] = {{api::Kind::SparkApplication, true, applications_path(kNamespace)},
                      {api::Kind::ScheduledSparkApplication, plan.schedules > 0, schedules_path(kNamespace)},
                      {api::Kind::SparkConnect, plan.connects > 0, connects_path(kNamespace)}};
  DirectClient admin{server, "admin"};
  for (const Row& row : rows) {
    if (!row.wanted) continue;
    const int status = co_await admin.send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                                           definition(row.kind));
    if (status != 201) throw std::runtime_error("the definition was refused: " + std::to_string(status));
    co_await await_served(loop, admin, row.path);
  }
}

}  // namespace sim
