// The operator's binary: controller start, webhook start, crds print|apply, version.
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "api/crd.h"
#include "cmd/controller_flags.h"
#include "cmd/controller_process.h"
#include "cmd/crds.h"
#include "cmd/version.h"
#include "cmd/webhook_process.h"
#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"

namespace {

constexpr const char* kHelp =
    "Spark operator: runs Apache Spark applications on Kubernetes.\n"
    "\n"
    "  spark-operator controller start [flags]     run the controllers; --help lists the flags\n"
    "  spark-operator webhook start [flags]        run the admission webhook; --help lists the flags\n"
    "  spark-operator crds print                   the custom resource definitions, as YAML\n"
    "  spark-operator crds apply [--kubeconfig F]  create or update them\n"
    "  spark-operator version [--short]            what this is\n";

template <class Process>
kube::Task<> stop_on_signal(kube::Loop& loop, Process* process, kube::Log log) {
  const int signal = co_await kube::wait_for_signal(loop, {SIGTERM, SIGINT});
  log.info("stopping", {{"signal", signal}});
  process->stop();
  co_await kube::wait_for_signal(loop, {SIGTERM, SIGINT});
  std::_Exit(1);  // asked twice: at once
}

template <class Process>
kube::Task<> run_process(kube::Loop& loop, Process* process, kube::Log log, int* code) {
  kube::TaskGroup signals(loop, log);
  signals.spawn("signals", stop_on_signal(loop, process, log));
  auto ended = co_await process->run();
  if (!ended) {
    log.error("ended", {{"error", ended.error()}});
    *code = 1;
  }
  co_await signals.cancel_and_join();
}

// `Process` is ControllerProcess or WebhookProcess, with the flags and the usage text that belong to it.
template <class Process, class Flags>
int start(std::vector<std::string> arguments, kube::Result<Flags> (*parse)(std::vector<std::string>),
          std::string (*usage)()) {
  for (const std::string& argument : arguments) {
    if (argument == "-h" || argument == "--help") return std::fputs(usage().c_str(), stdout) < 0;
  }
  auto flags = parse(std::move(arguments));
  if (!flags) {
    std::fprintf(stderr, "Error: %s\n%s\nError: %s\n", flags.error().message().c_str(), usage().c_str(),
                 flags.error().message().c_str());
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
  auto process = Process::create(loop, network, *flags, *config, log);
  if (!process) {
    log.error("cannot start", {{"error", process.error()}});
    return 1;
  }
  int code = 0;
  loop.run(run_process(loop, process->get(), log, &code));
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
  if (words[0] == "controller" && words[1] == "start")
    return start<cmd::ControllerProcess>(rest(2), cmd::parse_controller_flags, cmd::controller_usage);
  if (words[0] == "webhook" && words.size() == 1) return std::fputs(cmd::webhook_usage().c_str(), stdout) < 0;
  if (words[0] == "webhook" && words[1] == "start")
    return start<cmd::WebhookProcess>(rest(2), cmd::parse_webhook_flags, cmd::webhook_usage);
  std::fprintf(stderr, "Error: unknown command \"%s\" for \"spark-operator\"\n\n%s", words[0].c_str(), kHelp);
  return 1;
}
