#include "kube/apiserver/request_handler.h"

#include "kube/apiserver/admission_webhook_pass.h"
#include "kube/apiserver/disruption_budgets.h"
#include "kube/apiserver/table_printer.h"
#include "kube/async/timer.h"

namespace kube::apiserver {

namespace {

// A hanging request is let go some day, so that a forgotten one does not live for ever.
constexpr Duration kHang = 1h;

ApiAnswer json_answer(const Json& json, int status = 200) {
  ApiAnswer answer;
  answer.status = status;
  answer.body = dump_json(json);
  return answer;
}

ApiAnswer refusal_answer(const Refusal& refusal) {
  ApiAnswer answer = json_answer(refusal.body(), refusal.code());
  if (refusal.code() == 504) answer.headers.set("Retry-After", "1");
  return answer;
}

Json success(int code, const Json& details = nullptr) {
  Json status = {
      {"kind", "Status"}, {"apiVersion", "v1"}, {"metadata", Json::object()}, {"status", "Success"}};
  if (code == 201) status["code"] = 201;
  if (!details.is_null()) status["details"] = details;
  return status;
}

std::string_view reason_of(int code) {
  switch (code) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 409:
      return "Conflict";
    case 410:
      return "Expired";
    case 422:
      return "Invalid";
    case 429:
      return "TooManyRequests";
    case 503:
      return "ServiceUnavailable";
    case 504:
      return "Timeout";
    default:
      return "InternalError";
  }
}

ApiAnswer injected(const FaultAction& fault) {
  Refusal refusal(fault.status, std::string(reason_of(fault.status)),
                  fault.message.empty() ? "injected fault" : fault.message);
  if (fault.retry_after_seconds) refusal.details() = {{"retryAfterSeconds", fault.retry_after_seconds}};
  ApiAnswer answer = json_answer(refusal.body(), fault.status);
  if (fault.retry_after_seconds) answer.headers.set("Retry-After", std::to_string(fault.retry_after_seconds));
  return answer;
}

// Kinds whose deletion answers with the object instead of a Status.
bool returns_deleted(std::string_view table) {
  return table == "pods" || table == "services" || table == "persistentvolumeclaims" ||
         table == "serviceaccounts" || table == "resourcequotas" || table == "persistentvolumes";
}

}  // namespace

Json ApiAnswer::json() const {
  auto parsed = parse_json(body);
  return parsed ? std::move(*parsed) : Json();
}

bool RequestHandler::is_public(std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  for (std::string_view open : {"/healthz", "/livez", "/readyz"})
    if (path == open || (path.starts_with(open) && path.size() > open.size() && path[open.size()] == '/'))
      return true;
  return path == "/version" || path == "/version/";
}

Task<ApiAnswer> RequestHandler::handle(ApiRequest request) {
  auto call = ApiCall::parse(parts_.cluster.registry, request);
  RequestInfo info;
  if (call) {
    info = call->info;
  } else {
    info.method = request.method;
    info.path = request.target.substr(0, request.target.find('?'));
    info.verb = request.method;
    info.user = request.user;
  }
  auto answered = [&](const ApiAnswer& answer) {
    for (const RequestHook& hook : hooks_) hook(info, answer.cut ? 0 : answer.status);
  };
  const FaultAction fault = is_public(request.target) ? FaultAction::none() : parts_.faults.decide(info);
  ApiAnswer answer;
  switch (fault.kind) {
    case FaultAction::Kind::Fail:
      answer = injected(fault);
      break;
    case FaultAction::Kind::CutBefore:
      answer.cut = true;
      break;
    case FaultAction::Kind::Hang:
      co_await sleep(parts_.cluster.loop, kHang);
      answer.cut = true;
      break;
    case FaultAction::Kind::Gone:
      if (info.verb != "watch" || fault.status == 410)
        answer = refusal_answer(Refusal::expired("too old resource version: injected"));
      break;
    case FaultAction::Kind::Delay:
      co_await sleep(parts_.cluster.loop, fault.delay);
      break;
    default:
      break;
  }
  const bool decided = answer.cut || !answer.body.empty();
  if (!decided) {
    if (!call) {
      answer = refusal_answer(call.error());
    } else if (request.body.size() > parts_.max_body_bytes) {
      answer = refusal_answer(Refusal::too_large(parts_.max_body_bytes));
    } else {
      answer = co_await serve_or_refuse(*call, request, fault);
      for (const std::string& warning : call->warnings) {
        std::string quoted;
        for (char c : warning) quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
        answer.headers.add("Warning", "299 - \"" + quoted + "\"");
      }
    }
  }
  if (fault.kind == FaultAction::Kind::CutAfter || fault.kind == FaultAction::Kind::HangAfter) {
    answered(answer);
    if (fault.kind == FaultAction::Kind::HangAfter) co_await sleep(parts_.cluster.loop, kHang);
    ApiAnswer cut;
    cut.cut = true;
    co_return std::move(cut);
  }
  answered(answer);
  co_return std::move(answer);
}

Task<ApiAnswer> RequestHandler::serve_or_refuse(ApiCall& call, const ApiRequest& request,
                                                const FaultAction& fault) {
  std::string broken;
  try {
    auto served = co_await serve(call, request, fault);
    co_return served ? std::move(*served) : refusal_answer(served.error());
  } catch (const Json::exception& exception) {
    // A value of a type that no check looked at. The write was not done: values are put last.
    broken = exception.what();
  }
  parts_.cluster.log.error("request met a value of an unexpected type",
                           {{"method", call.info.method}, {"path", call.info.path}, {"exception", broken}});
  co_return refusal_answer(Refusal::internal(broken));
}

Granted<ApiAnswer> RequestHandler::plain(ApiCall& call, const ApiRequest& request) {
  if (is_public(request.target) && !call.info.path.starts_with("/version")) {
    ApiAnswer answer;
    answer.content_type = "text/plain; charset=utf-8";
    answer.body = "ok";
    return answer;
  }
  if (call.info.method != "GET" && call.info.method != "HEAD")
    return refuse(Refusal::method_not_allowed(call.info.method));
  auto found =
      parts_.discovery.answer(call.info.path, std::string(request.headers.get("Accept").value_or("")));
  if (!found) return refuse(Refusal::no_such_path());
  ApiAnswer answer;
  answer.body = found->bytes.empty() ? dump_json(found->document) : std::move(found->bytes);
  answer.content_type = found->content_type;
  return answer;
}

ApiAnswer RequestHandler::object_answer(const ApiCall& call, const ObjectRef& object, int status) const {
  ApiAnswer answer;
  answer.status = status;
  if (call.as_table) {
    answer.body = dump_json(print_table(*call.served, {object}, object->version(), call.include_object,
                                        parts_.cluster.loop.now()));
  } else if (call.as_partial) {
    answer.body = dump_json(partial_metadata(object->json()));
  } else {
    std::string scratch;
    answer.body = text_as(*object, *call.served, scratch);
  }
  return answer;
}

ApiAnswer RequestHandler::list_answer(const ApiCall& call, const ObjectPage& page) const {
  Json metadata = {{"resourceVersion", std::to_string(page.version)}};
  if (!page.continue_token.empty()) {
    metadata["continue"] = page.continue_token;
    // With selectors the real server does not count what remains.
    if (call.labels.matches_everything() && call.fields.matches_everything())
      metadata["remainingItemCount"] = page.remaining;
  }
  ApiAnswer answer;
  if (call.as_table) {
    Json table =
        print_table(*call.served, page.objects, page.version, call.include_object, parts_.cluster.loop.now());
    table["metadata"] = metadata;
    answer.body = dump_json(table);
    return answer;
  }
  const std::string kind = call.as_partial ? "PartialObjectMetadataList" : call.served->list_kind();
  const std::string version = call.as_partial ? "meta.k8s.io/v1" : call.served->resource.api_version();
  std::string& body = answer.body;
  body = "{\"kind\":\"" + kind + "\",\"apiVersion\":\"" + version + "\",\"metadata\":" + dump_json(metadata) +
         ",\"items\":[";
  bool first = true;
  for (const ObjectRef& object : page.objects) {
    if (!first) body += ',';
    first = false;
    body +=
        call.as_partial ? dump_json(partial_metadata(object->json())) : text_as_item(*object, *call.served);
  }
  body += "]}";
  return answer;
}

Task<Granted<ApiAnswer>> RequestHandler::serve(ApiCall& call, const ApiRequest& request,
                                               const FaultAction& fault) {
  if (!call.served) co_return plain(call, request);
  const std::string& verb = call.info.verb;
  const std::string& sub = call.info.subresource;
  if (sub == "portforward") {
    if (verb != "get" && verb != "create") co_return refuse(Refusal::method_not_allowed(call.info.method));
    auto joined =
        co_await parts_.kubelets.port_forward({call.info.ns, call.info.name}, call.query, request.headers);
    co_return joined;
  }
  if (verb == "get") {
    if (sub == "log") {
      auto log = co_await parts_.kubelets.log({call.info.ns, call.info.name}, call.query);
      co_return log;
    }
    auto object = parts_.reader.get(call);
    if (!object) co_return refuse(object);
    co_return object_answer(call, *object, 200);
  }
  if (verb == "list") {
    auto page = parts_.reader.list(call);
    if (!page) co_return refuse(page);
    co_return list_answer(call, *page);
  }
  if (verb == "watch") {
    auto stream = parts_.watches.open(call, fault);
    if (!stream) co_return refuse(stream);
    ApiAnswer answer;
    answer.stream = std::move(*stream);
    co_return std::move(answer);
  }
  if (verb == "create" && sub.empty() && !call.served->listed_only_for_create) {
    auto written = co_await write<Written>(call, [&] { return parts_.writer.create(call, request.body); });
    if (!written) co_return refuse(written);
    co_return object_answer(call, written->object, 201);
  }
  if (verb == "create") co_return create(call, request.body);
  if (verb == "update" || verb == "patch") {
    auto written = co_await write<Written>(call, [&] {
      return verb == "update" ? parts_.writer.update(call, request.body)
                              : parts_.writer.patch(call, request.body);
    });
    if (!written) co_return refuse(written);
    co_return object_answer(call, written->object, written->created ? 201 : 200);
  }
  if (verb == "delete") {
    auto removed = co_await write<Removed>(
        call, [&] { return parts_.writer.remove(call, {call.info.ns, call.info.name}); });
    if (!removed) co_return refuse(removed);
    if (!removed->gone || returns_deleted(call.served->table()))
      co_return object_answer(call, removed->object, 200);
    Json details = {
        {"name", call.info.name}, {"kind", call.served->resource.plural}, {"uid", removed->object->uid()}};
    if (!call.served->resource.group.empty()) details["group"] = call.served->resource.group;
    co_return json_answer(success(200, details));
  }
  if (verb == "deletecollection") co_return co_await remove_all(call);
  co_return refuse(Refusal::method_not_allowed(call.info.method));
}

template <class What>
Task<Granted<What>> RequestHandler::write(ApiCall& call, std::function<Granted<What>()> write) {
  WebhookPass pass(parts_.webhooks, call);
  while (true) {
    auto written = write();
    if (!pass.waits()) co_return written;
    if (auto asked = co_await pass.ask(); !asked) co_return refuse(asked);
  }
}

Task<Granted<ApiAnswer>> RequestHandler::remove_all(ApiCall& call) {
  auto page = parts_.reader.list(call);
  if (!page) co_return refuse(page);
  std::vector<ObjectRef> removed;
  for (const ObjectRef& object : page->objects) {
    const ObjectKey key = object->key();
    auto one = co_await write<Removed>(call, [&] { return parts_.writer.remove(call, key); });
    if (one)
      removed.push_back(one->object);
    else if (one.error().code() != 404)
      co_return refuse(one);
  }
  page->objects = std::move(removed);
  page->version = parts_.cluster.store.version();
  co_return list_answer(call, *page);
}

// Subresources that are made by POST, and reviews.
Granted<ApiAnswer> RequestHandler::create(ApiCall& call, const std::string& body) {
  const std::string& sub = call.info.subresource;
  auto json = ObjectWriter::read_body(call, body);
  if (!json) return refuse(json);
  const SchemaSet& schemas = parts_.cluster.registry.builtin_schemas();
  const Schema* shape = sub == "token"      ? schemas.find("io.k8s.api.authentication.v1.TokenRequest")
                        : sub == "binding"  ? schemas.find("io.k8s.api.core.v1.Binding")
                        : sub == "eviction" ? schemas.find("io.k8s.api.policy.v1.Eviction")
                                            : call.served->schema;
  if (shape) {
    if (std::string wrong = type_mismatch(*json, *shape); !wrong.empty())
      return refuse(Refusal::bad_request(wrong));
    drop_nulls(*json, *shape);
  }
  if (call.served->listed_only_for_create) return review(call, std::move(*json));
  if (sub == "binding") return bind(call, *json);
  if (sub == "eviction") return evict(call, *json);
  if (sub == "token") {
    auto issued = parts_.authenticator.issue({call.info.ns, call.info.name}, std::move(*json));
    if (!issued) return refuse(issued);
    return json_answer(*issued, 201);
  }
  return refuse(Refusal::method_not_allowed("POST"));
}

Granted<ApiAnswer> RequestHandler::bind(ApiCall& call, const Json& binding) {
  const std::string node = string_at(binding, {"target", "name"});
  if (node.empty()) return refuse(Refusal(500, "", "target.name: Required value"));
  ObjectRef pod = parts_.cluster.store.get("pods", {call.info.ns, call.info.name});
  if (!pod) return refuse(Refusal::not_found(kPods, call.info.name));
  const std::string uid = string_at(binding, {"metadata", "uid"});
  if (!uid.empty() && uid != pod->uid())
    return refuse(Refusal::conflict(
        kPods, call.info.name,
        "Precondition failed: UID in precondition: " + uid + ", UID in object meta: " + pod->uid()));
  auto refused = [&](const std::string& why) {
    Resource door = kPods;
    door.plural += "/binding";
    return refuse(Refusal::conflict(door, call.info.name, why));
  };
  if (pod->is_terminating())
    return refused("pod " + call.info.name + " is being deleted, cannot be assigned to a host");
  if (std::string at = string_at(pod->json(), {"spec", "nodeName"}); !at.empty())
    return refused("pod " + call.info.name + " is already assigned to node \"" + at + "\"");
  Json after = pod->json();
  after["spec"]["nodeName"] = node;
  if (const Json* more = find_path(binding, {"metadata", "annotations"}); more && more->is_object())
    for (auto& [name, value] : more->items()) after["metadata"]["annotations"][name] = value;
  Json conditions = Json::array();
  if (const Json* present = find_path(after, {"status", "conditions"}); present && present->is_array())
    for (const Json& condition : *present)
      if (string_at(condition, {"type"}) != "PodScheduled") conditions.push_back(condition);
  conditions.push_back({{"type", "PodScheduled"},
                        {"status", "True"},
                        {"lastProbeTime", nullptr},
                        {"lastTransitionTime", parts_.cluster.now()}});
  after["status"]["conditions"] = std::move(conditions);
  if (!call.dry_run) {
    auto writer = parts_.cluster.writing_as(call.info);
    parts_.cluster.store.put("pods", std::move(after));
  }
  return json_answer(success(201), 201);
}

Granted<ApiAnswer> RequestHandler::evict(ApiCall& call, const Json& eviction) {
  if (string_at(eviction, {"metadata", "name"}) != call.info.name)
    return refuse(Refusal::bad_request("name in URL does not match name in Eviction object"));
  if (const Json* dry = find_path(eviction, {"deleteOptions", "dryRun"}); dry && !dry->empty())
    call.dry_run = true;
  if (const Json* grace = find_path(eviction, {"deleteOptions", "gracePeriodSeconds"});
      grace && grace->is_number_integer())
    call.deletion.grace_period_seconds = grace->get<std::int64_t>();
  call.deletion.uid = string_at(eviction, {"deleteOptions", "preconditions", "uid"});
  if (ObjectRef pod = parts_.cluster.store.get("pods", {call.info.ns, call.info.name})) {
    if (auto allowed = may_be_evicted(parts_.cluster.store, pod->json()); !allowed) return refuse(allowed);
  }
  auto removed = parts_.writer.remove(call, {call.info.ns, call.info.name});
  if (!removed) return refuse(removed);
  return json_answer(success(201), 201);
}

Granted<ApiAnswer> RequestHandler::review(ApiCall& call, Json review) {
  const Resource& resource = call.served->resource;
  review["apiVersion"] = resource.api_version();
  review["kind"] = resource.kind;
  review["metadata"] = Json::object();
  auto user_json = [](const UserInfo& user) {
    Json json = {{"username", user.username}, {"groups", user.groups}};
    if (!user.uid.empty()) json["uid"] = user.uid;
    if (!user.extra.is_null() && !user.extra.empty()) json["extra"] = user.extra;
    return json;
  };
  if (resource.kind == "TokenReview") {
    std::vector<std::string> audiences;
    if (const Json* asked = find_path(review, {"spec", "audiences"}); asked && asked->is_array())
      for (const Json& one : *asked)
        if (one.is_string()) audiences.push_back(one.get<std::string>());
    auto found = parts_.authenticator.user_of_token(string_at(review, {"spec", "token"}), audiences);
    review["status"] = found ? Json{{"authenticated", true}, {"user", user_json(found->user)}}
                             : Json{{"error", "invalid bearer token"}};
    if (found && !found->audiences.empty()) review["status"]["audiences"] = found->audiences;
  } else if (resource.kind == "SelfSubjectReview") {
    review["status"] = {{"userInfo", user_json(call.info.user)}};
  } else {
    review["status"] = {{"allowed", true}, {"reason", "everybody who authenticates may do everything here"}};
  }
  return json_answer(review, 201);
}

}  // namespace kube::apiserver
