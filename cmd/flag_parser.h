// FlagParser is what the flags of all `start` commands have in common: Go's and upstream's ways to write
// them, on top of a command-line library that only this file's .cc sees.
//
//   FlagParser flags("Run the controllers", "spark-operator controller start");
//   flags.list("--namespaces", options.namespaces, "Namespaces to manage; none or \"\" means all");
//   flags.duration("--cache-sync-timeout", options.sync, "How long caches may take to fill");
//   Result<> parsed = flags.parse(arguments);           // InvalidInput names the flag
//   flags.given();                                      // {"--namespaces"}: those on the command line
//
// Lists are CSV and accumulate, other flags count at their last place; `--name=` is an empty value; further
// arguments are accepted and ignored. Durations are Go's ("1h30m").
// Thread: pure. Lifetime: the members bound to flags outlive it; it is neither copied nor moved.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kube/base/clock.h"
#include "kube/base/log.h"
#include "kube/base/result.h"

namespace CLI {
class App;
}

namespace cmd {

// One flag as documentation shows it.
struct FlagRow {
  std::string name;      // "--cache-sync-timeout"
  std::string type;      // "DURATION"
  std::string standard;  // the default, as one would write it; "" = none
  std::string help;
};

class FlagParser {
 public:
  FlagParser(std::string description, std::string command);
  ~FlagParser();
  FlagParser(const FlagParser&) = delete;
  FlagParser& operator=(const FlagParser&) = delete;

  void text(const std::string& name, std::string& into, const std::string& help);
  void boolean(const std::string& name, bool& into, const std::string& help);
  void number(const std::string& name, int& into, const std::string& help);
  void number(const std::string& name, std::int64_t& into, const std::string& help);
  void number(const std::string& name, double& into, const std::string& help);
  void duration(const std::string& name, kube::Duration& into, const std::string& help);
  void list(const std::string& name, std::vector<std::string>& into, const std::string& help);
  // What `into` holds are defaults, which the first given value replaces.
  void numbers(const std::string& name, std::vector<double>& into, const std::string& help);
  void choice(const std::string& name, std::vector<std::string> values, const std::string& help,
              std::function<void(const std::string&)> set, const std::string& standard = "");
  // `standard`: the default, for rows(). `set` answers what is wrong with a value; "" = nothing.
  void custom(const std::string& name, const std::string& type, const std::string& help,
              std::function<std::string(const std::string&)> set, const std::string& standard = "");
  // --zap-*: level and format, and those that are accepted without effect.
  void logging(kube::LogLevel& level, kube::LogFormat& format);

  kube::Result<> parse(std::vector<std::string> arguments);
  std::vector<std::string> given() const;
  std::string usage() const;
  // In the order in which they were declared.
  const std::vector<FlagRow>& rows() const { return rows_; }

 private:
  std::unique_ptr<CLI::App> app_;
  std::vector<FlagRow> rows_;
  std::vector<std::string> ignored_;
  bool ignored_flag_ = false;
};

// Fields of one CSV record: `a,"b,c",""`.
std::vector<std::string> split_csv(const std::string& text);

// ":8081", "127.0.0.1:8081", "[::1]:8081"; an Error for anything else. "0" is the caller's to look at.
struct BindAddress {
  std::string host;
  std::uint16_t port = 0;
};
kube::Result<BindAddress> parse_bind_address(const std::string& text);

}  // namespace cmd
