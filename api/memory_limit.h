// How a memoryLimit is spelled, unlike Spark's own sizes: a JVM's unit is the binary one of Kubernetes, and
// all else a quantity already. As the Go operator's pod webhook reads it.
//
//   memory_limit_as_quantity(" 1.5g ")     // "1.5Gi"
//   memory_limit_as_quantity("512Mi")      // "512Mi"
//
// What comes out need not be a quantity; kube::Quantity::parse() tells. Thread: pure function.
#pragma once

#include <string>
#include <string_view>

namespace api {

std::string memory_limit_as_quantity(std::string_view text);

}  // namespace api
