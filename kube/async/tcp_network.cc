// TCP streams over the kernel's sockets.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "kube/async/deadline.h"
#include "kube/async/real_loop.h"
#include "kube/async/timer.h"

namespace kube {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
// Longer than an address that answers takes, even when a first packet is lost and sent again a second later.
constexpr Duration kLeastShare = std::chrono::seconds(2);

namespace {

Endpoint to_endpoint(const tcp::endpoint& endpoint) {
  return {endpoint.address().to_string(), endpoint.port()};
}

class TcpStream final : public Stream {
 public:
  TcpStream(Loop& loop, tcp::socket socket)
      : socket_(std::move(socket)), timer_(loop, [this] {
          expired_ = true;
          close();
        }) {
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.set_option(asio::socket_base::keep_alive(true), ignored);
    peer_ = to_endpoint(socket_.remote_endpoint(ignored));
    local_ = to_endpoint(socket_.local_endpoint(ignored));
  }

  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    auto [error, size] = co_await socket_.async_read_some(asio::buffer(into.data(), into.size()), kToken);
    may_write_at_once_ = true;
    if (error == asio::error::eof) co_return std::size_t{0};
    if (error) co_return fail(failure(error, "read from "));
    co_return size;
  }

  // An answer to what was just read mostly fits into the kernel's buffer, so it is offered without a turn of
  // the loop. Once a read only: a writer that goes on and on has to let others run, and to be cancelled.
  Task<Result<>> write(std::string_view bytes) override {
    if (std::exchange(may_write_at_once_, false) && !closed_) {
      const ssize_t sent =
          ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));  // what is wrong is found out below
      if (bytes.empty()) co_return Result<>{};
    }
    auto [error, size] =
        co_await asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()), kToken);
    if (error) co_return fail(failure(error, "write to "));
    co_return Result<>{};
  }

  Task<Result<>> shutdown() override {
    error_code error;
    socket_.shutdown(tcp::socket::shutdown_send, error);
    if (error && error != asio::error::not_connected) co_return fail(failure(error, "shut down "));
    co_return Result<>{};
  }

  void close() override {
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
  }

  void set_deadline(SteadyTime deadline) override { timer_.set(deadline); }
  Endpoint peer() const override { return peer_; }
  Endpoint local() const override { return local_; }

 private:
  // operation_aborted means cancelled unless we closed the socket ourselves.
  Error failure(error_code error, const char* doing) {
    if (expired_) return Error(ErrorKind::Timeout, doing + peer_.to_string() + ": deadline exceeded");
    if (error == asio::error::operation_aborted && !closed_) throw boost::system::system_error(error);
    return Error(ErrorKind::Unavailable,
                 doing + peer_.to_string() + ": " + (closed_ ? "closed" : error.message()));
  }

  tcp::socket socket_;
  Timer timer_;
  Endpoint peer_, local_;
  bool closed_ = false;
  bool expired_ = false;
  bool may_write_at_once_ = false;
};

class TcpListener final : public Listener {
 public:
  TcpListener(Loop& loop, tcp::acceptor acceptor) : loop_(loop), acceptor_(std::move(acceptor)) {
    error_code ignored;
    local_ = to_endpoint(acceptor_.local_endpoint(ignored));
  }

  Task<Result<std::unique_ptr<Stream>>> accept() override {
    auto [error, socket] = co_await acceptor_.async_accept(kToken);
    if (error == asio::error::operation_aborted && !closed_) throw boost::system::system_error(error);
    if (error)
      co_return fail(ErrorKind::Unavailable, "accept on " + local_.to_string() + ": " + error.message());
    co_return std::unique_ptr<Stream>(std::make_unique<TcpStream>(loop_, std::move(socket)));
  }

  void close() override {
    closed_ = true;
    error_code ignored;
    acceptor_.close(ignored);
  }
  Endpoint local() const override { return local_; }

  Result<std::unique_ptr<Listener>> share_with(Loop& other) const {
    error_code error;
    const tcp protocol = acceptor_.local_endpoint(error).protocol();
    const int descriptor =
        error ? -1 : ::fcntl(const_cast<tcp::acceptor&>(acceptor_).native_handle(), F_DUPFD_CLOEXEC, 0);
    if (!error && descriptor < 0) error = error_code(errno, boost::system::system_category());
    tcp::acceptor acceptor(other.context());
    if (!error) acceptor.assign(protocol, descriptor, error);
    if (error) {
      if (descriptor >= 0) ::close(descriptor);
      return fail(ErrorKind::Io, "share " + local_.to_string() + ": " + error.message());
    }
    return std::unique_ptr<Listener>(std::make_unique<TcpListener>(other, std::move(acceptor)));
  }

 private:
  Loop& loop_;
  tcp::acceptor acceptor_;
  Endpoint local_;
  bool closed_ = false;
};

Task<Result<std::unique_ptr<Stream>>> connect_to(Loop& loop, tcp::endpoint at) {
  tcp::socket socket(loop.context());
  auto [error] = co_await socket.async_connect(at, kToken);
  if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
  if (error) co_return fail(ErrorKind::Unavailable, error.message());
  co_return std::unique_ptr<Stream>(std::make_unique<TcpStream>(loop, std::move(socket)));
}

}  // namespace

Task<Result<std::unique_ptr<Stream>>> TcpNetwork::connect(Endpoint to, SteadyTime deadline) {
  // Nothing is sent, so nothing can have been carried out.
  const auto failed = [](Error error, const std::string& doing) {
    return fail(std::move(error.with_ambiguous(false)).while_doing(doing));
  };
  error_code not_an_address;
  Result<Addresses> addresses = Addresses{to.host};
  (void)asio::ip::make_address(to.host, not_an_address);
  if (not_an_address) addresses = co_await with_deadline(loop_, deadline, names_.find(to.host));
  if (!addresses) co_return failed(std::move(addresses).error(), "look up " + to.host);

  Error last(ErrorKind::Unavailable, "the name has no address");
  for (std::size_t i = 0; i < addresses->size(); ++i) {
    const tcp::endpoint at(asio::ip::make_address((*addresses)[i], not_an_address), to.port);
    if (not_an_address) continue;
    const auto rest = static_cast<Duration::rep>(addresses->size() - i);
    const Duration share = std::max(kLeastShare, (deadline - loop_.steady()) / rest);
    auto connected =
        co_await with_deadline(loop_, std::min(deadline, loop_.after(share)), connect_to(loop_, at));
    if (connected) co_return connected;
    last = std::move(connected).error();
    if (loop_.steady() >= deadline) break;
  }
  co_return failed(std::move(last), "connect to " + to.to_string());
}

Result<std::unique_ptr<Listener>> TcpNetwork::listen(Endpoint at) {
  const auto failed = [&](const error_code& error) {
    return fail(ErrorKind::Io, "listen on " + at.to_string() + ": " + error.message());
  };
  error_code error;
  const auto address = at.host.empty()
                           ? asio::ip::address(asio::ip::address_v6::any())
                           : asio::ip::make_address(at.host == "localhost" ? "127.0.0.1" : at.host, error);
  if (error) return failed(error);
  tcp::endpoint endpoint(address, at.port);
  tcp::acceptor acceptor(loop_.context());
  acceptor.open(endpoint.protocol(), error);
  if (error && at.host.empty()) {  // a machine without IPv6
    endpoint = tcp::endpoint(asio::ip::address_v4::any(), at.port);
    acceptor.open(endpoint.protocol(), error);
  }
  if (error) return failed(error);
  error_code ignored;
  acceptor.set_option(asio::socket_base::reuse_address(true), ignored);
  if (at.host.empty()) acceptor.set_option(asio::ip::v6_only(false), ignored);
  acceptor.bind(endpoint, error);
  if (error) return failed(error);
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failed(error);
  return std::unique_ptr<Listener>(std::make_unique<TcpListener>(loop_, std::move(acceptor)));
}

Result<std::unique_ptr<Listener>> share_listener(const Listener& listener, Loop& other) {
  const auto* tcp_listener = dynamic_cast<const TcpListener*>(&listener);
  if (tcp_listener == nullptr) return fail(ErrorKind::Io, "share listener: it is none of the kernel's");
  return tcp_listener->share_with(other);
}

}  // namespace kube
