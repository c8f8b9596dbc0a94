// HttpFront is the side of the server that speaks HTTP: it authenticates, hands requests to the handler, and
// sends answers whole, in chunks, or as a websocket; a kubelet's websocket it joins with the client's.
//
//   HttpFront front(loop, options, handler, authenticator, log);
//   co_await front.serve(std::move(listener));
//
// A watch answers an Upgrade with a websocket, one text frame an event; an Upgrade is never ignored, because
// clients wait for ever for the end of a chunked answer they did not expect.
//
// Thread: the loop's only.
#pragma once

#include <memory>

#include "kube/apiserver/request_handler.h"
#include "kube/http/server.h"

namespace kube::apiserver {

class HttpFront {
 public:
  HttpFront(Loop& loop, HttpServerOptions options, RequestHandler& handler, Authenticator& authenticator,
            Log log);

  Task<> serve(std::unique_ptr<Listener> listener) { return server_.serve(std::move(listener)); }
  void stop(Duration grace) { server_.stop(grace); }

 private:
  Task<> answer(HttpExchange& exchange);
  Task<> send_stream(HttpExchange& exchange, ApiAnswer& answer);
  Task<> send_websocket(HttpExchange& exchange, ApiAnswer& answer);
  Task<> join_websockets(HttpExchange& exchange, ApiAnswer& answer);

  Loop& loop_;
  RequestHandler& handler_;
  Authenticator& authenticator_;
  Log log_;
  HttpServer server_;
};

}  // namespace kube::apiserver
