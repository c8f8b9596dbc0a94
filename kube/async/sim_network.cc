#include "kube/async/sim_network.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>

#include "kube/async/timer.h"
#include "kube/async/wait_list.h"

namespace kube {

class SimHost;
class SimListener;

namespace {

Error reset_by_peer(const Endpoint& peer) {
  return Error(ErrorKind::Unavailable, "connection to " + peer.to_string() + " was reset");
}

}  // namespace

// One direction of a connection: bytes under way, in order, each batch with its time of arrival.
struct SimPipe {
  explicit SimPipe(Loop& loop) : changed(loop), arrival(loop, [this] { changed.wake_all(); }) {}

  std::deque<std::pair<SteadyTime, std::string>> under_way;
  SteadyTime last_arrival{};
  bool ended = false;  // the writer has shut its side down
  // Bytes have vanished on a blocked way. Nothing that comes after them may arrive: a stream has no holes.
  bool lost = false;
  SteadyTime end_arrives{};
  WaitList changed;
  Timer arrival;
};

// What both ends share.
struct SimConnection {
  SimConnection(Loop& loop, std::string from, std::string to)
      : client_host(std::move(from)), server_host(std::move(to)), to_server(loop), to_client(loop) {}

  std::string client_host, server_host;
  SimPipe to_server, to_client;
  bool broken = false;  // cut: both ends fail at once
  bool client_closed = false, server_closed = false;

  void reset() {
    broken = true;
    to_server.changed.wake_all();
    to_client.changed.wake_all();
  }
};

struct SimNetwork::State {
  explicit State(Loop& owner) : loop(owner) {}

  Loop& loop;
  std::map<std::string, std::unique_ptr<SimHost>> hosts;
  std::set<std::string> dead;
  std::set<std::pair<std::string, std::string>> blocked;
  std::map<Endpoint, SimListener*, decltype([](const Endpoint& a, const Endpoint& b) {
             return std::pair(a.host, a.port) < std::pair(b.host, b.port);
           })>
      listeners;
  std::vector<std::weak_ptr<SimConnection>> connections;
  std::uint16_t next_port = 40'000;

  bool reachable(const std::string& a, const std::string& b) const {
    return !dead.contains(a) && !dead.contains(b) && !blocked.contains(std::minmax(a, b));
  }
  template <class Which>
  void reset_if(Which which) {
    std::erase_if(connections, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : connections) {
      if (auto connection = weak.lock(); connection && which(*connection)) connection->reset();
    }
  }
};

class SimStream final : public Stream {
 public:
  enum class Side { Client, Server };

  SimStream(SimNetwork& net, std::shared_ptr<SimConnection> connection, Side side, Endpoint local,
            Endpoint peer)
      : net_(net),
        connection_(std::move(connection)),
        side_(side),
        local_(std::move(local)),
        peer_(std::move(peer)),
        deadline_(net.loop_, [this] {
          expired_ = true;
          close();
        }) {}
  ~SimStream() override { close(); }

  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    SimPipe& pipe = in();
    for (;;) {
      if (auto error = failure()) co_return fail(*error);
      const SteadyTime now = net_.loop_.steady();
      if (!pipe.under_way.empty() && pipe.under_way.front().first <= now) {
        std::string& batch = pipe.under_way.front().second;
        const std::size_t size = std::min(into.size(), batch.size());
        std::memcpy(into.data(), batch.data(), size);
        batch.erase(0, size);
        if (batch.empty()) pipe.under_way.pop_front();
        co_return size;
      }
      if (pipe.under_way.empty() && pipe.ended && pipe.end_arrives <= now) co_return std::size_t{0};
      if (!pipe.under_way.empty()) {
        pipe.arrival.set(pipe.under_way.front().first);
      } else if (pipe.ended) {
        pipe.arrival.set(pipe.end_arrives);
      }
      co_await pipe.changed.wait();
    }
  }

  Task<Result<>> write(std::string_view bytes) override {
    if (auto error = failure()) co_return fail(*error);
    SimPipe& pipe = out();
    if (pipe.ended) co_return fail(ErrorKind::Unavailable, "write after shutdown");
    // TCP would learn of the peer's close by a reset a round trip later; at once is the stricter fault.
    if (side_ == Side::Client ? connection_->server_closed : connection_->client_closed) {
      co_return fail(reset_by_peer(peer_));
    }
    // A blocked way swallows bytes: the writer learns of it only by a deadline.
    if (bytes.empty()) co_return Result<>{};
    pipe.lost |= !passes();
    if (pipe.lost) co_return Result<>{};
    pipe.under_way.emplace_back(arrival(pipe), std::string(bytes));
    pipe.changed.wake_all();
    co_return Result<>{};
  }

  Task<Result<>> shutdown() override {
    SimPipe& pipe = out();
    if (!pipe.ended && !pipe.lost && !closed_ && !connection_->broken && passes()) {
      pipe.ended = true;
      pipe.end_arrives = arrival(pipe);
      pipe.changed.wake_all();
    }
    co_return Result<>{};
  }

  void close() override {
    if (closed_) return;
    closed_ = true;
    (side_ == Side::Client ? connection_->client_closed : connection_->server_closed) = true;
    // What was written still arrives, then the end.
    SimPipe& pipe = out();
    if (!pipe.ended && !pipe.lost && passes()) {
      pipe.ended = true;
      pipe.end_arrives = arrival(pipe);
    }
    pipe.changed.wake_all();
    in().changed.wake_all();
  }

  void set_deadline(SteadyTime deadline) override { deadline_.set(deadline); }
  Endpoint peer() const override { return peer_; }
  Endpoint local() const override { return local_; }

 private:
  SimPipe& in() { return side_ == Side::Client ? connection_->to_client : connection_->to_server; }
  SimPipe& out() { return side_ == Side::Client ? connection_->to_server : connection_->to_client; }
  bool passes() const { return net_.state_->reachable(connection_->client_host, connection_->server_host); }
  SteadyTime arrival(SimPipe& pipe) {
    const auto spread = static_cast<std::uint64_t>((net_.delay_.max - net_.delay_.min).count());
    const Duration delay =
        net_.delay_.min + Duration(static_cast<Duration::rep>(net_.loop_.random().below(spread + 1)));
    pipe.last_arrival = std::max(pipe.last_arrival, net_.loop_.after(delay));
    return pipe.last_arrival;
  }
  std::optional<Error> failure() const {
    if (expired_) return Error(ErrorKind::Timeout, peer_.to_string() + ": deadline exceeded");
    if (closed_) return Error(ErrorKind::Unavailable, "connection to " + peer_.to_string() + " is closed");
    if (connection_->broken) return reset_by_peer(peer_);
    return std::nullopt;
  }

  SimNetwork& net_;
  std::shared_ptr<SimConnection> connection_;
  Side side_;
  Endpoint local_, peer_;
  Timer deadline_;
  bool closed_ = false;
  bool expired_ = false;
};

class SimListener final : public Listener {
 public:
  SimListener(SimNetwork& net, Endpoint local) : net_(net), local_(std::move(local)), changed_(net.loop_) {}
  ~SimListener() override { close(); }

  Task<Result<std::unique_ptr<Stream>>> accept() override {
    while (waiting_.empty()) {
      if (closed_) co_return fail(ErrorKind::Unavailable, "listener on " + local_.to_string() + " is closed");
      co_await changed_.wait();
    }
    auto stream = std::move(waiting_.front());
    waiting_.pop_front();
    co_return stream;
  }
  void close() override {
    if (closed_) return;
    closed_ = true;
    waiting_.clear();
    net_.state_->listeners.erase(local_);
    changed_.wake_all();
  }
  Endpoint local() const override { return local_; }

  void arrived(std::unique_ptr<Stream> stream) {
    waiting_.push_back(std::move(stream));
    changed_.wake_one();
  }

 private:
  SimNetwork& net_;
  Endpoint local_;
  WaitList changed_;
  std::deque<std::unique_ptr<Stream>> waiting_;
  bool closed_ = false;
};

class SimHost final : public Network {
 public:
  SimHost(SimNetwork& net, std::string name) : net_(net), name_(std::move(name)) {}

  Task<Result<std::unique_ptr<Stream>>> connect(Endpoint to, SteadyTime deadline) override {
    SimNetwork::State& state = *net_.state_;
    Loop& loop = net_.loop_;
    const SteadyTime arrives = std::min(deadline, loop.after(net_.delay_.max));
    co_await sleep_until(loop, arrives);
    if (!state.reachable(name_, to.host)) {
      co_await sleep_until(loop, deadline);
      co_return fail(ErrorKind::Timeout, "connect to " + to.to_string() + ": deadline exceeded");
    }
    const auto found = state.listeners.find(to);
    if (found == state.listeners.end()) {
      co_return fail(ErrorKind::Unavailable, "connect to " + to.to_string() + ": connection refused");
    }
    auto connection = std::make_shared<SimConnection>(loop, name_, to.host);
    state.connections.push_back(connection);
    const Endpoint from{name_, state.next_port++};
    found->second->arrived(std::make_unique<SimStream>(net_, connection, SimStream::Side::Server, to, from));
    co_return std::unique_ptr<Stream>(
        std::make_unique<SimStream>(net_, connection, SimStream::Side::Client, from, to));
  }

  Result<std::unique_ptr<Listener>> listen(Endpoint at) override {
    SimNetwork::State& state = *net_.state_;
    Endpoint local{name_, at.port != 0 ? at.port : state.next_port++};
    if (state.listeners.contains(local)) {
      return fail(ErrorKind::Io, "listen on " + local.to_string() + ": address already in use");
    }
    auto listener = std::make_unique<SimListener>(net_, local);
    state.listeners[local] = listener.get();
    return std::unique_ptr<Listener>(std::move(listener));
  }

 private:
  SimNetwork& net_;
  std::string name_;
};

SimNetwork::SimNetwork(Loop& loop) : loop_(loop), state_(std::make_unique<State>(loop)) {}
SimNetwork::~SimNetwork() = default;

Network& SimNetwork::host(const std::string& name) {
  auto& host = state_->hosts[name];
  if (!host) host = std::make_unique<SimHost>(*this, name);
  return *host;
}

void SimNetwork::kill(const std::string& name) {
  state_->dead.insert(name);
  state_->reset_if([&](const SimConnection& c) { return c.client_host == name || c.server_host == name; });
}

void SimNetwork::revive(const std::string& name) {
  state_->dead.erase(name);
}

void SimNetwork::block(const std::string& a, const std::string& b) {
  state_->blocked.insert(std::minmax(a, b));
}
void SimNetwork::unblock(const std::string& a, const std::string& b) {
  state_->blocked.erase(std::minmax(a, b));
}

void SimNetwork::cut(const std::string& a, const std::string& b) {
  state_->reset_if(
      [&](const SimConnection& c) { return std::minmax(c.client_host, c.server_host) == std::minmax(a, b); });
}

}  // namespace kube
