// `sparkctl local`: a cluster of this machine's own, without containers (cmd/local).
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/command_line.h"
#include "cmd/local/cluster.h"
#include "cmd/local/daemon.h"
#include "cmd/local/join.h"
#include "cmd/local/run.h"
#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"
#include "kube/client/config.h"

namespace ctl {

namespace {

using cmd::StateFolder;
using kube::Result;
using kube::Task;

int failed(const kube::Error& error) {
  std::fprintf(stderr, "sparkctl: %s\n", error.message().c_str());
  return 1;
}

void print_kubeconfig(const StateFolder& folder) {
  std::printf("export KUBECONFIG=%s\n", folder.kubeconfig().c_str());
  std::fflush(stdout);
}

int up(const StateFolder& folder) {
  if (const auto pid = folder.running()) {
    std::printf("# a local cluster runs already (process %d)\n", static_cast<int>(*pid));
  } else if (auto started = cmd::start_daemon(folder, cmd::Lifetime::OwnLife); !started) {
    return failed(started.error());
  }
  print_kubeconfig(folder);
  return 0;
}

int down(const StateFolder& folder) {
  auto stopped = cmd::stop_daemon(folder);
  return stopped ? 0 : failed(stopped.error());
}

Task<> follow(kube::Loop& loop, kube::Client* client, std::vector<kube::Json> objects, int* code) {
  const auto say = [](const std::string& line) {
    std::puts(line.c_str());
    std::fflush(stdout);
  };
  auto main_task = [](kube::Client* to, std::vector<kube::Json> what,
                      std::function<void(const std::string&)> tell, kube::WaitList* ended, bool* done,
                      int* result) -> Task<> {
    auto ran = co_await cmd::run_applications(*to, std::move(what), std::move(tell));
    *result = ran ? 0 : failed(ran.error());
    *done = true;
    ended->wake_all();
  };
  auto signals = [](kube::Loop* on, kube::WaitList* ended, bool* done, int* result) -> Task<> {
    const int number = co_await kube::wait_for_signal(*on, {SIGINT, SIGTERM, SIGHUP});
    *result = 128 + number;
    *done = true;
    ended->wake_all();
  };
  kube::WaitList ended(loop);
  bool done = false;
  kube::TaskGroup group(loop);
  group.spawn("follow", main_task(client, std::move(objects), say, &ended, &done, code));
  group.spawn("signals", signals(&loop, &ended, &done, code));
  while (!done) co_await ended.wait();
  co_await group.cancel_and_join();
}

int run(const StateFolder& folder, const std::string& file) {
  auto objects = cmd::read_manifests(file);
  if (!objects) return failed(objects.error());
  const bool ours = !folder.running();
  if (ours) {
    std::puts("starting a local cluster");
    std::fflush(stdout);
    if (auto started = cmd::start_daemon(folder, cmd::Lifetime::WithCaller); !started)
      return failed(started.error());
  }
  int code = 1;
  {
    kube::RealLoop loop;
    kube::TcpNetwork network(loop);
    auto config = kube::load_kubeconfig(folder.kubeconfig());
    auto client = config ? kube::Client::create(loop, network, *config) : kube::fail(config);
    if (client) {
      loop.run(follow(loop, client->get(), std::move(*objects), &code));
    } else {
      code = failed(client.error());
    }
  }
  if (ours) {
    if (auto stopped = cmd::stop_daemon(folder); !stopped) return failed(stopped.error());
  }
  return code;
}

Task<> until_signal(kube::Loop* loop) {
  co_await kube::wait_for_signal(*loop, {SIGTERM, SIGINT, SIGHUP});
}

// The background process behind `up` and `run`; the descriptor is where it says that it is ready, or why not.
int serve(const StateFolder& folder, int ready_fd) {
  const auto tell = [ready_fd](const std::string& text) {
    if (write(ready_fd, text.data(), text.size()) < 0) std::perror("sparkctl local serve");
    close(ready_fd);
  };
  if (auto locked = folder.lock(); !locked) {
    tell(locked.error().message());
    return 1;
  }
  kube::RealLoop loop;
  kube::TcpNetwork network(loop);
  const kube::Log log = kube::Log::to_stderr(kube::LogLevel::Info, kube::LogFormat::Json, loop.clock());
  int code = 0;
  loop.run(cmd::run_local_cluster(
      loop, network, folder, log, [&] { return until_signal(&loop); },
      [&](Result<> ready) {
        tell(ready ? "ok" : ready.error().message());
        code = ready ? 0 : 1;
      }));
  return code;
}

// In the foreground until a signal; the log goes to stderr.
int join(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h"))
    return std::fputs(cmd::join_usage().c_str(), stdout) < 0;
  auto options = cmd::parse_join_flags(arguments);
  if (!options) {
    failed(options.error());
    return 2;
  }
  kube::RealLoop loop;
  kube::TcpNetwork network(loop);
  const kube::Log log = kube::Log::to_stderr(kube::LogLevel::Info, kube::LogFormat::Json, loop.clock());
  int code = 0;
  loop.run(cmd::join_cluster(
      loop, network, *options, log, [&] { return until_signal(&loop); },
      [&](Result<std::string> ready) {
        if (!ready) {
          code = failed(ready.error());
          return;
        }
        std::puts(ready->c_str());
        std::fflush(stdout);
      }));
  return code;
}

}  // namespace

int local_up(const Invocation&) {
  return up(StateFolder::from_environment());
}
int local_down(const Invocation&) {
  return down(StateFolder::from_environment());
}
int local_run(const Invocation& asked) {
  return run(StateFolder::from_environment(), asked.argument(0));
}
int local_kubelet(const Invocation& asked) {
  return join(asked.arguments);
}
int local_serve(const Invocation& asked) {
  return serve(StateFolder::from_environment(), std::atoi(asked.argument(0).c_str()));
}

}  // namespace ctl
