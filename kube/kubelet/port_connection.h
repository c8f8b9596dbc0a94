// join_port() answers `GET /portForward/<namespace>/<pod>?port=N`, what the API server asks a kubelet for, by
// joining a websocket with a port of a pod.
//
//   co_await join_port(exchange, loop, network, {"127.7.0.5", 4040}, "ns/pi-driver");
//
// Spoken is v4.channel.k8s.io (kube/client/port_forward.h says how), one port a websocket. That nobody
// listens is told on the error channel, as kubelets do. Either side's end is the other's. Returns when both
// have ended. Thread: the loop's only.
#pragma once

#include <string>
#include <string_view>

#include "kube/async/stream.h"
#include "kube/http/server.h"

namespace kube {

// Of the query. Error BadRequest: there is not exactly one port, from 1 to 65535.
Result<std::uint16_t> parse_port_query(std::string_view query);

Task<> join_port(HttpExchange& exchange, Loop& loop, Network& network, Endpoint to, std::string pod);

}  // namespace kube
