#include "kube/client/credentials.h"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <memory>
#include <utility>
#include <vector>

#include "kube/async/sim_loop.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"

using namespace kube;

namespace {

struct TokenFile {
  std::string path;
  TokenFile() {
    std::string pattern = "/tmp/credentials_test.XXXXXX";
    ::close(::mkstemp(pattern.data()));
    path = pattern;
  }
  ~TokenFile() { std::remove(path.c_str()); }
  void write(const std::string& text) const { std::ofstream(path, std::ios::trunc) << text; }
};

std::string token_of(SimLoop& loop, Credentials& credentials) {
  std::string token;
  auto ask = [](Credentials& of, std::string& out) -> Task<> {
    auto credential = co_await of.get(kNever);
    out = credential ? credential->token : "error: " + credential.error().message();
  };
  loop.run(ask(credentials, token));
  return token;
}

// A loop whose blocking work ends when it is told to, and whose time is moved by hand.
class HeldLoop final : public Loop {
 public:
  HeldLoop() : HeldLoop(std::make_shared<HandClock>()) {}

  std::size_t blocking() const { return held_.size(); }
  void finish_blocking() {
    for (auto& [work, done] : std::exchange(held_, {})) {
      work();
      done();
    }
    settle();
  }
  void pass(Duration duration) {
    clock_->passed += duration;
    fire_due_timers();
    settle();
  }
  void settle() {
    do {
      context().restart();
    } while (context().poll() > 0);
  }

  void submit_blocking(std::move_only_function<void()> work, std::move_only_function<void()> done) override {
    held_.emplace_back(std::move(work), std::move(done));
  }

 private:
  struct HandClock final : Clock {
    TimePoint now() const override {
      return std::chrono::sys_days(std::chrono::year{2026} / 1 / 1) + passed.time_since_epoch();
    }
    SteadyTime steady() const override { return passed; }
    SteadyTime passed{};
  };
  explicit HeldLoop(std::shared_ptr<HandClock> clock) : Loop(clock, Random(1)), clock_(std::move(clock)) {}
  void next_timer_changed() override {}

  std::shared_ptr<HandClock> clock_;
  std::vector<std::pair<std::move_only_function<void()>, std::move_only_function<void()>>> held_;
};

// One call that wants a credential.
struct Asked {
  Asked(HeldLoop& loop, Credentials& credentials, Duration patience) : asking(loop) {
    auto ask = [](Credentials& of, SteadyTime deadline, std::string& out) -> Task<> {
      auto got = co_await of.get(deadline);
      if (!got) CHECK(!got.error().is_ambiguous());
      out = got                                        ? got->token
            : got.error().kind() == ErrorKind::Timeout ? "Timeout: " + got.error().message()
                                                       : got.error().message();
    };
    asking.spawn("call", ask(credentials, loop.after(patience), answer));
    loop.settle();
  }

  std::string answer = "waits";
  TaskGroup asking;
};

ExecPlugin shell(const std::string& script) {
  ExecPlugin plugin;
  plugin.api_version = "client.authentication.k8s.io/v1";
  plugin.command = "/bin/sh";
  plugin.args = {"-c", script};
  return plugin;
}

std::string printing(const std::string& status) {
  return R"(echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":)" +
         status + "}'";
}

}  // namespace

TEST_CASE("a token file is read again after a minute, and at once after a refusal") {
  SimLoop loop;
  TokenFile file;
  file.write("one\n");
  Credentials credentials(loop, {.token_file = file.path});
  CHECK(token_of(loop, credentials) == "one");
  file.write("two");
  loop.run_for(59s);
  CHECK(token_of(loop, credentials) == "one");
  loop.run_for(2s);
  CHECK(token_of(loop, credentials) == "two");
  file.write("three");
  credentials.refused();
  CHECK(token_of(loop, credentials) == "three");
}

TEST_CASE("a token file that vanishes keeps its last token; one that never was is an error") {
  SimLoop loop;
  TokenFile file;
  file.write("one");
  Credentials credentials(loop, {.token_file = file.path});
  CHECK(token_of(loop, credentials) == "one");
  std::remove(file.path.c_str());
  loop.run_for(2min);
  CHECK(token_of(loop, credentials) == "one");

  Credentials never(loop, {.token_file = "/no/such/token"});
  CHECK(token_of(loop, never) == "error: cannot read token file /no/such/token");
}

TEST_CASE("a credential program is run again only when what it gave expires") {
  SimLoop loop;  // starts at 2026-01-01T00:00:00Z
  TokenFile runs;
  const std::string answer = printing(R"({"token":"t'$(wc -l < )" + runs.path +
                                      R"()'","expirationTimestamp":"2026-01-01T00:10:00Z"})");
  Credentials credentials(loop, {.exec = shell("echo x >> " + runs.path + "; " + answer)});
  CHECK(token_of(loop, credentials) == "t1");
  loop.run_for(8min);
  CHECK(token_of(loop, credentials) == "t1");
  loop.run_for(90s);  // within the margin of its end
  CHECK(token_of(loop, credentials) == "t1");
  CHECK(token_of(loop, credentials) == "t2");
}

TEST_CASE("while a credential program runs, what it gave last is used to its end; then calls wait for it") {
  HeldLoop loop;
  TokenFile runs;
  const std::string answer =
      printing(R"({"token":"t'$N'","expirationTimestamp":"2026-01-01T00:'$(($N * 10))':00Z"})");
  auto credentials = std::make_unique<Credentials>(
      loop,
      ClientConfig{.exec = shell("echo x >> " + runs.path + "; N=$(wc -l < " + runs.path + "); " + answer)});
  Asked first(loop, *credentials, 30s);
  CHECK(first.answer == "waits");
  loop.finish_blocking();
  CHECK(first.answer == "t1");

  loop.pass(9min + 30s);
  Asked early(loop, *credentials, 3s);
  CHECK(early.answer == "t1");
  CHECK(loop.blocking() == 1);
  Asked beside(loop, *credentials, 3s);
  CHECK(beside.answer == "t1");
  CHECK(loop.blocking() == 1);

  loop.pass(31s);
  Asked patient(loop, *credentials, 30s);
  Asked hasty(loop, *credentials, 3s);
  CHECK(hasty.answer == "waits");
  loop.pass(3s);
  CHECK(hasty.answer == "Timeout: the credential was still being renewed at the deadline");
  CHECK(patient.answer == "waits");
  CHECK(loop.blocking() == 1);
  loop.finish_blocking();
  CHECK(patient.answer == "t2");

  // What ends after us finds nobody.
  loop.pass(9min + 10s);
  Asked last(loop, *credentials, 3s);
  CHECK(last.answer == "t2");
  CHECK(loop.blocking() == 1);
  credentials.reset();
  loop.finish_blocking();
}

TEST_CASE("a credential program that fails fails once for all who wait for it") {
  HeldLoop loop;
  Credentials credentials(loop, {.exec = shell("exit 3")});
  Asked one(loop, credentials, 30s);
  Asked two(loop, credentials, 30s);
  CHECK(loop.blocking() == 1);
  loop.finish_blocking();
  CHECK(one.answer == "credential program /bin/sh: exit code 3");
  CHECK(two.answer == one.answer);
  CHECK(loop.blocking() == 0);
  Asked three(loop, credentials, 30s);
  CHECK(loop.blocking() == 1);
  loop.finish_blocking();
}

TEST_CASE("a credential program prints token or certificate, and its failures name it") {
  auto plugin = shell(printing(R"({"token":"abc","expirationTimestamp":"2026-01-01T01:00:00Z"})"));
  auto made = run_exec_plugin(plugin, {});
  REQUIRE(made);
  CHECK(made->credential.token == "abc");
  CHECK(made->expires == *parse_rfc3339("2026-01-01T01:00:00Z"));

  made = run_exec_plugin(shell(printing(R"({"clientCertificateData":"C","clientKeyData":"K"})")), {});
  REQUIRE(made);
  CHECK(made->credential.client_certificate == "C");
  CHECK(!made->expires);

  struct Row {
    const char* script;
    const char* message;
  };
  for (const Row& row : {Row{"exit 3", "credential program /bin/sh: exit code 3"},
                         Row{"kill -9 $$", "credential program /bin/sh: killed by signal 9"},
                         Row{"echo nonsense", "credential program /bin/sh: prints no JSON"},
                         Row{"echo '{}'",
                             "credential program /bin/sh: prints no ExecCredential of "
                             "client.authentication.k8s.io/v1"}}) {
    auto failed = run_exec_plugin(shell(row.script), {});
    REQUIRE(!failed);
    CHECK(failed.error().message() == row.message);
  }
  auto missing = shell("");
  missing.command = "/no/such/program";
  missing.install_hint = "apt install it";
  CHECK(run_exec_plugin(missing, {}).error().message() ==
        "credential program /no/such/program: No such file or directory (apt install it)");
}

TEST_CASE("a credential program that hangs is killed") {
  auto plugin = shell("sleep 1000");
  plugin.timeout = 50ms;
  auto hung = run_exec_plugin(plugin, {});
  REQUIRE(!hung);
  CHECK(hung.error().kind() == ErrorKind::Timeout);
}

TEST_CASE("a credential program that closes its output and goes on is killed too") {
  auto plugin = shell("exec >&-; sleep 1000");
  plugin.timeout = 50ms;
  auto hung = run_exec_plugin(plugin, {});
  REQUIRE(!hung);
  CHECK(hung.error().kind() == ErrorKind::Timeout);
}

TEST_CASE("a credential program cannot fill the memory") {
  auto flood = run_exec_plugin(shell("yes"), {});
  REQUIRE(!flood);
  CHECK(flood.error().message() == "credential program /bin/sh: prints more than a credential");
}

TEST_CASE("a credential program speaks the version it is asked for") {
  const std::string v1 = "client.authentication.k8s.io/v1", beta = v1 + "beta1";
  auto speaking = [](const std::string& asked, const std::string& answered) {
    auto plugin = shell("case \"$KUBERNETES_EXEC_INFO\" in *'\"" + asked + "\"'*) echo '{\"apiVersion\":\"" +
                        answered + R"(","kind":"ExecCredential","status":{"token":"t"}}' ;; esac)");
    plugin.api_version = asked;
    return run_exec_plugin(plugin, {});
  };
  CHECK(speaking(v1, v1));
  CHECK(speaking(beta, beta));
  CHECK_FALSE(speaking(v1, beta));
  CHECK_FALSE(speaking(beta, v1));
}

TEST_CASE(
    "a refused credential is asked for anew; one that cannot be renewed is kept and asked for with pauses") {
  SimLoop loop;
  TokenFile runs;
  const std::string count =
      "echo x >> " + runs.path + "; N=$(wc -l < " + runs.path + "); [ $N -lt 3 ] || exit 1; ";
  Credentials credentials(loop, {.exec = shell(count + printing(R"({"token":"t'$N'"})"))});
  auto how_often = [&] {
    std::ifstream file(runs.path);
    return std::count(std::istreambuf_iterator<char>(file), {}, 'x');
  };
  CHECK(token_of(loop, credentials) == "t1");
  loop.run_for(24h);  // says nothing of an end
  CHECK(token_of(loop, credentials) == "t1");
  credentials.refused();
  CHECK(token_of(loop, credentials) == "t2");
  credentials.refused();
  for (int i = 0; i < 10; ++i) CHECK(token_of(loop, credentials) == "t2");
  CHECK(how_often() == 3);
  loop.run_for(6s);
  CHECK(token_of(loop, credentials) == "t2");
  CHECK(how_often() == 4);
}

TEST_CASE("a credential program is told its cluster when it asks for that") {
  auto plugin = shell("case \"$KUBERNETES_EXEC_INFO\" in *'\"server\":\"https://h\"'*\"$WANT\"*) " +
                      printing(R"({"token":"told"})") + ";; esac");
  plugin.env = {{"WANT", "apiVersion"}};
  CHECK(!run_exec_plugin(plugin, {.server = "https://h"}));
  plugin.provide_cluster_info = true;
  plugin.env = {{"WANT", ""}};
  auto told = run_exec_plugin(plugin, {.server = "https://h"});
  REQUIRE(told);
  CHECK(told->credential.token == "told");
}
