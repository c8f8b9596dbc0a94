// ClientConfig says which API server to talk to and as whom; it comes from a kubeconfig or from the pod we
// run in.
//
//   Result<ClientConfig> config = load_config();                     // as kubectl, and in-cluster
//   Result<ClientConfig> config = load_kubeconfig("/etc/kube/admin.conf", "staging");
//
// Everything that files say is read here, once, except `token_file` and `exec`: these change while we run, so
// the Client asks them again (credentials.h). Errors: Io (a file cannot be read), InvalidInput (its text
// cannot be used; the message names file and field).
// Thread: a value. These functions read small files and may block: call them before the loop runs.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kube/base/clock.h"
#include "kube/base/result.h"

namespace kube {

// A program that prints an ExecCredential (client.authentication.k8s.io/v1 or v1beta1), as `aws eks
// get-token` does.
struct ExecPlugin {
  std::string api_version = {};
  std::string command = {};  // looked up in PATH; relative to the kubeconfig's folder when it contains a '/'
  std::vector<std::string> args = {};
  std::vector<std::pair<std::string, std::string>> env = {};  // added to ours
  std::string install_hint = {};                              // shown when the program is missing
  bool provide_cluster_info = false;
  Duration timeout = 30s;
};

struct ClientConfig {
  std::string server = {};                   // "https://host:6443", optionally with a path in front of "/api"
  std::string certificate_authorities = {};  // PEM; "" = the system's
  bool insecure_skip_verify = false;
  std::string tls_server_name = {};     // "" = the server's host
  std::string client_certificate = {};  // PEM
  std::string client_key = {};          // PEM
  std::string token = {};
  std::string token_file = {};  // wins over token
  std::optional<ExecPlugin> exec = {};
  std::string default_namespace = "default";
};

// Environment variables, injectable. process_environment() asks getenv.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

// context "" = current-context.
Result<ClientConfig> load_kubeconfig(const std::string& path, const std::string& context = "");
// `path` is for messages and for relative file names inside the text.
Result<ClientConfig> parse_kubeconfig(std::string_view yaml, const std::string& path,
                                      const std::string& context = "");

// Where a pod finds its service account.
struct InClusterFiles {
  std::string folder = "/var/run/secrets/kubernetes.io/serviceaccount";
  std::string host_variable = "KUBERNETES_SERVICE_HOST";
  std::string port_variable = "KUBERNETES_SERVICE_PORT";
};
Result<ClientConfig> in_cluster_config(const InClusterFiles& files = {},
                                       const Environment& environment = process_environment());

struct ConfigSource {
  std::string kubeconfig = {};  // a path given by the user wins over everything
  std::string context = {};
  Environment environment = process_environment();
  InClusterFiles in_cluster = {};
};
// A given path; else $KUBECONFIG (the first file of the list that exists); else in-cluster when we run in a
// pod; else ~/.kube/config.
Result<ClientConfig> load_config(const ConfigSource& source = {});

}  // namespace kube
