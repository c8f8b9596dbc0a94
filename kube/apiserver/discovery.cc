#include "kube/apiserver/discovery.h"

#include <map>
#include <set>

namespace kube::apiserver {

namespace {

Json verbs_of(const ServedResource& served) {
  if (served.listed_only_for_create) return {"create"};
  if (served.table() == "namespaces") return {"create", "delete", "get", "list", "patch", "update", "watch"};
  return {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
}

Json verbs_of_subresource(const std::string& name) {
  if (name == "log") return {"get"};
  if (name == "portforward") return {"create", "get"};
  if (name == "binding" || name == "eviction" || name == "token") return {"create"};
  if (name == "finalize") return {"update"};
  return {"get", "patch", "update"};
}

// The kind that a subresource takes, where it is not its parent's.
GroupVersionKind subresource_kind(const ServedResource& served, const std::string& name) {
  if (name == "binding") return {"", "v1", "Binding"};
  if (name == "portforward") return {"", "v1", "PodPortForwardOptions"};
  if (name == "eviction") return {"policy", "v1", "Eviction"};
  if (name == "token") return {"authentication.k8s.io", "v1", "TokenRequest"};
  return served.resource.gvk();
}

// Stable names stand before beta ones, and newer before older.
bool better_version(const std::string& a, const std::string& b) {
  auto rank = [](const std::string& v) {
    return v.find("alpha") != std::string::npos ? 0 : v.find("beta") != std::string::npos ? 1 : 2;
  };
  return rank(a) != rank(b) ? rank(a) > rank(b) : a > b;
}

std::map<std::string, std::vector<std::string>> versions_by_group(const ResourceRegistry& registry) {
  std::map<std::string, std::vector<std::string>> groups;
  for (const ServedRef& served : registry.all()) {
    std::vector<std::string>& versions = groups[served->resource.group];
    if (std::find(versions.begin(), versions.end(), served->resource.version) == versions.end())
      versions.push_back(served->resource.version);
  }
  for (auto& [group, versions] : groups) std::sort(versions.begin(), versions.end(), better_version);
  return groups;
}

Json group_json(const std::string& group, const std::vector<std::string>& versions) {
  Json listed = Json::array();
  for (const std::string& version : versions)
    listed.push_back({{"groupVersion", group + "/" + version}, {"version", version}});
  Json preferred = listed[0];
  return {{"name", group}, {"versions", std::move(listed)}, {"preferredVersion", std::move(preferred)}};
}

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (at < path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (end > at) parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// A document without definitions: kubectl asks for it where version 3 says nothing (kind List), and then
// leaves the checking of fields to the server. It reads protobuf (openapi.v2.Document: 1 = swagger, 2 =
// info{1 = title, 2 = version}).
DiscoveryAnswer openapi_v2(const std::string& accept) {
  constexpr std::string_view kProtobuf = "application/com.github.proto-openapi.spec.v2";
  if (accept.find(kProtobuf) == std::string::npos)
    return {{{"swagger", "2.0"},
             {"info", {{"title", "Kubernetes"}, {"version", "unversioned"}}},
             {"paths", Json::object()},
             {"definitions", Json::object()}}};
  auto text = [](int number, std::string_view value) {
    return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(value.size())} +
           std::string(value);
  };
  DiscoveryAnswer answer;
  answer.content_type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
  answer.bytes = text(1, "2.0") + text(2, text(1, "Kubernetes") + text(2, "unversioned"));
  return answer;
}

}  // namespace

Json Discovery::version() const {
  const std::string numbers = git_version_.starts_with('v') ? git_version_.substr(1) : git_version_;
  const std::size_t dot = numbers.find('.');
  const std::string minor = numbers.substr(dot + 1, numbers.find('.', dot + 1) - dot - 1);
  return {{"major", numbers.substr(0, dot)},
          {"minor", minor},
          {"gitVersion", git_version_},
          {"gitCommit", ""},
          {"gitTreeState", "clean"},
          {"buildDate", "1970-01-01T00:00:00Z"},
          {"goVersion", ""},
          {"compiler", ""},
          {"platform", "linux/amd64"}};
}

Json Discovery::core_versions() const {
  return {{"kind", "APIVersions"},
          {"versions", {"v1"}},
          {"serverAddressByClientCIDRs",
           Json::array({{{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", address_}}})}};
}

Json Discovery::groups() const {
  Json listed = Json::array();
  for (auto& [group, versions] : versions_by_group(registry_))
    if (!group.empty()) listed.push_back(group_json(group, versions));
  return {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(listed)}};
}

std::optional<Json> Discovery::group(const std::string& name) const {
  const auto groups = versions_by_group(registry_);
  auto found = groups.find(name);
  if (name.empty() || found == groups.end()) return std::nullopt;
  Json json = group_json(name, found->second);
  json["kind"] = "APIGroup";
  json["apiVersion"] = "v1";
  return json;
}

std::optional<Json> Discovery::resources(const std::string& group, const std::string& version) const {
  Json listed = Json::array();
  for (const ServedRef& served : registry_.all()) {
    if (served->resource.group != group || served->resource.version != version) continue;
    Json one = {{"name", served->resource.plural},
                {"singularName", served->singular},
                {"namespaced", served->resource.namespaced},
                {"kind", served->resource.kind},
                {"verbs", verbs_of(*served)}};
    if (!served->short_names.empty()) one["shortNames"] = served->short_names;
    if (!served->categories.empty()) one["categories"] = served->categories;
    listed.push_back(std::move(one));
    for (const std::string& name : served->subresources) {
      const GroupVersionKind kind = subresource_kind(*served, name);
      Json below = {{"name", served->resource.plural + "/" + name},
                    {"singularName", ""},
                    {"namespaced", served->resource.namespaced},
                    {"kind", kind.kind},
                    {"verbs", verbs_of_subresource(name)}};
      if (kind.group != group || kind.version != version) {
        below["group"] = kind.group;
        below["version"] = kind.version;
      }
      listed.push_back(std::move(below));
    }
  }
  if (listed.empty()) return std::nullopt;
  return Json{{"kind", "APIResourceList"},
              {"apiVersion", "v1"},
              {"groupVersion", group.empty() ? version : group + "/" + version},
              {"resources", std::move(listed)}};
}

Json Discovery::aggregated(bool core) const {
  Json items = Json::array();
  for (auto& [group, versions] : versions_by_group(registry_)) {
    if (group.empty() != core) continue;
    Json listed = Json::array();
    for (const std::string& version : versions) {
      Json resources = Json::array();
      for (const ServedRef& served : registry_.all()) {
        if (served->resource.group != group || served->resource.version != version) continue;
        auto kind_json = [](const GroupVersionKind& kind) {
          return Json{{"group", kind.group}, {"version", kind.version}, {"kind", kind.kind}};
        };
        Json one = {{"resource", served->resource.plural},
                    {"responseKind", kind_json(served->resource.gvk())},
                    {"scope", served->resource.namespaced ? "Namespaced" : "Cluster"},
                    {"singularResource", served->singular},
                    {"verbs", verbs_of(*served)}};
        if (!served->short_names.empty()) one["shortNames"] = served->short_names;
        if (!served->categories.empty()) one["categories"] = served->categories;
        for (const std::string& name : served->subresources)
          one["subresources"].push_back({{"subresource", name},
                                         {"responseKind", kind_json(subresource_kind(*served, name))},
                                         {"verbs", verbs_of_subresource(name)}});
        resources.push_back(std::move(one));
      }
      listed.push_back({{"version", version}, {"resources", std::move(resources)}, {"freshness", "Current"}});
    }
    Json metadata = core ? Json::object() : Json{{"name", group}};
    metadata["creationTimestamp"] = nullptr;
    items.push_back({{"metadata", std::move(metadata)}, {"versions", std::move(listed)}});
  }
  return {{"kind", "APIGroupDiscoveryList"},
          {"apiVersion", "apidiscovery.k8s.io/v2"},
          {"metadata", Json::object()},
          {"items", std::move(items)}};
}

std::optional<DiscoveryAnswer> Discovery::answer(const std::string& path, const std::string& accept) const {
  const std::vector<std::string> parts = split(path);
  auto wrap = [](std::optional<Json> document) -> std::optional<DiscoveryAnswer> {
    if (!document) return std::nullopt;
    return DiscoveryAnswer{std::move(*document)};
  };
  if (parts.empty()) {
    Json paths = {"/api",        "/api/v1",     "/apis",   "/healthz", "/livez",
                  "/openapi/v2", "/openapi/v3", "/readyz", "/version"};
    return DiscoveryAnswer{{{"paths", std::move(paths)}}};
  }
  if (parts.size() == 1 && parts[0] == "version") return DiscoveryAnswer{version()};
  const bool wants_all = accept.find("as=APIGroupDiscoveryList") != std::string::npos &&
                         accept.find("v=v2") != std::string::npos;
  if (parts.size() == 1 && (parts[0] == "api" || parts[0] == "apis")) {
    if (wants_all && accept.find("v=v2;") != std::string::npos)
      return DiscoveryAnswer{aggregated(parts[0] == "api"),
                             "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"};
    return DiscoveryAnswer{parts[0] == "api" ? core_versions() : groups()};
  }
  if (parts[0] == "api" && parts.size() == 2) return wrap(resources("", parts[1]));
  if (parts[0] == "apis" && parts.size() == 2) return wrap(group(parts[1]));
  if (parts[0] == "apis" && parts.size() == 3) return wrap(resources(parts[1], parts[2]));
  if (parts[0] == "openapi" && parts.size() == 2 && parts[1] == "v2") return openapi_v2(accept);
  if (parts[0] == "openapi" && parts.size() >= 2 && parts[1] == "v3") {
    if (parts.size() == 2) return DiscoveryAnswer{openapi_index(registry_)};
    std::string rest = parts[2];
    for (std::size_t i = 3; i < parts.size(); ++i) rest += "/" + parts[i];
    return wrap(openapi_document(registry_, rest));
  }
  return std::nullopt;
}

}  // namespace kube::apiserver
