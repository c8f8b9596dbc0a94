#include "kube/http/server.h"

#include <algorithm>
#include <list>
#include <string>
#include <utility>

#include "kube/async/timer.h"
#include "kube/async/wait_list.h"
#include "kube/http/server_connection.h"

namespace kube {
namespace {

// accept() can fail for want of descriptors or memory, which does not pass by asking again at once.
constexpr Duration kAcceptPause = 100ms;

}  // namespace

class HttpServer::Impl {
 public:
  Impl(Loop& loop, HttpServerOptions options, Handler handler, Log log)
      : loop_(loop),
        options_(std::move(options)),
        handler_(std::move(handler)),
        log_(std::move(log)),
        tasks_(loop, log_),
        connection_ended_(loop),
        grace_over_(loop, [this] { tasks_.cancel(); }) {}

  Task<> serve(std::unique_ptr<Listener> listener) {
    listener_ = std::move(listener);
    struct Close {
      Impl& server;
      ~Close() {
        server.listener_.reset();
        server.grace_over_.cancel();
      }
    } close{*this};
    tasks_.spawn("accept", accept_until_stopped());
    co_await tasks_.join_or_cancel();
  }

  void stop(Duration grace) {
    if (stopping_) return;
    stopping_ = true;
    if (!listener_) return;
    listener_->close();
    connection_ended_.wake_all();  // the accepting task may wait for a free place
    for (Place& place : places_) wind_down(place);
    grace_over_.set(loop_.after(grace));
  }

  void drain() {
    draining_ = true;
    for (Place& place : places_)
      if (place.connection != nullptr) place.connection->end_with_answer();
  }

  void set_tls(std::shared_ptr<TlsServerContext> tls) { options_.tls = std::move(tls); }
  int connections() const { return static_cast<int>(places_.size()); }

 private:
  // One accepted connection: first only a stream (shaking hands), then a ServerConnection.
  struct Place {
    Stream* handshaking = nullptr;
    ServerConnection* connection = nullptr;
    SteadyTime accepted{};

    // Since when we wait for the client; nothing: it waits for us.
    std::optional<SteadyTime> silent_since() const {
      if (connection != nullptr) return connection->waiting_since();
      return accepted;
    }
    bool was_answered() const { return connection != nullptr && connection->was_answered(); }
  };

  // Makes room, unless nobody has been silent for long enough. Many that only take places must not cost those
  // theirs who keep a connection for their next request: whoever was answered before goes last.
  void replace_one() {
    const SteadyTime latest = loop_.steady() - *options_.replace_after;
    Place* victim = nullptr;
    std::pair<bool, SteadyTime> rank;
    for (Place& place : places_) {
      const auto since = place.silent_since();
      if (!since || *since > latest) continue;
      const std::pair candidate(place.was_answered(), *since);
      if (victim != nullptr && rank <= candidate) continue;
      rank = candidate;
      victim = &place;
    }
    if (victim == nullptr) return;
    if (victim->connection != nullptr)
      victim->connection->cut();
    else if (victim->handshaking != nullptr)
      victim->handshaking->close();
  }

  void wind_down(Place& place) {
    if (place.connection != nullptr) {
      place.connection->wind_down();
    } else if (place.handshaking != nullptr) {
      place.handshaking->set_deadline(loop_.after(ServerConnection::kLastRequestTime));
    }
  }

  Task<> accept_until_stopped() {
    while (!stopping_) {
      if (connections() >= options_.max_connections && !options_.replace_after) {
        co_await connection_ended_.wait();
        continue;
      }
      Result<std::unique_ptr<Stream>> accepted = co_await listener_->accept();
      if (!accepted && stopping_) co_return;
      if (!accepted) {
        log_.warn("cannot accept connections", {{"error", accepted.error()}});
        co_await sleep(loop_, kAcceptPause);
        continue;
      }
      while (connections() >= options_.max_connections) {
        replace_one();
        (void)co_await connection_ended_.wait_until(loop_.after(*options_.replace_after));
        if (stopping_) co_return;
      }
      places_.emplace_back();
      places_.back().accepted = loop_.steady();
      // Taking the options' context now: it may be replaced during the handshake.
      tasks_.spawn("connection of " + (*accepted)->peer().to_string(),
                   run_connection(std::prev(places_.end()), std::move(*accepted), options_.tls));
    }
  }

  Task<> run_connection(std::list<Place>::iterator place, std::unique_ptr<Stream> stream,
                        std::shared_ptr<TlsServerContext> tls) {
    struct Leave {
      Impl& server;
      std::list<Place>::iterator place;
      ~Leave() {
        server.places_.erase(place);
        server.connection_ended_.wake_one();
      }
    } leave{*this, place};
    // One that was accepted as the server was told to stop has its moment as well.
    std::optional<TlsPeer> peer;
    if (tls) {
      const std::string from = stream->peer().to_string();
      place->handshaking = stream.get();
      Result<TlsAccepted> accepted = co_await tls->accept(
          std::move(stream),
          loop_.after(stopping_ ? ServerConnection::kLastRequestTime : options_.read_timeout));
      place->handshaking = nullptr;
      if (!accepted) {
        // Scanners, health probes and clients with a wrong CA come often; none of them is ours to mend.
        log_.debug("TLS handshake failed", {{"peer", from}, {"error", accepted.error()}});
        co_return;
      }
      stream = std::move(accepted->stream);
      peer = std::move(accepted->peer);
    }
    ServerConnection connection(loop_, options_, handler_, log_, std::move(stream), std::move(peer),
                                buffered_);
    place->connection = &connection;
    if (draining_) connection.end_with_answer();
    if (stopping_) connection.wind_down();
    co_await connection.run();
    place->connection = nullptr;
  }

  Loop& loop_;
  HttpServerOptions options_;
  Handler handler_;
  Log log_;
  std::unique_ptr<Listener> listener_;
  bool stopping_ = false;
  bool draining_ = false;
  std::size_t buffered_ = 0;  // bytes of all connections' requests
  std::list<Place> places_;
  TaskGroup tasks_;
  WaitList connection_ended_;
  Timer grace_over_;
};

HttpServer::HttpServer(Loop& loop, HttpServerOptions options, Handler handler, Log log)
    : impl_(std::make_shared<Impl>(loop, std::move(options), std::move(handler), std::move(log))) {}

HttpServer::~HttpServer() = default;

Task<> HttpServer::serve(std::unique_ptr<Listener> listener) {
  co_await impl_->serve(std::move(listener));
}

void HttpServer::stop(Duration grace) {
  impl_->stop(grace);
}

void HttpServer::drain() {
  impl_->drain();
}

void HttpServer::set_tls(std::shared_ptr<TlsServerContext> tls) {
  impl_->set_tls(std::move(tls));
}

int HttpServer::connections() const {
  return impl_->connections();
}

}  // namespace kube
