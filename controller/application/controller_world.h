// World is a whole operator in front of an API server without kubelet, for tests: the test moves the pods.
//
//   World world;
//   world.apply();                                   // a small application, and a second of work
//   world.phase("Running");
//   CHECK(world.state() == "RUNNING");
//
// Thread: one.
#pragma once

#include "controller/application/application_controller.h"
#include "controller/application/fake_api.h"
#include "controller/application/running_manager.h"
#include "controller/submit/native_submitter.h"

namespace controller {

struct World {
  ApplicationControllerOptions controller_options;
  FakeApi api;
  kube::MetricsRegistry metrics;
  std::unique_ptr<kube::Client> client = api.server.client();
  NativeSubmitter submitter{*client, [] {
                              spark::SubmitOptions options;
                              options.master_url = "k8s://https://kubernetes.default.svc:443";
                              return options;
                            }()};
  RunningManager running{api};

  explicit World(ApplicationControllerOptions options = {}) : controller_options(std::move(options)) {
    start();
  }

  void start() {
    running.start(*client, {.component = "spark-application-controller", .metrics = &metrics},
                  [&](kube::Manager& manager) {
                    ApplicationController::add_to(manager, submitter, controller_options);
                  });
  }
  void stop() { running.stop(); }

  void pass(kube::Duration duration) { api.server.loop.run_for(duration); }
  void apply(kube::Json application = application_json()) {
    api.put(app_path("pi"), std::move(application));
    pass(std::chrono::seconds(1));
  }
  api::SparkApplicationStatus status() const {
    return kube::decode<api::SparkApplication>(api.at(app_path("pi"))).value().status;
  }
  std::string state() const { return std::string(api::to_string(status().application_state.state)); }
  void phase(const std::string& phase, const std::string& pod = "pi-driver") {
    api.change(pod_path(pod), [&](kube::Json& object) { object["status"] = {{"phase", phase}}; });
    pass(std::chrono::seconds(1));
  }
  std::string uid(const std::string& pod = "pi-driver") const {
    return api.at(pod_path(pod))["metadata"]["uid"];
  }
  bool stuck(int number) const {
    return metrics.text().find("spark_operator_stuck_applications_total " + std::to_string(number) + "\n") !=
           std::string::npos;
  }
  // Right before the first request of that kind.
  void meanwhile(const std::string& request, std::function<void()> change) {
    api.before = [=, done = false](const std::string& asked) mutable {
      if (!done && asked == request) {
        done = true;
        change();
      }
      return FakeFault{};
    };
  }
};

inline kube::Json retrying() {
  kube::Json application = application_json();
  application["spec"]["restartPolicy"] = {
      {"type", "OnFailure"}, {"onFailureRetries", 1}, {"onFailureRetryInterval", 10}};
  return application;
}

}  // namespace controller
