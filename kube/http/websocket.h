// WebSocket is one end of a websocket (RFC 6455), a server's or a client's, over a Stream whose HTTP upgrade
// has been answered. HttpExchange::accept_websocket() and HttpClient::open_websocket() make them.
//
//   Result<std::optional<std::string>> message = co_await socket->receive();
//   if (message && *message) co_await socket->send_binary(**message, loop.after(10s));
//   co_await socket->close(1000);
//
// Below it are the room's own parts: the handshake's arithmetic, frames, and their reader. What comes in is
// checked, pings are answered, fragments are joined, extensions are not spoken.
//
// Thread: the loop's only. Lifetime: that of an exchange's socket is within the exchange, a client's stands
// alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kube/base/random.h"
#include "kube/http/wire.h"

namespace kube {

class WebSocket {
 public:
  virtual ~WebSocket() = default;
  // One unfragmented frame each. Several tasks may send; messages are not mixed. Error: Unavailable, Timeout.
  virtual Task<Result<>> send_text(std::string_view message, SteadyTime deadline) = 0;
  virtual Task<Result<>> send_binary(std::string_view message, SteadyTime deadline) = 0;
  // The next message, text or binary, where the socket was made with a longest one; nullopt when the peer has
  // said goodbye. One task at a time receives or waits. Error: Unavailable (cut), Timeout, Protocol (against
  // the RFC, or too long: the peer is told 1002).
  virtual Task<Result<std::optional<std::string>>> receive() = 0;
  // Waits until the peer closes or breaks; messages of the peer are dropped.
  virtual Task<> wait_closed() = 0;
  // Says goodbye and, unless another task receives or waits, waits a little for the peer's goodbye.
  virtual Task<> close(std::uint16_t code) = 0;
  // Without a goodbye; operations in progress end with Unavailable.
  virtual void cut() = 0;
  // When it passes, the socket is cut and operations end with Timeout.
  virtual void set_deadline(SteadyTime deadline) = 0;
};

bool valid_websocket_key(std::string_view key);      // base64 of 16 bytes
std::string websocket_key(Random& random);           // a new one
std::string websocket_accept(std::string_view key);  // what proves that the upgrade was understood

enum class WebSocketOpcode : std::uint8_t {
  Continuation = 0,
  Text = 1,
  Binary = 2,
  Close = 8,
  Ping = 9,
  Pong = 10,
};

// A frame with FIN: unmasked as a server sends it, or masked as a client does.
std::string websocket_frame(WebSocketOpcode opcode, std::string_view payload,
                            std::optional<std::uint32_t> mask = {});

// Reads the peer's frames. Control frames come out whole, and so do messages where the reader keeps them.
class WebSocketReader {
 public:
  enum class From { Client, Server };
  // `max_message`: the longest message; 0: messages of any length are dropped.
  explicit WebSocketReader(From from = From::Client, std::size_t max_message = 0)
      : from_(from), max_message_(max_message) {}

  struct Frame {
    WebSocketOpcode opcode;  // of a message Text or Binary
    std::string payload;
  };

  // Takes bytes from the front of `input` until a control frame or message is complete (returned) or more are
  // needed (nullopt). Error Protocol: what RFC 6455 forbids, or a message that is too long; after it the
  // connection must be closed with 1002.
  Result<std::optional<Frame>> next(InputBuffer& input);

 private:
  const From from_;
  const std::size_t max_message_;
  std::uint64_t skip_ = 0;   // bytes of a dropped message that are still to come
  bool in_message_ = false;  // a fragmented message is not complete
  WebSocketOpcode message_opcode_ = WebSocketOpcode::Binary;
  std::string message_;  // its fragments so far
};

struct WebSocketOptions {
  WebSocketReader::From peer = WebSocketReader::From::Client;
  std::size_t max_message = 0;
  Duration write_timeout = 60s;           // for answers to pings, and for goodbyes
  std::shared_ptr<void> owner = nullptr;  // what stream and input live in, kept as long as the socket
};
std::unique_ptr<WebSocket> make_websocket(Loop& loop, Stream& stream, InputBuffer& input,
                                          WebSocketOptions options);

}  // namespace kube
