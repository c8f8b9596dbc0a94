// bench_load: puts load on an API server or a webhook and prints what came of it, as one line of JSON.
//
//   bench_load prepare --kubeconfig F --namespaces a,b
//   bench_load create --kubeconfig F --namespaces a,b --application FILE --prefix P --count N --per-minute R
//   bench_load write …                             // the same, and all that an operator would write
//   bench_load driver-pod --application FILE       // prints it
//   bench_load reviews --server HOST:PORT --path P --server-name N --ca FILE --reviews FILE --seconds S …
//
// --reviews: an AdmissionReview a line. Its options, too: --per-second R, --connections C.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "bench/load/applications.h"
#include "bench/load/reviews.h"
#include "kube/async/real_loop.h"
#include "kube/core/yaml.h"

namespace {

using kube::fail;
using kube::Json;
using kube::Result;
using kube::Task;

constexpr const char* kUsage =
    "usage: bench_load prepare|create|write|driver-pod|reviews --option value …   (bench/README.md)\n";

using Options = std::map<std::string, std::string>;

std::string text(const Options& options, const std::string& name, std::string otherwise = "") {
  const auto found = options.find(name);
  return found == options.end() ? std::move(otherwise) : found->second;
}
double number(const Options& options, const std::string& name, double otherwise) {
  return std::atof(text(options, name, std::to_string(otherwise)).c_str());
}
std::vector<std::string> list(const Options& options, const std::string& name) {
  std::vector<std::string> items;
  std::istringstream in(text(options, name));
  for (std::string item; std::getline(in, item, ',');) items.push_back(item);
  return items;
}
kube::Duration seconds(double count) {
  return std::chrono::duration_cast<kube::Duration>(std::chrono::duration<double>(count));
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path);
  std::stringstream content;
  content << in.rdbuf();
  if (!in) return fail(kube::ErrorKind::Io, "cannot read " + path);
  return content.str();
}
Result<Json> read_application(const Options& options) {
  const std::string path = text(options, "--application");
  auto content = read_file(path);
  if (!content) return fail(std::move(content));
  return kube::parse_yaml_document(*content, path);
}

Result<bench::LoadPlan> load_plan(const Options& options) {
  bench::LoadPlan plan;
  plan.namespaces = list(options, "--namespaces");
  plan.prefix = text(options, "--prefix", plan.prefix);
  plan.count = static_cast<int>(number(options, "--count", 100));
  plan.per_minute = number(options, "--per-minute", 0);
  plan.connections = static_cast<int>(number(options, "--connections", plan.connections));
  plan.patience = seconds(number(options, "--patience", 300));
  auto application = read_application(options);
  if (!application) return fail(std::move(application));
  plan.application = std::move(*application);
  if (plan.namespaces.empty() || plan.count < 1 || plan.connections < 1)
    return fail(kube::ErrorKind::InvalidInput, "--namespaces, --count and --connections must name something");
  return plan;
}

Result<bench::ReviewPlan> review_plan(const Options& options) {
  bench::ReviewPlan plan;
  const std::string server = text(options, "--server");
  const std::size_t colon = server.rfind(':');
  if (colon == std::string::npos) return fail(kube::ErrorKind::InvalidInput, "--server HOST:PORT is missing");
  plan.server = {server.substr(0, colon), static_cast<std::uint16_t>(std::atoi(server.c_str() + colon + 1))};
  plan.path = text(options, "--path", plan.path);
  plan.server_name = text(options, "--server-name");
  plan.per_second = number(options, "--per-second", 0);
  plan.connections = static_cast<int>(number(options, "--connections", plan.connections));
  plan.lasts = seconds(number(options, "--seconds", 10));
  auto authorities = read_file(text(options, "--ca"));
  if (!authorities) return fail(std::move(authorities));
  plan.certificate_authorities = std::move(*authorities);
  auto reviews = read_file(text(options, "--reviews"));
  if (!reviews) return fail(std::move(reviews));
  std::istringstream lines(*reviews);
  for (std::string line; std::getline(lines, line);) plan.reviews.push_back(line);
  return plan;
}

template <class Answer>
Task<> answered(Task<Result<Answer>> task, Result<Json>* into) {
  auto answer = co_await std::move(task);
  if (answer) {
    *into = answer->to_json();
  } else {
    *into = fail(std::move(answer));
  }
}
Task<> done(Task<Result<>> task, Result<Json>* into) {
  auto answer = co_await std::move(task);
  if (!answer) *into = fail(std::move(answer));
}

Result<Json> run(const std::string& command, const Options& options) {
  kube::RealLoop loop;
  kube::TcpNetwork network(loop);
  Result<Json> result = Json::object();
  if (command == "reviews") {
    auto plan = review_plan(options);
    if (!plan) return fail(std::move(plan));
    loop.run(answered(bench::send_reviews(loop, network, std::move(*plan)), &result));
    return result;
  }
  if (command == "driver-pod") {
    auto application = read_application(options);
    if (!application) return fail(std::move(application));
    return bench::driver_pod(*application);
  }
  auto config = kube::load_config({.kubeconfig = text(options, "--kubeconfig")});
  if (!config) return fail(std::move(config));
  auto client =
      kube::Client::create(loop, network, *config,
                           {.user_agent = "bench-load",
                            .default_deadline = std::chrono::minutes(2),
                            .max_connections = static_cast<int>(number(options, "--connections", 20))});
  if (!client) return fail(std::move(client));
  if (command == "prepare") {
    loop.run(done(bench::prepare_namespaces(**client, list(options, "--namespaces")), &result));
    return result;
  }
  auto plan = load_plan(options);
  if (!plan) return fail(std::move(plan));
  loop.run(answered(command == "create" ? bench::create_applications(**client, std::move(*plan))
                                        : bench::write_applications(**client, std::move(*plan)),
                    &result));
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  Options options;
  for (int i = 2; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  constexpr std::array kCommands{"prepare", "create", "write", "driver-pod", "reviews"};
  if (std::ranges::find(kCommands, command) == kCommands.end() || argc % 2 != 0) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  auto result = run(command, options);
  if (!result) {
    std::fprintf(stderr, "bench_load: %s\n", result.error().message().c_str());
    return 1;
  }
  std::puts(kube::dump_json(*result).c_str());
  return 0;
}
