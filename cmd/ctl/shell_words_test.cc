#include "cmd/ctl/shell_words.h"

#include <catch2/catch.hpp>

using namespace ctl;
using Words = std::vector<std::string>;

TEST_CASE("any word survives its quotes", "[ctl]") {
  for (const std::string& word :
       {std::string("plain"), std::string(""), std::string("a b"), std::string("it's"),
        std::string("$HOME `x` \\ \""), std::string("two\nlines"), std::string("#no comment"),
        std::string("a;b&c|d>e<f(g)"), std::string("*?[x]"), std::string("größer")}) {
    INFO(word);
    const auto read = shell_words("x " + shell_quoted(word) + " y");
    REQUIRE(read);
    CHECK(*read == Words{"x", word, "y"});
  }
}

TEST_CASE("a script is read without running it", "[ctl]") {
  const auto script = read_script(
      "#!/bin/sh\n"
      "# it's a comment\n"
      "export A=1; cd /tmp && SPARK_HOME=/x exec \"$SPARK_HOME\"/bin/spark-submit \\\n"
      "  --conf 'a=b c' --name \"it \\\"is\\\"\" a\\ b 2>/dev/null >> log.txt\n"
      "cat > 'a file' <<'END'\nfirst $LINE\n  END\nEND\n"
      "cat <<-X > b\nX\n");
  REQUIRE(script);
  CHECK(script->commands == std::vector<Words>{{"export", "A=1"},
                                               {"cd", "/tmp"},
                                               {"exec", "$SPARK_HOME/bin/spark-submit", "--conf", "a=b c",
                                                "--name", "it \"is\"", "a b"},
                                               {"cat"},
                                               {"cat"}});
  CHECK(script->files == std::map<std::string, std::string>{{"a file", "first $LINE\n  END\n"}, {"b", ""}});
  CHECK(read_script(here_document("x", "END\nEND_\n"))->files.at("x") == "END\nEND_\n");
}

TEST_CASE("what only a shell could know is refused with its line", "[ctl]") {
  struct Row {
    const char* text;
    const char* says;
  };
  const Row rows[] = {{"a\nspark-submit $HOME", "line 2: the shell would replace $HOME"},
                      {"spark-submit \"${X}\"", "${X}"},
                      {"a $(date)", "$("},
                      {"a `date`", "`"},
                      {"a 'b", "has no end"},
                      {"a \"b", "has no end"},
                      {"(a)", "bracket"},
                      {"cat <<X\nY\n", "X"}};
  for (const Row& row : rows) {
    INFO(row.text);
    const auto script = read_script(row.text);
    REQUIRE_FALSE(script);
    CHECK_THAT(script.error().message(), Catch::Contains(row.says));
  }
  CHECK_FALSE(shell_words("a $HOME"));
  CHECK(read_script("a '$HOME' \\$x $ 5")->commands == std::vector<Words>{{"a", "$HOME", "$x", "$", "5"}});
}
