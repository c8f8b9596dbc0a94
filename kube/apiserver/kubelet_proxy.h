// KubeletProxy asks the kubelet of a pod's node: for a container's log, for a connection to a port.
// Thread: the loop's only.
#pragma once

#include <memory>

#include "kube/apiserver/api_server.h"
#include "kube/apiserver/cluster.h"
#include "kube/http/client.h"
#include "kube/http/tls.h"

namespace kube::apiserver {

class KubeletProxy {
 public:
  // The kubelet's certificate is not verified, as the real server does without
  // --kubelet-certificate-authority.
  KubeletProxy(Cluster& cluster, Network& network, bool plain_http);

  // `query` is that of the log subresource: container, follow, tailLines, previous, timestamps …
  Task<Granted<ApiAnswer>> log(ObjectKey pod, QueryParameters query);
  // Answers with the kubelet's websocket, whatever protocol of binary messages is spoken over it. `query` is
  // that of the portforward subresource: ports. Other upgrades (SPDY) are refused.
  Task<Granted<ApiAnswer>> port_forward(ObjectKey pod, QueryParameters query, Headers headers);

 private:
  Granted<HttpClientOptions> kubelet_of(const std::string& node) const;

  Cluster& cluster_;
  Network& network_;
  bool plain_http_;
  std::shared_ptr<TlsClientContext> tls_;
};

}  // namespace kube::apiserver
