// DirectClient calls the simulated API server without network and without faults: for those who are not
// tested (users, the pretending kubelet, vandals).
//
//   DirectClient alice{server, "alice"};
//   int status = co_await alice.send("DELETE", pod_path("ns", "pi-driver"));
//
// Thread: the loop's only. Lifetime: the server outlives its calls.
#pragma once

#include <string>
#include <utility>

#include "kube/apiserver/api_server.h"

namespace sim {

struct DirectClient {
  kube::apiserver::ApiServer& server;
  std::string user;

  // The status code; `body` null: none.
  kube::Task<int> send(std::string method, std::string target, kube::Json body = nullptr,
                       std::string content_type = "application/json") {
    kube::apiserver::ApiRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers.set("Content-Type", std::move(content_type));
    request.headers.set("User-Agent", user);
    if (!body.is_null()) request.body = body.dump();
    request.user = {user, "", {"system:masters", "system:authenticated"}, {}};
    kube::apiserver::ApiAnswer answer = co_await server.handle(std::move(request));
    co_return answer.status;
  }
  kube::Task<int> merge(std::string target, kube::Json body) {
    return send("PATCH", std::move(target), std::move(body), "application/merge-patch+json");
  }
};

inline std::string pods_path(const std::string& ns) {
  return "/api/v1/namespaces/" + ns + "/pods";
}
inline std::string pod_path(const kube::ObjectKey& key) {
  return pods_path(key.ns) + "/" + key.name;
}
inline std::string applications_path(const std::string& ns) {
  return "/apis/sparkoperator.k8s.io/v1beta2/namespaces/" + ns + "/sparkapplications";
}
inline std::string application_path(const kube::ObjectKey& key) {
  return applications_path(key.ns) + "/" + key.name;
}

inline std::string schedules_path(const std::string& ns) {
  return "/apis/sparkoperator.k8s.io/v1beta2/namespaces/" + ns + "/scheduledsparkapplications";
}
inline std::string schedule_path(const kube::ObjectKey& key) {
  return schedules_path(key.ns) + "/" + key.name;
}
inline std::string connects_path(const std::string& ns) {
  return "/apis/sparkoperator.k8s.io/v1alpha1/namespaces/" + ns + "/sparkconnects";
}
inline std::string connect_path(const kube::ObjectKey& key) {
  return connects_path(key.ns) + "/" + key.name;
}

inline constexpr const char* kPodTable = "pods";
inline constexpr const char* kApplicationTable = "sparkapplications.sparkoperator.k8s.io";
inline constexpr const char* kScheduleTable = "scheduledsparkapplications.sparkoperator.k8s.io";
inline constexpr const char* kConnectTable = "sparkconnects.sparkoperator.k8s.io";

}  // namespace sim
