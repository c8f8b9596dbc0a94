#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <future>
#include <thread>

#include <catch2/catch.hpp>

#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/base/unique_fd.h"

using namespace kube;

namespace {

// A name service that says nothing until it is told what to say, to all alike. Its destructor sees the last
// thread that asks it out.
class SlowNameService {
 public:
  ~SlowNameService() {
    if (!told_) tell({});
    while (state_.use_count() > 1) std::this_thread::yield();
  }
  AskForName ask() const {
    return [state = state_](const std::string&) {
      ++state->asked;
      return state->told.get();
    };
  }
  void tell(Addresses addresses) {
    told_ = true;
    promise_.set_value(std::move(addresses));
  }
  int asked() const { return state_->asked; }

 private:
  struct State {
    std::shared_future<Result<Addresses>> told;
    std::atomic<int> asked = 0;
  };
  std::promise<Result<Addresses>> promise_;
  std::shared_ptr<State> state_ = std::make_shared<State>(promise_.get_future().share());
  bool told_ = false;
};

struct Connected {
  int streams = 0;
  std::vector<Error> errors;
};

Task<> connect(Network* net, Endpoint to, SteadyTime deadline, Connected* out) {
  auto stream = co_await net->connect(to, deadline);
  if (stream) {
    ++out->streams;
  } else {
    out->errors.push_back(stream.error());
  }
}

sockaddr_in loopback(std::uint32_t host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl((127u << 24) + host);
  return address;
}

// 127.0.0.2 at a port: its queue is full, so the kernel drops who knocks.
class SilentAddress {
 public:
  explicit SilentAddress(std::uint16_t port) {
    const sockaddr_in at = loopback(2, port);
    const auto* address = reinterpret_cast<const sockaddr*>(&at);
    listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(listener_.get(), address, sizeof at) == 0);
    REQUIRE(::listen(listener_.get(), 0) == 0);
    for (int i = 0; i < 4; ++i) {
      UniqueFd& client =
          clients_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      (void)::connect(client.get(), address, sizeof at);
    }
  }

 private:
  UniqueFd listener_;
  std::vector<UniqueFd> clients_;
};

}  // namespace

TEST_CASE("a connection's deadline holds while the name service is silent", "[names]") {
  SlowNameService service;
  RealLoop loop;
  TcpNetwork net(loop, service.ask());
  Connected out;
  loop.run(connect(&net, {"api.example", 443}, loop.after(10ms), &out));
  REQUIRE(out.errors.size() == 1);
  CHECK(out.errors[0].kind() == ErrorKind::Timeout);
  CHECK_FALSE(out.errors[0].is_ambiguous());
  CHECK(out.errors[0].message() == "look up api.example: deadline exceeded");
}

TEST_CASE("whoever is cancelled while a name is looked up ends; the lookup ends after its loop", "[names]") {
  SlowNameService service;
  {
    RealLoop loop;
    TcpNetwork net(loop, service.ask());
    Connected out;
    auto run = [](Loop* on, TcpNetwork* with, SlowNameService* asked, Connected* got) -> Task<> {
      TaskGroup group(*on);
      group.spawn("connect", connect(with, {"api.example", 443}, kNever, got));
      while (asked->asked() == 0) co_await sleep(*on, 1ms);
      co_await group.cancel_and_join();
    };
    loop.run(run(&loop, &net, &service, &out));
    CHECK(out.streams == 0);
    CHECK(out.errors.empty());
  }
  service.tell({"127.0.0.1"});
}

TEST_CASE("who want one name at once wait for one lookup, and the next one asks anew", "[names]") {
  SlowNameService service;
  RealLoop loop;
  TcpNetwork net(loop, service.ask());
  auto listener = *net.listen({"127.0.0.1", 0});
  const Endpoint to{"api.example", listener->local().port};
  Connected out;
  auto run = [](Loop* on, TcpNetwork* with, Endpoint at, SlowNameService* asked, Connected* got) -> Task<> {
    TaskGroup group(*on);
    for (int i = 0; i < 5; ++i) group.spawn("connect", connect(with, at, kNever, got));
    group.spawn("in a hurry", connect(with, at, on->after(1ms), got));
    while (got->errors.empty() || asked->asked() == 0) co_await sleep(*on, 1ms);
    CHECK(asked->asked() == 1);
    asked->tell({"127.0.0.1"});
    co_await group.join();
    CHECK(asked->asked() == 1);
    CHECK(got->streams == 5);
    co_await connect(with, at, kNever, got);
    CHECK(asked->asked() == 2);
    CHECK(got->streams == 6);
  };
  loop.run(run(&loop, &net, to, &service, &out));
  CHECK(out.errors.size() == 1);
}

TEST_CASE("names beyond a bound are refused while others are looked up, addresses are not", "[names]") {
  SlowNameService service;
  RealLoop loop;
  TcpNetwork net(loop, service.ask());
  auto listener = *net.listen({"127.0.0.1", 0});
  Connected waiting, out;
  auto run = [](Loop* on, TcpNetwork* with, Endpoint address, SlowNameService* asked, Connected* first,
                Connected* next) -> Task<> {
    TaskGroup group(*on);
    for (std::size_t i = 0; i < NameLookups::kMost; ++i)
      group.spawn("connect", connect(with, {"host-" + std::to_string(i), 443}, kNever, first));
    while (asked->asked() < static_cast<int>(NameLookups::kMost)) co_await sleep(*on, 1ms);
    co_await connect(with, {"one-more", 443}, kNever, next);
    co_await connect(with, address, kNever, next);
    asked->tell({});
    co_await group.join();
  };
  loop.run(run(&loop, &net, listener->local(), &service, &waiting, &out));
  CHECK(out.streams == 1);
  REQUIRE(out.errors.size() == 1);
  CHECK(out.errors[0].kind() == ErrorKind::Unavailable);
  CHECK(out.errors[0].message() ==
        "look up one-more: the name service has not answered for 16 other names yet");
  CHECK(waiting.errors.size() == NameLookups::kMost);
  CHECK_THAT(waiting.errors[0].message(), Catch::EndsWith(": the name has no address"));
}

TEST_CASE("an address that is silent is passed over, one that refuses as well", "[names]") {
  RealLoop loop;
  auto listener = *TcpNetwork(loop).listen({"127.0.0.1", 0});
  const std::uint16_t port = listener->local().port;
  const SilentAddress silent(port);
  // Many good ones, so that the silent one's share is the least there is.
  Addresses addresses{"127.0.0.2", "127.0.0.3"};
  addresses.insert(addresses.end(), 30, "127.0.0.1");
  TcpNetwork net(loop, [addresses](const std::string&) { return addresses; });
  Connected out;
  loop.run(connect(&net, {"api.example", port}, loop.after(60s), &out));
  CHECK(out.streams == 1);
}

TEST_CASE("of silent addresses the deadline is the whole name's", "[names]") {
  RealLoop loop;
  auto listener = *TcpNetwork(loop).listen({"127.0.0.1", 0});
  const std::uint16_t port = listener->local().port;
  const SilentAddress silent(port);
  TcpNetwork net(loop, [](const std::string&) { return Addresses(1000, "127.0.0.2"); });
  Connected out;
  loop.run(connect(&net, {"api.example", port}, loop.after(20ms), &out));
  REQUIRE(out.errors.size() == 1);
  CHECK(out.errors[0].kind() == ErrorKind::Timeout);
  CHECK_FALSE(out.errors[0].is_ambiguous());
  CHECK(out.errors[0].message() == "connect to api.example:" + std::to_string(port) + ": deadline exceeded");
}

TEST_CASE("this machine's name service knows localhost, and says when it knows nothing", "[names]") {
  RealLoop loop;
  TcpNetwork net(loop);
  auto listener = *net.listen({"127.0.0.1", 0});
  Connected out;
  loop.run(connect(&net, {"localhost", listener->local().port}, kNever, &out));
  CHECK(out.streams == 1);
  const std::string too_long(64, 'x');  // which needs no network to be refused
  loop.run(connect(&net, {too_long, 443}, kNever, &out));
  REQUIRE(out.errors.size() == 1);
  CHECK(out.errors[0].kind() == ErrorKind::Unavailable);
  CHECK_THAT(out.errors[0].message(), Catch::StartsWith("look up " + too_long + ": "));
}
