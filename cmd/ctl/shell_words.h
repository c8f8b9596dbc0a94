// A shell's spelling of words and files, both ways: enough of POSIX sh to print a command that people can
// run, and to read one that they have.
//
//   shell_quoted("a b")                                // 'a b'
//   shell_words("--conf 'spark.x=a b'")                // {"--conf", "spark.x=a b"}
//   auto script = read_script("cat > t.yaml <<'EOF'\n…\nEOF\nspark-submit --master …");
//   script->files.at("t.yaml"), script->commands[0]
//
// Nothing is run and nothing expanded: a command that needs $VARIABLES or `other commands` is refused, except
// in the place of the program. Pure functions. Error InvalidInput.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kube/base/result.h"

namespace ctl {

std::string shell_quoted(std::string_view word);
// The words of one command.
kube::Result<std::vector<std::string>> shell_words(std::string_view text);

// `cat > FILE <<'…'` with the text.
std::string here_document(std::string_view file, std::string_view text);

struct Script {
  std::vector<std::vector<std::string>> commands;  // without assignments in front of them
  std::map<std::string, std::string> files;        // what `cat > FILE <<WORD` writes
};
kube::Result<Script> read_script(std::string_view text);

}  // namespace ctl
