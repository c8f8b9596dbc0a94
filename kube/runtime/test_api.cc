#include "kube/runtime/test_api.h"

#include <algorithm>

#include "kube/core/label_selector.h"
#include "kube/core/patch.h"

namespace kube {

struct TestApi::Target {
  std::string resource;  // plural
  std::string ns;
  std::string name;
  QueryParameters query;

  std::string parameter(std::string_view name_of) const {
    for (const auto& [key, value] : query)
      if (key == name_of) return value;
    return "";
  }
  std::string key() const { return ns + "/" + name; }

  bool selects(const Json& object) const {
    if (!ns.empty() && string_at(object, {"metadata", "namespace"}) != ns) return false;
    const std::string field = parameter("fieldSelector");
    if (field.starts_with("metadata.name=") && string_at(object, {"metadata", "name"}) != field.substr(14))
      return false;
    std::map<std::string, std::string> labels;
    if (const Json* given = find_path(object, {"metadata", "labels"}))
      for (const auto& [label, value] : given->items()) labels[label] = value.get<std::string>();
    return LabelSelector::parse(parameter("labelSelector"))->matches(labels);
  }

  static Target parse(const std::string& target) {
    Target parsed;
    const std::size_t end = std::min(target.find('?'), target.size());
    if (end < target.size()) parsed.query = *parse_query(target.substr(end + 1));
    std::vector<std::string> parts;
    for (std::size_t start = 1; start < end;) {
      const std::size_t slash = std::min(target.find('/', start), end);
      parts.push_back(target.substr(start, slash - start));
      start = slash + 1;
    }
    std::size_t at = parts[0] == "api" ? 2 : 3;
    if (parts.size() > at + 2 && parts[at] == "namespaces") {
      parsed.ns = parts[at + 1];
      at += 2;
    }
    parsed.resource = parts[at];
    if (parts.size() > at + 1) parsed.name = parts[at + 1];
    return parsed;
  }
};

namespace {

HttpResponse json_answer(int status, const Json& body) {
  return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = dump_json(body)};
}
HttpResponse refusal(int code, const std::string& reason) {
  return json_answer(
      code,
      {{"kind", "Status"}, {"status", "Failure"}, {"code", code}, {"reason", reason}, {"message", reason}});
}
std::string line(const std::string& type, const Json& object) {
  return dump_json({{"type", type}, {"object", object}}) + "\n";
}

}  // namespace

TestApi::TestApi(std::uint64_t seed)
    : loop(seed), server_(loop, {}, [this](HttpExchange& exchange) { return answer(exchange); }) {
  tasks.spawn("api server", server_.serve(std::move(*net.host("api").listen({"", 80}))));
}

TestApi::~TestApi() {
  tasks.cancel();
  loop.run(tasks.join());
}

std::unique_ptr<Client> TestApi::client(const std::string& host, ClientOptions options) {
  return std::move(*Client::create(loop, net.host(host), {.server = "http://api"}, std::move(options)));
}

Json TestApi::put(const std::string& resource, Json object) {
  const std::string key =
      string_at(object, {"metadata", "namespace"}) + "/" + string_at(object, {"metadata", "name"});
  return store(resource, key, std::move(object));
}

Json TestApi::store(const std::string& resource, const std::string& key, Json object) {
  auto [slot, added] = objects_[resource].try_emplace(key);
  Json& metadata = object["metadata"];
  metadata["resourceVersion"] = std::to_string(++version_);
  metadata["uid"] =
      added ? "uid-" + std::to_string(++next_uid_) : string_at(slot->second, {"metadata", "uid"});
  slot->second = object;
  record(resource, added ? "ADDED" : "MODIFIED", object);
  return object;
}

void TestApi::erase(const std::string& resource, const std::string& ns, const std::string& name) {
  auto found = objects_[resource].find(ns + "/" + name);
  if (found == objects_[resource].end()) return;
  Json last = std::move(found->second);
  objects_[resource].erase(found);
  last["metadata"]["resourceVersion"] = std::to_string(++version_);
  record(resource, "DELETED", last);
}

Json TestApi::get(const std::string& resource, const std::string& ns, const std::string& name) const {
  auto of_resource = objects_.find(resource);
  if (of_resource == objects_.end()) return nullptr;
  auto found = of_resource->second.find(ns + "/" + name);
  return found == of_resource->second.end() ? Json() : found->second;
}

std::vector<Json> TestApi::all(const std::string& resource) const {
  std::vector<Json> objects;
  if (auto found = objects_.find(resource); found != objects_.end())
    for (const auto& [key, object] : found->second) objects.push_back(object);
  return objects;
}

void TestApi::record(const std::string& resource, const std::string& type, const Json& object) {
  history_.push_back({version_, resource, type, object});
  for (Watcher* watcher : watchers_) watcher->news.wake_all();
}

void TestApi::cut_watches() {
  for (Watcher* watcher : watchers_) watcher->cut = true, watcher->news.wake_all();
}
void TestApi::stall_watches() {
  for (Watcher* watcher : watchers_) watcher->stalled = true;
}
void TestApi::send_bookmarks() {
  for (Watcher* watcher : watchers_) watcher->bookmark = true, watcher->news.wake_all();
}
void TestApi::compact() {
  compacted_ = version_;
  std::erase_if(history_, [this](const Event& event) { return event.version <= compacted_; });
  pages_.clear();
  for (Watcher* watcher : watchers_) watcher->position = 0;
}

Task<> TestApi::answer(HttpExchange& exchange) {
  const HttpRequest& request = exchange.request();
  const std::string asked = request.method + " " + request.target;
  requests.push_back(asked);
  const Fault what = fault ? fault(asked) : Fault::None;
  if (what == Fault::Hang) co_return co_await exchange.wait_peer_gone();
  if (what == Fault::CutRequest) co_return exchange.abort();
  const Target target = Target::parse(request.target);
  HttpResponse response;
  if (what == Fault::Refuse)
    response = refusal(503, "ServiceUnavailable");
  else if (what == Fault::Forbid)
    response = refusal(403, "Forbidden");
  else if (what == Fault::Gone)
    response = refusal(410, "Expired");
  else if (what == Fault::EmptyBody)
    response = {.status = 200, .headers = {}, .body = ""};
  else if (what == Fault::GaveUp)
    response = {.status = 504, .headers = {}, .body = "upstream request timeout"};
  else if (what == Fault::Throttle) {
    response = refusal(429, "TooManyRequests");
    response.headers.set("Retry-After", "1");
  } else if (target.parameter("watch") == "true") {
    co_return co_await watch(exchange, target);
  } else {
    response = serve(request, target);
  }
  if (what == Fault::LostAnswer) co_return exchange.abort();
  (void)co_await exchange.respond(std::move(response));
}

HttpResponse TestApi::serve(const HttpRequest& request, const Target& target) {
  if (request.method == "GET" && target.name.empty()) return list(target);
  if (request.method == "POST" && target.name.empty()) {
    Json object = *parse_json(request.body);
    const std::string name = string_at(object, {"metadata", "name"});
    object["metadata"]["namespace"] = target.ns;
    if (!get(target.resource, target.ns, name).is_null()) return refusal(409, "AlreadyExists");
    return json_answer(201, store(target.resource, target.ns + "/" + name, std::move(object)));
  }
  Json found = get(target.resource, target.ns, target.name);
  if (found.is_null()) return refusal(404, "NotFound");
  if (request.method == "GET") return json_answer(200, found);
  if (request.method == "DELETE") {
    erase(target.resource, target.ns, target.name);
    return json_answer(200, found);
  }
  const Json patch = *parse_json(request.body);
  const std::string expected = string_at(patch, {"metadata", "resourceVersion"});
  if (!expected.empty() && expected != string_at(found, {"metadata", "resourceVersion"}))
    return refusal(409, "Conflict");
  return json_answer(200, store(target.resource, target.key(), apply_merge_patch(std::move(found), patch)));
}

HttpResponse TestApi::list(const Target& target) {
  std::vector<Json> items;
  int version = version_;
  if (const std::string token = target.parameter("continue"); !token.empty()) {
    auto page = pages_.find(token);
    if (page == pages_.end()) return refusal(410, "Expired");
    std::tie(version, items) = page->second;
  } else {
    for (const Json& object : all(target.resource))
      if (target.selects(object)) items.push_back(object);
  }
  Json body{{"kind", "List"},
            {"metadata", {{"resourceVersion", std::to_string(version)}}},
            {"items", Json::array()}};
  const std::string limit = target.parameter("limit");
  const std::size_t size = limit.empty() ? items.size() : std::stoul(limit);
  for (std::size_t i = 0; i < std::min(size, items.size()); ++i) body["items"].push_back(items[i]);
  if (items.size() > size) {
    const std::string token = "page-" + std::to_string(++next_token_);
    items.erase(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(size));
    pages_[token] = {version, std::move(items)};
    body["metadata"]["continue"] = token;
  }
  return json_answer(200, body);
}

Task<> TestApi::watch(HttpExchange& exchange, const Target& target) {
  const std::string from = target.parameter("resourceVersion");
  const int since = from.empty() ? version_ : std::stoi(from);
  if (since < compacted_ && !gone_in_stream) {
    (void)co_await exchange.respond(refusal(410, "Expired"));
    co_return;
  }
  Watcher watcher(loop);
  struct Listed {
    TestApi& api;
    Watcher& watcher;
    Listed(TestApi& a, Watcher& w) : api(a), watcher(w) { api.watchers_.push_back(&watcher); }
    ~Listed() { std::erase(api.watchers_, &watcher); }
  } listed(*this, watcher);

  (void)co_await exchange.start({.status = 200, .headers = {{"Content-Type", "application/json"}}});
  if (since < compacted_) {
    (void)co_await exchange.write_chunk(
        line("ERROR", {{"kind", "Status"}, {"code", 410}, {"reason", "Expired"}, {"message", "too old"}}));
    (void)co_await exchange.finish();
    co_return;
  }
  const SteadyTime end = loop.after(std::chrono::seconds(std::stoi(target.parameter("timeoutSeconds"))));
  while (loop.steady() < end) {
    if (watcher.stalled) co_return co_await exchange.wait_peer_gone();
    if (watcher.cut) {
      (void)co_await exchange.write_chunk("{\"type\":\"MODIFIED\",\"obj");
      co_return exchange.abort();
    }
    while (watcher.position < static_cast<int>(history_.size()) && !watcher.cut && !watcher.stalled) {
      const Event event = history_[static_cast<std::size_t>(watcher.position++)];
      if (event.version <= since || event.resource != target.resource || !target.selects(event.object))
        continue;
      std::string text = line(event.type, event.object);
      if (spoil) spoil(text);
      if (!co_await exchange.write_chunk(text)) co_return;
    }
    if (watcher.bookmark) {
      watcher.bookmark = false;
      (void)co_await exchange.write_chunk(
          line("BOOKMARK", {{"metadata", {{"resourceVersion", std::to_string(version_)}}}}));
    }
    if (watcher.cut || watcher.position < static_cast<int>(history_.size())) continue;
    co_await watcher.news.wait_until(end);
  }
  (void)co_await exchange.finish();
}

}  // namespace kube
