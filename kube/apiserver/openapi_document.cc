// OpenAPI v3 documents from the reduced data and the CRDs' schemas: what kubectl asks before it applies, and
// explains.

#include <set>

#include "kube/apiserver/discovery.h"

namespace kube::apiserver {

namespace {

const std::map<std::string, std::string>& marks() {
  static const std::map<std::string, std::string> kMarks = {{"list", "x-kubernetes-list-type"},
                                                            {"keys", "x-kubernetes-list-map-keys"},
                                                            {"map", "x-kubernetes-map-type"},
                                                            {"patch", "x-kubernetes-patch-strategy"},
                                                            {"mergeKey", "x-kubernetes-patch-merge-key"}};
  return kMarks;
}

Json reference(const std::string& name) {
  return {{"$ref", "#/components/schemas/" + name}};
}

// The reduced form back into OpenAPI's; `wanted` collects what it refers to.
Json expanded(const Json& reduced, std::set<std::string>& wanted) {
  Json out = Json::object();
  if (auto ref = reduced.find("ref"); ref != reduced.end()) {
    wanted.insert(ref->get<std::string>());
    if (reduced.size() == 1) return reference(ref->get<std::string>());
    out["allOf"] = Json::array({reference(ref->get<std::string>())});
  }
  for (auto& [key, value] : reduced.items()) {
    if (key == "type" || key == "format" || key == "required" || key == "default")
      out[key] = value;
    else if (auto mark = marks().find(key); mark != marks().end())
      out[mark->second] = value;
    else if (key == "items")
      out["items"] = expanded(value, wanted);
    else if (key == "values")
      out["additionalProperties"] = expanded(value, wanted);
    else if (key == "properties")
      for (auto& [name, member] : value.items()) out["properties"][name] = expanded(member, wanted);
  }
  return out;
}

std::string schema_name(const ServedResource& served) {
  // com.example.v1.Thing, as the real server names schemas of custom resources.
  std::string reversed, part;
  for (char c : served.resource.group + ".") {
    if (c != '.') {
      part += c;
      continue;
    }
    reversed = part + (reversed.empty() ? "" : "." + reversed);
    part.clear();
  }
  return reversed + "." + served.resource.version + "." + served.resource.kind;
}

Json path_item(const ServedResource& served, const std::string& schema) {
  const Json kind = {
      {"group", served.resource.group}, {"version", served.resource.version}, {"kind", served.resource.kind}};
  auto parameter = [](const char* name) {
    return Json{{"name", name}, {"in", "query"}, {"schema", {{"type", "string"}, {"uniqueItems", true}}}};
  };
  Json item = Json::object();
  for (auto [method, action] : {std::pair{"get", "get"}, std::pair{"put", "put"}, std::pair{"patch", "patch"},
                                std::pair{"delete", "delete"}}) {
    Json parameters = Json::array({parameter("pretty")});
    if (std::string_view(method) != "get")
      for (const char* name : {"dryRun", "fieldManager", "fieldValidation"})
        parameters.push_back(parameter(name));
    if (std::string_view(method) == "patch") parameters.push_back(parameter("force"));
    item[method] = {
        {"x-kubernetes-action", action},
        {"x-kubernetes-group-version-kind", kind},
        {"parameters", std::move(parameters)},
        {"responses",
         {{"200",
           {{"description", "OK"}, {"content", {{"application/json", {{"schema", reference(schema)}}}}}}}}}};
  }
  return item;
}

}  // namespace

Json openapi_index(const ResourceRegistry& registry) {
  Json paths = Json::object();
  // The hash stands for the content: built-in documents do not change, those of CRDs change with their
  // schemas.
  std::map<std::string, std::size_t> hashes;
  for (const ServedRef& served : registry.all()) {
    const std::string path = served->resource.group.empty()
                                 ? "api/v1"
                                 : "apis/" + served->resource.group + "/" + served->resource.version;
    std::size_t& hash = hashes[path];
    hash = hash * 31 + std::hash<std::string>{}(served->resource.plural);
    if (served->custom && served->schema)
      hash = hash * 31 + std::hash<std::string>{}(dump_json(served->schema->rules));
  }
  for (auto& [path, hash] : hashes)
    paths[path] = {{"serverRelativeURL", "/openapi/v3/" + path + "?hash=" + std::to_string(hash)}};
  return {{"paths", std::move(paths)}};
}

std::optional<Json> openapi_document(const ResourceRegistry& registry,
                                     const std::string& group_version_path) {
  std::string group, version;
  if (group_version_path == "api/v1") {
    version = "v1";
  } else if (group_version_path.starts_with("apis/")) {
    const std::string rest = group_version_path.substr(5);
    const std::size_t slash = rest.find('/');
    if (slash == std::string::npos) return std::nullopt;
    group = rest.substr(0, slash);
    version = rest.substr(slash + 1);
  } else {
    return std::nullopt;
  }
  const Json& data = builtin_schema_data();
  Json paths = Json::object(), schemas = Json::object();
  std::set<std::string> wanted;
  for (const ServedRef& served : registry.all()) {
    if (served->resource.group != group || served->resource.version != version) continue;
    const Json kind = {{"group", group}, {"version", version}, {"kind", served->resource.kind}};
    std::string name;
    if (served->custom) {
      name = schema_name(*served);
      Json schema = served->schema ? served->schema->rules : Json{{"type", "object"}};
      wanted.insert("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
      schema["properties"]["apiVersion"] = {{"type", "string"}};
      schema["properties"]["kind"] = {{"type", "string"}};
      schema["properties"]["metadata"] = {
          {"allOf", Json::array({reference("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")})}};
      schema["x-kubernetes-group-version-kind"] = Json::array({kind});
      schemas[name] = std::move(schema);
    } else {
      auto found = data["kinds"].find(served->resource.api_version() + "/" + served->resource.kind);
      if (found == data["kinds"].end()) continue;
      name = found->get<std::string>();
      schemas[name] = expanded(data["schemas"][name], wanted);
      schemas[name]["x-kubernetes-group-version-kind"] = Json::array({kind});
    }
    std::string path = (group.empty() ? "/api/v1" : "/apis/" + group + "/" + version) +
                       (served->resource.namespaced ? "/namespaces/{namespace}/" : "/") +
                       served->resource.plural + "/{name}";
    paths[path] = path_item(*served, name);
  }
  if (paths.empty()) return std::nullopt;
  while (!wanted.empty()) {
    const std::string name = *wanted.begin();
    wanted.erase(wanted.begin());
    if (schemas.contains(name) || !data["schemas"].contains(name)) continue;
    schemas[name] = expanded(data["schemas"][name], wanted);
    for (auto it = wanted.begin(); it != wanted.end();)
      it = schemas.contains(*it) ? wanted.erase(it) : std::next(it);
  }
  return Json{{"openapi", "3.0.0"},
              {"info", {{"title", "Kubernetes"}, {"version", "unversioned"}}},
              {"paths", std::move(paths)},
              {"components", {{"schemas", std::move(schemas)}}}};
}

}  // namespace kube::apiserver
