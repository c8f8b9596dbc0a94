#include "cmd/ctl/shell_words.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace ctl {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_-./:=,@%+").find(c) != std::string_view::npos;
}

bool is_assignment(const std::string& word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos || equals == 0 || (word[0] >= '0' && word[0] <= '9')) return false;
  return std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(equals), [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

class Scanner {
 public:
  // Strict: variables are nowhere left as they are.
  explicit Scanner(std::string_view text, bool strict = false) : text_(text), strict_(strict) {}

  Result<Script> script();

 private:
  bool more() const { return at_ < text_.size(); }
  char here() const { return text_[at_]; }
  std::unexpected<kube::Error> wrong(const std::string& what) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
    return fail(ErrorKind::InvalidInput, "line " + std::to_string(line) + ": " + what);
  }
  // Only blanks and continued lines.
  void skip_blanks();
  // One word with its quotes undone; stands behind it afterwards.
  Result<std::string> word();
  Result<> single_quoted(std::string& out);
  Result<> double_quoted(std::string& out);
  Result<> dollar(std::string& out);
  Result<> redirection();
  Result<> read_here_documents();
  void end_command();

  struct Pending {
    std::string delimiter;
    std::string file;
  };

  std::string_view text_;
  const bool strict_;
  std::size_t at_ = 0;
  Script out_;
  std::vector<std::string> command_;
  std::string target_;  // of "> FILE" in this command
  std::vector<Pending> pending_;
};

void Scanner::skip_blanks() {
  while (more()) {
    if (here() == ' ' || here() == '\t' || here() == '\r') {
      ++at_;
    } else if (here() == '\\' &&
               (text_.substr(at_ + 1).starts_with("\n") || text_.substr(at_ + 1).starts_with("\r\n"))) {
      at_ = text_.find('\n', at_) + 1;
    } else {
      return;
    }
  }
}

Result<> Scanner::single_quoted(std::string& out) {
  const std::size_t end = text_.find('\'', at_ + 1);
  if (end == std::string_view::npos) return wrong("a ' has no end");
  out += text_.substr(at_ + 1, end - at_ - 1);
  at_ = end + 1;
  return {};
}

Result<> Scanner::double_quoted(std::string& out) {
  for (++at_; more() && here() != '"';) {
    if (here() == '\\' && at_ + 1 < text_.size()) {
      const char next = text_[at_ + 1];
      if (std::string_view("$`\"\\").find(next) != std::string_view::npos)
        out += next;
      else if (next != '\n')
        out.append("\\").push_back(next);
      at_ += 2;
    } else if (here() == '$' || here() == '`') {
      if (auto done = dollar(out); !done) return done;
    } else {
      out += here();
      ++at_;
    }
  }
  if (!more()) return wrong("a \" has no end");
  ++at_;
  return {};
}

// Kept as it is up to the program that counts: exec "$SPARK_HOME"/bin/spark-submit.
Result<> Scanner::dollar(std::string& out) {
  const bool program = !strict_ && std::ranges::none_of(command_, [](const std::string& word) {
    return word.ends_with("spark-submit");
  });
  const std::string_view rest = text_.substr(at_);
  const bool variable = rest.size() > 1 && (rest[1] == '{' || rest[1] == '_' || is_plain(rest[1]));
  if (here() == '$' && !variable && !rest.starts_with("$(")) {
    out += '$';
    ++at_;
    return {};
  }
  std::size_t end = 1;
  if (rest.starts_with("${")) {
    end = std::min(rest.find('}'), rest.size() - 1) + 1;
  } else {
    while (end < rest.size() && (rest[end] == '_' || std::isalnum(static_cast<unsigned char>(rest[end]))))
      ++end;
  }
  const std::string name(rest.substr(0, rest.starts_with("$(") ? 2 : end));
  if (!program || here() == '`' || rest.starts_with("$("))
    return wrong("the shell would replace " + name +
                 ": write what it stands for, or put it in single quotes");
  out += name;
  at_ += end;
  return {};
}

Result<std::string> Scanner::word() {
  std::string out;
  while (more()) {
    const char c = here();
    if (std::string_view(" \t\r\n;&|<>()").find(c) != std::string_view::npos) break;
    Result<> done;
    if (c == '\'') {
      done = single_quoted(out);
    } else if (c == '"') {
      done = double_quoted(out);
    } else if (c == '$' || c == '`') {
      done = dollar(out);
    } else if (c == '\\') {
      if (at_ + 1 < text_.size() && text_[at_ + 1] != '\n') out += text_[at_ + 1];
      at_ = std::min(at_ + 2, text_.size());
    } else {
      out += c;
      ++at_;
    }
    if (!done) return fail(std::move(done));
  }
  return out;
}

// "> FILE" and "<<WORD"; others do not change what a command is given.
Result<> Scanner::redirection() {
  const bool here_doc = text_.substr(at_).starts_with("<<") && !text_.substr(at_).starts_with("<<<");
  const bool into = here() == '>';
  while (more() && (here() == '<' || here() == '>' || here() == '&')) ++at_;
  if (here_doc && more() && here() == '-') ++at_;
  skip_blanks();
  auto target = word();
  if (!target) return fail(std::move(target));
  if (target->empty()) return wrong("a redirection leads nowhere");
  if (here_doc) {
    pending_.push_back({*std::move(target), ""});
  } else if (into) {
    target_ = *std::move(target);
  }
  return {};
}

void Scanner::end_command() {
  std::size_t first = 0;
  while (first < command_.size() && is_assignment(command_[first])) ++first;
  command_.erase(command_.begin(), command_.begin() + static_cast<std::ptrdiff_t>(first));
  if (!command_.empty()) out_.commands.push_back(std::move(command_));
  command_.clear();
  for (Pending& document : pending_)
    if (document.file.empty()) document.file = target_;
  target_.clear();
}

Result<> Scanner::read_here_documents() {
  for (const Pending& document : pending_) {
    std::string content;
    bool ended = false;
    while (more() && !ended) {
      const std::size_t end = std::min(text_.find('\n', at_), text_.size());
      const std::string line(text_.substr(at_, end - at_));
      at_ = std::min(end + 1, text_.size());
      ended = line == document.delimiter;
      if (!ended) content += line + "\n";
    }
    if (!ended) return wrong("the text up to " + document.delimiter + " has no end");
    if (!document.file.empty()) out_.files[document.file] = std::move(content);
  }
  pending_.clear();
  return {};
}

Result<Script> Scanner::script() {
  while (true) {
    skip_blanks();
    if (!more()) break;
    const char c = here();
    if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == '\n') {
      ++at_;
      end_command();
      if (auto read = read_here_documents(); !read) return fail(std::move(read));
    } else if (c == ';' || c == '&' || c == '|') {
      ++at_;
      end_command();
    } else if (c == '(' || c == ')') {
      return wrong("expected a plain command, found a bracket");
    } else if (c == '<' || c == '>') {
      if (auto done = redirection(); !done) return fail(std::move(done));
    } else {
      auto next = word();
      if (!next) return fail(std::move(next));
      const bool descriptor = more() && (here() == '<' || here() == '>') && !next->empty() &&
                              std::ranges::all_of(*next, [](char d) { return d >= '0' && d <= '9'; });
      if (!descriptor) command_.push_back(*std::move(next));
    }
  }
  end_command();
  if (!pending_.empty()) return wrong("the text up to " + pending_.front().delimiter + " is missing");
  return std::move(out_);
}

}  // namespace

std::string shell_quoted(std::string_view word) {
  if (!word.empty() && std::ranges::all_of(word, is_plain)) return std::string(word);
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

Result<std::vector<std::string>> shell_words(std::string_view text) {
  const std::string line = "_ " + std::string(text);
  auto script = Scanner(line, true).script();
  if (!script) return fail(std::move(script));
  if (script->commands.size() != 1) return fail(ErrorKind::InvalidInput, "expected the words of one command");
  std::vector<std::string> words = std::move(script->commands[0]);
  words.erase(words.begin());
  return words;
}

std::string here_document(std::string_view file, std::string_view text) {
  std::string mark = "END";
  while (("\n" + std::string(text)).find("\n" + mark + "\n") != std::string::npos) mark += "_";
  std::string out = "cat > " + shell_quoted(file) + " <<'" + mark + "'\n" + std::string(text);
  if (!text.ends_with('\n')) out += "\n";
  return out + mark + "\n";
}

Result<Script> read_script(std::string_view text) {
  return Scanner(text).script();
}

}  // namespace ctl
