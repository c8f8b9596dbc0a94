// FakeApi is a small API server for this room's tests: objects in a map, with what the protocol rests on
// (UIDs, resourceVersions and their preconditions, the status subresource, watches) and faults on demand.
//
//   FakeApi api;
//   api.put("/apis/…/namespaces/ns/sparkapplications/pi", json);
//   api.before = [&](const std::string& request) { if (request == "POST pods") …; return FakeFault{}; };
//   auto client = api.server.client();
//   CHECK(api.count("POST pods") == 1);                     // what was asked, "VERB plural[/subresource]"
//
// It does not validate, default or collect garbage. Thread: one. Lifetime: outlives its clients' tasks.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kube/async/timer.h"
#include "kube/client/test_server.h"
#include "kube/core/patch.h"

namespace controller {

// What becomes of a request instead of being answered.
struct FakeFault {
  int refuse_with = 0;  // this status code and reason, nothing done
  std::string reason = {};
  std::string cause = {};    // in the details of that refusal
  bool lose_answer = false;  // done, but the connection is cut
  bool hang = false;         // nothing done, no answer
};

inline std::string app_path(const std::string& name) {
  return "/apis/sparkoperator.k8s.io/v1beta2/namespaces/ns/sparkapplications/" + name;
}
inline std::string pod_path(const std::string& name) {
  return "/api/v1/namespaces/ns/pods/" + name;
}
// A small Python application "pi" in namespace "ns".
inline kube::Json application_json() {
  return {{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
          {"kind", "SparkApplication"},
          {"metadata", {{"name", "pi"}, {"namespace", "ns"}}},
          {"spec",
           {{"type", "Python"},
            {"mode", "cluster"},
            {"sparkVersion", "3.5.7"},
            {"image", "spark:3.5.7-python3"},
            {"mainApplicationFile", "local:///opt/spark/examples/src/main/python/pi.py"},
            {"restartPolicy", {{"type", "Never"}}},
            {"driver", {{"cores", 1}, {"memory", "512m"}, {"serviceAccount", "spark"}}},
            {"executor", {{"cores", 1}, {"instances", 1}, {"memory", "512m"}}}}}};
}

class FakeApi {
 public:
  using Json = kube::Json;

  FakeApi() : server([this](kube::HttpExchange& exchange) { return answer(exchange); }) {
    news_.emplace(server.loop);
  }

  // Makes or replaces, as somebody else would.
  Json put(const std::string& path, Json object) {
    const bool is_new = !objects_.contains(path);
    Json& meta = object["metadata"];
    if (!meta.contains("uid")) meta["uid"] = "uid-" + std::to_string(++last_uid_);
    if (!meta.contains("creationTimestamp")) meta["creationTimestamp"] = now();
    meta["resourceVersion"] = std::to_string(++version_);
    objects_[path] = object;
    events_.push_back({path, is_new ? "ADDED" : "MODIFIED", object});
    news_->wake_all();
    return object;
  }
  void change(const std::string& path, const std::function<void(Json&)>& how) {
    Json object = objects_.at(path);
    how(object);
    put(path, std::move(object));
  }
  void erase(const std::string& path) {
    Json object = objects_.at(path);
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    objects_.erase(path);
    events_.push_back({path, "DELETED", std::move(object)});
    news_->wake_all();
  }
  bool has(const std::string& path) const { return objects_.contains(path); }
  const Json& at(const std::string& path) const { return objects_.at(path); }
  // Paths of all objects of a plural.
  std::vector<std::string> paths(const std::string& plural) const {
    std::vector<std::string> found;
    for (const auto& [path, object] : objects_) {
      if (path.find("/" + plural + "/") != std::string::npos) found.push_back(path);
    }
    return found;
  }
  std::size_t count(const std::string& request) const { return std::ranges::count(asked, request); }
  std::string now() const { return kube::to_rfc3339(server.loop.now()); }

  // Asked before a request is carried out ("DELETE pods", "PATCH sparkapplications/status"); may change the
  // world.
  std::function<FakeFault(const std::string& request)> before;
  // A deleted pod only terminates; its end is erase().
  bool pods_terminate_slowly = false;
  bool watches_are_silent = false;  // events stay with the server
  std::string silent_plural = {};   // … of these objects alone
  std::vector<std::string> asked;
  std::map<std::string, std::string> logs;  // of pods, by their path

 private:
  struct Event {
    std::string path;
    std::string type;
    Json object;
  };
  struct Target {
    std::string collection;  // path, without namespace for all of them
    std::string plural;
    std::string name;
    std::string subresource;
    std::string object_path() const { return collection + "/" + name; }
  };
  std::optional<kube::WaitList> news_;  // outlives the server's tasks

 public:
  kube::TestServer server;

 private:
  static Target target_of(std::string_view path) {
    std::vector<std::string> parts;
    while (!path.empty()) {
      path.remove_prefix(1);
      const std::size_t end = std::min(path.find('/'), path.size());
      parts.push_back(kube::percent_decode(path.substr(0, end)).value_or(""));
      path.remove_prefix(end);
    }
    std::size_t at = parts[0] == "api" ? 2 : 3;
    if (at < parts.size() && parts[at] == "namespaces" && at + 2 < parts.size()) at += 2;
    Target target;
    for (std::size_t i = 0; i <= at; ++i) target.collection += "/" + parts.at(i);
    target.plural = parts.at(at);
    if (at + 1 < parts.size()) target.name = parts[at + 1];
    if (at + 2 < parts.size()) target.subresource = parts[at + 2];
    return target;
  }

  kube::Task<> answer(kube::HttpExchange& exchange) {
    const kube::HttpRequest& request = exchange.request();
    const std::size_t question = request.target.find('?');
    const Target target = target_of(std::string_view(request.target).substr(0, question));
    const auto query = kube::parse_query(
        question == std::string::npos ? "" : std::string_view(request.target).substr(question + 1));
    std::map<std::string, std::string> options(query->begin(), query->end());
    std::string verb = request.method;
    if (verb == "GET" && target.name.empty()) verb = options.contains("watch") ? "WATCH" : "LIST";
    const std::string what =
        verb + " " + target.plural + (target.subresource.empty() ? "" : "/" + target.subresource);
    asked.push_back(what);
    const FakeFault fault = before ? before(what) : FakeFault{};
    if (fault.refuse_with != 0) {
      Json body = status(fault.refuse_with, fault.reason);
      if (!fault.cause.empty()) body["details"] = {{"causes", {{{"reason", fault.cause}}}}};
      co_return co_await kube::reply(exchange, fault.refuse_with, kube::dump_json(body));
    }
    if (fault.hang) co_await kube::sleep(server.loop, std::chrono::hours(1));
    if (verb == "WATCH") co_return co_await watch(exchange, target, std::move(options));
    int code = 200;
    const Json body =
        verb == "LIST" ? list(target, options["labelSelector"]) : carry_out(request, target, code);
    if (fault.lose_answer) co_return exchange.abort();
    co_await kube::reply(exchange, code, body.is_string() ? body.get<std::string>() : kube::dump_json(body));
  }

  static Json status(int code, const std::string& reason) {
    return {{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Failure"},
            {"reason", reason}, {"code", code},       {"message", reason + " by the test"}};
  }

  static bool selected(const Event& event, const std::string& prefix, const std::string& plural,
                       const std::string& selector) {
    if (!event.path.starts_with(prefix) || event.path.find("/" + plural + "/") == std::string::npos)
      return false;
    const std::size_t equals = selector.find('=');
    if (equals == std::string::npos) return true;
    const Json* labels = kube::find_path(event.object, {"metadata", "labels"});
    return labels != nullptr && labels->value(selector.substr(0, equals), "") == selector.substr(equals + 1);
  }
  // "/api/v1/pods" and "/api/v1/namespaces/ns/pods" both begin so.
  static std::string prefix_of(const Target& target) {
    return target.collection.substr(0, target.collection.size() - target.plural.size());
  }

  Json list(const Target& target, const std::string& selector) const {
    Json items = Json::array();
    for (const auto& [path, object] : objects_) {
      if (selected({path, "", object}, prefix_of(target), target.plural, selector)) items.push_back(object);
    }
    return {{"kind", "List"},
            {"metadata", {{"resourceVersion", std::to_string(version_)}}},
            {"items", std::move(items)}};
  }

  kube::Task<> watch(kube::HttpExchange& exchange, Target target,
                     std::map<std::string, std::string> options) {
    const std::string selector = options["labelSelector"];
    const int from = std::stoi("0" + options["resourceVersion"]);
    (void)co_await exchange.start({.status = 200, .headers = {{"Content-Type", "application/json"}}});
    std::size_t next = 0;
    while (true) {
      while (watches_are_silent || silent_plural == target.plural || next == events_.size())
        co_await news_->wait();
      const Event event = events_[next++];
      if (std::stoi(event.object["metadata"]["resourceVersion"].get<std::string>()) <= from) continue;
      if (!selected(event, prefix_of(target), target.plural, selector)) continue;
      const std::string line = kube::dump_json({{"type", event.type}, {"object", event.object}}) + "\n";
      if (!co_await exchange.write_chunk(line)) co_return;
    }
  }

  Json carry_out(const kube::HttpRequest& request, const Target& target, int& code) {
    const auto error = [&](int number, const char* reason) { return code = number, status(number, reason); };
    Json body = request.body.empty() ? Json::object() : Json::parse(request.body);
    if (request.method == "POST") {
      const std::string path = target.collection + "/" + kube::string_at(body, {"metadata", "name"});
      if (has(path)) return error(409, "AlreadyExists");
      code = 201;
      body["metadata"].erase("uid");
      if (target.plural == "pods") body["status"] = {{"phase", "Pending"}};
      return put(path, std::move(body));
    }
    const std::string path = target.object_path();
    if (request.method == "PATCH" && *request.headers.get("Content-Type") == kube::kApplyPatch) {
      // One applier: what it leaves out would be nobody else's.
      code = has(path) ? 200 : 201;
      if (has(path)) body["metadata"]["uid"] = at(path)["metadata"]["uid"];
      return put(path, std::move(body));
    }
    if (!has(path)) return error(404, "NotFound");
    if (request.method == "GET" && target.subresource == "log") {
      if (!logs.contains(path)) return error(404, "NotFound");
      return Json(logs.at(path));  // sent as it is, see answer()
    }
    if (request.method == "GET") return at(path);
    Json object = at(path);
    if (request.method == "DELETE") {
      const Json wants = body.value("preconditions", Json::object());
      for (const char* field : {"uid", "resourceVersion"}) {
        if (wants.contains(field) && wants[field] != object["metadata"][field]) return error(409, "Conflict");
      }
      if (pods_terminate_slowly && target.plural == "pods") {
        object["metadata"]["deletionTimestamp"] = now();
        return put(path, std::move(object));
      }
      erase(path);
      return object;
    }
    Json patched = object;
    if (*request.headers.get("Content-Type") == kube::kJsonPatch) {
      auto applied = kube::apply_json_patch(object, body);
      if (!applied) return error(422, "Invalid");
      patched = std::move(*applied);
    } else {
      patched = kube::apply_merge_patch(object, body);
    }
    if (patched["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"])
      return error(409, "Conflict");
    if (target.subresource == "status") {
      object["status"] = patched["status"];
    } else {
      patched["status"] = object.value("status", Json::object());
      object = std::move(patched);
    }
    return put(path, std::move(object));
  }

  std::map<std::string, Json> objects_;
  std::vector<Event> events_;
  int version_ = 0;
  int last_uid_ = 0;
};

}  // namespace controller
