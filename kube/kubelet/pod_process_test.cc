#include "kube/kubelet/pod_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "kube/async/real_loop.h"
#include "kube/kubelet/container_root.h"
#include "kube/kubelet/host_rights.h"
#include "kube/kubelet/temporary_folder.h"

using namespace kube;
namespace fs = std::filesystem;

namespace {

// Each test that needs namespaces begins with this: where they are refused it says so instead of failing.
#define NEED_NAMESPACES()                          \
  do {                                             \
    Result<> able = probe_namespaces();            \
    if (!able) {                                   \
      WARN("skipped: " << able.error().message()); \
      return;                                      \
    }                                              \
  } while (false)

Task<std::string> read_all(Loop& loop, int fd) {
  std::string out;
  char buffer[4096];
  while (true) {
    ssize_t n = ::read(fd, buffer, sizeof(buffer));
    if (n > 0) {
      out.append(buffer, static_cast<std::size_t>(n));
    } else if (n == 0) {
      co_return out;
    } else if (errno == EAGAIN) {
      (void)co_await wait_readable(loop, fd);
    } else {
      co_return out + "<read error>";
    }
  }
}

struct Ran {
  std::string error;  // "" when it started
  std::string output;
  ProcessExit exit;
};

Task<> run_plan(Loop& loop, LaunchPlan plan, Ran* ran) {
  auto process = co_await PodProcess::start(loop, plan);
  if (!process) {
    ran->error = process.error().message();
    co_return;
  }
  UniqueFd output = (*process)->take_output();
  ran->output = co_await read_all(loop, output.get());
  auto exit = co_await (*process)->wait();
  REQUIRE(exit);
  ran->exit = *exit;
}

struct Machine {
  TemporaryFolder folder = *TemporaryFolder::make("pod-process");
  ContainerRoot root;

  Machine() {
    fs::create_directories(folder.path() / "image/opt/app");
    std::ofstream(folder.path() / "image/opt/app/hello") << "hello from the image\n";
    std::ofstream(folder.path() / "hosts") << "127.0.0.1 localhost\n";
    root.work_folder = folder.path() / "work";
    root.image_opt = folder.path() / "image/opt";
    root.hosts_file = folder.path() / "hosts";
    root.hostname = "web-1";
    root.user_attributes = host_rights() && host_rights()->mounts_in_user_namespace;
    REQUIRE(prepare_container_root(root));
  }

  LaunchPlan shell(const std::string& script) const {
    LaunchPlan plan;
    plan_container_root(root, read_host_layout(), plan);
    plan.pivot().environment("PATH", "/usr/bin:/bin").argument("/bin/sh").argument("-c").argument(script);
    return plan;
  }

  Ran run(const LaunchPlan& plan) const {
    RealLoop loop;
    Ran ran;
    loop.run(run_plan(loop, plan, &ran));
    return ran;
  }
};

}  // namespace

TEST_CASE("a container sees its own root, host name and processes", "[kubelet][root]") {
  NEED_NAMESPACES();
  Machine machine;
  Ran ran = machine.run(machine.shell(
      "hostname; cat /opt/app/hello; cat /etc/hosts; ls -d /proc/[0-9]* | wc -l; ls /; stat -c %a /tmp; "
      "touch /opt/app/new /etc/new /tmp/new /dev/shm/new && echo writable; touch /usr/new 2>/dev/null || "
      "echo sealed; "
      "head -c 3 /dev/zero | wc -c; readlink /var/run; ls /proc/self/fd | wc -l"));
  INFO(ran.error);
  INFO(ran.output);
  CHECK(ran.error.empty());
  CHECK(ran.exit.code == 0);
  CHECK(ran.output.find("web-1\nhello from the image\n127.0.0.1 localhost\n") == 0);
  CHECK(ran.output.find("\n1777\n") != std::string::npos);
  CHECK(ran.output.find("writable\nsealed\n3\n/run\n") != std::string::npos);
  CHECK(ran.output.find("work") == std::string::npos);
  CHECK_FALSE(fs::exists(machine.folder.path() / "image/opt/app/new"));
  CHECK_FALSE(fs::exists("/etc/new"));
}

TEST_CASE("volumes appear at their paths, also below links, and may be read-only", "[kubelet][root]") {
  NEED_NAMESPACES();
  Machine machine;
  fs::create_directories(machine.folder.path() / "volume/part");
  std::ofstream(machine.folder.path() / "volume/part/file") << "content\n";
  std::ofstream(machine.folder.path() / "one") << "one file\n";
  fs::create_directory_symlink("/etc", machine.folder.path() / "volume/escape");
  LaunchPlan plan;
  plan_container_root(machine.root, read_host_layout(), plan);
  plan.bind({.source = machine.folder.path() / "volume",
             .sub_path = "part",
             .target = "/var/run/secrets/x",
             .access = Access::ReadOnly});
  plan.bind({.source = machine.folder.path() / "volume", .sub_path = "fresh/sub", .target = "/data"});
  plan.bind({.source = machine.folder.path() / "one", .target = "/etc/one.conf"});
  plan.bind({.source = "/does/not/exist", .target = "/absent", .presence = Presence::Optional});
  plan.pivot()
      .environment("PATH", "/usr/bin:/bin")
      .argument("/bin/sh")
      .argument("-c")
      .argument(
          "cat /run/secrets/x/file /etc/one.conf; echo 1 >/run/secrets/x/file || echo denied; echo kept "
          ">/data/f; "
          "test -e /absent || echo absent");
  Ran ran = machine.run(plan);
  INFO(ran.error);
  INFO(ran.output);
  CHECK(ran.output.find("content\none file\n") == 0);
  CHECK(ran.output.find("denied\nabsent\n") != std::string::npos);
  CHECK(fs::exists(machine.folder.path() / "volume/fresh/sub/f"));

  // A link that a container planted in its volume leads nowhere else.
  LaunchPlan escape;
  plan_container_root(machine.root, read_host_layout(), escape);
  escape.bind({.source = machine.folder.path() / "volume", .sub_path = "escape/inner", .target = "/escaped"});
  escape.pivot().argument("/bin/true");
  CHECK(machine.run(escape).error.find("mount escape/inner of ") == 0);
  CHECK_FALSE(fs::exists("/etc/inner"));
}

TEST_CASE("exit codes pass through and signals become 128 + n", "[kubelet]") {
  NEED_NAMESPACES();
  Machine machine;
  struct Row {
    const char* script;
    int code;
  };
  for (Row row : {Row{"exit 0", 0}, Row{"exit 7", 7}, Row{"kill -TERM $$", 143}, Row{"kill -KILL $$", 137},
                  Row{"(sleep 1000 &) ; exit 3", 3}}) {
    INFO(row.script);
    CHECK(machine.run(machine.shell(row.script)).exit.code == row.code);
  }
}

TEST_CASE("a command that cannot start says why", "[kubelet]") {
  NEED_NAMESPACES();
  Machine machine;
  LaunchPlan missing;
  plan_container_root(machine.root, read_host_layout(), missing);
  missing.pivot().environment("PATH", "/usr/bin").argument("no-such-program");
  CHECK(machine.run(missing).error == "exec \"no-such-program\": executable file not found in $PATH");

  LaunchPlan nowhere;
  plan_container_root(machine.root, read_host_layout(), nowhere);
  nowhere.pivot().working_directory("/no/such/folder").argument("/bin/true");
  CHECK(machine.run(nowhere).error == "enter working directory /no/such/folder: No such file or directory");

  LaunchPlan empty;
  plan_container_root(machine.root, read_host_layout(), empty);
  empty.pivot();
  CHECK(machine.run(empty).error == "no command: neither the pod nor its image names one");

  LaunchPlan unmounted;
  plan_container_root(machine.root, read_host_layout(), unmounted);
  unmounted.bind({.source = "/no/volume", .target = "/data"}).pivot().argument("/bin/true");
  CHECK(machine.run(unmounted).error == "mount /no/volume at /data: No such file or directory");

  LaunchPlan nul;
  nul.argument(std::string_view("a\0b", 3));
  CHECK(machine.run(nul).error == "step arg: a text holds a NUL byte");
}

TEST_CASE("the command runs as the user the pod names", "[kubelet]") {
  NEED_NAMESPACES();
  Machine machine;
  LaunchPlan plan = machine.shell("id -u; id -g; id -G");
  if (host_rights()->has_other_users) {
    plan.user(1234).group(5678).supplemental_group(77);
    CHECK(machine.run(plan).output == "1234\n5678\n5678 77\n");
    // As start scripts of images do whose users have no name, and the root group.
    LaunchPlan nameless = machine.shell("echo nameless:x:4321:0::/:/bin/sh >>/etc/passwd && id -un");
    nameless.user(4321).group(0);
    CHECK(machine.run(nameless).output == "nameless\n");
  }
  // Where there is one user only, that one goes by another name, and its files do too.
  LaunchPlan renamed = machine.shell(
      "id -u; id -g; touch /tmp/f; stat -c '%u %g' /tmp/f; echo x >/opt/app/new && cat /opt/app/new");
  renamed.other_name(1234, 5678);
  CHECK(machine.run(renamed).output == "1234\n5678\n1234 5678\nx\n");
}

TEST_CASE("a folder of an image can be written to whoever owns it, and the image stays as it was",
          "[kubelet]") {
  NEED_NAMESPACES();
  Machine machine;
  LaunchPlan plan = machine.shell(
      "echo new >/opt/app/new && mkdir /opt/app/more && cat /opt/app/new /opt/app/hello; "
      "echo u:x:1:1::/:/bin/sh >>/etc/passwd && tail -n 1 /etc/passwd");
  CHECK(machine.run(plan).output == "new\nhello from the image\nu:x:1:1::/:/bin/sh\n");
  CHECK_FALSE(fs::exists(machine.folder.path() / "image/opt/app/new"));
  const auto ours = fs::status(machine.folder.path()).permissions();
  CHECK(remove_tree(machine.root.work_folder));
  CHECK_FALSE(fs::exists(machine.root.work_folder));
  CHECK(fs::status(machine.folder.path()).permissions() == ours);
}

namespace {

Task<> terminate_when_told(Loop& loop, LaunchPlan plan, int* code, std::string* output) {
  auto process = co_await PodProcess::start(loop, plan);
  REQUIRE(process);
  UniqueFd out = (*process)->take_output();
  char byte = 0;
  while (::read(out.get(), &byte, 1) != 1) (void)co_await wait_readable(loop, out.get());
  CHECK((*process)->signal(SIGTERM));
  *output = co_await read_all(loop, out.get());
  auto exit = co_await (*process)->wait();
  *code = exit->code;
  CHECK_FALSE((*process)->signal(SIGTERM));
}

Task<> probe_inside(Loop& loop, LaunchPlan plan, std::string* output, int* code) {
  auto process = co_await PodProcess::start(loop, plan);
  REQUIRE(process);
  LaunchPlan inside;
  inside.enter()
      .environment("PATH", "/usr/bin:/bin")
      .argument("sh")
      .argument("-c")
      .argument("hostname; cat /opt/app/hello; exit 5");
  auto probe = co_await (*process)->start_inside(inside);
  REQUIRE(probe);
  UniqueFd out = (*probe)->take_output();
  *output = co_await read_all(loop, out.get());
  *code = (co_await (*probe)->wait())->code;
}

}  // namespace

TEST_CASE("a termination signal reaches the command although it is not the first process", "[kubelet]") {
  NEED_NAMESPACES();
  Machine machine;
  RealLoop loop;
  int code = 0;
  std::string output;
  loop.run(terminate_when_told(
      loop, machine.shell("trap 'echo told; exit 42' TERM; echo; while :; do sleep 0.02; done"), &code,
      &output));
  CHECK(output == "told\n");
  CHECK(code == 42);
}

TEST_CASE("a command without a handler ends by the default action", "[kubelet]") {
  NEED_NAMESPACES();
  Machine machine;
  RealLoop loop;
  int code = 0;
  std::string output;
  loop.run(terminate_when_told(loop, machine.shell("echo; exec sleep 1000"), &code, &output));
  CHECK(code == 143);
}

TEST_CASE("probes run inside the container they probe", "[kubelet]") {
  NEED_NAMESPACES();
  Machine machine;
  RealLoop loop;
  std::string output;
  int code = 0;
  loop.run(probe_inside(loop, machine.shell("sleep 1000"), &output, &code));
  CHECK(output == "web-1\nhello from the image\n");
  CHECK(code == 5);
}

namespace {

// Processes of the machine whose command line holds `mark`.
int count_processes(const std::string& mark) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline");
    std::stringstream text;
    text << file.rdbuf();
    if (text.str().find(mark) != std::string::npos) ++count;
  }
  return count;
}

Task<> start_and_report(Loop& loop, LaunchPlan plan, int report) {
  auto process = co_await PodProcess::start(loop, plan);
  const char outcome = process ? 'y' : 'n';
  (void)!::write(report, &outcome, 1);
  if (process) (void)co_await (*process)->wait();
}

}  // namespace

TEST_CASE("kill -9 of the one who started a container ends everything in it", "[kubelet]") {
  NEED_NAMESPACES();
  Machine machine;
  // Unlikely enough as a duration to be found again among all processes of the machine.
  const std::string mark = "99" + std::to_string(getpid());
  const std::string script = "sleep " + mark + " & setsid sleep " + mark + " & trap '' TERM HUP; wait";
  LaunchPlan plan = machine.shell(script);
  int report[2];
  REQUIRE(pipe2(report, O_CLOEXEC) == 0);
  // The orphans come to us, so that waiting for them needs no clock.
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  pid_t kubelet = fork();
  if (kubelet == 0) {
    RealLoop loop;
    loop.run(start_and_report(loop, plan, report[1]));
    _exit(0);
  }
  char outcome = 0;
  REQUIRE(::read(report[0], &outcome, 1) == 1);
  CHECK(outcome == 'y');
  kill(kubelet, SIGKILL);
  while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
  CHECK(count_processes("sleep\0" + mark) == 0);
  CHECK(count_processes(mark) == 0);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  close(report[0]);
  close(report[1]);
}
