// Each folder of testdata is an application and flags of the operator, and what comes of them: the objects
// around the application, what is added to the application in memory before its pods are built from it, and
// what status says. UPDATE_GOLDENS=1 writes them anew. test/around gives the objects to a real API server.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "api/defaults.h"
#include "api/names.h"
#include "kube/core/patch.h"
#include "kube/core/yaml.h"
#include "spark/children/application_children.h"
#include "spark/golden_files.h"
#include "spark/native_submission.h"

namespace fs = std::filesystem;
using kube::Json;

namespace {

const fs::path kCases = fs::path(SOURCE_DIR) / "spark" / "children" / "testdata";
const spark::Attempt kAttempt{.submission_id = "5b0e1f3c-9a77-8d21-8104-9fe02b6c1d55",
                              .time = kube::TimePoint(std::chrono::seconds(1795225810))};

struct Case {
  api::SparkApplication app;
  spark::ChildrenOptions children;
  spark::SubmitOptions submit;
};

// Flags by their names on the command line.
void set_flag(Case& out, const std::string& name, const Json& value) {
  if (name == "enable-ui-service") {
    out.children.ui_service = out.submit.enable_ui_service = value.get<bool>();
  } else if (name == "ingress-url-format") {
    out.children.ingress.url_format = out.submit.ingress_url_format = value.get<std::string>();
  } else if (name == "ingress-class-name") {
    out.children.ingress.class_name = value.get<std::string>();
  } else if (name == "ingress-tls") {
    out.children.ingress.tls = spark::parse_ingress_tls(value.get<std::string>()).value();
  } else if (name == "ingress-annotations") {
    out.children.ingress.annotations = spark::parse_ingress_annotations(value.get<std::string>()).value();
  } else if (name == "enable-driver-pdb") {
    out.children.driver_pdb = value.get<bool>();
  } else if (name == "enable-batch-scheduler") {
    out.children.batch.enabled = value.get<bool>();
  } else if (name == "default-batch-scheduler") {
    out.children.batch.by_default = value.get<std::string>();
  } else if (name == "kube-scheduler-names") {
    out.children.batch.kube_schedulers = value.get<std::vector<std::string>>();
  } else {
    FAIL("no such flag: " << name);
  }
}

Case load(const std::string& name) {
  Case out;
  auto app = kube::decode<api::SparkApplication>(golden::document(kCases / name / "app.yaml"));
  if (!app) FAIL(app.error().message());
  out.app = *app;
  out.children.ui_service = true;
  out.submit.master_url = "k8s://https://10.96.0.1:443";
  if (fs::exists(kCases / name / "flags.yaml")) {
    for (const auto& [flag, value] : golden::document(kCases / name / "flags.yaml").items())
      set_flag(out, flag, value);
  }
  out.submit.batch = out.children.batch;
  return out;
}

// As the API server would have answered.
Json ui_service_in(const std::vector<Json>& objects, const std::string& app) {
  for (Json object : objects) {
    if (object["metadata"]["name"] != api::ui_service_name(app)) continue;
    object["spec"]["clusterIP"] = "10.96.0.7";
    return object;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("an application has around it what it and the operator's flags ask for", "[children]") {
  REQUIRE(golden::case_names(kCases).size() >= 60);
  for (const std::string& name : golden::case_names(kCases)) {
    DYNAMIC_SECTION(name) {
      Case in = load(name);
      Json outcome = Json::object();
      auto prepared = spark::prepare_application(in.app, in.submit, kAttempt);
      if (!prepared) {
        outcome["refused"] = prepared.error().message();
        golden::compare(kCases / name / "expected" / "outcome.yaml", kube::to_yaml(outcome));
        continue;
      }
      api::SparkApplication plain = in.app;
      plain.spec = api::with_defaults(plain.spec);
      outcome["inMemory"] = kube::create_merge_patch(kube::encode(plain), kube::encode(*prepared));

      in.app.status.submission_id = kAttempt.submission_id;
      in.app.status.driver_info.pod_name = api::driver_pod_name(in.app);
      auto wanted = spark::application_children(in.app, in.children, spark::AttemptPhase::Active);
      if (!wanted.problems.empty()) outcome["problems"] = wanted.problems;
      const Json service = ui_service_in(wanted.objects, in.app.metadata.name);
      outcome["driverInfo"] = kube::encode(spark::driver_info(in.app, in.children, service));

      // The pods that are built say so, whatever the way from the application to them.
      auto submission = spark::native_submission(in.app, in.submit, kAttempt);
      if (!submission) {
        golden::compare(kCases / name / "expected" / "outcome.yaml",
                        kube::to_yaml(Json{{"refused", submission.error().message()}}));
        continue;
      }
      if (const auto scheduler = submission->driver_pod["spec"].find("schedulerName");
          scheduler != submission->driver_pod["spec"].end())
        outcome["driverPod"]["schedulerName"] = *scheduler;
      for (const Json& child : submission->children) {
        const std::string text = kube::dump_json(child);
        const std::size_t at = text.find("schedulerName: ");
        if (at != std::string::npos)
          outcome["executorTemplate"]["schedulerName"] = text.substr(at + 15, text.find('\\', at) - at - 15);
      }

      Json list{{"apiVersion", "v1"}, {"kind", "List"}, {"items", wanted.objects}};
      golden::compare(kCases / name / "expected" / "children.yaml", kube::to_yaml(list));
      golden::compare(kCases / name / "expected" / "outcome.yaml", kube::to_yaml(outcome));
    }
  }
}

TEST_CASE("what is around an application follows the phases of an attempt", "[children]") {
  api::SparkApplication app;
  app.metadata.name = "pi";
  app.metadata.namespace_ = "ns";
  app.status.submission_id = kAttempt.submission_id;
  app.spec.batch_scheduler = "volcano";
  app.spec.driver_pod_disruption_budget = true;
  app.spec.monitoring.emplace().prometheus.emplace();
  spark::ChildrenOptions options{.ui_service = true, .ingress = {}, .driver_pdb = true, .batch = {}};
  options.batch.enabled = true;
  const auto kinds = [&](spark::AttemptPhase phase) {
    std::vector<std::string> kinds;
    for (const Json& object : spark::application_children(app, options, phase).objects)
      kinds.push_back(object["kind"]);
    std::ranges::sort(kinds);
    return kinds;
  };
  using Kinds = std::vector<std::string>;
  CHECK(kinds(spark::AttemptPhase::Absent) == Kinds{"ConfigMap"});
  CHECK(kinds(spark::AttemptPhase::Starting) == Kinds{"ConfigMap", "PodGroup"});
  CHECK(kinds(spark::AttemptPhase::Active) ==
        Kinds{"ConfigMap", "PodDisruptionBudget", "PodGroup", "Service"});
  CHECK(kinds(spark::AttemptPhase::Ended) == Kinds{"ConfigMap", "Service"});
}
