#include "kube/async/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"
#include "kube/async/test_system_calls.h"
#include "kube/base/unique_fd.h"

using namespace kube;

namespace {

namespace fs = std::filesystem;

// A folder of this test's own, gone with the value.
struct Scratch {
  fs::path path;
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "child-process.XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string text(const std::string& name) const {
    std::ifstream in(path / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

ChildCommand shell(std::string script, std::vector<std::string> arguments = {}) {
  ChildCommand command{.program = "/bin/sh", .arguments = {"-c", std::move(script), "sh"}};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  command.environment = {{"PATH", "/usr/bin:/bin"}};
  return command;
}

Result<ChildExit> run(RealLoop& loop, ChildCommand command) {
  ChildProcesses children(loop);
  Result<ChildExit> result = ChildExit{};
  auto body = [](ChildRunner* runner, ChildCommand what, Result<ChildExit>* out) -> Task<> {
    *out = co_await runner->run(std::move(what));
  };
  loop.run(body(&children, std::move(command), &result));
  return result;
}
Result<ChildExit> run(ChildCommand command) {
  RealLoop loop;
  return run(loop, std::move(command));
}

// Whether the process is gone, or becomes so: waits for its end as long as the test may take.
bool ends(pid_t pid) {
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return errno == ESRCH;
  pollfd ended{process.get(), POLLIN, 0};
  return ::poll(&ended, 1, 60'000) == 1;
}

pid_t number(const std::string& text) {
  return static_cast<pid_t>(std::stol("0" + text));
}

}  // namespace

TEST_CASE("a program gets its arguments as they are, its environment and an empty input", "[child]") {
  ChildCommand command =
      shell("printf '%s|' \"$@\" \"$COLOUR\" \"$HOME\"; cat; echo oops >&2; exit 3", {"a b", "$(date)", ""});
  command.environment["COLOUR"] = "dark red";
  const auto ended = run(std::move(command));
  REQUIRE(ended);
  CHECK(ended->output == "a b|$(date)||dark red||");
  CHECK(ended->errors == "oops\n");
  CHECK(ended->how == ChildEnd::Exited);
  CHECK(ended->code == 3);
  CHECK_FALSE(ended->succeeded());
  CHECK(ended->to_string() == "exit status 3");
  CHECK(run(shell("exit 0"))->succeeded());
}

TEST_CASE("a program that cannot be run is an error that names it", "[child]") {
  const auto missing = run(ChildCommand{.program = "/no/such/program"});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().is_not_found());
  CHECK(missing.error().message().find("/no/such/program") != std::string::npos);
  const auto folder = run(ChildCommand{.program = "/tmp"});
  REQUIRE_FALSE(folder);
  CHECK(folder.error().kind() == ErrorKind::Io);
}

TEST_CASE("a program that somebody kills says so", "[child]") {
  const auto ended = run(shell("kill -KILL $$"));
  REQUIRE(ended);
  CHECK(ended->how == ChildEnd::Signalled);
  CHECK(ended->to_string() == "signal: killed");
}

TEST_CASE("of megabytes of output the beginning and the end are kept, and the program is not held up",
          "[child]") {
  ChildCommand command = shell("echo first; yes | head -c 5000000; echo; echo last");
  command.output_limit = 100;
  const auto ended = run(std::move(command));
  REQUIRE(ended);
  CHECK(ended->succeeded());
  CHECK(ended->output.starts_with("first\n"));
  CHECK(ended->output.ends_with("\nlast\n"));
  CHECK(ended->output.find("\n... omitting 4999812 bytes ...\n") != std::string::npos);
  CHECK(ended->output.size() < 300);
}

TEST_CASE("output just within the limit is whole", "[child]") {
  ChildCommand command = shell("head -c 200 /dev/zero | tr '\\0' x");
  command.output_limit = 100;
  const auto ended = run(std::move(command));
  REQUIRE(ended);
  CHECK(ended->output == std::string(200, 'x'));
}

TEST_CASE("at its deadline a program is asked to end, and then made to", "[child]") {
  RealLoop loop;
  ChildCommand command;
  SECTION("it does as it is asked") {
    command = shell("trap 'echo asked; exit 7' TERM; echo up; while :; do sleep 0.01; done");
    command.grace = 1h;
  }
  SECTION("it ignores that") {
    command = shell("trap '' TERM; echo up; while :; do sleep 0.01; done");
    command.grace = 50ms;
  }
  command.deadline = loop.after(300ms);
  const bool polite = command.grace == 1h;
  const auto ended = run(loop, std::move(command));
  REQUIRE(ended);
  CHECK(ended->how == ChildEnd::TimedOut);
  CHECK_FALSE(ended->succeeded());
  CHECK(ended->to_string() == "did not end in time");
  if (polite && ended->output.starts_with("up")) CHECK(ended->output == "up\nasked\n");
  if (!polite) CHECK(ended->code == SIGKILL);
}

TEST_CASE("without a permit nothing is started; when it is taken back the program is killed at once",
          "[child]") {
  const Scratch scratch;
  SECTION("from the beginning") {
    ChildCommand command = shell("touch '" + (scratch.path / "ran").string() + "'");
    command.permit = [] { return false; };
    const auto ended = run(std::move(command));
    REQUIRE_FALSE(ended);
    CHECK(ended.error().kind() == ErrorKind::ShuttingDown);
    CHECK_FALSE(fs::exists(scratch.path / "ran"));
  }
  SECTION("later") {
    ChildCommand command = shell("trap '' TERM; while :; do sleep 0.01; done");
    command.permit = [asked = 0]() mutable { return ++asked < 3; };
    const auto ended = run(std::move(command));
    REQUIRE(ended);
    CHECK(ended->how == ChildEnd::Revoked);
    CHECK(ended->code == SIGKILL);
  }
}

TEST_CASE("whoever stops waiting has killed the program, and its children", "[child]") {
  const Scratch scratch;
  RealLoop loop;
  ChildProcesses children(loop);
  auto body = [](Loop* on, ChildRunner* runner, const Scratch* files) -> Task<> {
    const std::string ready = (files->path / "ready").string();
    REQUIRE(::mkfifo(ready.c_str(), 0600) == 0);
    const UniqueFd told(::open(ready.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    ChildCommand command = shell(
        "trap '' TERM; cd \"$1\"; sleep 1000 & echo $! > inner; echo $$ > outer; "
        "echo > ready; wait",
        {files->path.string()});
    auto wait = [](ChildRunner* with, ChildCommand what) -> Task<> {
      (void)co_await with->run(std::move(what));
    };
    TaskGroup group(*on);
    group.spawn("child", wait(runner, std::move(command)));
    CHECK(co_await wait_readable(*on, told.get()));
    co_await group.cancel_and_join();
  };
  loop.run(body(&loop, &children, &scratch));
  CHECK(::kill(number(scratch.text("outer")), 0) != 0);
  CHECK(ends(number(scratch.text("inner"))));
}

TEST_CASE("what a program leaves behind in its group ends with it, and holds nobody up", "[child]") {
  const auto ended = run(shell("sleep 1000 & echo $!"));
  REQUIRE(ended);
  CHECK(ended->succeeded());
  CHECK(ends(number(ended->output)));
}

TEST_CASE("a program dies with the process that runs it", "[child]") {
  int names[2];
  REQUIRE(::pipe(names) == 0);
  const pid_t owner = ::fork();
  REQUIRE(owner >= 0);
  if (owner == 0) {
    // The program inherits our standard output, which is the test's pipe: its number comes by a file instead.
    ::close(names[0]);
    const std::string path = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(names[1]);
    (void)run(shell("echo $$ > " + path + "; exec sleep 1000"));
    ::_exit(1);
  }
  ::close(names[1]);
  char text[32] = {};
  REQUIRE(::read(names[0], text, sizeof text - 1) > 0);
  ::close(names[0]);
  ::kill(owner, SIGKILL);
  int status = 0;
  REQUIRE(::waitpid(owner, &status, 0) == owner);
  CHECK(WIFSIGNALED(status));
  CHECK(ends(number(text)));
}

TEST_CASE("a program is started, and gets no descriptor of ours, where newer system calls are refused",
          "[child]") {
  struct Row {
    const char* why;
    long call;
    int error;
  };
  const auto row = GENERATE(
      values<Row>({{"a container's seccomp profile: it cannot look into arguments", SYS_clone3, ENOSYS},
                   {"Linux before 5.11: the flag is new", SYS_close_range, EINVAL},
                   {"Linux before 5.9", SYS_close_range, ENOSYS}}));
  INFO(row.why);
  check_in_a_process([&] {
    if (!refuse_system_call(row.call, row.error)) return kNoFilters;
    // As Asio's sockets; more than one read of a folder tells.
    const int ours = ::open("/dev/null", O_RDONLY);
    for (int fd = 100; fd < 500; ++fd) ::dup2(ours, fd);
    const auto ended = run(shell(
        "for fd in /proc/self/fd/*; do case ${fd##*/} in [1-9][0-9][0-9]) exit 1; esac; done; echo started"));
    return ended && ended->output == "started\n" ? 0 : 1;
  });
}

TEST_CASE("a program that cannot be started, as there are too many, leaves our other children alone",
          "[child]") {
  check_in_a_process([] {
    const pid_t other = ::fork();
    if (other == 0) ::_exit(7);
    // Threads are made without a pidfd.
    if (!refuse_system_call(SYS_clone, EAGAIN, CLONE_PIDFD)) return kNoFilters;
    const auto ended = run(shell("exit 0"));
    int status = 0;
    const bool ours = ::waitpid(other, &status, 0) == other && WEXITSTATUS(status) == 7;
    return !ended && ended.error().kind() == ErrorKind::Io && ours ? 0 : 1;
  });
}

TEST_CASE("a child's folder is private, complete while it runs, and gone afterwards", "[child]") {
  const Scratch scratch;
  const fs::path folder = scratch.path / "a" / "b";
  fs::create_directories(folder);
  std::ofstream(folder / "old") << "left behind";
  ChildCommand command = shell("cd '" + folder.string() + "'; ls; cat one; stat -c %a . one");
  command.folder = {folder.string(), {{"one", "text\n"}, {"two", ""}}};
  const auto ended = run(std::move(command));
  REQUIRE(ended);
  CHECK(ended->output == "one\ntwo\ntext\n700\n600\n");
  CHECK_FALSE(fs::exists(folder));
  CHECK(fs::exists(scratch.path / "a"));
}

TEST_CASE("no folder is made where others could replace it", "[child]") {
  const Scratch scratch;
  const fs::path shared = scratch.path / "shared";
  fs::create_directories(shared / "mine");
  REQUIRE(::chmod(shared.c_str(), 0777) == 0);
  ChildCommand command = shell("echo ran");
  command.folder = {(shared / "mine").string(), {}};
  CHECK_FALSE(run(command));
  CHECK(fs::exists(shared / "mine"));
  REQUIRE(::chmod(shared.c_str(), 01777) == 0);
  CHECK(run(command));
}

TEST_CASE("the environment of this process is handed on as a map", "[child]") {
  ::setenv("CHILD_PROCESS_TEST", "a=b", 1);
  CHECK(inherited_environment().at("CHILD_PROCESS_TEST") == "a=b");
}
