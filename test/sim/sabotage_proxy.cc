#include "test/sim/sabotage_proxy.h"

#include "test/sim/direct_client.h"
#include "test/sim/fault_source.h"

namespace sim {

using kube::Json;
using kube::Task;
using kube::apiserver::ApiAnswer;

namespace {

Task<> copy_stream(kube::HttpExchange* exchange, kube::apiserver::AnswerStream* stream, bool* ended,
                   kube::TaskGroup* both) {
  bool open = true;
  while (open) {
    auto piece = co_await stream->next();
    if (!piece) {
      *ended = true;
      break;
    }
    if (!piece->empty()) open = (co_await exchange->write_chunk(*piece)).has_value();
  }
  both->cancel();
}

Task<> watch_peer(kube::HttpExchange* exchange, kube::TaskGroup* both) {
  co_await exchange->wait_peer_gone();
  both->cancel();
}

}  // namespace

SabotageProxy::SabotageProxy(kube::Loop& loop, kube::apiserver::ApiServer& server, Sabotage sabotage)
    : loop_(loop),
      server_(server),
      sabotage_(sabotage),
      http_(loop, {}, [this](kube::HttpExchange& exchange) { return answer(exchange); }) {}

Task<> SabotageProxy::serve(kube::Network& host) {
  auto listener = host.listen({kHost, 80});
  if (listener) co_await http_.serve(std::move(*listener));
}

void SabotageProxy::committed(const kube::apiserver::Commit& commit) {
  if (commit.table == kApplicationTable && commit.change.before) {
    before_[commit.change.before->key().name] = commit.change.before;
  }
}

void SabotageProxy::spoil(kube::apiserver::ApiRequest& request) const {
  const bool application = request.target.find("/sparkapplications/") != std::string::npos;
  if (sabotage_ == Sabotage::NoUidOnDelete && request.method == "DELETE") request.body.clear();
  if (sabotage_ == Sabotage::NoVersionOnStatus && request.method == "PATCH" && application) {
    Json patch = Json::parse(request.body, nullptr, false);
    if (patch.is_array()) {
      Json kept = Json::array();
      for (Json& operation : patch) {
        if (operation.value("path", "") != "/metadata/resourceVersion") kept.push_back(std::move(operation));
      }
      request.body = kept.dump();
    } else if (patch.is_object() && patch.contains("metadata")) {
      patch["metadata"].erase("resourceVersion");
      request.body = patch.dump();
    }
  }
  if (sabotage_ == Sabotage::LeaseNotReleased && request.method == "PUT" &&
      request.target.find("/leases/") != std::string::npos) {
    Json lease = Json::parse(request.body, nullptr, false);
    if (lease.is_object() && lease["spec"].value("holderIdentity", "") == "") {
      lease["spec"]["holderIdentity"] = "nobody-any-more";
      lease["spec"]["leaseDurationSeconds"] = 15;
      request.body = lease.dump();
    }
  }
  if (sabotage_ == Sabotage::NoOwnerOnChildren && request.method == "POST" &&
      (request.target.ends_with("/configmaps") || request.target.ends_with("/services"))) {
    Json child = Json::parse(request.body, nullptr, false);
    if (child.is_object()) {
      child["metadata"].erase("ownerReferences");
      request.body = child.dump();
    }
  }
}

Task<> SabotageProxy::answer(kube::HttpExchange& exchange) {
  kube::apiserver::ApiRequest request;
  request.method = exchange.request().method;
  request.target = exchange.request().target;
  request.headers = exchange.request().headers;
  request.body = exchange.request().body;
  request.user = {kOperatorUser, "", {"system:authenticated"}, {}};
  const std::string name = request.target.substr(request.target.rfind('/') + 1);
  const bool reads_application =
      request.method == "GET" && request.target.find("/sparkapplications/") != std::string::npos;
  const bool lists_runs =
      request.method == "GET" && (request.target.find("scheduled-app-name%3D") != std::string::npos ||
                                  request.target.find("scheduled-app-name=") != std::string::npos);
  spoil(request);
  ApiAnswer answer = co_await server_.handle(std::move(request));
  if (answer.cut) {
    exchange.abort();
    co_return;
  }
  kube::HttpResponse response{.status = answer.status, .headers = answer.headers, .body = answer.body};
  response.headers.set("Content-Type", answer.content_type);
  if (sabotage_ == Sabotage::StaleLiveRead && reads_application && answer.status == 200) {
    if (const auto found = before_.find(name); found != before_.end()) response.body = found->second->text();
  }
  if (sabotage_ == Sabotage::NoRunsListed && lists_runs && answer.status == 200) {
    Json list = Json::parse(response.body, nullptr, false);
    if (list.is_object()) list["items"] = Json::array();
    response.body = list.dump();
  }
  if (sabotage_ == Sabotage::LeaseLooksFree && response.body.find("\"Lease\"") != std::string::npos &&
      exchange.request().method == "GET") {
    Json lease = Json::parse(response.body, nullptr, false);
    if (lease.is_object() && lease.contains("spec")) lease["spec"]["holderIdentity"] = "";
    response.body = lease.dump();
  }
  if (!answer.stream) {
    (void)co_await exchange.respond(std::move(response));
    co_return;
  }
  if (!co_await exchange.start(std::move(response))) co_return;
  bool ended = false;
  kube::TaskGroup both(loop_);
  both.spawn("watch", copy_stream(&exchange, answer.stream.get(), &ended, &both));
  both.spawn("peer", watch_peer(&exchange, &both));
  co_await both.join_or_cancel();
  if (!ended || answer.stream->was_cut()) {
    exchange.abort();
  } else {
    (void)co_await exchange.finish();
  }
}

}  // namespace sim
