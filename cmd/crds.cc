#include "cmd/crds.h"

#include "api/crd.h"
#include "kube/async/timer.h"
#include "kube/client/api.h"

namespace cmd {

using kube::Json;
using kube::Result;
using kube::Task;

namespace {

constexpr kube::Duration kEstablishDeadline = std::chrono::seconds(30);

bool established(const Json& definition) {
  for (const Json& condition :
       definition.value("status", Json::object()).value("conditions", Json::array())) {
    if (condition.value("type", "") == "Established") return condition.value("status", "") == "True";
  }
  return false;
}

}  // namespace

Task<Result<>> apply_crds(kube::Client& client, std::function<void(const std::string&)> say) {
  kube::JsonApi definitions(client, kube::kCustomResourceDefinitions);
  for (const api::Kind kind : api::kKinds) {
    const std::string name = api::crd_name(kind);
    auto applied = co_await definitions.patch(name, kube::Patch::apply(api::crd(kind), "spark-operator"));
    if (!applied) co_return kube::fail(std::move(applied).error().while_doing("apply definition " + name));
    const kube::SteadyTime deadline = client.loop().after(kEstablishDeadline);
    while (!established(*applied)) {
      if (client.loop().steady() > deadline) {
        co_return kube::fail(kube::ErrorKind::Timeout, "definition " + name + " is not served after 30 s");
      }
      co_await kube::sleep(client.loop(), std::chrono::milliseconds(100));
      applied = co_await definitions.get(name);
      if (!applied) co_return kube::fail(std::move(applied).error().while_doing("get definition " + name));
    }
    say("customresourcedefinition " + name + " applied");
  }
  co_return Result<>{};
}

}  // namespace cmd
