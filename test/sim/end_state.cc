#include "test/sim/end_state.h"

#include <map>
#include <regex>
#include <set>

#include "test/sim/direct_client.h"

namespace sim {

using kube::Json;

namespace {

// Whatever an application may own, directly or not.
constexpr const char* kTables[] = {kScheduleTable,
                                   kConnectTable,
                                   kApplicationTable,
                                   kPodTable,
                                   "configmaps",
                                   "services",
                                   "secrets",
                                   "persistentvolumeclaims",
                                   "poddisruptionbudgets.policy",
                                   "ingresses.networking.k8s.io",
                                   "podgroups.scheduling.volcano.sh",
                                   "podgroups.scheduling.x-k8s.io"};

std::string without_drawn_parts(const std::string& text) {
  static const std::regex time("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z");
  static const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
  static const std::regex spark_id("spark-[0-9a-f]{32}");
  static const std::regex address("10\\.[0-9]+\\.[0-9]+\\.[0-9]+");
  static const std::regex run("-[0-9]{19}");
  std::string plain = std::regex_replace(text, time, "<time>");
  plain = std::regex_replace(plain, uuid, "<id>");
  plain = std::regex_replace(plain, spark_id, "<spark id>");
  plain = std::regex_replace(plain, run, "-<time>");
  return std::regex_replace(plain, address, "<address>");
}

// Names of executors are drawn; how many are in which state is not.
Json without_names(const Json& executors) {
  std::map<std::string, int> counts;
  for (const Json& state : executors) ++counts[state.get<std::string>()];
  return counts;
}

bool is_ours(std::string_view table) {
  return table == kApplicationTable || table == kScheduleTable || table == kConnectTable;
}

std::string line_of(const kube::apiserver::StoredObject& object) {
  Json status = object.json().value("status", Json::object());
  if (status.contains("executorState") && status["executorState"].is_object())
    status["executorState"] = without_names(status["executorState"]);
  Json line{{"status", std::move(status)}, {"spec", object.json().at("spec")}};
  return without_drawn_parts(object.json().value("kind", "") + " " + object.key().to_string() + " " +
                             line.dump()) +
         "\n";
}

// Those that the API server's own controllers make for every namespace, and nobody owns.
bool is_of_the_cluster(const std::string& table, const kube::apiserver::StoredObject& object) {
  return (table == "configmaps" && object.key().name == "kube-root-ca.crt") ||
         (table == "services" && object.key().name == "kubernetes");
}

}  // namespace

std::string end_state(kube::apiserver::ApiServer& server) {
  std::string text;
  std::map<std::string, int> owned;
  for (const char* table : kTables) {
    for (const auto& object : server.store().list(table)) {
      if (is_ours(table)) text += line_of(*object);
      const Json& metadata = object->json().at("metadata");
      std::string owner;
      for (const Json& one : metadata.value("ownerReferences", Json::array())) {
        owner += " of " + one.value("kind", "") + " " + one.value("name", "");
      }
      if (!owner.empty()) ++owned[without_drawn_parts(table + owner)];
    }
  }
  for (const auto& [what, count] : owned) text += std::to_string(count) + " " + what + "\n";
  return text;
}

std::string leftovers(kube::apiserver::ApiServer& server) {
  std::set<std::string> uids;
  for (const char* table : kTables) {
    for (const auto& object : server.store().list(table)) uids.insert(object->uid());
  }
  for (const char* table : kTables) {
    for (const auto& object : server.store().list(table)) {
      if (is_of_the_cluster(table, *object) && !object->is_terminating()) continue;
      const std::string name = std::string(table) + " " + object->key().to_string();
      if (object->is_terminating()) return name + " never goes";
      const Json owners = object->json().at("metadata").value("ownerReferences", Json::array());
      if (owners.empty() && is_ours(table)) continue;
      if (owners.empty()) return name + " has no owner";
      bool owned = false;
      for (const Json& owner : owners) owned |= uids.contains(owner.value("uid", ""));
      if (!owned) return name + " is left of an owner that is gone";
    }
  }
  return "";
}

}  // namespace sim
