// RequestHandler turns an ApiRequest into an ApiAnswer: the whole API, knowing nothing of HTTP connections.
//
//   ApiAnswer answer = co_await handler.handle(request);
//
// Thread: the loop's only. Lifetime: everything given outlives it.
#pragma once

#include <functional>

#include "kube/apiserver/admission_webhook_dispatcher.h"
#include "kube/apiserver/authenticator.h"
#include "kube/apiserver/discovery.h"
#include "kube/apiserver/kubelet_proxy.h"
#include "kube/apiserver/object_reader.h"
#include "kube/apiserver/object_writer.h"
#include "kube/apiserver/watch_stream.h"

namespace kube::apiserver {

class RequestHandler {
 public:
  struct Parts {
    Cluster& cluster;
    ObjectReader& reader;
    ObjectWriter& writer;
    AdmissionWebhooks& webhooks;
    WatchHub& watches;
    Authenticator& authenticator;
    Discovery& discovery;
    KubeletProxy& kubelets;
    FaultPlan& faults;
    std::size_t max_body_bytes;
  };
  using RequestHook = std::function<void(const RequestInfo&, int code)>;

  explicit RequestHandler(Parts parts) : parts_(parts) {}

  Task<ApiAnswer> handle(ApiRequest request);
  void on_request(RequestHook hook) { hooks_.push_back(std::move(hook)); }

  // True for paths that anybody may ask: health and version.
  static bool is_public(std::string_view target);

 private:
  Task<ApiAnswer> serve_or_refuse(ApiCall& call, const ApiRequest& request, const FaultAction& fault);
  Task<Granted<ApiAnswer>> serve(ApiCall& call, const ApiRequest& request, const FaultAction& fault);
  Granted<ApiAnswer> plain(ApiCall& call, const ApiRequest& request);
  // Writes, with admission webhooks asked where they want to be.
  template <class What>
  Task<Granted<What>> write(ApiCall& call, std::function<Granted<What>()> write);
  Task<Granted<ApiAnswer>> remove_all(ApiCall& call);
  Granted<ApiAnswer> create(ApiCall& call, const std::string& body);
  Granted<ApiAnswer> bind(ApiCall& call, const Json& binding);
  Granted<ApiAnswer> evict(ApiCall& call, const Json& eviction);
  Granted<ApiAnswer> review(ApiCall& call, Json review);
  ApiAnswer object_answer(const ApiCall& call, const ObjectRef& object, int status) const;
  ApiAnswer list_answer(const ApiCall& call, const ObjectPage& page) const;

  Parts parts_;
  std::vector<RequestHook> hooks_;
};

}  // namespace kube::apiserver
