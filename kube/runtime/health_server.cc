#include "kube/runtime/health_server.h"

#include <algorithm>
#include <set>

namespace kube {

namespace {

constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

HttpResponse text(int status, std::string body, std::string_view type = "text/plain; charset=utf-8") {
  return {.status = status, .headers = {{"Content-Type", std::string(type)}}, .body = std::move(body)};
}

}  // namespace

HealthServer::HealthServer(Loop& loop, Network& network, HealthServerOptions options)
    : network_(network),
      options_(std::move(options)),
      server_(
          loop, {.tls = options_.tls, .max_body_bytes = 4096},
          [this](HttpExchange& exchange) { return answer(exchange); }, options_.log) {
  add_healthz("ping", [] { return Result<>(); });
  add_readyz("ping", [] { return Result<>(); });
}

HealthServer::~HealthServer() = default;

void HealthServer::add_healthz(std::string name, HealthCheck check) {
  healthz_[std::move(name)] = std::move(check);
}
void HealthServer::add_readyz(std::string name, HealthCheck check) {
  readyz_[std::move(name)] = std::move(check);
}

Result<> HealthServer::listen() {
  auto listener = network_.listen(options_.at);
  if (!listener) return fail(std::move(listener).error().while_doing("listen on " + options_.at.to_string()));
  listener_ = std::move(*listener);
  local_ = listener_->local();
  return {};
}

Endpoint HealthServer::local() const {
  return local_;
}

Task<Result<>> HealthServer::run() {
  if (!listener_) {
    if (auto listening = listen(); !listening) co_return listening;
  }
  co_await server_.serve(std::move(listener_));
  co_return Result<>{};
}

void HealthServer::stop() {
  server_.stop();
}

Task<> HealthServer::answer(HttpExchange& exchange) {
  auto sent = co_await exchange.respond(answer_to(exchange.request()));
  // Whoever asked has gone: nothing to do about it.
  if (!sent) options_.log.debug("probe was not answered", {{"error", sent.error()}});
}

HttpResponse HealthServer::answer_to(const HttpRequest& request) const {
  if (request.method != "GET" && request.method != "HEAD") return text(405, "method not allowed\n");
  const std::string_view target = request.target;
  const std::size_t end = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, end);
  const std::string_view query = target.substr(std::min(end + 1, target.size()));
  const bool asks_metrics =
      path == "/metrics" || (!options_.metrics_path.empty() && path == options_.metrics_path);
  if (asks_metrics && options_.metrics != nullptr) return text(200, options_.metrics->text(), kMetricsType);
  if (options_.probes) {
    for (const auto& [root, checks] : {std::pair{std::string_view("/healthz"), &healthz_},
                                       std::pair{std::string_view("/readyz"), &readyz_}}) {
      if (path == root || path == std::string(root) + "/") return run_checks(*checks, "", query);
      if (path.starts_with(root) && path[root.size()] == '/')
        return run_checks(*checks, path.substr(root.size() + 1), query);
    }
  }
  return text(404, "404 page not found\n");
}

HttpResponse HealthServer::run_checks(const Checks& checks, std::string_view only, std::string_view query) {
  bool verbose = false;
  std::set<std::string_view> excluded;
  for (std::size_t begin = 0; begin < query.size();) {
    const std::size_t end = std::min(query.find('&', begin), query.size());
    const std::string_view parameter = query.substr(begin, end - begin);
    if (parameter == "verbose" || parameter.starts_with("verbose=")) verbose = true;
    if (parameter.starts_with("exclude=")) excluded.insert(parameter.substr(8));
    begin = end + 1;
  }
  std::string lines;
  bool found = only.empty();
  bool passed = true;
  for (const auto& [name, check] : checks) {
    if (!only.empty() && name != only) continue;
    found = true;
    if (only.empty() && excluded.contains(name)) {
      lines += "[+]" + name + " excluded: ok\n";
      continue;
    }
    const Result<> result = check();
    passed = passed && result;
    lines += result ? "[+]" + name + " ok\n" : "[-]" + name + " failed: " + result.error().message() + "\n";
  }
  if (!found) return text(404, "no such check\n");
  if (!passed) return text(500, lines + "check failed\n");
  return text(200, verbose ? lines + "check passed\n" : "ok");
}

}  // namespace kube
