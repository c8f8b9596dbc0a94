#include "kube/kubelet/log_server.h"

#include <charconv>
#include <vector>

#include "kube/kubelet/port_connection.h"

namespace kube {
namespace {

Result<std::int64_t> number(const std::string& name, const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0)
    return fail(ErrorKind::BadRequest, name + ": expected a number, got \"" + text + "\"");
  return value;
}

Task<Result<>> refuse(HttpExchange& exchange, int status, const std::string& why) {
  HttpResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  response.body = why + "\n";
  co_return co_await exchange.respond(std::move(response));
}

Task<> watch_peer(HttpExchange* exchange, TaskGroup* copying) {
  co_await exchange->wait_peer_gone();
  copying->cancel();
}

Task<> copy_log(HttpExchange* exchange, std::shared_ptr<LogFile> log, LogOptions options) {
  LogFile::Cursor cursor = log->end();
  const std::string before = log->read(options);
  if (!before.empty()) {
    Result<> written = co_await exchange->write_chunk(before);
    if (!written) co_return;
  }
  while (auto more = co_await log->follow(cursor, options)) {
    if (more->empty()) continue;
    Result<> written = co_await exchange->write_chunk(*more);
    if (!written) co_return;
  }
}

}  // namespace

Result<LogQuery> parse_log_query(std::string_view query, TimePoint now) {
  LogQuery out;
  auto parameters = parse_query(query);
  if (!parameters) return fail(ErrorKind::BadRequest, "malformed query");
  for (const auto& [name, value] : *parameters) {
    const bool yes = value == "true" || value == "1";
    if (name == "follow") out.follow = yes;
    if (name == "previous") out.previous = yes;
    if (name == "timestamps") out.options.timestamps = yes;
    if (name == "sinceTime") {
      Result<TimePoint> time = parse_rfc3339(value);
      if (!time) return fail(ErrorKind::BadRequest, "sinceTime: " + time.error().message());
      out.options.since = *time;
    }
    if (name == "tailLines" || name == "limitBytes" || name == "sinceSeconds") {
      Result<std::int64_t> amount = number(name, value);
      if (!amount) return fail(amount);
      if (name == "tailLines") out.options.tail_lines = *amount;
      if (name == "limitBytes") out.options.limit_bytes = *amount;
      if (name == "sinceSeconds") out.options.since = saturating_add(now, -std::chrono::seconds(*amount));
    }
  }
  return out;
}

LogServer::LogServer(Loop& loop, Network& network, Endpoint listen, std::shared_ptr<TlsServerContext> tls,
                     Find find, Log log)
    : loop_(loop),
      network_(network),
      at_(std::move(listen)),
      find_(std::move(find)),
      server_(
          loop, {.tls = std::move(tls)}, [this](HttpExchange& exchange) { return answer(exchange); },
          std::move(log)) {}

Result<> LogServer::listen() {
  if (listener_) return {};
  auto listener = network_.listen(at_);
  if (!listener) return fail(listener.error().while_doing("serve container logs"));
  listener_ = std::move(*listener);
  local_ = listener_->local();
  return {};
}

Endpoint LogServer::local() const {
  return local_;
}

Task<> LogServer::run() {
  return server_.serve(std::move(listener_));
}

Task<> LogServer::answer(HttpExchange& exchange) {
  const std::string& target = exchange.request().target;
  const std::size_t question = target.find('?');
  std::string path = target.substr(0, question);
  std::vector<std::string> parts;
  while (!path.empty()) {
    path.erase(0, 1);
    const std::size_t slash = path.find('/');
    parts.push_back(percent_decode(path.substr(0, slash)).value_or(""));
    path.erase(0, slash == std::string::npos ? path.size() : slash);
  }
  const std::string query = question == std::string::npos ? "" : target.substr(question + 1);
  const bool get = exchange.request().method == "GET";
  if (get && parts.size() == 4 && parts[0] == "containerLogs") {
    co_await answer_log(exchange, {parts[1], parts[2], parts[3]}, query);
  } else if (get && parts.size() == 3 && parts[0] == "portForward") {
    co_await answer_port(exchange, {parts[1], parts[2], ""}, query);
  } else {
    (void)co_await refuse(exchange, 404, "404 page not found");
  }
}

Task<> LogServer::answer_port(HttpExchange& exchange, ContainerName pod, std::string query) {
  auto port = parse_port_query(query);
  Result<std::string> address = port ? find_.address(pod) : Result<std::string>(fail(port));
  if (!address) {
    (void)co_await refuse(exchange, address.error().is_not_found() ? 404 : 400, address.error().message());
    co_return;
  }
  co_await join_port(exchange, loop_, network_, {*address, *port}, pod.ns + "/" + pod.pod);
}

Task<> LogServer::answer_log(HttpExchange& exchange, ContainerName name, std::string text) {
  Result<LogQuery> query = parse_log_query(text, loop_.now());
  if (!query) {
    (void)co_await refuse(exchange, 400, query.error().message());
    co_return;
  }
  name.previous = query->previous;
  auto log = find_.log(name);
  if (!log) {
    (void)co_await refuse(exchange, log.error().is_not_found() ? 404 : 400, log.error().message());
    co_return;
  }
  HttpResponse head;
  head.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  if (!query->follow) {
    head.body = (*log)->read(query->options);
    (void)co_await exchange.respond(std::move(head));
    co_return;
  }
  Result<> started = co_await exchange.start(std::move(head));
  if (!started) co_return;
  TaskGroup copying(loop_), watching(loop_);
  copying.spawn("follow log", copy_log(&exchange, *log, query->options));
  watching.spawn("log reader", watch_peer(&exchange, &copying));
  co_await copying.join_or_cancel();
  co_await watching.cancel_and_join();
  (void)co_await exchange.finish();
}

}  // namespace kube
