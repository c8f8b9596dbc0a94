// sparkctl: Spark applications from the command line; kubectl-spark, a link to it, is the same as a plug-in
// of kubectl.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>

#include "cmd/ctl/session.h"
#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"

namespace {

using ctl::Invocation;
using kube::Task;

// As people called it.
std::string program_of(const char* argv0) {
  const std::string path = argv0 == nullptr ? "" : argv0;
  const std::string name = path.substr(path.rfind('/') + 1);
  if (name == "kubectl-spark") return "kubectl spark";
  return "sparkctl";
}

void write_to(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

bool reads_standard_input(const Invocation& asked) {
  if (asked.text("filename") == "-") return true;
  return !asked.given("filename") && asked.command->name == "create" && !asked.given("from") &&
         asked.argument(0) == "-";
}

Task<> run_command(ctl::Session* session, const Invocation* asked, kube::WaitList* ended, int* code,
                   bool* done) {
  // However it ends, somebody waits for it.
  struct Ending {
    kube::WaitList* ended;
    bool* done;
    ~Ending() {
      *done = true;
      ended->wake_all();
    }
  } ending{ended, done};
  try {
    *code = co_await asked->command->run(*session, *asked);
  } catch (const std::exception& thrown) {
    if (!kube::is_cancellation(std::current_exception())) session->failed(thrown.what());
    throw;
  }
}

Task<> wait_for_end(kube::Loop* loop, kube::WaitList* ended, int* code, bool* done) {
  const int number = co_await kube::wait_for_signal(*loop, {SIGINT, SIGTERM, SIGHUP});
  *code = ctl::exit_code::kInterrupted + number;
  *done = true;
  ended->wake_all();
}

// The command, until it has ended or a signal says so; what it has open is then closed in order.
Task<> run_until_signal(kube::Loop& loop, ctl::Session& session, const Invocation& asked, int& code) {
  kube::WaitList ended(loop);
  bool done = false;
  kube::TaskGroup group(loop);
  group.spawn("signals", wait_for_end(&loop, &ended, &code, &done));
  group.spawn("command", run_command(&session, &asked, &ended, &code, &done));
  while (!done) co_await ended.wait();
  co_await group.cancel_and_join();
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const std::string program = program_of(argv[0]);
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words[0] == "help")
    words = {words.begin() + 1, words.end()}, words.emplace_back("--help");
  auto asked = ctl::parse_command_line(words);
  if (!asked) {
    write_to(stderr, program + ": " + asked.error().message() + "\n");
    return ctl::exit_code::kWrongInput;
  }
  if (asked->command == nullptr || asked->help) {
    write_to(stdout,
             asked->command == nullptr ? ctl::overview(program) : ctl::help_page(*asked->command, program));
    return ctl::exit_code::kDone;
  }
  if (asked->command->run_alone != nullptr) return asked->command->run_alone(*asked);

  ctl::Surroundings surroundings{.out = [](std::string_view text) { write_to(stdout, text); },
                                 .err = [](std::string_view text) { write_to(stderr, text); },
                                 .colours = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr,
                                 .program = program};
  // Before signals are taken over, so that Ctrl-C ends this too.
  if (reads_standard_input(*asked))
    surroundings.standard_input = {std::istreambuf_iterator<char>(std::cin), {}};
  int code = ctl::exit_code::kFailed;
  kube::RealLoop loop;
  kube::TcpNetwork network(loop);
  {
    ctl::Session session(loop, network, std::move(surroundings));
    loop.run(run_until_signal(loop, session, *asked, code));
  }
  return code;
}
