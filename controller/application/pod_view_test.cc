#include "controller/application/pod_view.h"

#include <catch2/catch.hpp>

using namespace controller;
using kube::Json;

namespace {

Json pod(const char* role, const char* phase) {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata",
           {{"name", "pi-driver"},
            {"namespace", "ns"},
            {"uid", "u1"},
            {"resourceVersion", "7"},
            {"creationTimestamp", "2026-01-01T00:00:00Z"},
            {"labels",
             {{"sparkoperator.k8s.io/app-name", "pi"},
              {"sparkoperator.k8s.io/submission-id", "id-1"},
              {"spark-role", role},
              {"spark-exec-id", "12"},
              {"spark-app-selector", "spark-1"}}},
            {"ownerReferences", Json::array({{{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                                              {"kind", "SparkApplication"},
                                              {"name", "pi"},
                                              {"uid", "app-1"},
                                              {"controller", true}}})}}},
          {"status", {{"phase", phase}}}};
}

Json ended(Json object, const char* container, int code, const char* reason) {
  object["status"]["containerStatuses"] = Json::array(
      {{{"name", "sidecar"}, {"state", {{"running", Json::object()}}}},
       {{"name", container}, {"state", {{"terminated", {{"exitCode", code}, {"reason", reason}}}}}}});
  return object;
}

}  // namespace

TEST_CASE("a pod's projection has the fields that decisions read", "[pods]") {
  const PodView view = project_pod(pod("executor", "Running")).value();
  CHECK(view.key == kube::ObjectKey{"ns", "pi-driver"});
  CHECK(view.uid == "u1");
  CHECK(view.app_name == "pi");
  CHECK(view.submission_id == "id-1");
  CHECK(view.executor_id == 12);
  CHECK(view.app_selector == "spark-1");
  CHECK(view.belongs_to("app-1"));
  CHECK_FALSE(view.belongs_to("app-2"));
  CHECK_FALSE(view.terminating);
  CHECK(view.created == kube::parse_rfc3339("2026-01-01T00:00:00Z").value());
}

TEST_CASE("the driver's state follows its container before its pod's phase", "[pods]") {
  struct Row {
    const char* why;
    Json object;
    api::PodState state;
  };
  const Row rows[] = {
      {"pending", pod("driver", "Pending"), api::PodState::Pending},
      {"running", pod("driver", "Running"), api::PodState::Running},
      {"a sidecar keeps the pod running",
       ended(pod("driver", "Running"), "spark-kubernetes-driver", 0, "Completed"), api::PodState::Completed},
      {"failed beside a sidecar", ended(pod("driver", "Running"), "spark-kubernetes-driver", 1, "Error"),
       api::PodState::Failed},
      {"only the sidecar failed", ended(pod("driver", "Failed"), "spark-kubernetes-driver", 0, "Completed"),
       api::PodState::Completed},
      {"evicted", pod("driver", "Failed"), api::PodState::Failed},
      {"node lost", pod("driver", "Unknown"), api::PodState::Unknown},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    CHECK(driver_state(project_pod(row.object).value()) == row.state);
  }
}

TEST_CASE("a pod without metadata is refused", "[pods]") {
  CHECK_FALSE(project_pod(Json{{"kind", "Pod"}}));
}
