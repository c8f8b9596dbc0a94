#include "cmd/ctl/session.h"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace ctl {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

constexpr const char* kUserAgent = "sparkctl";

// kubectl looks at ~/.kube/config before it looks for a pod's service account; an operator does the reverse.
std::string kubeconfig_of(const Invocation& asked, const kube::Environment& environment) {
  if (asked.given("kubeconfig")) return asked.text("kubeconfig");
  if (const auto listed = environment("KUBECONFIG"); listed && !listed->empty()) return "";
  const auto home = environment("HOME");
  if (!home || home->empty()) return "";
  const std::string path = *home + "/.kube/config";
  std::error_code ignored;
  return std::filesystem::exists(path, ignored) ? path : "";
}

// A message is one line, whoever wrote it.
std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line)
    if (c == '\n' || c == '\r') c = ' ';
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

}  // namespace

Session::Session(kube::Loop& loop, kube::Network& network, Surroundings surroundings)
    : loop_(loop), network_(network), surroundings_(std::move(surroundings)) {}
Session::~Session() = default;

std::string Session::namespace_of(const Invocation& asked) {
  return asked.given("namespace") ? asked.text("namespace") : "default";
}

Result<Cluster> Session::cluster(const Invocation& asked) {
  if (client_ == nullptr) {
    auto config = kube::load_config({.kubeconfig = kubeconfig_of(asked, surroundings_.environment),
                                     .context = asked.text("context"),
                                     .environment = surroundings_.environment});
    if (!config) return fail(std::move(config));
    context_namespace_ = config->default_namespace;
    auto client = kube::Client::create(
        loop_, network_, *std::move(config),
        {.user_agent = kUserAgent, .default_deadline = asked.duration("request-timeout")});
    if (!client) return fail(std::move(client));
    client_ = *std::move(client);
  }
  const bool all = asked.on("all-namespaces");
  return Cluster{client_.get(), all                        ? ""
                                : asked.given("namespace") ? asked.text("namespace")
                                                           : context_namespace_};
}

Result<std::string> Session::read_file(const std::string& path) const {
  if (path == "-") return surroundings_.standard_input;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return fail(ErrorKind::Io, path + ": expected a file, found a folder");
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) return fail(ErrorKind::Io, "cannot read " + path);
  return text;
}

void Session::say(std::string_view line) {
  surroundings_.out(std::string(line) + "\n");
}
void Session::print(std::string_view text) {
  surroundings_.out(text);
}
void Session::note(std::string_view line) {
  surroundings_.err(std::string(line) + "\n");
}
int Session::failed(std::string_view what) {
  note(surroundings_.program + ": " + one_line(what));
  return exit_code::kFailed;
}
int Session::failed(const kube::Error& error) {
  return failed(error.message());
}
int Session::wrong(std::string_view what) {
  failed(what);
  return exit_code::kWrongInput;
}
int Session::wrong(const kube::Error& error) {
  return wrong(error.message());
}

}  // namespace ctl
