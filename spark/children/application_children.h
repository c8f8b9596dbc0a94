// All that the operator makes around an application beside what Spark's own submission makes: one list of
// desired objects for each phase of an attempt.
//
//   auto wanted = application_children(app, options, AttemptPhase::Active);   // status names the attempt
//   for (const Json& object : wanted.objects) …                // apply; delete what else is there
//   app.status.driver_info = driver_info(app, options, service)
//
// controller/children carries it out. Objects have the application as their controller; they carry the
// attempt's id in a label unless the user's labels replace ours, or they serve all attempts alike (the
// exporter's config map).
//
// Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spark/batch/batch_scheduler.h"
#include "spark/children/ui_objects.h"

namespace spark {

// Of the operator's flags.
struct ChildrenOptions {
  bool ui_service = false;  // --enable-ui-service
  IngressOptions ingress;   // --ingress-…
  bool driver_pdb = false;  // --enable-driver-pdb
  BatchSchedulers batch;    // --enable-batch-scheduler …
};

enum class AttemptPhase {
  Absent,    // none: suspended, about to run again, not submitted yet
  Starting,  // a driver is about to be made; what it must find
  Active,    // a driver runs, or is about to
  Ended,     // the driver has ended; what people still look at stays
};

struct WantedChildren {
  std::vector<kube::Json> objects;
  std::vector<std::string> problems;  // what the spec asks for and cannot be made, and why
};

// `app` is the one whose status names the attempt (its id; in Active also the driver's name).
WantedChildren application_children(const api::SparkApplication& app, const ChildrenOptions& options,
                                    AttemptPhase phase);

// `before` with the UI's names and addresses. `service` is the UI service as the API server has it; null: it
// is not there yet. What is not wanted is emptied.
api::DriverInfo driver_info(const api::SparkApplication& app, const ChildrenOptions& options,
                            const kube::Json& service);

// "10.0.0.7:4040", "[fd00::7]:4040"
std::string host_and_port(std::string_view host, std::int32_t port);

}  // namespace spark
