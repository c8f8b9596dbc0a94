#include "kube/apiserver/cluster.h"

namespace kube::apiserver {

Cluster::Cluster(Loop& loop_, StoreOptions options, Log log_)
    : loop(loop_), store(loop_, options), log(std::move(log_)) {
  store.on_commit([this](std::string_view table, const Change& change) {
    static const RequestInfo kNobody;
    const RequestInfo& writer = writer_ ? *writer_ : kNobody;
    for (const CommitHook& hook : hooks_) hook(table, change, writer);
  });
}

}  // namespace kube::apiserver
