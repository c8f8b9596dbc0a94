#include "cmd/flag_parser.h"

#include <algorithm>
#include <charconv>

#include <CLI/CLI.hpp>

namespace cmd {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

std::string number_text(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  return {text, end};
}

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string set_log_level(kube::LogLevel& into, const std::string& given) {
  const std::string value = lower_case(given);  // as upstream takes it
  int verbosity = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), verbosity);
  const bool number = error == std::errc() && end == value.data() + value.size();
  if (value == "debug" || (number && verbosity > 0)) {
    into = kube::LogLevel::Debug;
  } else if (value == "info") {
    into = kube::LogLevel::Info;
  } else if (value == "error" || value == "panic") {
    into = kube::LogLevel::Error;
  } else {
    return "expected debug, info, error, panic or a number above 0, got \"" + given + "\"";
  }
  return "";
}

}  // namespace

std::vector<std::string> split_csv(const std::string& text) {
  std::vector<std::string> fields;
  if (text.empty()) return fields;
  std::string field;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      field += '"';
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.push_back(std::exchange(field, ""));
    } else {
      field += c;
    }
  }
  fields.push_back(field);
  return fields;
}

FlagParser::FlagParser(std::string description, std::string command)
    : app_(std::make_unique<CLI::App>(std::move(description), std::move(command))) {
  app_->add_option("ignored", ignored_, "Further arguments are accepted and ignored")->group("");
}

FlagParser::~FlagParser() = default;

void FlagParser::text(const std::string& name, std::string& into, const std::string& help) {
  rows_.push_back({name, "text", into, help});
  app_->add_option(name, into, help)->take_last();
}
void FlagParser::boolean(const std::string& name, bool& into, const std::string& help) {
  rows_.push_back({name, "boolean", into ? "true" : "false", help});
  app_->add_flag(name, into, help)->take_last();
}
void FlagParser::number(const std::string& name, int& into, const std::string& help) {
  rows_.push_back({name, "integer", std::to_string(into), help});
  app_->add_option(name, into, help)->take_last();
}
void FlagParser::number(const std::string& name, std::int64_t& into, const std::string& help) {
  rows_.push_back({name, "integer", std::to_string(into), help});
  app_->add_option(name, into, help)->take_last();
}
void FlagParser::number(const std::string& name, double& into, const std::string& help) {
  rows_.push_back({name, "number", number_text(into), help});
  app_->add_option(name, into, help)->take_last();
}

void FlagParser::custom(const std::string& name, const std::string& type, const std::string& help,
                        std::function<std::string(const std::string&)> set, const std::string& standard) {
  rows_.push_back({name, type, standard, help});
  app_->add_option(
          name,
          [set = std::move(set), name](const CLI::results_t& values) {
            for (const std::string& value : values) {
              if (const std::string problem = set(value); !problem.empty())
                throw CLI::ValidationError(name, problem);
            }
            return true;
          },
          help)
      ->type_name(type)
      ->take_all();
}

void FlagParser::duration(const std::string& name, kube::Duration& into, const std::string& help) {
  custom(
      name, "DURATION", help,
      [&into](const std::string& value) -> std::string {
        auto parsed = kube::parse_go_duration(value);
        if (!parsed) return parsed.error().message();
        into = *parsed;
        return "";
      },
      kube::to_go_duration(into));
}

void FlagParser::list(const std::string& name, std::vector<std::string>& into, const std::string& help) {
  custom(name, "LIST", help, [&into](const std::string& value) -> std::string {
    for (std::string& item : split_csv(value)) into.push_back(std::move(item));
    return "";
  });
}

void FlagParser::numbers(const std::string& name, std::vector<double>& into, const std::string& help) {
  std::string standard;
  for (const double number : into) standard += (standard.empty() ? "" : ",") + number_text(number);
  custom(
      name, "NUMBERS", help,
      [&into, given = false](const std::string& value) mutable -> std::string {
        if (!given) into.clear();  // ours are defaults, the user's replace them
        given = true;
        for (const std::string& item : split_csv(value)) {
          double number = 0;
          const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), number);
          if (error != std::errc() || end != item.data() + item.size())
            return "expected a number, got \"" + item + "\"";
          into.push_back(number);
        }
        return "";
      },
      standard);
}

void FlagParser::choice(const std::string& name, std::vector<std::string> values, const std::string& help,
                        std::function<void(const std::string&)> set, const std::string& standard) {
  std::string type;
  for (const std::string& value : values) type += (type.empty() ? "" : "|") + value;
  custom(
      name, type, help,
      [values, set = std::move(set), type](const std::string& value) -> std::string {
        if (std::find(values.begin(), values.end(), value) == values.end()) {
          return "expected one of " + type + ", got \"" + value + "\"";
        }
        set(value);
        return "";
      },
      standard);
}

void FlagParser::logging(kube::LogLevel& level, kube::LogFormat& format) {
  boolean("--zap-devel", ignored_flag_, "Accepted, without effect as upstream");
  custom(
      "--zap-encoder", "json|console", "Format of log lines",
      [&format](const std::string& given) -> std::string {
        const std::string value = lower_case(given);
        if (value != "json" && value != "console") return "expected json or console, got \"" + given + "\"";
        format = value == "json" ? kube::LogFormat::Json : kube::LogFormat::Console;
        return "";
      },
      "json");
  custom(
      "--zap-log-level", "debug|info|error|panic|N", "Least level of log lines",
      [&level](const std::string& value) { return set_log_level(level, value); }, "info");
  choice("--zap-stacktrace-level", {"info", "error", "panic"}, "Accepted; there are no stack traces",
         [](const std::string&) {});
  choice("--zap-time-encoding", {"epoch", "millis", "nanos", "iso8601", "rfc3339", "rfc3339nano"},
         "Accepted, without effect as upstream", [](const std::string&) {});
}

Result<> FlagParser::parse(std::vector<std::string> arguments) {
  // The library takes "--name=" for a missing value, Go's for an empty one.
  for (auto it = arguments.begin(); it != arguments.end(); ++it) {
    if (!it->starts_with("--") || !it->ends_with("=") || it->find('=') != it->size() - 1) continue;
    it->pop_back();
    it = arguments.insert(it + 1, "");
  }
  std::reverse(arguments.begin(), arguments.end());
  try {
    app_->parse(arguments);
  } catch (const CLI::ParseError& error) {
    return fail(ErrorKind::InvalidInput, error.what());
  }
  return {};
}

std::vector<std::string> FlagParser::given() const {
  std::vector<std::string> names;
  for (const CLI::Option* option : app_->get_options()) {
    if (option->count() > 0 && !option->get_lnames().empty())
      names.push_back("--" + option->get_lnames().front());
  }
  return names;
}

std::string FlagParser::usage() const {
  return app_->help();
}

Result<BindAddress> parse_bind_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::string host = colon == std::string::npos ? "" : text.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  BindAddress address{host, 0};
  const std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (colon == std::string::npos || error != std::errc() || end != port.data() + port.size()) {
    return fail(ErrorKind::InvalidInput, "expected host:port or :port, got \"" + text + "\"");
  }
  return address;
}

}  // namespace cmd
