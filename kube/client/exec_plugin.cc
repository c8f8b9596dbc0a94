// The credential program: run, bounded in time and output, and its answer read.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "kube/base/unique_fd.h"
#include "kube/client/credentials.h"
#include "kube/core/base64.h"
#include "kube/core/json.h"

namespace kube {

namespace {

constexpr std::size_t kMaxOutput = 1u << 20;

std::string exec_info(const ExecPlugin& plugin, const ClientConfig& cluster) {
  Json info{
      {"apiVersion", plugin.api_version}, {"kind", "ExecCredential"}, {"spec", {{"interactive", false}}}};
  if (plugin.provide_cluster_info) {
    Json& described = info["spec"]["cluster"];
    described["server"] = cluster.server;
    if (!cluster.tls_server_name.empty()) described["tls-server-name"] = cluster.tls_server_name;
    if (cluster.insecure_skip_verify) described["insecure-skip-tls-verify"] = true;
    if (!cluster.certificate_authorities.empty())
      described["certificate-authority-data"] = encode_base64(cluster.certificate_authorities);
  }
  return dump_json(info);
}

std::vector<std::string> environment_of(const ExecPlugin& plugin, const ClientConfig& cluster) {
  std::vector<std::string> variables;
  auto replaced = [&](std::string_view variable) {
    const std::string_view name = variable.substr(0, variable.find('='));
    if (name == "KUBERNETES_EXEC_INFO") return true;
    for (const auto& [key, value] : plugin.env)
      if (key == name) return true;
    return false;
  };
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (!replaced(*variable)) variables.emplace_back(*variable);
  for (const auto& [key, value] : plugin.env) variables.push_back(key + "=" + value);
  variables.push_back("KUBERNETES_EXEC_INFO=" + exec_info(plugin, cluster));
  return variables;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

Error failed(const ExecPlugin& plugin, const std::string& why, ErrorKind kind = ErrorKind::Io) {
  std::string message = "credential program " + plugin.command + ": " + why;
  if (!plugin.install_hint.empty()) message += " (" + plugin.install_hint + ")";
  return Error(kind, std::move(message));
}

// The program and all that it has started: a shell's child would otherwise live on and keep our stderr open.
void kill_group(pid_t leader) {
  ::kill(-leader, SIGKILL);
}

// False when the time is over before there is something to read.
bool wait_readable_until(int fd, SteadyTime deadline) {
  const SystemClock clock;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.steady()).count();
    pollfd readable{fd, POLLIN, 0};
    const int events = left > 0 ? ::poll(&readable, 1, static_cast<int>(left)) : 0;
    if (events < 0 && errno == EINTR) continue;
    return events > 0;
  }
}

Error timed_out(const ExecPlugin& plugin) {
  return failed(plugin, "no answer within " + to_go_duration(plugin.timeout), ErrorKind::Timeout);
}

// Everything the program writes until it closes its output; kills it when the time is over.
Result<std::string> read_output(int fd, pid_t child, const ExecPlugin& plugin, SteadyTime deadline) {
  std::string output;
  while (true) {
    if (!wait_readable_until(fd, deadline)) {
      kill_group(child);
      return fail(timed_out(plugin));
    }
    char buffer[4096];
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return output;
    output.append(buffer, static_cast<std::size_t>(got));
    if (output.size() > kMaxOutput) {
      kill_group(child);
      return fail(failed(plugin, "prints more than a credential"));
    }
  }
}

// Its exit status. A program may close its output and go on: that is waited for no longer than for the
// output.
Result<int> wait_exit(pid_t child, const ExecPlugin& plugin, SteadyTime deadline) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  const bool late = process && !wait_readable_until(process.get(), deadline);
  if (late) kill_group(child);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (late) return fail(timed_out(plugin));
  return status;
}

}  // namespace

Result<ExecCredential> run_exec_plugin(const ExecPlugin& plugin, const ClientConfig& cluster) {
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return fail(failed(plugin, std::strerror(errno)));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  std::vector<std::string> arguments{plugin.command};
  arguments.insert(arguments.end(), plugin.args.begin(), plugin.args.end());
  std::vector<std::string> environment = environment_of(plugin, cluster);
  pid_t child = 0;
  const int spawned = ::posix_spawnp(&child, plugin.command.c_str(), &actions, &attributes,
                                     pointers_to(arguments).data(), pointers_to(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe_ends[1]);
  if (spawned != 0) {
    ::close(pipe_ends[0]);
    return fail(failed(plugin, std::strerror(spawned)));
  }
  const SteadyTime deadline = SystemClock().steady() + plugin.timeout;
  auto output = read_output(pipe_ends[0], child, plugin, deadline);
  ::close(pipe_ends[0]);
  auto status = wait_exit(child, plugin, deadline);
  if (!output) return fail(std::move(output));
  if (!status) return fail(std::move(status));
  if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 0) {
    return fail(failed(plugin, WIFEXITED(*status) ? "exit code " + std::to_string(WEXITSTATUS(*status))
                                                  : "killed by signal " + std::to_string(WTERMSIG(*status))));
  }
  return parse_exec_credential(*output, plugin);
}

Result<ExecCredential> parse_exec_credential(std::string_view text, const ExecPlugin& plugin) {
  auto json = parse_json(text);
  // Not the parser's message: it may quote the secret.
  if (!json) return fail(failed(plugin, "prints no JSON", ErrorKind::InvalidInput));
  if (string_at(*json, {"kind"}) != "ExecCredential" ||
      string_at(*json, {"apiVersion"}) != plugin.api_version)
    return fail(failed(plugin, "prints no ExecCredential of " + plugin.api_version, ErrorKind::InvalidInput));
  ExecCredential made;
  made.credential = {string_at(*json, {"status", "token"}),
                     string_at(*json, {"status", "clientCertificateData"}),
                     string_at(*json, {"status", "clientKeyData"})};
  if (made.credential.token.empty() && made.credential.client_certificate.empty())
    return fail(failed(plugin, "prints neither token nor certificate", ErrorKind::InvalidInput));
  if (made.credential.client_certificate.empty() != made.credential.client_key.empty())
    return fail(failed(plugin, "prints only one of certificate and key", ErrorKind::InvalidInput));
  if (const std::string expires = string_at(*json, {"status", "expirationTimestamp"}); !expires.empty()) {
    auto time = parse_rfc3339(expires);
    if (!time) return fail(failed(plugin, "prints a malformed expirationTimestamp", ErrorKind::InvalidInput));
    made.expires = *time;
  }
  return made;
}

}  // namespace kube
