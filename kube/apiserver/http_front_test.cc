// The server over simulated connections, as clients meet it.

#include <catch2/catch.hpp>

#include "kube/apiserver/test_cluster.h"
#include "kube/http/client.h"
#include "kube/http/server.h"

namespace kube::apiserver {

namespace {

// Sends bytes and collects what comes back until `enough` is in it or the connection ends.
Task<> converse(Network* network, std::string bytes, std::string enough, std::string* got, bool* closed,
                Loop* loop) {
  auto stream = co_await network->connect({"api", 8080}, loop->after(5s));
  if (!stream) co_return;
  (void)co_await (*stream)->write(bytes);
  char buffer[4096];
  (*stream)->set_deadline(loop->after(10s));
  while (got->find(enough) == std::string::npos) {
    auto count = co_await (*stream)->read_some(buffer);
    if (!count || *count == 0) {
      *closed = true;
      co_return;
    }
    got->append(buffer, *count);
  }
  (*stream)->close();
}

struct ServedCluster : TestCluster {
  ServedCluster() : ServedCluster(plain_with_token()) {}
  explicit ServedCluster(ApiServerOptions options) : TestCluster(std::move(options)) {
    REQUIRE(server.start());
    tasks.spawn("server", server.run());
    loop.settle();
  }
  ~ServedCluster() { loop.run(tasks.cancel_and_join()); }

  static ApiServerOptions plain_with_token() {
    ApiServerOptions options = plain();
    options.static_tokens = {{"secret", {"tester", "", {"system:authenticated"}, {}}}};
    return options;
  }
  std::string talk(std::string request, std::string enough) {
    std::string got;
    closed = false;
    TaskGroup group(loop);
    group.spawn("talk", converse(&network.host("client"), std::move(request), std::move(enough), &got,
                                 &closed, &loop));
    loop.run_until([&] { return group.empty(); }, 1min);
    loop.run(group.cancel_and_join());
    return got;
  }
  std::string get_request(const std::string& target,
                          const std::string& headers = "Authorization: Bearer secret\r\n") {
    return "GET " + target + " HTTP/1.1\r\nHost: api\r\nConnection: close\r\n" + headers + "\r\n";
  }

  TaskGroup tasks{loop};
  bool closed = false;
};

}  // namespace

TEST_CASE("nobody unknown is answered, but health and version are open") {
  ServedCluster api;
  std::string answer = api.talk(api.get_request("/api/v1/pods", ""), "\n\n\n");
  CHECK(answer.starts_with("HTTP/1.1 401"));
  CHECK(answer.find("\"reason\":\"Unauthorized\"") != std::string::npos);
  CHECK(api.talk(api.get_request("/api/v1/pods", "Authorization: Bearer wrong\r\n"), "\n\n\n")
            .starts_with("HTTP/1.1 401"));
  CHECK(api.talk(api.get_request("/api/v1/pods", "Authorization: Basic abc\r\n"), "\n\n\n")
            .starts_with("HTTP/1.1 401"));
  CHECK(api.talk(api.get_request("/api/v1/pods"), "\n\n\n").starts_with("HTTP/1.1 200"));
  CHECK(api.talk(api.get_request("/readyz", ""), "\n\n\n").starts_with("HTTP/1.1 200"));
  CHECK(api.talk(api.get_request("/version", ""), "\n\n\n").find("v1.35.4") != std::string::npos);
}

TEST_CASE("a watch is chunked, one line an event") {
  ServedCluster api;
  api.post(kPodsPath, pod_json("a"));
  const std::string answer =
      api.talk(api.get_request(kPodsPath + "?watch=true&timeoutSeconds=2"), "0\r\n\r\n");
  CHECK(answer.find("Transfer-Encoding: chunked") != std::string::npos);
  CHECK(answer.find("{\"type\":\"ADDED\",\"object\":{") != std::string::npos);
  CHECK(answer.ends_with("0\r\n\r\n"));
}

TEST_CASE("a watch that asks for a websocket gets one, a frame an event") {
  ServedCluster api;
  api.post(kPodsPath, pod_json("a", {{"role", "x"}}));
  const std::string answer =
      api.talk("GET " + kPodsPath +
                   "?labelSelector=role%3Dx,gone%21%3Dtrue&allowWatchBookmarks=true&watch=true "
                   "HTTP/1.1\r\nHost: api\r\n"
                   "Authorization: Bearer secret\r\nUpgrade: websocket\r\nConnection: "
                   "Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://api\r\n\r\n",
               "\"phase\":\"Pending\"");
  CHECK(answer.starts_with("HTTP/1.1 101"));
  CHECK(answer.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos);
  const std::size_t body = answer.find("\r\n\r\n") + 4;
  REQUIRE(answer.size() > body + 4);
  CHECK(static_cast<unsigned char>(answer[body]) == 0x81);            // one whole text frame
  CHECK((static_cast<unsigned char>(answer[body + 1]) & 0x80) == 0);  // not masked
  CHECK(answer.find("{\"type\":\"ADDED\"") == body + 4);
}

TEST_CASE("an upgrade that cannot be watched is answered with its refusal") {
  ServedCluster api;
  const std::string answer = api.talk(
      "GET " + kPodsPath +
          "?watch=true&resourceVersion=99999 HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer secret\r\n"
          "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      "\"code\":504");
  CHECK(answer.starts_with("HTTP/1.1 504"));
}

TEST_CASE("an injected cut closes the connection without a word, though the write was done") {
  ServedCluster api;
  api.server.faults().add({.verb = "create", .action = FaultAction::cut_after()});
  const std::string body = config_map_json("a").dump();
  const std::string answer =
      api.talk("POST " + kMapsPath +
                   " HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer secret\r\nContent-Type: "
                   "application/json\r\nContent-Length: " +
                   std::to_string(body.size()) + "\r\n\r\n" + body,
               "HTTP");
  CHECK(answer.empty());
  CHECK(api.closed);
  CHECK(api.server.store().get("configmaps", {"default", "a"}));
}

TEST_CASE("a watch whose client goes away is let go") {
  ServedCluster api;
  std::string got;
  bool closed = false;
  TaskGroup group(api.loop);
  group.spawn("watch", converse(&api.network.host("client"), api.get_request(kPodsPath + "?watch=true"),
                                "never", &got, &closed, &api.loop));
  api.loop.run_for(1s);
  CHECK(got.starts_with("HTTP/1.1 200"));
  api.network.cut("client", "api");
  api.loop.run_for(1s);
  CHECK(closed);
  api.loop.run(group.cancel_and_join());
}

TEST_CASE("logs come from the kubelet of the pod's node") {
  ApiServerOptions options = ServedCluster::plain_with_token();
  options.kubelet_plain_http = true;
  ServedCluster api(options);
  std::vector<std::string> asked;
  HttpServer kubelet(api.loop, {}, [&](HttpExchange& exchange) -> Task<> {
    asked.push_back(exchange.request().target);
    HttpResponse response;
    response.body = "line 1\nline 2\n";
    return [](HttpExchange* out, HttpResponse what) -> Task<> {
      (void)co_await out->respond(std::move(what));
    }(&exchange, std::move(response));
  });
  api.tasks.spawn("kubelet",
                  kubelet.serve(std::move(*api.network.host("10.0.0.1").listen({"10.0.0.1", 10250}))));
  api.post("/api/v1/nodes", {{"apiVersion", "v1"}, {"kind", "Node"}, {"metadata", {{"name", "n"}}}});
  api.merge("/api/v1/nodes/n/status",
            {{"status",
              {{"addresses", Json::array({{{"type", "InternalIP"}, {"address", "10.0.0.1"}}})},
               {"daemonEndpoints", {{"kubeletEndpoint", {{"Port", 10250}}}}}}}});
  api.post(kPodsPath, pod_json("a"));
  CHECK(api.get(kPodsPath + "/a/log").body.empty());
  api.post(kPodsPath + "/a/binding",
           {{"apiVersion", "v1"}, {"kind", "Binding"}, {"target", {{"name", "n"}}}});
  CHECK(api.talk(api.get_request(kPodsPath + "/a/log?tailLines=2"), "line 2").find("line 1\nline 2\n") !=
        std::string::npos);
  CHECK(asked == std::vector<std::string>{"/containerLogs/default/a/main?tailLines=2"});
  CHECK(api.get(kPodsPath + "/a/log?container=other").status == 400);
  CHECK(api.get(kPodsPath + "/none/log").status == 404);
  api.loop.run(api.tasks.cancel_and_join());
}

namespace {

// A kubelet that says every message back, in front of a pod named "a"; the pod "refused" is none that it
// knows.
Task<> echo_messages(HttpExchange* exchange, Loop* loop, std::vector<std::string>* asked) {
  asked->push_back(exchange->request().target);
  if (exchange->request().target.find("refused") != std::string::npos) {
    HttpResponse response{.status = 404, .headers = {{"Content-Type", "text/plain"}}};
    response.body = "no such pod here";
    (void)co_await exchange->respond(std::move(response));
    co_return;
  }
  auto socket = co_await exchange->accept_websocket("some.protocol", 1u << 20);
  if (!socket) co_return;
  while (true) {
    auto message = co_await (*socket)->receive();
    if (!message || !*message || **message == "quit") break;
    CHECK(co_await (*socket)->send_binary(**message, loop->after(1s)));
  }
  co_await (*socket)->close(1000);
}

Task<> converse_by_websocket(HttpClient* client, Loop* loop, std::vector<std::string> say,
                             std::string* heard) {
  HttpRequest request{.target = kPodsPath + "/a/portforward?ports=80&ports=81",
                      .headers = {{"Authorization", "Bearer secret"},
                                  {"Sec-WebSocket-Protocol", "other.protocol, some.protocol"}}};
  auto answer = co_await client->open_websocket(std::move(request), 1u << 20, loop->after(10s));
  REQUIRE(answer);
  REQUIRE(answer->socket);
  CHECK(answer->head.headers.get("Sec-WebSocket-Protocol") == "some.protocol");
  for (const std::string& message : say) {
    CHECK(co_await answer->socket->send_binary(message, loop->after(1s)));
    auto back = co_await answer->socket->receive();
    *heard += back ? back->value_or("<closed>") : "<" + back.error().message() + ">";
  }
}

}  // namespace

TEST_CASE("a port-forward joins the client's websocket with one of the kubelet of the pod's node") {
  ApiServerOptions options = ServedCluster::plain_with_token();
  options.kubelet_plain_http = true;
  ServedCluster api(options);
  std::vector<std::string> asked;
  HttpServer kubelet(api.loop, {},
                     [&](HttpExchange& exchange) { return echo_messages(&exchange, &api.loop, &asked); });
  api.tasks.spawn("kubelet",
                  kubelet.serve(std::move(*api.network.host("10.0.0.1").listen({"10.0.0.1", 10250}))));
  for (const char* node : {"n", "silent"}) {
    api.post("/api/v1/nodes", {{"apiVersion", "v1"}, {"kind", "Node"}, {"metadata", {{"name", node}}}});
    api.merge("/api/v1/nodes/" + std::string(node) + "/status",
              {{"status",
                {{"addresses", Json::array({{{"type", "InternalIP"}, {"address", "10.0.0.1"}}})},
                 {"daemonEndpoints", {{"kubeletEndpoint", {{"Port", node[0] == 'n' ? 10250 : 1}}}}}}}});
  }
  const std::vector<std::pair<std::string, std::string>> pods{
      {"a", "n"}, {"refused", "n"}, {"lost", "silent"}, {"pending", ""}};
  for (const auto& [pod, node] : pods) {
    api.post(kPodsPath, pod_json(pod));
    if (!node.empty())
      api.post(kPodsPath + "/" + pod + "/binding",
               {{"apiVersion", "v1"}, {"kind", "Binding"}, {"target", {{"name", node}}}});
  }
  HttpClient client(api.loop, api.network.host("client"), {.origin = {"api", 8080}});
  std::string heard;
  api.loop.run(converse_by_websocket(&client, &api.loop, {"one", std::string(100'000, 'x'), "quit"}, &heard));
  CHECK((heard == "one" + std::string(100'000, 'x') + "<closed>"));
  CHECK(asked == std::vector<std::string>{"/portForward/default/a?port=80%2C81"});
  api.loop.run_for(20s);
  CHECK(kubelet.connections() == 0);

  // A client that vanishes is not kept at the kubelet.
  api.loop.run(converse_by_websocket(&client, &api.loop, {"two"}, &heard));
  api.loop.run_for(20s);
  CHECK(kubelet.connections() == 0);

  auto upgrade = [&](const std::string& pod, const std::string& to = "websocket") {
    const std::string answer =
        api.talk("GET " + kPodsPath + "/" + pod + "/portforward?ports=80 HTTP/1.1\r\nHost: api\r\n" +
                     "Authorization: Bearer secret\r\nUpgrade: " + to +
                     "\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                 "\n\n\n");
    return answer.substr(9, 3) + answer.substr(std::min(answer.size(), answer.find("\r\n\r\n")));
  };
  CHECK(upgrade("refused") == "404\r\n\r\nno such pod here");
  CHECK(upgrade("none").starts_with("404"));
  CHECK(upgrade("lost").starts_with("500"));
  CHECK(upgrade("lost").find("error dialing backend") != std::string::npos);
  CHECK(upgrade("pending").find("pod pending does not have a host assigned") != std::string::npos);
  CHECK(upgrade("a", "SPDY/3.1").starts_with("400"));
  CHECK(api.get(kPodsPath + "/a/portforward").status == 400);
  CHECK(api.get(kPodsPath + "/a/portforward").json()["message"] == "Upgrade request required");
  CHECK(api.ask("PUT", kPodsPath + "/a/portforward", "{}").status == 405);
  api.loop.run(api.tasks.cancel_and_join());
}

TEST_CASE("a service account's token is good while its pod and account live") {
  ServedCluster api;
  const Json pod = api.post(kPodsPath, pod_json("a")).json();
  const std::string path = "/api/v1/namespaces/default/serviceaccounts/default/token";
  const Json bound = {{"kind", "Pod"}, {"apiVersion", "v1"}, {"name", "a"}, {"uid", pod["metadata"]["uid"]}};
  const Json request = {{"apiVersion", "authentication.k8s.io/v1"},
                        {"kind", "TokenRequest"},
                        {"spec", {{"expirationSeconds", 3607}, {"boundObjectRef", bound}}}};
  ApiAnswer issued = api.post(path, request);
  REQUIRE(issued.status == 201);
  const std::string token = issued.json()["status"]["token"];
  auto code = [&](const std::string& with) {
    const std::string answer =
        api.talk(api.get_request("/api/v1/pods", "Authorization: Bearer " + with + "\r\n"), "\n\n\n");
    return answer.substr(9, 3);
  };
  CHECK(code(token) == "200");
  CHECK(code(token + "x") == "401");
  CHECK(code(token.substr(0, token.rfind('.') + 1)) == "401");
  const Json review =
      api.post("/apis/authentication.k8s.io/v1/tokenreviews", {{"apiVersion", "authentication.k8s.io/v1"},
                                                               {"kind", "TokenReview"},
                                                               {"spec", {{"token", token}}}})
          .json();
  CHECK(review["status"]["user"]["username"] == "system:serviceaccount:default:default");

  Json other = request;
  other["spec"]["boundObjectRef"]["uid"] = "11111111-2222-4333-8444-555555555555";
  CHECK(api.post(path, other).status == 409);
  other = request;
  other["spec"]["expirationSeconds"] = 1;
  CHECK(api.post(path, other).status == 422);
  CHECK(api.post("/api/v1/namespaces/default/serviceaccounts/none/token", request).status == 404);

  api.remove(kPodsPath + "/a");
  CHECK(code(token) == "401");
  const std::string unbound = api.server.service_account_token("default", "default", 1h);
  CHECK(code(unbound) == "200");
  api.loop.run_for(61min);
  CHECK(code(unbound) == "401");
}

TEST_CASE("discovery says what is served, in both forms") {
  TestCluster api;
  CHECK(api.get("/api").json()["versions"][0] == "v1");
  bool pods = false;
  const Json core = api.get("/api/v1").json();
  for (const Json& resource : core["resources"])
    if (resource["name"] == "pods")
      pods = resource["shortNames"][0] == "po" && resource["namespaced"] == true;
  CHECK(pods);
  CHECK(api.get("/apis/apps").json()["preferredVersion"]["groupVersion"] == "apps/v1");
  CHECK(api.get("/apis/nothing.example.com").status == 404);
  ApiAnswer all =
      api.ask("GET", "/apis", "", "",
              "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json");
  CHECK(all.content_type == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  CHECK(all.json()["kind"] == "APIGroupDiscoveryList");
  CHECK(api.get("/apis").json()["kind"] == "APIGroupList");
  const Json index = api.get("/openapi/v3").json();
  CHECK(index["paths"].contains("apis/apps/v1"));
  const Json document = api.get("/openapi/v3/api/v1").json();
  CHECK(document["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
                ["x-kubernetes-patch-merge-key"] == "name");
  CHECK(document["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]["patch"]["parameters"].size() > 3);
}

}  // namespace kube::apiserver
