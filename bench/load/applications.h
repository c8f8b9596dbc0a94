// Two ways to burden an API server with SparkApplications: create them and let an operator do the rest, or
// write by hand what their submissions would write. The second is the ceiling that the first is held against.
//
//   co_await prepare_namespaces(client, {"a", "b"});  // namespaces, and an account for drivers
//   Result<LoadReport> operated = co_await create_applications(client, plan);
//   Result<LoadReport> ceiling = co_await write_applications(client, plan);
//
// Both watch pods and applications all the while, so that the server bears the same; both send an
// application's requests one after the other, `connections` applications at once.
//
// Errors: the API server's, while preparing. Failures of single requests are counted in the report.
// Thread: the client's loop only.
#pragma once

#include "bench/load/report.h"
#include "kube/client/client.h"

namespace bench {

inline constexpr const char* kServiceAccount = "spark";
// Of one application in write_applications(): application, driver pod, its service, the config maps of driver
// and executors, the UI's service, status SUBMITTED, and the two events about it. The operator writes the
// same, but for the first.
inline constexpr int kRawWrites = 9;

kube::Task<kube::Result<>> prepare_namespaces(kube::Client& client, std::vector<std::string> namespaces);

// Ends when every application has a driver pod and a status, or the plan's patience has.
kube::Task<kube::Result<LoadReport>> create_applications(kube::Client& client, LoadPlan plan);
kube::Task<kube::Result<LoadReport>> write_applications(kube::Client& client, LoadPlan plan);

}  // namespace bench
