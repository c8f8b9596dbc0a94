// The server's side of RFC 6455 over a Stream whose HTTP upgrade has been answered, and its handshake
// arithmetic. Text frames go out whole and unmasked; what comes in is checked, control frames are answered,
// messages are dropped.
//
//   if (valid_websocket_key(key)) field = "Sec-WebSocket-Accept: " + websocket_accept(key);
//   std::unique_ptr<WebSocket> socket = make_websocket(loop, stream, input, 60s);
//
// Thread: the loop's only. Lifetime: within that of stream and input.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kube/http/server.h"
#include "kube/http/wire.h"

namespace kube {

bool valid_websocket_key(std::string_view key);      // base64 of 16 bytes
std::string websocket_accept(std::string_view key);  // what proves that the upgrade was understood

enum class WebSocketOpcode : std::uint8_t {
  Continuation = 0,
  Text = 1,
  Binary = 2,
  Close = 8,
  Ping = 9,
  Pong = 10,
};

// An unmasked frame with FIN, as a server sends it.
std::string websocket_frame(WebSocketOpcode opcode, std::string_view payload);

// Reads the frames of a client. Control frames come out whole, of messages only that they were there.
class WebSocketReader {
 public:
  struct Control {
    WebSocketOpcode opcode;
    std::string payload;
  };

  // Takes bytes from the front of `input` until a control frame is complete (returned) or more are needed
  // (nullopt). Error Protocol: what RFC 6455 forbids, after which the connection must be closed with 1002.
  Result<std::optional<Control>> next(InputBuffer& input);

 private:
  std::uint64_t skip_ = 0;   // bytes of a message that are still to come
  bool in_message_ = false;  // a fragmented message is not complete
};

std::unique_ptr<WebSocket> make_websocket(Loop& loop, Stream& stream, InputBuffer& input,
                                          Duration write_timeout);

}  // namespace kube
