// ApiCall is a request that was understood: which resource, which verb, with which options.
//
//   Granted<ApiCall> call = ApiCall::parse(registry, request);    // refused: 404, 405, 400 …
//
// Thread: a value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kube/apiserver/faults.h"
#include "kube/apiserver/refusal.h"
#include "kube/apiserver/resource_registry.h"
#include "kube/core/field_selector.h"
#include "kube/core/label_selector.h"
#include "kube/http/message.h"

namespace kube::apiserver {

struct ApiRequest;
class WebhookPass;

enum class Propagation { Background, Foreground, Orphan };

struct DeleteOptions {
  std::optional<std::int64_t> grace_period_seconds;
  std::string uid;               // precondition; "" = none
  std::string resource_version;  // precondition; "" = none
  std::optional<Propagation> propagation;
  bool dry_run = false;
};

struct ApiCall {
  RequestInfo info;
  ServedRef served;  // null: no resource (discovery, health …)
  QueryParameters query;

  // Answer form.
  bool as_table = false;
  bool as_partial = false;  // PartialObjectMetadata
  std::string include_object = "Metadata";
  bool pretty = false;

  // list and watch
  LabelSelector labels;
  FieldSelector fields;
  std::int64_t limit = 0;
  std::string continue_token;
  std::string resource_version;
  std::string version_match;  // "", Exact, NotOlderThan
  bool allow_bookmarks = false;
  bool send_initial_events = false;
  std::int64_t timeout_seconds = 0;

  // writes
  bool dry_run = false;
  bool force = false;
  std::string field_validation = "Warn";
  std::string content_type;  // without parameters
  DeleteOptions deletion;
  std::vector<std::string> warnings;  // come back as Warning headers
  WebhookPass* webhooks = nullptr;    // null: this write is not shown to admission webhooks

  std::string parameter(std::string_view name) const;  // "" when absent

  // Splits the path, finds the resource, reads the query. Verbs are named as RBAC names them.
  static Granted<ApiCall> parse(const ResourceRegistry& registry, const ApiRequest& request);
};

}  // namespace kube::apiserver
