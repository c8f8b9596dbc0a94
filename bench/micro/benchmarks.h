// The benchmarks, a function for each file. Thread: the main one.
#pragma once

#include "bench/micro/suite.h"

namespace bench {

void submission_benchmarks(Suite& suite);  // spark/: one attempt's objects
void controller_benchmarks(Suite& suite);  // what one reconcile computes
void queue_benchmarks(Suite& suite);       // kube/runtime's work queue
void decode_benchmarks(Suite& suite);      // bytes of watches into projections
void review_benchmarks(Suite& suite);      // one admission review of a driver pod
void patch_benchmarks(Suite& suite);       // merge, JSON and strategic merge patches
void schema_benchmarks(Suite& suite);      // the embedded API server's CRD validation

}  // namespace bench
