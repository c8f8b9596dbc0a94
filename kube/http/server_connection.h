// ServerConnection reads the requests of one client, one after another, and is the HttpExchange of each.
//
//   ServerConnection connection(loop, options, handler, log, std::move(stream), std::move(peer_certificate));
//   co_await connection.run();               // until the client goes, misbehaves, or wind_down()
//
// `buffered` counts the bytes of requests that are read or answered, of all connections of a server.
// Thread: the loop's only. Lifetime: outlives run(); `buffered` outlives it.
#pragma once

#include "kube/http/server.h"
#include "kube/http/wire.h"

namespace kube {

class ServerConnection final : public HttpExchange {
 public:
  ServerConnection(Loop& loop, const HttpServerOptions& options, const HttpServer::Handler& handler, Log log,
                   std::unique_ptr<Stream> stream, std::optional<TlsPeer> tls_peer, std::size_t& buffered);
  ~ServerConnection() override { count_buffered(0); }
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  Task<> run();
  // A client that keeps a connection may have sent its next request when we decide to close: it is in the
  // kernel, or between a proxy and us. To close over it would reset the connection, and a POST is not sent
  // again.
  static constexpr Duration kLastRequestTime = std::chrono::milliseconds(200);

  // Closes after the answer to the request that is being read or answered, or that comes within
  // kLastRequestTime.
  void wind_down();
  // After the answer to the current or the next request.
  void end_with_answer() { winding_down_after_next_ = true; }
  // Closes now, whatever is being read.
  void cut();
  // Since when the client owes us a request, the rest of one, or the reading of what we write; nothing while
  // one is being answered.
  std::optional<SteadyTime> waiting_since() const { return waiting_since_; }
  // A request of this client has had its whole answer.
  bool was_answered() const { return was_answered_; }

  const HttpRequest& request() const override { return request_; }
  HttpRequest& request() override { return request_; }
  const std::optional<TlsPeer>& tls_peer() const override { return tls_peer_; }
  Endpoint peer() const override { return stream_->peer(); }
  Task<Result<>> respond(HttpResponse response) override;
  Task<Result<>> start(HttpResponse head) override;
  Task<Result<>> write_chunk(std::string_view bytes) override;
  Task<Result<>> finish() override;
  Task<> wait_peer_gone() override;
  Task<Result<std::unique_ptr<WebSocket>>> accept_websocket(std::string protocol,
                                                            std::size_t max_message) override;
  void abort() override;

 private:
  // What has been answered to the current request. Broken: nothing more can be sent.
  enum class Answer { None, Started, Complete, Websocket, Broken };

  Task<bool> serve_one();
  Task<bool> read_request(WireParser& parser);
  // False: all connections together hold too much.
  bool count_buffered(std::size_t bytes);
  Task<bool> expect_body(WireParser& parser);
  Task<> run_handler();
  // Answers for the server itself, and ends the connection.
  Task<> refuse(int status, std::string reason);
  Task<> drain();
  Task<Result<>> send(std::string_view bytes);
  std::string framing(std::string_view length_field) const;
  Headers dated(Headers headers) const;

  Loop& loop_;
  const HttpServerOptions& options_;
  const HttpServer::Handler& handler_;
  Log log_;
  std::unique_ptr<Stream> stream_;
  std::optional<TlsPeer> tls_peer_;
  InputBuffer input_;

  HttpRequest request_;
  int version_ = 11;
  bool keep_alive_ = true;
  Answer answer_ = Answer::None;
  bool chunked_ = false;  // of a started answer: HTTP/1.0 has no chunks, its answer ends with the connection
  bool aborted_ = false;
  bool idle_ = true;
  bool winding_down_ = false;
  bool winding_down_after_next_ = false;
  std::optional<SteadyTime> waiting_since_{};
  bool was_answered_ = false;
  std::size_t& buffered_;
  std::size_t counted_ = 0;  // of buffered_, our share
};

}  // namespace kube
