#include "kube/client/config.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>

using namespace kube;

namespace {

// A folder that goes when the test ends.
struct Folder {
  std::string path;
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "config_test.XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path + "/" + name).parent_path());
    std::ofstream(path + "/" + name) << text;
    return path + "/" + name;
  }
};

Environment environment(std::map<std::string, std::string> variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

const char* const kTwoContexts = R"(
apiVersion: v1
kind: Config
current-context: dev
contexts:
- name: dev
  context: {cluster: dev, user: alice, namespace: web}
- name: prod
  context: {cluster: prod, user: bob}
clusters:
- name: dev
  cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: Q0E=}
- name: prod
  cluster: {server: "https://prod:6443", certificate-authority: pki/ca.crt, tls-server-name: kubernetes}
users:
- name: alice
  user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}
- name: bob
  user: {tokenFile: token}
)";

std::string error_of(const std::string& yaml) {
  auto config = parse_kubeconfig(yaml, "/etc/kc");
  REQUIRE(!config);
  return config.error().message();
}

}  // namespace

TEST_CASE("a kubeconfig's current context names server, namespace and certificates as data") {
  auto config = parse_kubeconfig(kTwoContexts, "/etc/kc");
  REQUIRE(config);
  CHECK(config->server == "https://127.0.0.1:6443");
  CHECK(config->certificate_authorities == "CA");
  CHECK(config->client_certificate == "CERT");
  CHECK(config->client_key == "KEY");
  CHECK(config->default_namespace == "web");
}

TEST_CASE("files in a kubeconfig are relative to its folder") {
  Folder folder;
  folder.write("pki/ca.crt", "PROD CA");
  auto config = load_kubeconfig(folder.write("config", kTwoContexts), "prod");
  REQUIRE(config);
  CHECK(config->certificate_authorities == "PROD CA");
  CHECK(config->token_file == folder.path + "/token");
  CHECK(config->tls_server_name == "kubernetes");
  CHECK(config->default_namespace == "default");
}

TEST_CASE("a kubeconfig that cannot be used says which field of which file") {
  CHECK(error_of("- 1") == "/etc/kc: expected a kubeconfig object");
  CHECK(error_of("a: [").find("/etc/kc: malformed YAML") == 0);
  CHECK(error_of("{}") == "/etc/kc: current-context: is not set");
  CHECK(error_of("{current-context: x, contexts: []}") == "/etc/kc: contexts: no entry named \"x\"");
  CHECK(error_of("{current-context: x, contexts: 3}") == "/etc/kc: contexts: expected array");
  const std::string head = "{current-context: x, contexts: [{name: x, context: {cluster: c, user: u}}], ";
  CHECK(error_of(head + "clusters: [{name: c, cluster: {}}]}") == "/etc/kc: clusters[c].server: is not set");
  const std::string server = head + "clusters: [{name: c, cluster: {server: 'https://h'}}], ";
  CHECK(error_of(server + "users: [{name: u, user: {client-certificate-data: QQ==}}]}") ==
        "/etc/kc: users[u]: client-certificate and client-key go together");
  CHECK(error_of(server + "users: [{name: u, user: {client-key: /no/such/file}}]}") ==
        "/etc/kc: users[u].client-key: cannot read /no/such/file");
  CHECK(error_of(server + "users: [{name: u, user: {exec: {apiVersion: v9, command: x}}}]}")
            .find("v1beta1, got \"v9\"") != std::string::npos);
  const std::string exec =
      server + "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: x, ";
  CHECK(error_of(exec + "interactiveMode: Always}}}]}") ==
        "/etc/kc: users[u].exec.interactiveMode: x wants a terminal, and there is none");
  CHECK(parse_kubeconfig(exec + "interactiveMode: Never}}}]}", "/etc/kc"));
  CHECK(parse_kubeconfig(exec + "interactiveMode: IfAvailable}}}]}", "/etc/kc"));
  CHECK(error_of(server + "users: [{name: u, user: {client-certificate-data: '%%', client-key-data: QQ==}}]}")
            .find("users[u].client-certificate-data") != std::string::npos);
}

TEST_CASE("an exec plug-in keeps its arguments, environment and hint") {
  auto config = parse_kubeconfig(R"(
current-context: x
contexts: [{name: x, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: 'https://h'}}]
users:
- name: u
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: ./bin/token
      args: [get, --json]
      env: [{name: REGION, value: eu}]
      installHint: install it
      provideClusterInfo: true
)",
                                 "/etc/kc");
  REQUIRE(config);
  REQUIRE(config->exec);
  CHECK(std::filesystem::path(config->exec->command).lexically_normal() == "/etc/bin/token");
  CHECK(config->exec->args == std::vector<std::string>{"get", "--json"});
  CHECK(config->exec->env == std::vector<std::pair<std::string, std::string>>{{"REGION", "eu"}});
  CHECK(config->exec->install_hint == "install it");
  CHECK(config->exec->provide_cluster_info);
}

TEST_CASE("in a pod the service account's files say who we are") {
  Folder folder;
  folder.write("ca.crt", "CA");
  folder.write("token", "secret\n");
  folder.write("namespace", "operators");
  auto config = in_cluster_config(
      {.folder = folder.path},
      environment({{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}}));
  REQUIRE(config);
  CHECK(config->server == "https://[fd00::1]:443");
  CHECK(config->token == "secret");
  CHECK(config->token_file == folder.path + "/token");
  CHECK(config->default_namespace == "operators");

  CHECK(!in_cluster_config({.folder = folder.path}, environment({})));
}

TEST_CASE("configuration is looked for in the order: given path, KUBECONFIG, pod, home") {
  Folder folder;
  folder.write("pki/ca.crt", "CA");
  const std::string home_file = folder.write("home/.kube/config", kTwoContexts);
  const std::string second = folder.write("second", std::string(kTwoContexts));
  std::map<std::string, std::string> variables{{"HOME", folder.path + "/home"}};

  auto config = load_config({.environment = environment(variables)});
  REQUIRE(config);
  CHECK(config->default_namespace == "web");

  variables["KUBERNETES_SERVICE_HOST"] = "10.0.0.1";
  config = load_config({.environment = environment(variables), .in_cluster = {.folder = folder.path}});
  CHECK(!config);  // in a pod without a service account

  variables["KUBECONFIG"] = "/no/such/file:" + second;
  CHECK(load_config({.environment = environment(variables)}));
  variables["KUBECONFIG"] = "/no/such/file";
  CHECK(!load_config({.environment = environment(variables)}));
  CHECK(load_config({.kubeconfig = second, .context = "prod", .environment = environment(variables)})
            ->token_file == folder.path + "/token");
  CHECK(!load_config({.kubeconfig = "/no/such/file", .environment = environment(variables)}));
}
