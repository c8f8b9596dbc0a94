// The embedded API server as a process of its own, so that test/lib/control_plane.py can start it as it
// starts a real one: no controller, no kubelet, no scheduler of ours beside it.
//
//   embedded_api_server --listen 127.0.0.1:0 --folder DIR [--token ADMIN_TOKEN] [--certificate-name NAME]…
//   [--audit]
//
// Writes DIR/ca.crt and DIR/kubeconfig (client certificate of an administrator), and with --audit
// DIR/audit.log, one event of audit.k8s.io/v1 a line. Says "ready URL" on stdout when it answers. Ends at
// SIGTERM or SIGINT.
#include <signal.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "kube/apiserver/api_server.h"
#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"

namespace {

using kube::Json;

struct Options {
  kube::ApiServerOptions server{};
  std::string folder{};
  bool audit = false;
};

std::optional<Options> parse(const std::vector<std::string>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--audit") {
      options.audit = true;
      continue;
    }
    if (i + 1 == words.size()) return std::nullopt;
    const std::string& value = words[++i];
    if (words[i - 1] == "--listen") {
      const auto colon = value.rfind(':');
      if (colon == std::string::npos) return std::nullopt;
      options.server.listen = {value.substr(0, colon),
                               static_cast<std::uint16_t>(std::atoi(value.c_str() + colon + 1))};
    } else if (words[i - 1] == "--folder") {
      options.folder = value;
    } else if (words[i - 1] == "--token") {
      options.server.static_tokens.push_back(
          {value, {"kubernetes-admin", "", {"system:masters", "system:authenticated"}, {}}});
    } else if (words[i - 1] == "--certificate-name") {
      options.server.certificate_names.push_back(value);
    } else {
      return std::nullopt;
    }
  }
  if (options.folder.empty()) return std::nullopt;
  return options;
}

// What the audit log of a real server says at level Request.
Json audit_event(const kube::apiserver::RequestInfo& request, int code, std::string time) {
  Json object = Json::parse(request.body, nullptr, false);
  Json event = {{"kind", "Event"},
                {"apiVersion", "audit.k8s.io/v1"},
                {"level", "Request"},
                {"stage", "ResponseComplete"},
                {"requestURI", request.path},
                {"verb", request.verb},
                {"user", {{"username", request.user.username}, {"groups", request.user.groups}}},
                {"userAgent", request.user_agent},
                {"responseStatus", {{"code", code}}},
                {"stageTimestamp", std::move(time)}};
  if (!request.resource.empty()) {
    Json about = {{"resource", request.resource}, {"apiVersion", request.version}};
    const auto set = [&about](const char* name, const std::string& value) {
      if (!value.empty()) about[name] = value;
    };
    set("apiGroup", request.group);
    set("namespace", request.ns);
    set("name", request.name);
    set("subresource", request.subresource);
    if (request.name.empty() && object.is_object() && object["metadata"].is_object()) {
      set("name", object["metadata"].value("name", ""));
    }
    event["objectRef"] = std::move(about);
  }
  if (!object.is_discarded()) event["requestObject"] = std::move(object);
  return event;
}

kube::Task<> serve(kube::Loop& loop, kube::ApiServer& server) {
  kube::TaskGroup group(loop);
  group.spawn("apiserver", server.run());
  while (co_await kube::wait_for_signal(loop, {SIGTERM, SIGINT, SIGUSR1}) == SIGUSR1)
    server.store().compact();
  server.stop();
  co_await group.stop(std::chrono::seconds(3));
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  auto options = parse({argv + 1, argv + argc});
  if (!options) {
    std::fputs("usage: embedded_api_server --listen HOST:PORT --folder DIR [--token T] [--audit]\n", stderr);
    return 2;
  }
  kube::RealLoop loop;
  kube::TcpNetwork network(loop);
  kube::ApiServer server(
      loop, network, options->server,
      kube::Log::to_stderr(kube::LogLevel::Info, kube::LogFormat::Json, loop.clock()).named("apiserver"));
  std::ofstream audit;
  if (options->audit) {
    audit.open(options->folder + "/audit.log", std::ios::app);
    server.on_request([&](const kube::apiserver::RequestInfo& request, int code) {
      audit << audit_event(request, code, kube::to_rfc3339_micro(loop.now())).dump() << '\n' << std::flush;
    });
  }
  if (auto started = server.start(); !started) {
    std::fprintf(stderr, "embedded_api_server: %s\n", started.error().message().c_str());
    return 1;
  }
  std::ofstream(options->folder + "/ca.crt") << server.tls_files().ca_certificate;
  std::ofstream(options->folder + "/kubeconfig") << server.admin_kubeconfig();
  std::printf("ready https://%s\n", server.endpoint().to_string().c_str());
  std::fflush(stdout);
  loop.run(serve(loop, server));
  return 0;
}
