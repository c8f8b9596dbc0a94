#include "kube/client/config.h"

#include <yaml-cpp/yaml.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "kube/core/base64.h"

namespace kube {

namespace fs = std::filesystem;

namespace {

Result<std::string> read_file(const std::string& path, std::string_view what) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) return fail(ErrorKind::Io, std::string(what) + ": cannot read " + path);
  return text;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

// A kubeconfig as YAML nodes, with messages that name file and field.
class Kubeconfig {
 public:
  Kubeconfig(YAML::Node root, const std::string& path) : root_(std::move(root)), path_(path) {}

  Result<ClientConfig> config_of(std::string context) const;

 private:
  // The entry called `name` of `list`, its part `part`.
  Result<YAML::Node> entry(const char* list, const char* part, const std::string& name) const;
  Result<> read_cluster(const YAML::Node& cluster, const std::string& where, ClientConfig& config) const;
  Result<> read_user(const YAML::Node& user, const std::string& where, ClientConfig& config) const;
  Result<ExecPlugin> read_exec(const YAML::Node& exec, const std::string& where) const;
  // FIELD-data (base64) or FIELD (a file).
  Result<std::string> data_or_file(const YAML::Node& node, const std::string& field,
                                   const std::string& where) const;

  static std::string text(const YAML::Node& node, const char* field) {
    const YAML::Node value = node[field];
    return value && value.IsScalar() ? value.Scalar() : std::string();
  }
  static bool flag(const YAML::Node& node, const char* field) { return text(node, field) == "true"; }
  std::string beside(const std::string& file) const {
    return fs::path(file).is_absolute() ? file : (fs::path(path_).parent_path() / file).string();
  }
  std::unexpected<Error> complain(const std::string& what) const {
    return fail(ErrorKind::InvalidInput, path_ + ": " + what);
  }

  YAML::Node root_;
  std::string path_;
};

Result<YAML::Node> Kubeconfig::entry(const char* list, const char* part, const std::string& name) const {
  const YAML::Node entries = root_[list];
  if (entries && !entries.IsSequence()) return complain(std::string(list) + ": expected array");
  if (entries) {
    for (const YAML::Node& candidate : entries) {
      if (!candidate.IsMap() || text(candidate, "name") != name) continue;
      const YAML::Node body = candidate[part];
      if (!body || !body.IsMap()) return complain(std::string(list) + ": \"" + name + "\" has no " + part);
      return body;
    }
  }
  return complain(std::string(list) + ": no entry named \"" + name + "\"");
}

Result<ClientConfig> Kubeconfig::config_of(std::string context) const {
  if (context.empty()) context = text(root_, "current-context");
  if (context.empty()) return complain("current-context: is not set");
  auto chosen = entry("contexts", "context", context);
  if (!chosen) return fail(std::move(chosen));
  const std::string cluster_name = text(*chosen, "cluster");
  auto cluster = entry("clusters", "cluster", cluster_name);
  if (!cluster) return fail(std::move(cluster));

  ClientConfig config;
  if (std::string ns = text(*chosen, "namespace"); !ns.empty()) config.default_namespace = std::move(ns);
  if (auto read = read_cluster(*cluster, "clusters[" + cluster_name + "]", config); !read)
    return fail(std::move(read));
  if (const std::string user_name = text(*chosen, "user"); !user_name.empty()) {
    auto user = entry("users", "user", user_name);
    if (!user) return fail(std::move(user));
    if (auto read = read_user(*user, "users[" + user_name + "]", config); !read) return fail(std::move(read));
  }
  return config;
}

Result<> Kubeconfig::read_cluster(const YAML::Node& cluster, const std::string& where,
                                  ClientConfig& config) const {
  config.server = text(cluster, "server");
  if (config.server.empty()) return complain(where + ".server: is not set");
  if (!text(cluster, "proxy-url").empty()) return complain(where + ".proxy-url: proxies are not supported");
  config.insecure_skip_verify = flag(cluster, "insecure-skip-tls-verify");
  config.tls_server_name = text(cluster, "tls-server-name");
  auto ca = data_or_file(cluster, "certificate-authority", where);
  if (!ca) return fail(std::move(ca));
  config.certificate_authorities = std::move(*ca);
  return {};
}

Result<> Kubeconfig::read_user(const YAML::Node& user, const std::string& where, ClientConfig& config) const {
  auto certificate = data_or_file(user, "client-certificate", where);
  if (!certificate) return fail(std::move(certificate));
  auto key = data_or_file(user, "client-key", where);
  if (!key) return fail(std::move(key));
  if (certificate->empty() != key->empty())
    return complain(where + ": client-certificate and client-key go together");
  config.client_certificate = std::move(*certificate);
  config.client_key = std::move(*key);
  config.token = text(user, "token");
  if (const std::string file = text(user, "tokenFile"); !file.empty()) config.token_file = beside(file);
  if (user["auth-provider"]) return complain(where + ".auth-provider: was removed from Kubernetes; use exec");
  if (!text(user, "username").empty())
    return complain(where + ".username: password logins are not supported");
  if (const YAML::Node exec = user["exec"]; exec && exec.IsMap()) {
    auto plugin = read_exec(exec, where + ".exec");
    if (!plugin) return fail(std::move(plugin));
    config.exec = std::move(*plugin);
  }
  return {};
}

Result<ExecPlugin> Kubeconfig::read_exec(const YAML::Node& exec, const std::string& where) const {
  ExecPlugin plugin;
  plugin.api_version = text(exec, "apiVersion");
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1")
    return complain(where + ".apiVersion: expected client.authentication.k8s.io/v1 or v1beta1, got \"" +
                    plugin.api_version + "\"");
  plugin.command = text(exec, "command");
  if (plugin.command.empty()) return complain(where + ".command: is not set");
  if (plugin.command.find('/') != std::string::npos) plugin.command = beside(plugin.command);
  if (const YAML::Node args = exec["args"]; args && args.IsSequence())
    for (const YAML::Node& arg : args) plugin.args.push_back(arg.IsScalar() ? arg.Scalar() : "");
  if (const YAML::Node env = exec["env"]; env && env.IsSequence())
    for (const YAML::Node& variable : env)
      plugin.env.emplace_back(text(variable, "name"), text(variable, "value"));
  // Nobody sits in front of us who could answer a program's questions.
  if (const std::string mode = text(exec, "interactiveMode"); mode == "Always") {
    return complain(where + ".interactiveMode: " + plugin.command + " wants a terminal, and there is none");
  } else if (!mode.empty() && mode != "Never" && mode != "IfAvailable") {
    return complain(where + ".interactiveMode: expected Never, IfAvailable or Always, got \"" + mode + "\"");
  }
  plugin.install_hint = text(exec, "installHint");
  plugin.provide_cluster_info = flag(exec, "provideClusterInfo");
  return plugin;
}

Result<std::string> Kubeconfig::data_or_file(const YAML::Node& node, const std::string& field,
                                             const std::string& where) const {
  if (const std::string data = text(node, (field + "-data").c_str()); !data.empty()) {
    auto bytes = decode_base64(data);
    if (!bytes) return complain(where + "." + field + "-data: " + bytes.error().message());
    return bytes;
  }
  if (const std::string file = text(node, field.c_str()); !file.empty())
    return read_file(beside(file), path_ + ": " + where + "." + field);
  return std::string();
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return !path.empty() && fs::exists(path, ignored);
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Result<ClientConfig> parse_kubeconfig(std::string_view yaml, const std::string& path,
                                      const std::string& context) {
  try {
    YAML::Node root = YAML::Load(std::string(yaml));
    if (!root.IsMap()) return fail(ErrorKind::InvalidInput, path + ": expected a kubeconfig object");
    return Kubeconfig(std::move(root), path).config_of(context);
  } catch (const YAML::Exception& malformed) {
    return fail(ErrorKind::InvalidInput, path + ": malformed YAML: " + malformed.what());
  }
}

Result<ClientConfig> load_kubeconfig(const std::string& path, const std::string& context) {
  auto text = read_file(path, "kubeconfig");
  if (!text) return fail(std::move(text));
  return parse_kubeconfig(*text, path, context);
}

Result<ClientConfig> in_cluster_config(const InClusterFiles& files, const Environment& environment) {
  const auto host = environment(files.host_variable);
  const auto port = environment(files.port_variable);
  if (!host || host->empty() || !port || port->empty())
    return fail(ErrorKind::InvalidInput,
                "not in a cluster: " + files.host_variable + " and " + files.port_variable + " are not set");
  ClientConfig config;
  const bool ipv6 = host->find(':') != std::string::npos;
  config.server = "https://" + (ipv6 ? "[" + *host + "]" : *host) + ":" + *port;
  auto ca = read_file(files.folder + "/ca.crt", "in-cluster certificate authority");
  if (!ca) return fail(std::move(ca));
  config.certificate_authorities = std::move(*ca);
  config.token_file = files.folder + "/token";
  auto token = read_file(config.token_file, "in-cluster token");
  if (!token) return fail(std::move(token));
  config.token = trimmed(std::move(*token));
  if (auto ns = read_file(files.folder + "/namespace", "in-cluster namespace"); ns && !trimmed(*ns).empty())
    config.default_namespace = trimmed(*ns);
  return config;
}

Result<ClientConfig> load_config(const ConfigSource& source) {
  if (!source.kubeconfig.empty()) return load_kubeconfig(source.kubeconfig, source.context);
  if (auto listed = source.environment("KUBECONFIG"); listed && !listed->empty()) {
    for (std::size_t start = 0; start <= listed->size();) {
      const std::size_t end = std::min(listed->find(':', start), listed->size());
      if (const std::string path = listed->substr(start, end - start); exists(path))
        return load_kubeconfig(path, source.context);
      start = end + 1;
    }
    return fail(ErrorKind::Io, "KUBECONFIG names no file that exists: " + *listed);
  }
  const auto host = source.environment(source.in_cluster.host_variable);
  if (host && !host->empty()) return in_cluster_config(source.in_cluster, source.environment);
  if (auto home = source.environment("HOME"); home && exists(*home + "/.kube/config"))
    return load_kubeconfig(*home + "/.kube/config", source.context);
  return fail(
      ErrorKind::InvalidInput,
      "no cluster configured: give a kubeconfig, set KUBECONFIG, create ~/.kube/config, or run in a pod");
}

}  // namespace kube
