// The objects of a SparkConnect: the config map with its executors' pod template, the server pod, the service
// in front of it.
//
//   Json map = connect_config_map(connect);               // mounted into the server, which is Spark's driver
//   auto pod = connect_server_pod(connect, options);      // <name>-server
//   Json service = connect_service(connect);              // the user's ports, then what they leave open
//   connect_spec_hash(connect.spec)                       // the pod's annotation connect-spec-hash: from
//                                                         // which spec a server was made
//
// All belong to the SparkConnect as their controller. The service selects by what a server keeps for life, so
// an edit of the spec never leaves it without endpoints. Executors are Spark's own to make, from the template
// in the config map; where service links are off there always is one, as Spark has no property for them.
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "api/spark_connect.h"
#include "kube/base/result.h"
#include "kube/core/json.h"
#include "spark/submit_conf.h"

namespace spark {

using kube::Json;
using kube::Result;

// Annotation of a server's pod: connect_spec_hash() of the spec that it was made from.
inline constexpr const char* kConnectSpecHashAnnotation = "sparkoperator.k8s.io/connect-spec-hash";
// Where the server finds its executors' pod template.
inline constexpr const char* kConnectTemplatePath = "/tmp/spark/executor-pod-template.yaml";

Json connect_config_map(const api::SparkConnect& connect, ServiceLinks links = ServiceLinks::On);

// `master_url` as master_url() of submit_conf.h makes it. Error InvalidInput: nobody says which image it has,
// or the template is no pod template.
Result<Json> connect_server_pod(const api::SparkConnect& connect, std::string_view master_url,
                                ServiceLinks links = ServiceLinks::On);

// Its name is what spec.server.service says, else <name>-server.
Json connect_service(const api::SparkConnect& connect);
std::string connect_service_name(const api::SparkConnect& connect);

// Versioned. The service is not part of it: it changes while the server runs. Hashes of another version say
// nothing.
std::string connect_spec_hash(const api::SparkConnectSpec& spec);
// Whether a server with this annotation was made from another spec; false when it cannot tell.
bool connect_spec_changed(std::string_view hash, const api::SparkConnectSpec& spec);

// The image of a template's container of that name (else its first), else spec.image; "" when nobody says.
std::string connect_image(const api::SparkConnectSpec& spec, const Json& pod_template,
                          std::string_view container);

}  // namespace spark
