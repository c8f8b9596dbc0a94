#include <algorithm>

#include "cmd/ctl/command_functions.h"
#include "cmd/ctl/conversion.h"
#include "cmd/ctl/output.h"
#include "cmd/ctl/session.h"
#include "cmd/ctl/shell_words.h"

namespace ctl {

using kube::ErrorKind;
using kube::fail;
using kube::Result;
using kube::Task;

namespace {

constexpr const char* kProgram = "spark-submit";

bool is_spark_submit(const std::string& word) {
  return word.substr(word.rfind('/') + 1) == kProgram;
}

// Behind the program's name; `exec`, `nohup`, `sudo -u spark` and the like may stand in front of it.
std::optional<std::vector<std::string>> arguments_in(const std::vector<std::string>& command) {
  const auto program = std::ranges::find_if(command, is_spark_submit);
  if (program == command.end()) return std::nullopt;
  return std::vector<std::string>(program + 1, command.end());
}

Result<std::vector<std::string>> arguments_in(const Script& script) {
  std::optional<std::vector<std::string>> found;
  for (const std::vector<std::string>& command : script.commands) {
    auto arguments = arguments_in(command);
    if (!arguments) continue;
    if (found) return fail(ErrorKind::InvalidInput, "expected one spark-submit command, found several");
    found = std::move(arguments);
  }
  if (!found) return fail(ErrorKind::InvalidInput, "expected a spark-submit command, found none");
  return *std::move(found);
}

}  // namespace

Task<int> convert(Session& session, const Invocation& asked) {
  const std::string file = asked.text("filename");
  if (file.empty() == asked.arguments.empty()) {
    co_return session.wrong(
        "convert: expected either -- and a spark-submit command, or --filename FILE with one; see sparkctl "
        "convert "
        "--help");
  }
  Script script;
  std::vector<std::string> arguments;
  if (!file.empty()) {
    auto text = session.read_file(file);
    if (!text) co_return session.wrong(text.error());
    auto read = read_script(*text);
    if (!read) co_return session.wrong(std::move(read).error().while_doing(file));
    script = *std::move(read);
    auto found = arguments_in(script);
    if (!found) co_return session.wrong(std::move(found).error().while_doing(file));
    arguments = *std::move(found);
  } else {
    arguments = arguments_in(asked.arguments).value_or(asked.arguments);
  }
  auto made = application_from({.arguments = std::move(arguments),
                                .read_file = [&](const std::string& path) -> Result<std::string> {
                                  const auto written = script.files.find(path);
                                  if (written != script.files.end()) return written->second;
                                  return session.read_file(path);
                                },
                                .name = asked.text("name"),
                                .ns = asked.text("namespace"),
                                .spark_version = asked.text("spark-version")});
  if (!made) co_return session.wrong(made.error());
  for (const std::string& note : made->notes) session.note("# " + note);
  session.print(as_text(made->application, asked.text("output")));
  co_return exit_code::kDone;
}

}  // namespace ctl
