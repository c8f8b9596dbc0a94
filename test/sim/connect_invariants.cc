#include "test/sim/connect_invariants.h"

#include <stdexcept>

#include "api/constants.h"
#include "api/names.h"
#include "kube/core/fields.h"
#include "spark/connect/connect_objects.h"
#include "test/sim/direct_client.h"
#include "test/sim/fault_source.h"
#include "test/sim/invariants.h"
#include "test/sim/pretend_kubelet.h"

namespace sim {

using kube::Json;
using kube::apiserver::Commit;

namespace {

constexpr const char* kOwnerKind = api::SparkConnect::kKind;

std::string hash_of(const Json& pod) {
  return kube::string_at(pod, {"metadata", "annotations", spark::kConnectSpecHashAnnotation});
}

}  // namespace

api::SparkConnect decoded_connect(const kube::apiserver::StoredObject& connect) {
  auto decoded = kube::decode<api::SparkConnect>(connect.json());
  if (!decoded) throw std::runtime_error(decoded.error().message());
  return *std::move(decoded);
}

kube::apiserver::ObjectRef ConnectInvariants::owner_of(const Json& object) const {
  const auto connect = server_.store().get(kConnectTable, {kube::string_at(object, {"metadata", "namespace"}),
                                                           label_of(object, api::label::kConnectName)});
  const bool is_owner = connect && connect->uid() == owner_uid(object, kOwnerKind);
  return is_owner && !connect->is_terminating() ? connect : nullptr;
}

void ConnectInvariants::committed(const Commit& commit) {
  if (!from_operator(commit.request)) return;
  const auto& [version, before, after, last] = commit.change;
  const Json& object = (after ? after : before)->json();
  if (commit.table == kConnectTable && before && after &&
      before->json().at("spec") != after->json().at("spec")) {
    all_.violate("form: a spec was written");
  }
  const bool goes = before && !before->is_terminating() && (!after || after->is_terminating());
  if (commit.table == kPodTable && is_connect_server(object)) {
    if (!before) server_created(object);
    if (goes) server_deleted(before->json());
  }
  const bool is_child = commit.table == "configmaps" || commit.table == "services";
  if (is_child && goes && !owner_uid(object, kOwnerKind).empty()) child_deleted(commit);
}

void ConnectInvariants::server_created(const Json& pod) {
  const std::string connect = label_of(pod, api::label::kConnectName);
  if (name_of(pod) != api::connect_server_pod_name(connect))
    all_.violate("C2: server " + name_of(pod) + " of " + connect + " has another name than servers have");
  if (owner_uid(pod, kOwnerKind).empty()) all_.violate("C2: server " + name_of(pod) + " has no owner");
  if (hash_of(pod).empty())
    all_.violate("C2: server " + name_of(pod) + " does not say from which spec it was made");
}

void ConnectInvariants::server_deleted(const Json& pod) {
  const auto connect = owner_of(pod);
  if (connect == nullptr || has_ended(pod)) return;
  if (!spark::connect_spec_changed(hash_of(pod), decoded_connect(*connect).spec))
    all_.violate("C1: server " + name_of(pod) + " deleted, which the spec asks for");
}

void ConnectInvariants::child_deleted(const Commit& commit) {
  const Json& child = commit.change.before->json();
  const auto object = owner_of(child);
  if (object == nullptr) return;
  const api::SparkConnect connect = decoded_connect(*object);
  const std::string wanted = commit.table == "services" ? spark::connect_service_name(connect)
                                                        : api::connect_config_map_name(connect.metadata.name);
  if (name_of(child) == wanted)
    all_.violate("C3: " + commit.table + " " + wanted + " deleted, which its SparkConnect wants");
}

}  // namespace sim
