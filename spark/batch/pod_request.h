// What Spark will request for a driver, for one executor, and for how many executors at the start: the sizes
// that a batch scheduler reserves, and that quotas are held against.
//
//   auto driver = driver_request(app.spec);                // {"1", 896 MiB}: 512m, and 384m of overhead
//   auto executor = executor_request(app.spec);
//   const Quantity memory = memory_of(*driver) …
//
// Spark's arithmetic, not Kubernetes': "1g" is 1024 MiB, a bare number counts MiB, fractions are refused. The
// overhead depends on the language and on factor and least amount; PySpark memory and off-heap memory come on
// top. What the typed fields leave open is sparkConf's. Checked against the pods that spark-submit makes
// (driver_builder_test, test/parity).
//
// Pure functions. Error InvalidInput names the property.
#pragma once

#include <cstdint>
#include <string>

#include "api/spark_application.h"
#include "kube/base/result.h"
#include "kube/core/quantity.h"
#include "spark/memory_size.h"

namespace spark {

struct PodRequest {
  std::string cpu;  // a Quantity, as it was written
  MemorySize memory;
  kube::Quantity cpu_limit;     // without coreLimit: the cores, although Spark sets none then
  kube::Quantity memory_limit;  // without memoryLimit: what is requested, as Spark sets it
};

kube::Result<PodRequest> driver_request(const api::SparkApplicationSpec& spec);
kube::Result<PodRequest> executor_request(const api::SparkApplicationSpec& spec);

// Never negative. Error: a number in sparkConf is none.
kube::Result<std::int64_t> initial_executors(const api::SparkApplicationSpec& spec);

// "cpu" and "memory" of the driver and its first executors together. Error: also when a sum is beyond 64
// bits.
struct TotalRequest {
  kube::Quantity cpu, memory;
};
kube::Result<TotalRequest> total_request(const api::SparkApplicationSpec& spec);

}  // namespace spark
