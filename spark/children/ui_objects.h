// Services and ingresses that the operator makes in front of a running driver.
//
//   Json service = ui_service(app);                             // <app>-ui-svc
//   if (auto ingress = ui_ingress(app, options)) apply(**ingress);
//   for (const auto& entry : app.spec.driver_ingress_options) apply(driver_ingress_service(app, entry)) …
//
// Each has the application as its controller and is found again by its name. Labels carry
// status.submissionID, so the application must be the one whose status names the current attempt.
//
// Where a difference to upstream shows: an ingress' host never has a port and is no address (the API server
// refuses both), names never exceed 63 characters, and driver entries without a URL format get a service
// only. Pure functions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/spark_application.h"
#include "kube/base/result.h"
#include "kube/core/json.h"

namespace spark {

// Of the operator's flags.
struct IngressOptions {
  std::string url_format;                          // --ingress-url-format; empty: no UI ingress
  std::string class_name;                          // --ingress-class-name
  std::vector<kube::Json> tls;                     // --ingress-tls: {hosts, secretName}
  std::map<std::string, std::string> annotations;  // --ingress-annotations
};

// v1 Service in front of the driver's web UI.
kube::Json ui_service(const api::SparkApplication& app);

// networking.k8s.io/v1 Ingress to it; nullopt when no URL format is set. Error InvalidInput: the format gives
// no URL.
kube::Result<std::optional<kube::Json>> ui_ingress(const api::SparkApplication& app,
                                                   const IngressOptions& options);

// For one entry of spec.driverIngressOptions. Error InvalidInput: it has no port.
kube::Result<kube::Json> driver_ingress_service(const api::SparkApplication& app,
                                                const api::DriverIngressOptions& entry);
kube::Result<std::optional<kube::Json>> driver_ingress(const api::SparkApplication& app,
                                                       const api::DriverIngressOptions& entry,
                                                       const IngressOptions& options);

// --ingress-tls: a JSON array of {hosts, secretName}. --ingress-annotations: a JSON object of texts. "" is
// none. Error InvalidInput names the flag and what was expected.
kube::Result<std::vector<kube::Json>> parse_ingress_tls(std::string_view text);
kube::Result<std::map<std::string, std::string>> parse_ingress_annotations(std::string_view text);

}  // namespace spark
