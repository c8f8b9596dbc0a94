// LogServer answers what the API server asks a kubelet for: `GET
// /containerLogs/<namespace>/<pod>/<container>` and `GET /portForward/<namespace>/<pod>` (port_connection.h).
//
//   LogServer logs(loop, network, {"127.0.0.1", 0}, tls, {.log = …, .address = …});
//   Result<> bound = logs.listen();                     // Io: the port is in use
//   group.spawn("logs", logs.run());
//
// Query of logs: follow, previous, tailLines, limitBytes, sinceSeconds, sinceTime, timestamps. 404: no such
// pod or container; 400: it has not started yet, or a parameter is malformed. Who can reach the port can read
// the logs, and connect to pods. Thread: the loop's only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kube/async/stream.h"
#include "kube/http/server.h"
#include "kube/kubelet/log_file.h"

namespace kube {

struct ContainerName {
  std::string ns, pod, container;
  bool previous = false;
};

class LogServer {
 public:
  // NotFound: nobody of that name; BadRequest: it has no log yet, or does not run.
  struct Find {
    std::function<Result<std::shared_ptr<LogFile>>(const ContainerName&)> log;
    std::function<Result<std::string>(const ContainerName&)> address;  // of the pod; `container` is ""
  };

  LogServer(Loop& loop, Network& network, Endpoint listen, std::shared_ptr<TlsServerContext> tls, Find find,
            Log log = {});

  Result<> listen();
  Endpoint local() const;  // after listen()
  Task<> run();            // until cancelled

 private:
  Task<> answer(HttpExchange& exchange);
  Task<> answer_log(HttpExchange& exchange, ContainerName name, std::string query);
  Task<> answer_port(HttpExchange& exchange, ContainerName pod, std::string query);

  Loop& loop_;
  Network& network_;
  const Endpoint at_;
  const Find find_;
  std::unique_ptr<Listener> listener_;
  Endpoint local_;
  HttpServer server_;
};

// The options of a log request. Error: BadRequest.
struct LogQuery {
  LogOptions options;
  bool follow = false;
  bool previous = false;
};
Result<LogQuery> parse_log_query(std::string_view query, TimePoint now);

}  // namespace kube
