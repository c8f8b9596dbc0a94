#include "cmd/ctl/command_line.h"

#include <catch2/catch.hpp>
#include <set>

using namespace ctl;
using namespace std::chrono_literals;

TEST_CASE("a command line is read as kubectl reads one", "[ctl]") {
  struct Row {
    const char* why;
    std::vector<std::string> words;
  };
  const Row rows[] = {
      {"flags behind the command", {"diff", "-f", "app.yaml", "-n", "team-a"}},
      {"cluster flags in front of it", {"-n", "team-a", "diff", "-f", "app.yaml"}},
      {"a value with =", {"diff", "--filename=app.yaml", "--namespace=team-a"}},
      {"a value glued to its letter", {"diff", "-fapp.yaml", "-nteam-a"}},
      {"a letter with =", {"diff", "-f=app.yaml", "-n=team-a"}},
      {"the last counts", {"diff", "-n", "x", "-f", "app.yaml", "-n", "team-a"}},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const auto asked = parse_command_line(row.words);
    REQUIRE(asked);
    CHECK(asked->command == find_command("diff"));
    CHECK(asked->text("filename") == "app.yaml");
    CHECK(asked->text("namespace") == "team-a");
    CHECK(asked->duration("request-timeout") == 30s);
  }
}

TEST_CASE("what is wrong with a command line is one line that says where to read on", "[ctl]") {
  struct Row {
    std::vector<std::string> words;
    std::vector<std::string> says;
  };
  const Row rows[] = {
      {{"frobnicate"}, {"no command \"frobnicate\"", "sparkctl --help"}},
      {{"diff", "--frob"}, {"diff: there is no flag --frob", "sparkctl diff --help"}},
      {{"diff", "-z"}, {"there is no flag -z"}},
      {{"diff", "-f"}, {"-f: expected FILE behind it"}},
      {{"diff", "more"}, {"unexpected \"more\""}},
      {{"render", "--as", "poems"}, {"--as: expected objects|spark-submit, got \"poems\""}},
      {{"diff", "--request-timeout", "soon"}, {"expected a duration", "soon"}},
      {{"render", "--context", "x"}, {"there is no flag --context"}},
      {{"--context", "x", "render"}, {"there is no flag --context"}},
  };
  for (const Row& row : rows) {
    const auto asked = parse_command_line(row.words);
    REQUIRE_FALSE(asked);
    for (const std::string& words : row.says) CHECK_THAT(asked.error().message(), Catch::Contains(words));
    CHECK(asked.error().message().find('\n') == std::string::npos);
  }
}

TEST_CASE("whoever asks for help gets it, whatever else is wrong", "[ctl]") {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"diff", "-h"}, {"diff", "--help"}, {"diff", "--frob", "--help"}}) {
    const auto asked = parse_command_line(words);
    REQUIRE(asked);
    CHECK(asked->command == find_command("diff"));
  }
  const auto overall = parse_command_line({"--help"});
  REQUIRE(overall);
  CHECK(overall->command == nullptr);
}

TEST_CASE("another program's command line is left as it is", "[ctl]") {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"convert", "--name", "pi", "--", "spark-submit", "--conf", "a=b", "-h"},
        {"convert", "--name", "pi", "spark-submit", "--conf", "a=b", "-h"}}) {
    const auto asked = parse_command_line(words);
    REQUIRE(asked);
    CHECK_FALSE(asked->help);
    CHECK(asked->text("name") == "pi");
    CHECK(asked->arguments == std::vector<std::string>{"spark-submit", "--conf", "a=b", "-h"});
  }
}

TEST_CASE("the table of commands is sound", "[ctl]") {
  std::set<std::string_view> names;
  for (const Command& command : commands()) {
    INFO(command.name);
    CHECK(names.insert(command.name).second);
    CHECK((command.run != nullptr) != (command.run_alone != nullptr));
    CHECK_FALSE(command.summary.empty());
    CHECK_FALSE(command.summary.ends_with('.'));
    std::set<std::string_view> flags{"help"};
    std::set<char> letters{'h'};
    std::vector<Flag> all = command.flags;
    if (command.uses_cluster) all.insert(all.end(), cluster_flags().begin(), cluster_flags().end());
    for (const Flag& flag : all) {
      INFO(flag.name);
      CHECK(flags.insert(flag.name).second);
      if (flag.letter != 0) CHECK(letters.insert(flag.letter).second);
      CHECK_FALSE(flag.help.empty());
      CHECK((flag.takes == Takes::Choice) == !flag.choices.empty());
      if (flag.takes != Takes::Nothing && flag.takes != Takes::Choice) CHECK_FALSE(flag.value.empty());
    }
    const std::string page = help_page(command, "kubectl spark");
    CHECK_THAT(page, Catch::Contains("Usage: kubectl spark " + std::string(command.name)));
    if (!command.hidden) CHECK_THAT(overview("sparkctl"), Catch::Contains(std::string(command.summary)));
  }
}

TEST_CASE("a shell is offered what fits", "[ctl]") {
  CHECK_THAT(candidates({"re"}).words, Catch::VectorContains(std::string("render")));
  CHECK(candidates({"render", "--a"}).words == std::vector<std::string>{"--as"});
  CHECK(candidates({"render", "--as", ""}).words == std::vector<std::string>{"objects", "spark-submit"});
  CHECK(candidates({"render", "--as=sp"}).words == std::vector<std::string>{"--as=spark-submit"});
  CHECK(candidates({"render", "-f", ""}).wanted == Takes::File);
  CHECK(candidates({"diff", "-n", ""}).wanted == Takes::Namespace);
  CHECK(candidates({"diff", "-n", "team-a", "-f", ""}).so_far.text("namespace") == "team-a");
  CHECK(candidates({"frobnicate", ""}).words.empty());
}
