// KubeletProxy fetches a container's log from the kubelet of the pod's node.
// Thread: the loop's only.
#pragma once

#include <memory>

#include "kube/apiserver/api_server.h"
#include "kube/apiserver/cluster.h"
#include "kube/http/tls.h"

namespace kube::apiserver {

class KubeletProxy {
 public:
  // The kubelet's certificate is not verified, as the real server does without
  // --kubelet-certificate-authority.
  KubeletProxy(Cluster& cluster, Network& network, bool plain_http);

  // `query` is that of the log subresource: container, follow, tailLines, previous, timestamps …
  Task<Granted<ApiAnswer>> log(ObjectKey pod, QueryParameters query);

 private:
  Cluster& cluster_;
  Network& network_;
  bool plain_http_;
  std::shared_ptr<TlsClientContext> tls_;
};

}  // namespace kube::apiserver
