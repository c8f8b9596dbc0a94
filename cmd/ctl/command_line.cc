#include "cmd/ctl/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ctl {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

constexpr Flag kHelp{.name = "help", .letter = 'h', .help = "Print this page"};

const Flag* by_name(const Command* command, std::string_view name) {
  if (name == kHelp.name) return &kHelp;
  if (command != nullptr) {
    for (const Flag& flag : command->flags)
      if (flag.name == name) return &flag;
  }
  if (command != nullptr && !command->uses_cluster) return nullptr;
  for (const Flag& flag : cluster_flags())
    if (flag.name == name) return &flag;
  return nullptr;
}

const Flag* by_letter(const Command* command, char letter) {
  if (letter == kHelp.letter) return &kHelp;
  if (command != nullptr) {
    for (const Flag& flag : command->flags)
      if (flag.letter == letter) return &flag;
  }
  if (command != nullptr && !command->uses_cluster) return nullptr;
  for (const Flag& flag : cluster_flags())
    if (flag.letter == letter) return &flag;
  return nullptr;
}

// "sparkctl list: …" is what main() puts in front.
std::string where(const Command* command) {
  return command == nullptr ? std::string() : std::string(command->name) + ": ";
}
std::string read_on(const Command* command) {
  return command == nullptr ? "; see sparkctl --help"
                            : "; see sparkctl " + std::string(command->name) + " --help";
}
std::unexpected<kube::Error> wrong(const Command* command, const std::string& what) {
  return fail(ErrorKind::InvalidInput, where(command) + what + read_on(command));
}

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(at), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// What is wrong with a flag's value; "" = nothing.
std::string fault_of(const Flag& flag, const std::string& value) {
  switch (flag.takes) {
    case Takes::Nothing:
      return value == "true" || value == "false" ? "" : "expected true or false";
    case Takes::Number:
      return number_of(value) ? "" : "expected a number";
    case Takes::Duration: {
      const auto read = kube::parse_go_duration(value);
      return read && read->count() >= 0 ? "" : "expected a duration such as 90s or 1h30m";
    }
    case Takes::Choice: {
      const auto words = split(flag.choices, '|');
      return std::ranges::find(words, value) != words.end() ? "" : "expected " + std::string(flag.choices);
    }
    default:
      return value.empty() && flag.takes != Takes::Text ? "expected a name" : "";
  }
}

// Reads word after word; knows the command from the moment its name has been read.
class Reader {
 public:
  explicit Reader(const std::vector<std::string>& words) : words_(words) {}

  Result<Invocation> read();
  // Only as far as it goes, for completion: what is wrong is passed by.
  Invocation read_leniently();
  // The flag that waits for its value, when the words ended there.
  const Flag* waiting() const { return waiting_; }
  bool flags_ended() const { return flags_ended_; }
  // The word that should have been a command's name and is none, or only the first half of one.
  const std::string& unknown() const { return unknown_; }

 private:
  Result<> word(const std::string& text);
  Result<> long_flag(std::string_view text);
  Result<> letters(std::string_view text);
  Result<> set(const Flag& flag, std::string shown, std::string value);
  Result<> set_from_next(const Flag& flag, std::string shown);
  Result<> name_command(const std::string& first);
  bool rest_begins() const;

  const std::vector<std::string>& words_;
  std::size_t at_ = 0;
  Invocation out_;
  const Flag* waiting_ = nullptr;
  bool flags_ended_ = false;
  std::string unknown_;
};

Result<> Reader::set(const Flag& flag, std::string shown, std::string value) {
  if (const std::string fault = fault_of(flag, value); !fault.empty())
    return wrong(out_.command, shown + ": " + fault + ", got \"" + value + "\"");
  if (&flag == &kHelp) {
    out_.help = value == "true";
  } else {
    out_.flags.insert_or_assign(std::string(flag.name), std::move(value));
  }
  return {};
}

Result<> Reader::set_from_next(const Flag& flag, std::string shown) {
  if (at_ == words_.size()) {
    waiting_ = &flag;
    return wrong(out_.command, shown + ": expected " + std::string(flag.value) + " behind it");
  }
  return set(flag, std::move(shown), words_[at_++]);
}

Result<> Reader::long_flag(std::string_view text) {
  const std::size_t equals = std::min(text.find('='), text.size());
  const std::string shown = "--" + std::string(text.substr(0, equals));
  const Flag* flag = by_name(out_.command, text.substr(0, equals));
  if (flag == nullptr) return wrong(out_.command, "there is no flag " + shown);
  if (equals < text.size()) return set(*flag, shown, std::string(text.substr(equals + 1)));
  if (flag->takes == Takes::Nothing) return set(*flag, shown, "true");
  return set_from_next(*flag, shown);
}

Result<> Reader::letters(std::string_view text) {
  while (!text.empty()) {
    const std::string shown = std::string("-") + text.front();
    const Flag* flag = by_letter(out_.command, text.front());
    if (flag == nullptr) return wrong(out_.command, "there is no flag " + shown);
    text.remove_prefix(1);
    if (flag->takes == Takes::Nothing) {
      if (auto done = set(*flag, shown, "true"); !done) return done;
      continue;
    }
    if (text.empty()) return set_from_next(*flag, shown);
    if (text.front() == '=') text.remove_prefix(1);
    return set(*flag, shown, std::string(text));
  }
  return {};
}

// Names have one or two words.
Result<> Reader::name_command(const std::string& first) {
  if (at_ < words_.size()) {
    out_.command = find_command(first + " " + words_[at_]);
    if (out_.command != nullptr) {
      ++at_;
      return {};
    }
  }
  out_.command = find_command(first);
  if (out_.command != nullptr) return {};
  unknown_ = first;
  std::string among;
  for (const Command& command : commands()) {
    if (!command.hidden && command.name.starts_with(first + " "))
      among += (among.empty() ? "" : ", ") + std::string(command.name);
  }
  if (!among.empty()) return wrong(nullptr, "\"" + first + "\" wants one of: " + among);
  return wrong(nullptr, "there is no command \"" + first + "\"");
}

bool Reader::rest_begins() const {
  return out_.command != nullptr && !out_.command->arguments.empty() &&
         out_.command->arguments.back().count == Argument::Count::Rest &&
         out_.arguments.size() + 1 >= out_.command->arguments.size();
}

Result<> Reader::word(const std::string& text) {
  // A program of its own, with flags of its own.
  if (out_.command != nullptr && out_.command->run_alone != nullptr && rest_begins()) {
    out_.arguments.push_back(text);
    return {};
  }
  if (!flags_ended_ && text == "--") {
    flags_ended_ = true;
    return {};
  }
  if (!flags_ended_ && text.starts_with("--")) return long_flag(std::string_view(text).substr(2));
  if (!flags_ended_ && text.size() > 1 && text.starts_with('-'))
    return letters(std::string_view(text).substr(1));
  if (out_.command == nullptr) return name_command(text);
  if (rest_begins()) flags_ended_ = true;
  out_.arguments.push_back(text);
  return {};
}

Result<Invocation> Reader::read() {
  while (at_ < words_.size()) {
    if (auto done = word(words_[at_++]); !done) {
      // Whoever asks for help gets it, whatever else is wrong.
      if (out_.command != nullptr && std::ranges::any_of(words_, [](const std::string& word) {
            return word == "--help" || word == "-h";
          }))
        break;
      return fail(std::move(done));
    }
  }
  if (out_.command == nullptr || out_.help) return std::move(out_);
  if (!out_.command->uses_cluster) {
    for (const Flag& flag : cluster_flags()) {
      if (out_.given(flag.name) &&
          std::ranges::none_of(out_.command->flags, [&](const Flag& own) { return own.name == flag.name; }))
        return wrong(out_.command, "there is no flag --" + std::string(flag.name));
    }
  }
  std::size_t least = 0, most = 0;
  for (const Argument& argument : out_.command->arguments) {
    const bool many = argument.count == Argument::Count::Some || argument.count == Argument::Count::Rest;
    if (argument.count == Argument::Count::One || argument.count == Argument::Count::Some) ++least;
    most = many ? words_.size() : most + 1;
    if (out_.arguments.size() < least) return wrong(out_.command, "expected " + std::string(argument.name));
  }
  if (out_.arguments.size() > most) return wrong(out_.command, "unexpected \"" + out_.arguments[most] + "\"");
  return std::move(out_);
}

Invocation Reader::read_leniently() {
  while (at_ < words_.size()) {
    waiting_ = nullptr;
    (void)word(words_[at_++]).has_value();
  }
  return std::move(out_);
}

std::string shown_argument(const Argument& argument) {
  const std::string name(argument.name);
  switch (argument.count) {
    case Argument::Count::Optional:
      return "[" + name + "]";
    case Argument::Count::Some:
      return name + "...";
    case Argument::Count::Rest:
      return "[-- " + name + "...]";
    case Argument::Count::One:
      break;
  }
  return name;
}

void add_flags(std::string& page, const std::vector<Flag>& flags) {
  for (const Flag& flag : flags) {
    std::string left = flag.letter == 0 ? "      " : fmt::format("  -{}, ", flag.letter);
    left += fmt::format("--{}", flag.name);
    if (flag.takes != Takes::Nothing)
      left += fmt::format(" {}", flag.takes == Takes::Choice ? flag.choices : flag.value);
    page += left.size() < 34 ? fmt::format("{:<34}", left) : left + "\n" + std::string(34, ' ');
    page += flag.help;
    if (!flag.standard.empty()) page += fmt::format(" (default {})", flag.standard);
    page += "\n";
  }
}

}  // namespace

std::string Invocation::text(std::string_view flag) const {
  if (const auto found = flags.find(flag); found != flags.end()) return found->second;
  const Flag* row = by_name(command, flag);
  return row == nullptr ? "" : std::string(row->standard);
}
std::int64_t Invocation::number(std::string_view flag) const {
  return number_of(text(flag)).value_or(0);
}
kube::Duration Invocation::duration(std::string_view flag) const {
  const auto read = kube::parse_go_duration(text(flag));
  return read ? *read : kube::Duration::zero();
}
std::string Invocation::argument(std::size_t index) const {
  return index < arguments.size() ? arguments[index] : "";
}

Result<Invocation> parse_command_line(const std::vector<std::string>& words) {
  return Reader(words).read();
}

std::string overview(std::string_view program) {
  std::string page = fmt::format(
      "{0} submits, watches and explains Spark applications on Kubernetes.\n\nUsage: {0} COMMAND [flags]\n\n",
      program);
  for (const Command& command : commands())
    if (!command.hidden) page += fmt::format("  {:<16} {}\n", command.name, command.summary);
  page += fmt::format(
      "\n{} COMMAND --help tells arguments, flags and exit codes of a command.\n"
      "Exit codes: 0 done; 1 the cluster refused it or has no such object; 2 wrong input, nothing was done; "
      "130 "
      "after Ctrl-C.\n",
      program);
  return page;
}

std::string help_page(const Command& command, std::string_view program) {
  std::string page = fmt::format("{}.\n\nUsage: {} {}", command.summary, program, command.name);
  for (const Argument& argument : command.arguments) page += " " + shown_argument(argument);
  page += " [flags]\n";
  if (!command.about.empty()) page += fmt::format("\n{}", command.about);
  if (!command.examples.empty()) {
    page += "\nExamples:\n";
    for (const std::string& line : split(command.examples, '\n'))
      page += fmt::format("  {} {}\n", program, line);
  }
  page += "\nFlags:\n";
  std::vector<Flag> own = command.flags;
  own.push_back(kHelp);
  add_flags(page, own);
  if (command.uses_cluster) {
    page += "\nWhich cluster:\n";
    add_flags(page, cluster_flags());
  }
  return page;
}

Candidates candidates(const std::vector<std::string>& words) {
  Candidates out;
  const std::string last = words.empty() ? "" : words.back();
  const std::vector<std::string> before(words.begin(), words.empty() ? words.begin() : words.end() - 1);
  Reader reader(before);
  out.so_far = reader.read_leniently();
  const Command* command = out.so_far.command;
  const auto offer = [&](const std::string& word) {
    if (word.starts_with(last)) out.words.push_back(word);
  };
  const auto offer_choices = [&](const Flag& flag, const std::string& prefix) {
    if (flag.takes == Takes::Choice) {
      for (const std::string& word : split(flag.choices, '|')) offer(prefix + word);
    } else if (prefix.empty()) {
      out.wanted = flag.takes;
    }
  };
  if (reader.waiting() != nullptr) {
    offer_choices(*reader.waiting(), "");
    return out;
  }
  if (const std::size_t equals = last.find('='); last.starts_with("--") && equals != std::string::npos) {
    if (const Flag* flag = by_name(command, std::string_view(last).substr(2, equals - 2)))
      offer_choices(*flag, last.substr(0, equals + 1));
    return out;
  }
  if (!reader.flags_ended() && last.starts_with('-')) {
    if (command != nullptr)
      for (const Flag& flag : command->flags) offer("--" + std::string(flag.name));
    if (command == nullptr || command->uses_cluster)
      for (const Flag& flag : cluster_flags()) offer("--" + std::string(flag.name));
    offer("--help");
    return out;
  }
  // The first word of a name that has two leads to the second.
  const std::string first = reader.unknown().empty() ? "" : reader.unknown() + " ";
  for (const Command& known : commands()) {
    if (known.hidden || command != nullptr) continue;
    const std::string name(known.name);
    if (first.empty()) {
      const std::string word = name.substr(0, name.find(' '));
      if (std::ranges::find(out.words, word) == out.words.end()) offer(word);
    } else if (name.starts_with(first)) {
      offer(name.substr(first.size()));
    }
  }
  if (command == nullptr || command->arguments.empty()) return out;
  const std::size_t index = out.so_far.arguments.size();
  const std::vector<Argument>& arguments = command->arguments;
  if (index < arguments.size()) {
    out.wanted = arguments[index].takes;
  } else if (arguments.back().count == Argument::Count::Some) {
    out.wanted = arguments.back().takes;
  }
  return out;
}

}  // namespace ctl
