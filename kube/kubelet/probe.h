// Probes: is a container ready?
#pragma once

#include "kube/async/stream.h"
#include "kube/core/json.h"
#include "kube/kubelet/pod_process.h"

namespace kube {

// httpGet (2xx and 3xx pass), tcpSocket; a probe of another kind passes. Ports may be named.
Task<bool> network_probe(Network& network, Json container, Json probe, std::string pod_ip,
                         SteadyTime deadline);
// True when the command ends with 0 before the deadline; it is killed then.
Task<bool> exec_probe(Loop& loop, const PodProcess& container, LaunchPlan command, SteadyTime deadline);

}  // namespace kube
