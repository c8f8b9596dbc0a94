// The operator's binary: controller start, crds print|apply, version.
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "api/crd.h"
#include "cmd/controller_flags.h"
#include "cmd/controller_process.h"
#include "cmd/crds.h"
#include "cmd/version.h"
#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"

namespace {

using cmd::ControllerFlags;

constexpr const char* kHelp =
    "Spark operator: runs Apache Spark applications on Kubernetes.\n"
    "\n"
    "  spark-operator controller start [flags]     run the controllers; --help lists the flags\n"
    "  spark-operator crds print                   the custom resource definitions, as YAML\n"
    "  spark-operator crds apply [--kubeconfig F]  create or update them\n"
    "  spark-operator version [--short]            what this is\n";

kube::Task<> stop_on_signal(kube::Loop& loop, cmd::ControllerProcess* controller, kube::Log log) {
  const int signal = co_await kube::wait_for_signal(loop, {SIGTERM, SIGINT});
  log.info("stopping", {{"signal", signal}});
  controller->stop();
  co_await kube::wait_for_signal(loop, {SIGTERM, SIGINT});
  std::_Exit(1);  // asked twice: at once
}

kube::Task<> run_controller(kube::Loop& loop, cmd::ControllerProcess* controller, kube::Log log, int* code) {
  kube::TaskGroup signals(loop, log);
  signals.spawn("signals", stop_on_signal(loop, controller, log));
  auto ended = co_await controller->run();
  if (!ended) {
    log.error("controller ended", {{"error", ended.error()}});
    *code = 1;
  }
  co_await signals.cancel_and_join();
}

int controller_start(std::vector<std::string> arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "-h" || argument == "--help")
      return std::fputs(cmd::controller_usage().c_str(), stdout) < 0;
  }
  auto flags = cmd::parse_controller_flags(std::move(arguments));
  if (!flags) {
    std::fprintf(stderr, "Error: %s\n%s\nError: %s\n", flags.error().message().c_str(),
                 cmd::controller_usage().c_str(), flags.error().message().c_str());
    return 1;
  }
  std::fputs(cmd::version_text(false).c_str(), stdout);
  std::fflush(stdout);
  kube::RealLoop loop;
  kube::TcpNetwork network(loop);
  const kube::Log log = kube::Log::to_stderr(flags->log_level, flags->log_format, loop.clock());
  auto config = kube::load_config({.kubeconfig = flags->kubeconfig});
  if (!config) {
    log.error("no usable cluster configuration", {{"error", config.error()}});
    return 1;
  }
  auto controller = cmd::ControllerProcess::create(loop, network, *flags, *config, log);
  if (!controller) {
    log.error("cannot start", {{"error", controller.error()}});
    return 1;
  }
  int code = 0;
  loop.run(run_controller(loop, controller->get(), log, &code));
  return code;
}

int crds(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1 && arguments[0] == "print") {
    for (const api::Kind kind : api::kKinds) std::printf("---\n%s", api::crd_yaml(kind).c_str());
    return 0;
  }
  std::string kubeconfig;
  if (arguments.size() == 3 && arguments[1] == "--kubeconfig") kubeconfig = arguments[2];
  if (arguments.empty() || arguments[0] != "apply" || (arguments.size() != 1 && kubeconfig.empty())) {
    std::fputs(kHelp, stderr);
    return 1;
  }
  kube::RealLoop loop;
  kube::TcpNetwork network(loop);
  auto config = kube::load_config({.kubeconfig = kubeconfig});
  auto client = config ? kube::Client::create(loop, network, *config) : kube::fail(config);
  if (!client) {
    std::fprintf(stderr, "Error: %s\n", client.error().message().c_str());
    return 1;
  }
  int code = 0;
  auto apply = [](kube::Client* to, int* failed) -> kube::Task<> {
    auto applied = co_await cmd::apply_crds(*to, [](const std::string& line) { std::puts(line.c_str()); });
    if (applied) co_return;
    std::fprintf(stderr, "Error: %s\n", applied.error().message().c_str());
    *failed = 1;
  };
  loop.run(apply(client->get(), &code));
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto rest = [&](std::size_t from) {
    return std::vector<std::string>(words.begin() + static_cast<long>(from), words.end());
  };
  if (words.empty() || words[0] == "help" || words[0] == "--help" || words[0] == "-h") {
    return std::fputs(kHelp, stdout) < 0;
  }
  if (words[0] == "version") {
    return std::fputs(cmd::version_text(words.size() > 1 && words[1] == "--short").c_str(), stdout) < 0;
  }
  if (words[0] == "crds") return crds(rest(1));
  if (words[0] == "controller" && words.size() == 1)
    return std::fputs(cmd::controller_usage().c_str(), stdout) < 0;
  if (words[0] == "controller" && words[1] == "start") return controller_start(rest(2));
  std::fprintf(stderr, "Error: unknown command \"%s\" for \"spark-operator\"\n\n%s", words[0].c_str(), kHelp);
  return 1;
}
