#include "kube/http/websocket.h"

#include <algorithm>
#include <utility>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "kube/async/wait_list.h"

namespace kube {
namespace {

// How long close() waits for the peer's close frame.
constexpr Duration kGoodbye = 5s;

constexpr std::uint16_t kProtocolError = 1002;

std::string close_payload(std::uint16_t code) {
  return {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
}

// Codes that may stand in a close frame.
bool valid_close(std::string_view payload) {
  if (payload.empty()) return true;
  if (payload.size() == 1) return false;
  const int code = static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

// Masking and unmasking are the same. `mask`: its four bytes.
void apply_mask(std::string_view mask, char* bytes, std::size_t size) {
  const char key[4] = {mask[0], mask[1], mask[2], mask[3]};
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(bytes[i] ^ key[i % 4]);
}

class StreamWebSocket final : public WebSocket {
 public:
  StreamWebSocket(Loop& loop, Stream& stream, InputBuffer& input, WebSocketOptions options)
      : owner_(std::move(options.owner)),
        loop_(loop),
        stream_(stream),
        input_(input),
        write_timeout_(options.write_timeout),
        masks_(options.peer == WebSocketReader::From::Server),
        reader_(options.peer, options.max_message),
        writer_gone_(loop) {}

  Task<Result<>> send_text(std::string_view message, SteadyTime deadline) override {
    co_return co_await send(WebSocketOpcode::Text, message, deadline);
  }
  Task<Result<>> send_binary(std::string_view message, SteadyTime deadline) override {
    co_return co_await send(WebSocketOpcode::Binary, message, deadline);
  }

  Task<Result<std::optional<std::string>>> receive() override {
    struct Reading {
      bool& flag;
      explicit Reading(bool& f) : flag(f) { flag = true; }
      ~Reading() { flag = false; }
    } reading(reading_);
    if (ended_) co_return fail(*ended_);
    while (!peer_closed_) {
      Result<std::optional<WebSocketReader::Frame>> frame = reader_.next(input_);
      if (!frame) {
        co_await send_close(close_payload(kProtocolError));
        peer_closed_ = true;
        ended_ = frame.error();
        co_return fail(frame);
      }
      if (!*frame) {
        Result<std::size_t> got = co_await input_.read_from(stream_);
        if (got && *got > 0) continue;
        peer_closed_ = true;
        ended_ = got ? Error(ErrorKind::Unavailable, "websocket: the connection ended without a goodbye")
                     : got.error();
        co_return fail(*ended_);
      }
      switch ((*frame)->opcode) {
        case WebSocketOpcode::Ping:
          if (!close_sent_)
            (void)co_await send(WebSocketOpcode::Pong, (*frame)->payload, loop_.after(write_timeout_));
          break;
        case WebSocketOpcode::Close:
          peer_closed_ = true;
          // The peer's code is echoed, its reason is not.
          co_await send_close((*frame)->payload.substr(0, 2));
          break;
        case WebSocketOpcode::Text:
        case WebSocketOpcode::Binary:
          co_return std::move((*frame)->payload);
        default:
          break;
      }
    }
    co_return std::optional<std::string>();
  }

  Task<> wait_closed() override {
    while (true) {
      Result<std::optional<std::string>> message = co_await receive();
      if (!message || !*message) co_return;
    }
  }

  Task<> close(std::uint16_t code) override {
    co_await send_close(close_payload(code));
    if (peer_closed_ || reading_) co_return;
    stream_.set_deadline(std::min(deadline_, loop_.after(kGoodbye)));
    co_await wait_closed();
  }

  void cut() override {
    broken_ = true;
    stream_.close();
  }

  void set_deadline(SteadyTime deadline) override {
    deadline_ = deadline;
    // A write in progress has one of its own, and sets this one when it has ended.
    if (!writing_) stream_.set_deadline(deadline);
  }

 private:
  // Marks the only writer; one that fails or is cancelled half-way leaves a broken stream behind.
  class Writing {
   public:
    explicit Writing(StreamWebSocket& socket) : socket_(socket) { socket_.writing_ = true; }
    ~Writing() {
      socket_.writing_ = false;
      if (!whole) {
        socket_.broken_ = true;
        socket_.stream_.close();
      }
      socket_.writer_gone_.wake_one();
    }
    bool whole = false;

   private:
    StreamWebSocket& socket_;
  };

  Task<Result<>> send(WebSocketOpcode opcode, std::string_view payload, SteadyTime deadline) {
    std::optional<std::uint32_t> mask;
    if (masks_) mask = static_cast<std::uint32_t>(loop_.random().next());
    const std::string frame = websocket_frame(opcode, payload, mask);
    while (writing_) {
      if (!co_await writer_gone_.wait_until(deadline)) {
        co_return fail(ErrorKind::Timeout, "websocket: an earlier message is still being sent");
      }
    }
    if (broken_ || close_sent_) {
      writer_gone_.wake_one();  // whoever waits behind us shall hear it, too
      co_return fail(ErrorKind::Unavailable,
                     broken_ ? "websocket: connection is broken" : "websocket: closed");
    }
    Writing writing(*this);
    stream_.set_deadline(std::min(deadline, deadline_));
    Result<> written = co_await stream_.write(frame);
    if (!written) co_return written;
    stream_.set_deadline(deadline_);
    writing.whole = true;
    co_return Result<>{};
  }

  Task<> send_close(std::string payload) {
    if (close_sent_) co_return;
    (void)co_await send(WebSocketOpcode::Close, payload, loop_.after(write_timeout_));
    close_sent_ = true;
  }

  const std::shared_ptr<void> owner_;  // goes last
  Loop& loop_;
  Stream& stream_;
  InputBuffer& input_;
  const Duration write_timeout_;
  const bool masks_;  // clients do
  WebSocketReader reader_;
  WaitList writer_gone_;
  SteadyTime deadline_ = kNever;
  bool writing_ = false;
  bool reading_ = false;
  bool broken_ = false;
  bool close_sent_ = false;
  bool peer_closed_ = false;
  std::optional<Error> ended_;  // otherwise than by the peer's goodbye
};

}  // namespace

bool valid_websocket_key(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") && std::ranges::all_of(key.substr(0, 22), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
                  c == '/';
         });
}

std::string websocket_key(Random& random) {
  unsigned char nonce[16];
  for (unsigned char& byte : nonce) byte = static_cast<unsigned char>(random.next());
  unsigned char encoded[4 * (sizeof nonce + 2) / 3 + 1];
  const int size = EVP_EncodeBlock(encoded, nonce, sizeof nonce);
  return {reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(size)};
}

std::string websocket_accept(std::string_view key) {
  // The constant of RFC 6455 §1.3.
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  unsigned char encoded[4 * (SHA_DIGEST_LENGTH + 2) / 3 + 1];
  const int size = EVP_EncodeBlock(encoded, digest, SHA_DIGEST_LENGTH);
  return {reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(size)};
}

std::string websocket_frame(WebSocketOpcode opcode, std::string_view payload,
                            std::optional<std::uint32_t> mask) {
  const std::uint64_t size = payload.size();
  const int masked = mask ? 0x80 : 0;
  std::string frame;
  frame.reserve(payload.size() + 14);
  frame += static_cast<char>(0x80 | static_cast<int>(opcode));
  int length_bytes = 0;
  if (size < 126) {
    frame += static_cast<char>(masked | static_cast<int>(size));
  } else if (size <= 0xffff) {
    frame += static_cast<char>(masked | 126);
    length_bytes = 2;
  } else {
    frame += static_cast<char>(masked | 127);
    length_bytes = 8;
  }
  for (int i = length_bytes - 1; i >= 0; --i) frame += static_cast<char>(size >> (8 * i));
  if (mask)
    for (int i = 0; i < 4; ++i) frame += static_cast<char>(*mask >> (8 * i));
  const std::size_t start = frame.size();
  frame += payload;
  if (mask) apply_mask(std::string_view(frame).substr(start - 4, 4), frame.data() + start, payload.size());
  return frame;
}

Result<std::optional<WebSocketReader::Frame>> WebSocketReader::next(InputBuffer& input) {
  const auto forbidden = [](const char* what) {
    return fail(ErrorKind::Protocol, std::string("websocket: ") + what);
  };
  while (true) {
    if (skip_ > 0) {
      const std::size_t some = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, input.bytes().size()));
      input.consume(some);
      skip_ -= some;
      if (skip_ > 0) return std::nullopt;
    }
    const std::string_view bytes = input.bytes();
    if (bytes.size() < 2) return std::nullopt;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const bool final = (byte(0) & 0x80) != 0;
    const bool masked = (byte(1) & 0x80) != 0;
    const int opcode = byte(0) & 0x0f;
    const bool is_control = (opcode & 0x08) != 0;
    std::uint64_t size = byte(1) & 0x7f;

    if ((byte(0) & 0x70) != 0) return forbidden("reserved bits without an extension");
    if (masked != (from_ == From::Client))
      return forbidden(masked ? "a server must not mask its frames" : "a client must mask its frames");
    if (opcode > 10 || (opcode > 2 && opcode < 8)) return forbidden("unknown opcode");
    if (is_control && (!final || size > 125)) return forbidden("a control frame is fragmented or too long");
    if (!is_control && (opcode == 0) != in_message_) return forbidden("fragments out of order");

    const std::size_t length_bytes = size == 126 ? 2 : size == 127 ? 8 : 0;
    const std::size_t head = 2 + length_bytes + (masked ? 4 : 0);
    if (bytes.size() < head) return std::nullopt;
    if (length_bytes != 0) {
      size = 0;
      for (std::size_t i = 0; i < length_bytes; ++i) size = size << 8 | byte(2 + i);
      if (size >> 63 != 0) return forbidden("length over 63 bits");
    }
    if (!is_control && max_message_ == 0) {
      in_message_ = !final;
      input.consume(head);
      skip_ = size;
      continue;
    }
    if (!is_control && size > max_message_ - message_.size())
      return fail(ErrorKind::Protocol,
                  "websocket: a message is longer than " + std::to_string(max_message_) + " bytes");
    if (bytes.size() < head + size) return std::nullopt;
    std::string payload(bytes.substr(head, size));
    if (masked) apply_mask(bytes.substr(head - 4, 4), payload.data(), payload.size());
    input.consume(head + size);
    if (is_control) {
      if (opcode == static_cast<int>(WebSocketOpcode::Close) && !valid_close(payload))
        return forbidden("invalid close code");
      return Frame{static_cast<WebSocketOpcode>(opcode), std::move(payload)};
    }
    in_message_ = !final;
    if (opcode != 0) message_opcode_ = static_cast<WebSocketOpcode>(opcode);
    if (message_.empty()) {
      message_ = std::move(payload);
    } else {
      message_ += payload;
    }
    if (final) return Frame{message_opcode_, std::exchange(message_, {})};
  }
}

std::unique_ptr<WebSocket> make_websocket(Loop& loop, Stream& stream, InputBuffer& input,
                                          WebSocketOptions options) {
  return std::make_unique<StreamWebSocket>(loop, stream, input, std::move(options));
}

}  // namespace kube
