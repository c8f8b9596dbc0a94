// Api<T> is one kind of object in one namespace (or all of them): the verbs of the API, deciding nothing.
//
//   Api pods(client, kPods, "ns");                                   // Api<Json>
//   Result<Json> pod = co_await pods.get("web-1");
//   auto all = co_await pods.list(ListOptions().labels("app=web"));  // every page; all->items,
//   all->resource_version auto made = co_await pods.create(object); if (!made &&
//   made.error().is_already_exists()) … co_await Api<Web>(client, kWebs, "ns").patch("web",
//   Patch::merge(body), "status");   // answers a decoded Web
//
// Every call has the client's default deadline unless with_deadline() named another. For all namespaces give
// "" as namespace: list and watch work, calls that name one object answer InvalidInput for a namespaced kind.
// T is Json or a struct with a field list (kube/core/fields.h).
// Thread: the loop's only. Lifetime: a light value; the Client outlives it and its calls.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kube/client/client.h"
#include "kube/client/options.h"
#include "kube/client/watch.h"
#include "kube/core/fields.h"
#include "kube/core/gvk.h"

namespace kube {

template <class T>
struct ObjectList {
  std::vector<T> items;
  std::string resource_version;  // of the first page: where a watch goes on
};

// The verbs over Json; Api<T> below decodes.
class JsonApi {
 public:
  JsonApi(Client& client, Resource resource, std::string ns = "");

  JsonApi& with_deadline(Duration deadline);

  Task<Result<Json>> get(std::string name, std::string subresource = "");
  Task<Result<ObjectList<Json>>> list(ListOptions options = {});
  // One page as the server sent it, for bulk decoding; its metadata.continue leads to the next one.
  // Error Gone: the continue token has expired; start over.
  Task<Result<std::string>> list_text(ListOptions options = {});
  Task<Result<Json>> create(Json object, std::string subresource_of = "", std::string subresource = "");
  Task<Result<Json>> replace(std::string name, Json object, std::string subresource = "");
  Task<Result<Json>> patch(std::string name, Patch patch, std::string subresource = "");
  // The object as it was, or as it is while it terminates, or a metav1.Status.
  Task<Result<Json>> remove(std::string name, DeleteOptions options = {});
  Task<Result<Json>> remove_collection(ListOptions which, DeleteOptions options = {});
  Task<Result<Watch>> watch(WatchOptions options = {});

  // serviceaccounts/NAME/token: a token for `audiences` (empty = the API server's) that lives that long.
  Task<Result<std::string>> create_token(std::string service_account, std::vector<std::string> audiences,
                                         Duration lifetime);
  // pods/NAME/log as it is now; `query` as the API names it ({"container", "main"}, {"tailLines", "20"}).
  Task<Result<std::string>> log(std::string pod, QueryParameters query = {});
  // pods/NAME/log that goes on (add {"follow", "true"}).
  Task<Result<std::unique_ptr<HttpBody>>> follow_log(std::string pod, QueryParameters query);

  const Resource& resource() const { return resource_; }
  const std::string& ns() const { return ns_; }
  Client& client() const { return *client_; }

 private:
  Result<std::string> path(const std::string& name, const std::string& subresource) const;
  Task<Result<Json>> call(std::string method, Result<std::string> path, QueryParameters query,
                          std::string body, std::string content_type = "application/json");

  Client* client_;
  Resource resource_;
  std::string ns_;
  std::optional<Duration> deadline_;
};

template <class T = Json>
class Api {
 public:
  Api(Client& client, Resource resource, std::string ns = "")
      : api_(client, std::move(resource), std::move(ns)) {}

  Api& with_deadline(Duration deadline) { return api_.with_deadline(deadline), *this; }

  Task<Result<T>> get(std::string name, std::string subresource = "") {
    return decoded(api_.get(std::move(name), std::move(subresource)));
  }
  Task<Result<ObjectList<T>>> list(ListOptions options = {}) {
    if constexpr (std::is_same_v<T, Json>) {
      co_return co_await api_.list(std::move(options));
    } else {
      auto raw = co_await api_.list(std::move(options));
      if (!raw) co_return fail(std::move(raw));
      ObjectList<T> list{{}, std::move(raw->resource_version)};
      for (const Json& item : raw->items) {
        auto object = decode<T>(item);
        if (!object) co_return fail(std::move(object));
        list.items.push_back(std::move(*object));
      }
      co_return list;
    }
  }
  Task<Result<std::string>> list_text(ListOptions options = {}) { return api_.list_text(std::move(options)); }
  Task<Result<T>> create(Json object) { return decoded(api_.create(std::move(object))); }
  Task<Result<T>> create(std::string subresource_of, std::string subresource, Json object) {
    return decoded(api_.create(std::move(object), std::move(subresource_of), std::move(subresource)));
  }
  Task<Result<T>> replace(std::string name, Json object, std::string subresource = "") {
    return decoded(api_.replace(std::move(name), std::move(object), std::move(subresource)));
  }
  Task<Result<T>> patch(std::string name, Patch patch, std::string subresource = "") {
    return decoded(api_.patch(std::move(name), std::move(patch), std::move(subresource)));
  }
  Task<Result<Json>> remove(std::string name, DeleteOptions options = {}) {
    return api_.remove(std::move(name), std::move(options));
  }
  Task<Result<Json>> remove_collection(ListOptions which, DeleteOptions options = {}) {
    return api_.remove_collection(std::move(which), std::move(options));
  }
  Task<Result<Watch>> watch(WatchOptions options = {}) { return api_.watch(std::move(options)); }
  Task<Result<std::string>> create_token(std::string service_account, std::vector<std::string> audiences,
                                         Duration lifetime) {
    return api_.create_token(std::move(service_account), std::move(audiences), lifetime);
  }
  Task<Result<std::string>> log(std::string pod, QueryParameters query = {}) {
    return api_.log(std::move(pod), std::move(query));
  }
  Task<Result<std::unique_ptr<HttpBody>>> follow_log(std::string pod, QueryParameters query) {
    return api_.follow_log(std::move(pod), std::move(query));
  }

  const Resource& resource() const { return api_.resource(); }
  const std::string& ns() const { return api_.ns(); }
  Client& client() const { return api_.client(); }
  JsonApi& json() { return api_; }

 private:
  static Task<Result<T>> decoded(Task<Result<Json>> call) {
    Result<Json> answer = co_await std::move(call);
    if (!answer) co_return fail(std::move(answer));
    if constexpr (std::is_same_v<T, Json>) {
      co_return std::move(*answer);
    } else {
      co_return decode<T>(*answer);
    }
  }

  JsonApi api_;
};

Api(Client&, Resource, std::string) -> Api<Json>;
Api(Client&, Resource) -> Api<Json>;

}  // namespace kube
