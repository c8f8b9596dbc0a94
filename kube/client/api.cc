#include "kube/client/api.h"

namespace kube {

namespace {

// The API server ends a watch after timeoutSeconds. If its FIN is lost we would wait for ever, so we give up
// a little later than it should have.
constexpr auto kWatchIdleMargin = 5s;

void put(QueryParameters& query, const char* name, const std::string& value) {
  if (!value.empty()) query.emplace_back(name, value);
}

QueryParameters selection(const ListOptions& options) {
  QueryParameters query;
  put(query, "labelSelector", options.label_selector);
  put(query, "fieldSelector", options.field_selector);
  return query;
}

QueryParameters query_of(const ListOptions& options) {
  QueryParameters query = selection(options);
  if (options.page_size > 0) query.emplace_back("limit", std::to_string(options.page_size));
  put(query, "continue", options.continue_token);
  // A continue token carries its own version; both together are refused.
  if (options.continue_token.empty()) {
    put(query, "resourceVersion", options.resource_version);
    put(query, "resourceVersionMatch", options.resource_version_match);
  }
  return query;
}

}  // namespace

JsonApi::JsonApi(Client& client, Resource resource, std::string ns)
    : client_(&client), resource_(std::move(resource)), ns_(std::move(ns)) {}

JsonApi& JsonApi::with_deadline(Duration deadline) {
  deadline_ = deadline;
  return *this;
}

Result<std::string> JsonApi::path(const std::string& name, const std::string& subresource) const {
  if (name.empty()) return fail(ErrorKind::InvalidInput, resource_.group_resource() + ": name is empty");
  if (resource_.namespaced && ns_.empty())
    return fail(ErrorKind::InvalidInput,
                resource_.group_resource() + " \"" + name + "\": namespace is not named");
  return resource_.object_path({ns_, name}, subresource);
}

Task<Result<Json>> JsonApi::call(std::string method, Result<std::string> path, QueryParameters query,
                                 std::string body, std::string content_type) {
  if (!path) co_return fail(std::move(path));
  ApiRequest request{.method = std::move(method),
                     .path = std::move(*path),
                     .query = std::move(query),
                     .body = std::move(body),
                     .content_type = std::move(content_type)};
  request.deadline = deadline_;
  co_return co_await client_->request(std::move(request));
}

Task<Result<Json>> JsonApi::get(std::string name, std::string subresource) {
  return call("GET", path(name, subresource), {}, "");
}

Task<Result<ObjectList<Json>>> JsonApi::list(ListOptions options) {
  ObjectList<Json> all;
  while (true) {
    auto page = co_await call("GET", resource_.collection_path(ns_), query_of(options), "");
    if (!page) co_return fail(std::move(page));
    if (all.resource_version.empty())
      all.resource_version = string_at(*page, {"metadata", "resourceVersion"});
    options.continue_token = string_at(*page, {"metadata", "continue"});
    if (auto items = page->find("items"); items != page->end() && items->is_array())
      for (Json& item : *items) all.items.push_back(std::move(item));
    if (options.continue_token.empty()) co_return all;
  }
}

Task<Result<std::string>> JsonApi::list_text(ListOptions options) {
  ApiRequest request{.path = resource_.collection_path(ns_), .query = query_of(options)};
  request.deadline = deadline_;
  co_return co_await client_->request_text(std::move(request));
}

Task<Result<Json>> JsonApi::create(Json object, std::string subresource_of, std::string subresource) {
  Result<std::string> where = resource_.collection_path(ns_);
  if (!subresource_of.empty()) {
    where = path(subresource_of, subresource);
  } else if (resource_.namespaced && ns_.empty()) {
    where =
        fail(ErrorKind::InvalidInput, "create " + resource_.group_resource() + ": namespace is not named");
  }
  return call("POST", std::move(where), {}, dump_json(object));
}

Task<Result<Json>> JsonApi::replace(std::string name, Json object, std::string subresource) {
  return call("PUT", path(name, subresource), {}, dump_json(object));
}

Task<Result<Json>> JsonApi::patch(std::string name, Patch patch, std::string subresource) {
  QueryParameters query;
  put(query, "fieldManager", patch.field_manager);
  if (patch.type == PatchType::Apply && patch.force) query.emplace_back("force", "true");
  return call("PATCH", path(name, subresource), std::move(query), dump_json(patch.body),
              std::string(content_type(patch.type)));
}

Task<Result<Json>> JsonApi::remove(std::string name, DeleteOptions options) {
  return call("DELETE", path(name, ""), {}, dump_json(options.to_json()));
}

Task<Result<Json>> JsonApi::remove_collection(ListOptions which, DeleteOptions options) {
  Result<std::string> where = resource_.collection_path(ns_);
  if (resource_.namespaced && ns_.empty())
    where = fail(ErrorKind::InvalidInput,
                 "delete all " + resource_.group_resource() + ": namespace is not named");
  return call("DELETE", std::move(where), selection(which), dump_json(options.to_json()));
}

Task<Result<Watch>> JsonApi::watch(WatchOptions options) {
  const auto timeout = std::chrono::ceil<std::chrono::seconds>(options.timeout);
  ApiRequest request{.path = resource_.collection_path(ns_), .query = {{"watch", "true"}}};
  request.deadline = deadline_;
  put(request.query, "labelSelector", options.label_selector);
  put(request.query, "fieldSelector", options.field_selector);
  put(request.query, "resourceVersion", options.resource_version);
  if (options.bookmarks) request.query.emplace_back("allowWatchBookmarks", "true");
  request.query.emplace_back("timeoutSeconds", std::to_string(timeout.count()));
  const SteadyTime give_up = client_->loop().after(timeout + kWatchIdleMargin);
  auto body = co_await client_->open(std::move(request));
  if (!body) co_return fail(std::move(body));
  co_return Watch(client_->loop(), std::move(*body), give_up, options.idle_timeout);
}

Task<Result<std::string>> JsonApi::create_token(std::string service_account,
                                                std::vector<std::string> audiences, Duration lifetime) {
  Json body{{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenRequest"}};
  body["spec"]["expirationSeconds"] = std::chrono::duration_cast<std::chrono::seconds>(lifetime).count();
  body["spec"]["audiences"] = std::move(audiences);
  auto made = co_await call("POST", path(service_account, "token"), {}, dump_json(body));
  if (!made) co_return fail(std::move(made));
  std::string token = string_at(*made, {"status", "token"});
  if (token.empty()) co_return fail(ErrorKind::Protocol, "TokenRequest was answered without a token");
  co_return token;
}

Task<Result<std::string>> JsonApi::log(std::string pod, QueryParameters query) {
  auto where = path(pod, "log");
  if (!where) co_return fail(std::move(where));
  ApiRequest request{.path = std::move(*where), .query = std::move(query), .accept = "*/*"};
  request.deadline = deadline_;
  co_return co_await client_->request_text(std::move(request));
}

Task<Result<std::unique_ptr<HttpBody>>> JsonApi::follow_log(std::string pod, QueryParameters query) {
  auto where = path(pod, "log");
  if (!where) co_return fail(std::move(where));
  ApiRequest request{.path = std::move(*where), .query = std::move(query), .accept = "*/*"};
  request.deadline = deadline_;
  co_return co_await client_->open(std::move(request));
}

}  // namespace kube
