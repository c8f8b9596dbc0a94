// Who is who over TLS: the administrator's certificate, tokens, and nobody.

#include <catch2/catch.hpp>

#include "kube/apiserver/test_cluster.h"
#include "kube/core/base64.h"
#include "kube/core/yaml.h"
#include "kube/http/client.h"

namespace kube::apiserver {

namespace {

struct SecureCluster : TestCluster {
  SecureCluster() : TestCluster(secure()) {
    REQUIRE(server.start());
    tasks.spawn("server", server.run());
    kubeconfig = *parse_yaml_document(server.admin_kubeconfig());
  }
  ~SecureCluster() { loop.run(tasks.cancel_and_join()); }

  static ApiServerOptions secure() {
    ApiServerOptions options = plain();
    options.tls = true;
    options.listen = {"api", 6443};
    return options;
  }
  std::string decoded(std::initializer_list<std::string_view> path) const {
    return *decode_base64(string_at(kubeconfig, path));
  }
  TlsClientOptions administrator() const {
    TlsClientOptions options;
    options.certificate_authorities =
        *decode_base64(string_at(kubeconfig["clusters"][0], {"cluster", "certificate-authority-data"}));
    options.certificate_chain =
        *decode_base64(string_at(kubeconfig["users"][0], {"user", "client-certificate-data"}));
    options.private_key = *decode_base64(string_at(kubeconfig["users"][0], {"user", "client-key-data"}));
    return options;
  }
  HttpResponse send(const TlsClientOptions& tls, const std::string& path, const std::string& token = "") {
    HttpClientOptions options;
    options.origin = {"api", 6443};
    options.tls = *TlsClientContext::create(tls);
    HttpClient client(loop, network.host("client"), options);
    HttpRequest request;
    request.target = path;
    if (!token.empty()) request.headers.set("Authorization", "Bearer " + token);
    HttpResponse response;
    response.status = 0;
    loop.run([](HttpClient* via, HttpRequest what, Loop* on, HttpResponse* into) -> Task<> {
      auto answer = co_await via->send(std::move(what), on->after(10s));
      if (answer) *into = std::move(*answer);
    }(&client, std::move(request), &loop, &response));
    return response;
  }

  TaskGroup tasks{loop};
  Json kubeconfig;
};

}  // namespace

TEST_CASE("the kubeconfig's certificate is the administrator's") {
  SecureCluster api;
  CHECK(api.send(api.administrator(), "/api/v1/pods").status == 200);
  std::string who;
  api.server.on_request([&](const RequestInfo& request, int) { who = request.user.username; });
  api.send(api.administrator(), "/api/v1/pods");
  CHECK(who == "kubernetes-admin");
}

TEST_CASE("without a certificate or token nobody is answered") {
  SecureCluster api;
  TlsClientOptions nobody = api.administrator();
  nobody.certificate_chain.clear();
  nobody.private_key.clear();
  CHECK(api.send(nobody, "/api/v1/pods").status == 401);
  CHECK(api.send(nobody, "/livez").status == 200);
  CHECK(api.send(nobody, "/api/v1/pods", api.server.service_account_token("default", "default")).status ==
        200);
  CHECK(api.send(nobody, "/api/v1/pods", "nonsense").status == 401);
}

TEST_CASE("pods are told the certificate that the server shows") {
  SecureCluster api;
  const std::string root = api.get(kMapsPath + "/kube-root-ca.crt").json()["data"]["ca.crt"];
  CHECK(root == api.administrator().certificate_authorities);
  CHECK(root.starts_with("-----BEGIN CERTIFICATE-----"));
  // By the name that clients inside pods dial.
  TlsClientOptions inside = api.administrator();
  inside.server_name = "kubernetes.default.svc";
  CHECK(api.send(inside, "/version").status == 200);
  inside.server_name = "somewhere.else";
  CHECK(api.send(inside, "/version").status == 0);
}

TEST_CASE("a restarted server with the same authority is still trusted") {
  SecureCluster first;
  ApiServerOptions options = SecureCluster::secure();
  options.ca_certificate = first.server.tls_files().ca_certificate;
  options.ca_key = first.server.tls_files().ca_key;
  TestCluster second(options);
  REQUIRE(second.server.start());
  CHECK(second.server.tls_files().ca_certificate == first.server.tls_files().ca_certificate);
}

TEST_CASE("events are forgotten an hour after their last change") {
  TestCluster api;
  const std::string path = "/api/v1/namespaces/default/events";
  auto event = [](const char* name) {
    return Json{{"apiVersion", "v1"},
                {"kind", "Event"},
                {"metadata", {{"name", name}}},
                {"involvedObject", {{"name", "p"}}}};
  };
  api.post(path, event("old"));
  api.post(path, event("renewed"));
  api.loop.run_for(40min);
  api.merge(path + "/renewed", {{"count", 2}});
  api.loop.run_for(30min);
  CHECK(api.get(path + "/old").status == 404);
  CHECK(api.get(path + "/renewed").status == 200);
  api.loop.run_for(40min);
  CHECK(api.get(path + "/renewed").status == 404);
}

TEST_CASE("wrong types in bodies of subresources and reviews are refused") {
  TestCluster api;
  api.post(kPodsPath, pod_json("a"));
  CHECK(api.post("/api/v1/namespaces/default/serviceaccounts/default/token", {{"spec", "x"}}).status == 400);
  CHECK(api.post(kPodsPath + "/a/binding", {{"target", 5}}).status == 400);
  CHECK(api.post(kPodsPath + "/a/eviction", Json::array()).status == 400);
  CHECK(api.post("/apis/authentication.k8s.io/v1/tokenreviews", {{"spec", Json::array()}}).status == 400);
}

}  // namespace kube::apiserver
