// TestCluster is an API server on a simulated loop, asked in process: what the tests of this room share.
//
//   TestCluster api;
//   ApiAnswer made = api.post("/api/v1/namespaces/default/pods", pod_json("a"));
//   CHECK(made.status == 201);
#pragma once

#include <optional>
#include <string>

#include "kube/apiserver/api_server.h"
#include "kube/async/sim_loop.h"
#include "kube/async/sim_network.h"
#include "kube/async/task_group.h"

namespace kube::apiserver {

inline Json pod_json(const std::string& name, Json labels = Json::object()) {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", name}, {"labels", std::move(labels)}}},
          {"spec", {{"containers", Json::array({{{"name", "main"}, {"image", "busybox:1.36"}}})}}}};
}

inline Json config_map_json(const std::string& name, Json data = {{"k", "v"}}) {
  return {
      {"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", name}}}, {"data", std::move(data)}};
}

// A custom resource "Widget" of example.com/v1 with a status, defaults and value rules.
inline Json widget_crd() {
  Json schema = Json::parse(R"({
    "type": "object",
    "properties": {
      "spec": {
        "type": "object",
        "required": ["size"],
        "properties": {
          "size": {"type": "integer", "minimum": 1},
          "mode": {"type": "string", "enum": ["Fast", "Slow"], "default": "Fast"},
          "name": {"type": "string", "pattern": "^[a-z]+$"},
          "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
          "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
          "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "required": ["name"], "properties": {
                        "name": {"type": "string"}, "weight": {"type": "integer", "default": 1}}}},
          "labels": {"type": "object", "additionalProperties": {"type": "string"}}
        }
      },
      "status": {"type": "object", "properties": {
          "state": {"type": "string"},
          "conditions": {"type": "array", "items": {"type": "object", "properties": {
              "type": {"type": "string"}, "status": {"type": "string"}}}}}}
    }})");
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", "widgets.example.com"}}},
          {"spec",
           {{"group", "example.com"},
            {"scope", "Namespaced"},
            {"names",
             {{"plural", "widgets"}, {"kind", "Widget"}, {"singular", "widget"}, {"shortNames", {"wd"}}}},
            {"versions",
             Json::array(
                 {{{"name", "v1"},
                   {"served", true},
                   {"storage", true},
                   {"subresources", {{"status", Json::object()}}},
                   {"additionalPrinterColumns",
                    Json::array(
                        {{{"name", "State"}, {"type", "string"}, {"jsonPath", ".status.state"}},
                         {{"name", "Size"}, {"type", "integer"}, {"jsonPath", ".spec.size"}},
                         {{"name", "Age"}, {"type", "date"}, {"jsonPath", ".metadata.creationTimestamp"}}})},
                   {"schema", {{"openAPIV3Schema", std::move(schema)}}}}})}}}};
}

inline Json widget_json(const std::string& name, Json spec = {{"size", 3}}) {
  return {{"apiVersion", "example.com/v1"},
          {"kind", "Widget"},
          {"metadata", {{"name", name}}},
          {"spec", std::move(spec)}};
}

class TestCluster {
 public:
  explicit TestCluster(ApiServerOptions options = plain())
      : network(loop), server(loop, network.host("api"), std::move(options)) {}

  static ApiServerOptions plain() {
    ApiServerOptions options;
    options.tls = false;
    options.token_key = "test key";
    options.listen = {"api", 8080};
    return options;
  }

  ApiAnswer ask(std::string method, std::string target, std::string body = "",
                std::string type = "application/json", std::string accept = "application/json") {
    ApiRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    request.headers.set("Content-Type", std::move(type));
    request.headers.set("Accept", std::move(accept));
    std::optional<ApiAnswer> answer;
    auto run = [](ApiServer* api, ApiRequest what, std::optional<ApiAnswer>* into) -> Task<> {
      into->emplace(co_await api->handle(std::move(what)));
    };
    loop.run(run(&server, std::move(request), &answer));
    return std::move(*answer);
  }
  ApiAnswer get(std::string target) { return ask("GET", std::move(target)); }
  ApiAnswer post(std::string target, const Json& body) { return ask("POST", std::move(target), body.dump()); }
  ApiAnswer put(std::string target, const Json& body) { return ask("PUT", std::move(target), body.dump()); }
  ApiAnswer merge(std::string target, const Json& body) {
    return ask("PATCH", std::move(target), body.dump(), "application/merge-patch+json");
  }
  ApiAnswer strategic(std::string target, const Json& body) {
    return ask("PATCH", std::move(target), body.dump(), "application/strategic-merge-patch+json");
  }
  ApiAnswer apply(std::string target, const Json& body) {
    return ask("PATCH", std::move(target), body.dump(), "application/apply-patch+yaml");
  }
  ApiAnswer remove(std::string target, const Json& options = nullptr) {
    return ask("DELETE", std::move(target), options.is_null() ? "" : options.dump());
  }
  // The next event of a watch; null at its end. Waits at most `limit` of simulated time; then null, too.
  Json event(ApiAnswer& watch, Duration limit = 1s) {
    bool done = false;
    std::optional<std::string> line;
    auto run = [](AnswerStream* stream, std::optional<std::string>* into, bool* ended) -> Task<> {
      *into = co_await stream->next();
      *ended = true;
    };
    TaskGroup group(loop);
    group.spawn("event", run(watch.stream.get(), &line, &done));
    loop.run_until([&] { return done; }, limit);
    if (!done) loop.run(group.cancel_and_join());
    return line ? Json::parse(*line) : Json();
  }

  SimLoop loop{1};
  SimNetwork network;
  ApiServer server;
};

inline const std::string kPodsPath = "/api/v1/namespaces/default/pods";
inline const std::string kMapsPath = "/api/v1/namespaces/default/configmaps";
inline const std::string kWidgetsPath = "/apis/example.com/v1/namespaces/default/widgets";
inline const std::string kCrdsPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

}  // namespace kube::apiserver
