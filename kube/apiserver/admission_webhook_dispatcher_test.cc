#include "kube/apiserver/admission_webhook_dispatcher.h"

#include <catch2/catch.hpp>

#include <cctype>
#include <optional>

#include "kube/apiserver/test_cluster.h"
#include "kube/async/timer.h"
#include "kube/core/base64.h"
#include "kube/http/certificate.h"
#include "kube/http/server.h"

using namespace kube;
using namespace kube::apiserver;

namespace {

const CertificateValidity kValidity{TimePoint{1'700'000'000s}, TimePoint{1'900'000'000s}};

const KeyedCertificate& authority() {
  static const KeyedCertificate made = std::move(make_certificate_authority("ca", kValidity).value());
  return made;
}

Json allow() {
  return {{"allowed", true}};
}
Json deny(const std::string& why) {
  return {{"allowed", false}, {"status", {{"code", 403}, {"reason", "Forbidden"}, {"message", why}}}};
}
Json patch(Json operations) {
  return {{"allowed", true}, {"patchType", "JSONPatch"}, {"patch", encode_base64(operations.dump())}};
}
Json label(const std::string& name, const std::string& value) {
  return patch(Json::array({{{"op", "add"}, {"path", "/metadata/labels/" + name}, {"value", value}}}));
}

// A webhook on host "hook" port 9443 that answers by path.
class Hook {
 public:
  using Answer = std::function<Json(const Json& request)>;

  explicit Hook(TestCluster& api) : api_(api), tasks_(api.loop) {
    CertificateRequest request;
    request.dns_names = {"hook", "web.default.svc"};
    request.validity = kValidity;
    auto made = sign_certificate(authority(), request);
    REQUIRE(made);
    TlsServerOptions tls;
    tls.certificate_chain = made->certificate;
    tls.private_key = made->private_key;
    HttpServerOptions options;
    options.tls = std::move(TlsServerContext::create(tls).value());
    server_.emplace(api.loop, options, [this](HttpExchange& exchange) { return serve(exchange); });
    tasks_.spawn("hook", server_->serve(std::move(*api.network.host("hook").listen({"", 9443}))));
  }
  ~Hook() {
    tasks_.cancel();
    api_.loop.run(tasks_.join());
  }

  void on(const std::string& path, Answer answer) { answers_[path] = std::move(answer); }

  std::vector<Json> seen;  // requests, in order
  Duration thinks{};
  std::string raw;  // answered as it is, when set
  int status = 200;

 private:
  Task<> serve(HttpExchange& exchange) {
    const std::string path = exchange.request().target.substr(0, exchange.request().target.find('?'));
    const Json review = Json::parse(exchange.request().body);
    CHECK(review["kind"] == "AdmissionReview");
    seen.push_back(review["request"]);
    const auto found = answers_.find(path);
    Json response = found == answers_.end() ? allow() : found->second(review["request"]);
    response["uid"] = review["request"]["uid"];
    if (thinks > Duration::zero()) co_await sleep(api_.loop, thinks);
    const Json whole{
        {"apiVersion", review["apiVersion"]}, {"kind", "AdmissionReview"}, {"response", response}};
    (void)co_await exchange.respond({.status = status, .body = raw.empty() ? whole.dump() : raw});
  }

  TestCluster& api_;
  TaskGroup tasks_;
  std::optional<HttpServer> server_;
  std::map<std::string, Answer> answers_;
};

const std::string kConfigurations = "/apis/admissionregistration.k8s.io/v1/";

Json webhook_json(const std::string& name, const std::string& path, const Json& more = Json::object()) {
  Json webhook = {
      {"name", name},
      {"admissionReviewVersions", {"v1"}},
      {"sideEffects", "None"},
      {"clientConfig",
       {{"url", "https://hook:9443" + path}, {"caBundle", encode_base64(authority().certificate)}}},
      {"rules", Json::array({{{"operations", {"*"}},
                              {"apiGroups", {""}},
                              {"apiVersions", {"v1"}},
                              {"resources", {"configmaps", "pods"}}}})}};
  webhook.update(more);
  return webhook;
}

void configure(TestCluster& api, const std::string& kind, const std::string& name, Json webhooks) {
  std::string plural = kind + "s";
  for (char& c : plural) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const ApiAnswer made =
      api.post(kConfigurations + plural, {{"apiVersion", "admissionregistration.k8s.io/v1"},
                                          {"kind", kind},
                                          {"metadata", {{"name", name}}},
                                          {"webhooks", std::move(webhooks)}});
  INFO(made.body);
  REQUIRE(made.status == 201);
}
void mutating(TestCluster& api, const std::string& name, const std::string& path,
              const Json& more = Json::object()) {
  configure(api, "MutatingWebhookConfiguration", name,
            Json::array({webhook_json(name + ".example.com", path, more)}));
}
void validating(TestCluster& api, const std::string& name, const std::string& path,
                const Json& more = Json::object()) {
  configure(api, "ValidatingWebhookConfiguration", name,
            Json::array({webhook_json(name + ".example.com", path, more)}));
}

std::string message(const ApiAnswer& answer) {
  return string_at(answer.json(), {"message"});
}

}  // namespace

TEST_CASE("a mutating webhook's patch is stored, and validating webhooks see the result",
          "[admission_webhook]") {
  TestCluster api;
  Hook hook(api);
  mutating(api, "m", "/mutate");
  validating(api, "v", "/validate");
  hook.on("/mutate", [](const Json&) {
    Json answer = patch(Json::array({{{"op", "add"}, {"path", "/metadata/labels/seen"}, {"value", "yes"}},
                                     {{"op", "add"}, {"path", "/spec/hostname"}, {"value", "h"}}}));
    answer["warnings"] = {"old \"field\""};
    return answer;
  });
  const ApiAnswer made = api.post(kPodsPath, pod_json("a", {{"app", "x"}}));
  INFO(made.body);
  REQUIRE(made.status == 201);
  CHECK(made.json()["metadata"]["labels"] == Json{{"app", "x"}, {"seen", "yes"}});
  CHECK(made.json()["spec"]["hostname"] == "h");
  CHECK(made.headers.get("Warning") == "299 - \"old \\\"field\\\"\"");

  REQUIRE(hook.seen.size() == 2);
  const Json& first = hook.seen[0];
  CHECK(first["operation"] == "CREATE");
  CHECK(first["kind"] == Json{{"group", ""}, {"version", "v1"}, {"kind", "Pod"}});
  CHECK(first["resource"] == Json{{"group", ""}, {"version", "v1"}, {"resource", "pods"}});
  CHECK(first["requestKind"] == first["kind"]);
  CHECK(first["name"] == "a");
  CHECK(first["namespace"] == "default");
  CHECK(first["dryRun"] == false);
  CHECK(first["oldObject"].is_null());
  CHECK(first["userInfo"]["username"] == "admin");
  CHECK(first["options"]["kind"] == "CreateOptions");
  // Defaulted, with its service account, not yet given a uid.
  CHECK(first["object"]["spec"]["restartPolicy"] == "Always");
  CHECK(first["object"]["spec"]["serviceAccountName"] == "default");
  CHECK_FALSE(first["object"]["metadata"].contains("uid"));
  const Json& second = hook.seen[1];
  CHECK(second["object"]["metadata"]["labels"]["seen"] == "yes");
  CHECK(second["object"]["metadata"]["uid"] == made.json()["metadata"]["uid"]);
}

TEST_CASE("mutating webhooks run one after another, by the names of their configurations",
          "[admission_webhook]") {
  TestCluster api;
  Hook hook(api);
  mutating(api, "b", "/b");
  mutating(api, "a", "/a");
  hook.on("/a", [](const Json&) { return label("step", "a"); });
  hook.on("/b", [](const Json& request) {
    return label("step", request["object"]["metadata"]["labels"]["step"].get<std::string>() + "b");
  });
  const ApiAnswer made = api.post(kPodsPath, pod_json("a", {{"x", "y"}}));
  REQUIRE(made.status == 201);
  CHECK(made.json()["metadata"]["labels"]["step"] == "ab");
}

TEST_CASE("a webhook that wants to be asked again sees what later ones changed, once",
          "[admission_webhook]") {
  TestCluster api;
  Hook hook(api);
  mutating(api, "a", "/a", {{"reinvocationPolicy", "IfNeeded"}});
  mutating(api, "b", "/b");
  int asked = 0;
  hook.on("/a", [&](const Json&) {
    ++asked;
    return label("a", std::to_string(asked));
  });
  hook.on("/b", [](const Json&) { return label("b", "1"); });
  const ApiAnswer made = api.post(kPodsPath, pod_json("a", {{"x", "y"}}));
  CHECK(made.json()["metadata"]["labels"] == Json{{"x", "y"}, {"a", "2"}, {"b", "1"}});
  CHECK(asked == 2);
  CHECK(hook.seen.size() == 3);
}

TEST_CASE("a refusal carries the webhook's words, code and reason, and nothing is stored",
          "[admission_webhook]") {
  TestCluster api;
  Hook hook(api);
  const bool mutates = GENERATE(true, false);
  if (mutates)
    mutating(api, "m", "/check");
  else
    validating(api, "m", "/check");
  struct Row {
    Json response;
    int code;
    const char* message;
  };
  const std::vector<Row> rows{{deny("no pods on Mondays"), 403,
                               "admission webhook \"m.example.com\" denied the request: no pods on Mondays"},
                              {{{"allowed", false}, {"status", {{"reason", "BecauseOfIt"}}}},
                               400,
                               "admission webhook \"m.example.com\" denied the request: BecauseOfIt"},
                              {{{"allowed", false}},
                               400,
                               "admission webhook \"m.example.com\" denied the request without explanation"},
                              {{{"allowed", false}, {"status", {{"code", 200}, {"message", "x"}}}},
                               400,
                               "admission webhook \"m.example.com\" denied the request: x"}};
  for (const Row& row : rows) {
    hook.on("/check", [&](const Json&) { return row.response; });
    const ApiAnswer answer = api.post(kPodsPath, pod_json("a"));
    CHECK(answer.status == row.code);
    CHECK(message(answer) == row.message);
    CHECK(api.get(kPodsPath + "/a").status == 404);
  }
}

TEST_CASE("what cannot be asked fails the write, or is left out where the policy says so",
          "[admission_webhook]") {
  TestCluster api;
  std::optional<Hook> hook(std::in_place, api);
  const bool ignore = GENERATE(false, true);
  mutating(api, "m", "/m", {{"failurePolicy", ignore ? "Ignore" : "Fail"}, {"timeoutSeconds", 2}});
  int number = 0;
  const auto expect = [&](const std::string& why) {
    const std::string name = "a" + std::to_string(++number);
    const ApiAnswer answer = api.post(kPodsPath, pod_json(name));
    INFO(answer.body);
    if (ignore) {
      CHECK(answer.status == 201);
      return;
    }
    CHECK(answer.status == 500);
    CHECK(answer.json()["reason"] == "InternalError");
    CHECK(message(answer).starts_with("Internal error occurred: failed calling webhook \"m.example.com\": "));
    CHECK(message(answer).find(why) != std::string::npos);
  };
  hook->thinks = 3s;
  const SteadyTime begun = api.loop.steady();
  expect("failed to call webhook: Post \"https://hook:9443/m?timeout=2s\": context deadline exceeded");
  CHECK(api.loop.steady() - begun < 3s);
  hook->thinks = {};
  hook->status = 500;
  expect("failed to call webhook: an error on the server");
  hook->status = 404;
  expect("failed to call webhook: the server could not find the requested resource");
  hook->status = 200;
  for (const auto& [raw, why] : std::vector<std::pair<std::string, std::string>>{
           {"{}", "received invalid webhook response: expected webhook response of admission.k8s.io/v1"},
           {"no json", "received invalid webhook response"},
           {R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"})",
            "webhook response was absent"},
           {R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"x"}})",
            "expected response.uid="}}) {
    hook->raw = raw;
    expect(why);
  }
  hook.reset();
  expect("failed to call webhook: Post \"https://hook:9443/m?timeout=2s\": ");
}

TEST_CASE("a webhook whose certificate the bundle does not vouch for is not believed",
          "[admission_webhook]") {
  TestCluster api;
  Hook hook(api);
  const auto other = make_certificate_authority("other", kValidity);
  validating(
      api, "v", "/v",
      {{"clientConfig", {{"url", "https://hook:9443/v"}, {"caBundle", encode_base64(other->certificate)}}}});
  const ApiAnswer answer = api.post(kPodsPath, pod_json("a"));
  CHECK(answer.status == 500);
  CHECK(message(answer).find("certificate") != std::string::npos);
  CHECK(hook.seen.empty());
  // Both authorities in one bundle, as while certificates change over.
  const std::string both = encode_base64(other->certificate + authority().certificate);
  Json fix =
      Json::array({{{"op", "replace"}, {"path", "/webhooks/0/clientConfig/caBundle"}, {"value", both}}});
  REQUIRE(api.ask("PATCH", kConfigurations + "validatingwebhookconfigurations/v", fix.dump(),
                  "application/json-patch+json")
              .status == 200);
  CHECK(api.post(kPodsPath, pod_json("a")).status == 201);
}

TEST_CASE("an update shows both states, and its patch is stored", "[admission_webhook]") {
  TestCluster api;
  Hook hook(api);
  REQUIRE(api.post(kMapsPath, config_map_json("m")).status == 201);
  mutating(api, "m", "/m");
  validating(api, "v", "/v");
  hook.on("/m", [](const Json&) {
    return patch(Json::array({{{"op", "add"}, {"path", "/data/by"}, {"value", "hook"}}}));
  });
  const ApiAnswer merged = api.merge(kMapsPath + "/m", {{"data", {{"k", "w"}}}});
  REQUIRE(merged.status == 200);
  CHECK(merged.json()["data"] == Json{{"k", "w"}, {"by", "hook"}});
  REQUIRE(hook.seen.size() == 2);
  CHECK(hook.seen[0]["operation"] == "UPDATE");
  CHECK(hook.seen[0]["oldObject"]["data"] == Json{{"k", "v"}});
  CHECK(hook.seen[0]["object"]["data"] == Json{{"k", "w"}});
  CHECK(hook.seen[0]["options"]["kind"] == "UpdateOptions");
  CHECK(hook.seen[1]["object"]["data"] == Json{{"k", "w"}, {"by", "hook"}});
  hook.on("/v", [](const Json& request) {
    return request["object"]["data"].contains("bad") ? deny("bad key") : allow();
  });
  CHECK(api.merge(kMapsPath + "/m", {{"data", {{"bad", "1"}}}}).status == 403);
  CHECK(api.get(kMapsPath + "/m").json()["data"] == Json{{"k", "w"}, {"by", "hook"}});
}

TEST_CASE("an object that changes while webhooks think is shown to them anew", "[admission_webhook]") {
  TestCluster api;
  Hook hook(api);
  REQUIRE(api.post(kMapsPath, config_map_json("m")).status == 201);
  validating(api, "v", "/v");
  hook.thinks = 1s;
  ApiAnswer first, second;
  TaskGroup both(api.loop);
  const auto merge_later = [](TestCluster* on, Duration wait, Json body, ApiAnswer* into) -> Task<> {
    co_await sleep(on->loop, wait);
    ApiRequest request;
    request.method = "PATCH";
    request.target = kMapsPath + "/m";
    request.headers.set("Content-Type", "application/merge-patch+json");
    request.body = body.dump();
    *into = co_await on->server.handle(std::move(request));
  };
  both.spawn("first", merge_later(&api, 0s, {{"data", {{"a", "1"}}}}, &first));
  both.spawn("second", merge_later(&api, 500ms, {{"data", {{"b", "2"}}}}, &second));
  api.loop.run(both.join());
  CHECK(first.status == 200);
  CHECK(second.status == 200);
  CHECK(api.get(kMapsPath + "/m").json()["data"] == Json{{"k", "v"}, {"a", "1"}, {"b", "2"}});
  REQUIRE(hook.seen.size() == 3);
  CHECK(hook.seen[2]["oldObject"]["data"] == Json{{"k", "v"}, {"a", "1"}});
}

TEST_CASE("a generated name is made once, and is the one that was looked at", "[admission_webhook]") {
  TestCluster api;
  Hook hook(api);
  mutating(api, "m", "/m");
  validating(api, "v", "/v");
  Json map = config_map_json("");
  map["metadata"] = {{"generateName", "map-"}};
  const ApiAnswer made = api.post(kMapsPath, map);
  REQUIRE(made.status == 201);
  REQUIRE(hook.seen.size() == 2);
  CHECK_FALSE(hook.seen[0].contains("name"));
  CHECK(hook.seen[1]["object"]["metadata"]["name"] == made.json()["metadata"]["name"]);
  int stored = 0;
  const Json all = api.get(kMapsPath).json();
  for (const Json& one : all["items"])
    stored += string_at(one, {"metadata", "name"}).starts_with("map-") ? 1 : 0;
  CHECK(stored == 1);
}

TEST_CASE("a deletion can be refused, alone and among many", "[admission_webhook]") {
  TestCluster api;
  Hook hook(api);
  for (const char* name : {"a", "b", "c"}) REQUIRE(api.post(kPodsPath, pod_json(name)).status == 201);
  validating(api, "v", "/v");
  hook.on("/v", [](const Json& request) {
    CHECK(request["operation"] == "DELETE");
    CHECK(request["object"].is_null());
    CHECK(request["options"]["kind"] == "DeleteOptions");
    return request["oldObject"]["metadata"]["name"] == "b" ? deny("b stays") : allow();
  });
  CHECK(api.remove(kPodsPath + "/b").status == 403);
  CHECK(api.remove(kPodsPath + "/a").status == 200);
  CHECK(api.get(kPodsPath + "/a").status == 404);
  CHECK(api.remove(kPodsPath).status == 403);
  CHECK(api.get(kPodsPath + "/b").status == 200);
}

TEST_CASE("a dry run asks only webhooks without side effects", "[admission_webhook]") {
  TestCluster api;
  Hook hook(api);
  validating(api, "v", "/v");
  CHECK(api.post(kPodsPath + "?dryRun=All", pod_json("a")).status == 201);
  REQUIRE(hook.seen.size() == 1);
  CHECK(hook.seen[0]["dryRun"] == true);
  CHECK(api.get(kPodsPath + "/a").status == 404);
  // Of version v1 there are no others.
  CHECK(
      api.merge(kConfigurations + "validatingwebhookconfigurations/v",
                {{"webhooks", Json::array({webhook_json("v.example.com", "/v", {{"sideEffects", "Some"}})})}})
          .status == 422);
}

TEST_CASE("configurations themselves are never shown, so that a broken one can be repaired",
          "[admission_webhook]") {
  TestCluster api;
  const Json everything = {
      {"rules",
       Json::array(
           {{{"operations", {"*"}}, {"apiGroups", {"*"}}, {"apiVersions", {"*"}}, {"resources", {"*/*"}}}})}};
  validating(api, "v", "/nobody", everything);
  CHECK(api.post(kMapsPath, config_map_json("m")).status == 500);
  CHECK(api.remove(kConfigurations + "validatingwebhookconfigurations/v").status == 200);
  CHECK(api.post(kMapsPath, config_map_json("m")).status == 201);
}

TEST_CASE("a service is reached at its endpoints, else at a ready pod", "[admission_webhook]") {
  TestCluster api;
  Hook hook(api);
  REQUIRE(api.post("/api/v1/namespaces/default/services",
                   {{"metadata", {{"name", "web"}}},
                    {"spec",
                     {{"selector", {{"app", "web"}}},
                      {"ports", Json::array({{{"port", 443}, {"targetPort", "https"}}})}}}})
              .status == 201);
  Json server = pod_json("server", {{"app", "web"}});
  server["spec"]["containers"][0]["ports"] = Json::array({{{"name", "https"}, {"containerPort", 9443}}});
  REQUIRE(api.post(kPodsPath, server).status == 201);
  Json rule = {{"clientConfig",
                {{"service", {{"namespace", "default"}, {"name", "web"}, {"path", "/v"}}},
                 {"caBundle", encode_base64(authority().certificate)}}}};
  validating(api, "v", "/v", rule);
  const ApiAnswer none = api.post(kMapsPath, config_map_json("m"));
  CHECK(none.status == 500);
  CHECK(
      message(none).find(
          "Post \"https://web.default.svc:443/v?timeout=10s\": no endpoints available for service \"web\"") !=
      std::string::npos);
  // The test's network knows hosts by name; the pod's address is one.
  const std::string status = "/api/v1/namespaces/default/pods/server/status";
  REQUIRE(api.merge(status, {{"status", {{"phase", "Running"}, {"podIP", "hook"}}}}).status == 200);
  CHECK(api.post(kMapsPath, config_map_json("m")).status == 201);
  CHECK(hook.seen.size() == 1);

  REQUIRE(api.remove(kConfigurations + "validatingwebhookconfigurations/v").status == 200);
  REQUIRE(api.merge("/api/v1/namespaces/default/pods/server/status", {{"status", {{"phase", "Failed"}}}})
              .status == 200);
  REQUIRE(api.post("/api/v1/namespaces/default/endpoints",
                   {{"metadata", {{"name", "web"}}},
                    {"subsets", Json::array({{{"addresses", Json::array({{{"ip", "hook"}}})},
                                              {"ports", Json::array({{{"port", 9443}}})}}})}})
              .status == 201);
  validating(api, "v", "/v", rule);
  CHECK(api.post(kMapsPath, config_map_json("n")).status == 201);
  CHECK(hook.seen.size() == 2);
}

TEST_CASE("other versions of a kind match where the policy is Equivalent, as the version asked for",
          "[admission_webhook]") {
  TestCluster api;
  Hook hook(api);
  Json crd = widget_crd();
  Json v2 = crd["spec"]["versions"][0];
  v2["name"] = "v2";
  v2["storage"] = false;
  crd["spec"]["versions"].push_back(v2);
  REQUIRE(api.post(kCrdsPath, crd).status == 201);
  const auto rules = [](const char* policy) {
    return Json{{"matchPolicy", policy},
                {"rules", Json::array({{{"operations", {"CREATE"}},
                                        {"apiGroups", {"example.com"}},
                                        {"apiVersions", {"v1"}},
                                        {"resources", {"widgets"}}}})}};
  };
  mutating(api, "e", "/e", rules("Equivalent"));
  mutating(api, "x", "/x", rules("Exact"));
  Json widget = widget_json("w");
  widget["apiVersion"] = "example.com/v2";
  hook.on("/e", [](const Json& request) {
    CHECK(request["kind"]["version"] == "v1");
    CHECK(request["requestKind"]["version"] == "v2");
    CHECK(request["object"]["apiVersion"] == "example.com/v1");
    return patch(Json::array({{{"op", "replace"}, {"path", "/spec/size"}, {"value", 7}}}));
  });
  const ApiAnswer made = api.post("/apis/example.com/v2/namespaces/default/widgets", widget);
  INFO(made.body);
  REQUIRE(made.status == 201);
  CHECK(made.json()["spec"]["size"] == 7);
  CHECK(made.json()["apiVersion"] == "example.com/v2");
  CHECK(hook.seen.size() == 1);
}

TEST_CASE("what webhooks make of an object is checked like what clients send", "[admission_webhook]") {
  TestCluster api;
  Hook hook(api);
  REQUIRE(api.post(kCrdsPath, widget_crd()).status == 201);
  mutating(api, "m", "/m",
           {{"rules", Json::array({{{"operations", {"CREATE", "UPDATE"}},
                                    {"apiGroups", {"example.com"}},
                                    {"apiVersions", {"*"}},
                                    {"resources", {"widgets"}}}})}});
  hook.on("/m", [](const Json&) {
    return patch(Json::array({{{"op", "add"}, {"path", "/spec/size"}, {"value", 0}},
                              {{"op", "add"}, {"path", "/spec/unknown"}, {"value", 1}},
                              {{"op", "add"}, {"path", "/status"}, {"value", {{"state", "x"}}}}}));
  });
  CHECK(api.post(kWidgetsPath, widget_json("w")).status == 422);  // minimum 1
  hook.on("/m", [](const Json&) {
    return patch(Json::array({{{"op", "add"}, {"path", "/spec/unknown"}, {"value", 1}},
                              {{"op", "add"}, {"path", "/status"}, {"value", {{"state", "x"}}}}}));
  });
  const ApiAnswer made = api.post(kWidgetsPath, widget_json("w"));
  REQUIRE(made.status == 201);
  CHECK_FALSE(made.json()["spec"].contains("unknown"));
  CHECK_FALSE(made.json().contains("status"));
  // An object that lacks what a webhook adds is fine in the end.
  hook.on("/m", [](const Json&) {
    return patch(Json::array({{{"op", "add"}, {"path", "/spec"}, {"value", {{"size", 4}}}}}));
  });
  CHECK(api.post(kWidgetsPath, widget_json("v", Json::object())).status == 201);
  hook.on("/m", [](const Json&) { return patch(Json::array({{{"op", "remove"}, {"path", "/nowhere/x"}}})); });
  CHECK(api.post(kWidgetsPath, widget_json("u")).status == 500);
  // The status subresource is another resource to rules.
  const auto before = hook.seen.size();
  CHECK(api.merge(kWidgetsPath + "/w/status", {{"status", {{"state", "y"}}}}).status == 200);
  CHECK(hook.seen.size() == before);
}
