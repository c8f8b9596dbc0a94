#include "kube/async/real_loop.h"

#include <array>
#include <csignal>
#include <thread>

#include <unistd.h>

#include <catch2/catch.hpp>

#include "kube/async/blocking.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"

using namespace kube;

namespace {

Task<> echo_once(Listener* listener) {
  auto stream = co_await listener->accept();
  if (!stream) co_return;
  std::array<char, 64> buffer;
  for (;;) {
    auto size = co_await (*stream)->read_some(buffer);
    if (!size || *size == 0) co_return;
    if (!co_await (*stream)->write(std::string_view(buffer.data(), *size))) co_return;
  }
}

}  // namespace

TEST_CASE("bytes travel over loopback TCP, IPv4 and IPv6") {
  RealLoop loop;
  TcpNetwork net(loop);
  const std::string host = GENERATE("127.0.0.1", "::1");
  auto run = [](Loop& l, TcpNetwork& n, std::string at) -> Task<> {
    auto listener = n.listen({at, 0});
    if (!listener && at == "::1") {
      WARN("skipped: this machine has no IPv6 loopback");
      co_return;
    }
    REQUIRE(listener);
    TaskGroup group(l);
    group.spawn("echo", echo_once(listener->get()));
    auto stream = co_await n.connect((*listener)->local(), l.after(5s));
    REQUIRE(stream);
    CHECK((co_await (*stream)->write("ping")).has_value());
    std::array<char, 16> buffer;
    auto size = co_await (*stream)->read_some(buffer);
    CHECK(std::string_view(buffer.data(), *size) == "ping");
    (*stream)->close();
    co_await group.join();
  };
  loop.run(run(loop, net, host));
}

TEST_CASE("a writer that goes on and on lets others run") {
  RealLoop loop;
  TcpNetwork net(loop);
  auto greet = [](Listener* listener, std::unique_ptr<Stream>* kept) -> Task<> {
    auto stream = co_await listener->accept();
    if (stream && co_await (*stream)->write("go")) *kept = std::move(*stream);
  };
  auto run = [greet](Loop& l, TcpNetwork& n) -> Task<> {
    auto listener = *n.listen({"127.0.0.1", 0});
    std::unique_ptr<Stream> kept;
    TaskGroup group(l);
    group.spawn("greet", greet(listener.get(), &kept));
    auto stream = *co_await n.connect(listener->local(), l.after(5s));
    std::array<char, 16> buffer;
    CHECK(*co_await stream->read_some(buffer) == 2);
    co_await group.join();
    int written = 0, written_before_others = -1;
    l.post([&] { written_before_others = written; });
    for (; written < 10; ++written) CHECK((co_await stream->write("x")).has_value());
    CHECK(written_before_others >= 0);
    CHECK(written_before_others < 3);
  };
  loop.run(run(loop, net));
}

TEST_CASE("a refused connection names the address") {
  RealLoop loop;
  TcpNetwork net(loop);
  auto run = [](Loop& l, TcpNetwork& n) -> Task<> {
    Endpoint closed;
    {
      auto listener = *n.listen({"127.0.0.1", 0});
      closed = listener->local();
    }
    auto stream = co_await n.connect(closed, l.after(5s));
    REQUIRE_FALSE(stream);
    CHECK(stream.error().kind() == ErrorKind::Unavailable);
    CHECK_THAT(stream.error().message(), Catch::Contains(closed.to_string()));
  };
  loop.run(run(loop, net));
}

TEST_CASE("a port in use is an error that says so") {
  RealLoop loop;
  TcpNetwork net(loop);
  auto first = net.listen({"127.0.0.1", 0});
  REQUIRE(first);
  auto second = net.listen((*first)->local());
  REQUIRE_FALSE(second);
  CHECK_THAT(second.error().message(), Catch::Contains("in use"));
}

TEST_CASE("a stream's deadline ends a read with Timeout") {
  RealLoop loop;
  TcpNetwork net(loop);
  auto run = [](Loop& l, TcpNetwork& n) -> Task<> {
    auto listener = *n.listen({"127.0.0.1", 0});
    auto stream = *co_await n.connect(listener->local(), l.after(5s));
    stream->set_deadline(l.after(10ms));
    std::array<char, 16> buffer;
    auto size = co_await stream->read_some(buffer);
    REQUIRE_FALSE(size);
    CHECK(size.error().kind() == ErrorKind::Timeout);
  };
  loop.run(run(loop, net));
}

TEST_CASE("cancelling a task in a read ends it by the exception, not by an error value") {
  RealLoop loop;
  TcpNetwork net(loop);
  auto read = [](Loop& l, TcpNetwork& n, Endpoint to, bool* cancelled) -> Task<> {
    auto stream = *co_await n.connect(to, l.after(5s));
    std::array<char, 16> buffer;
    try {
      (void)co_await stream->read_some(buffer);
    } catch (...) {
      *cancelled = is_cancellation(std::current_exception());
      throw;
    }
  };
  auto run = [read](Loop& l, TcpNetwork& n) -> Task<> {
    auto listener = *n.listen({"127.0.0.1", 0});
    bool cancelled = false;
    TaskGroup group(l);
    group.spawn("reader", read(l, n, listener->local(), &cancelled));
    auto accepted = co_await listener->accept();
    co_await sleep(l, 5ms);
    co_await group.cancel_and_join();
    CHECK(cancelled);
  };
  loop.run(run(loop, net));
}

TEST_CASE("blocking work runs on another thread, its result continues on the loop's") {
  RealLoop loop;
  auto run = [](Loop& l) -> Task<> {
    const auto here = std::this_thread::get_id();
    auto where = [] { return std::this_thread::get_id(); };
    const auto there = co_await run_blocking(l, where);
    CHECK(there != here);
    CHECK(std::this_thread::get_id() == here);
  };
  loop.run(run(loop));
}

TEST_CASE("timers fire in order on the real clock") {
  RealLoop loop;
  auto run = [](Loop& l) -> Task<> {
    std::vector<int> order;
    Timer later(l, [&] { order.push_back(2); });
    Timer sooner(l, [&] { order.push_back(1); });
    later.set(l.after(4ms));
    sooner.set(l.after(2ms));
    while (order.size() < 2) co_await sleep(l, 1ms);
    CHECK(order == std::vector{1, 2});
  };
  loop.run(run(loop));
}

TEST_CASE("timers that are cancelled or moved keep no other from firing") {
  RealLoop loop;
  bool cancelled_fired = false, moved_fired = false, last_fired = false;
  Timer last(loop, [&] { last_fired = true; });
  Timer cancelled(loop, [&] { cancelled_fired = true; });
  Timer moved(loop, [&] { moved_fired = true; });
  auto main = [&](Loop& l) -> Task<> {
    cancelled.set(l.after(1ms));
    last.set(l.after(30ms));
    cancelled.cancel();
    moved.set(l.after(10h));
    co_await sleep(l, 5ms);  // past the time that was given up
    moved.set(l.after(5ms));
    while (!moved_fired || !last_fired) co_await sleep(l, 1ms);
  };
  loop.run(main(loop));
  CHECK_FALSE(cancelled_fired);
}

TEST_CASE("a signal and a readable descriptor end their waits") {
  RealLoop loop;
  auto run = [](Loop& l) -> Task<> {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    REQUIRE(write(ends[1], "x", 1) == 1);
    CHECK((co_await wait_readable(l, ends[0])).has_value());
    close(ends[0]);
    close(ends[1]);
    Timer raise_it(l, [] { raise(SIGUSR1); });
    raise_it.set(l.after(5ms));
    CHECK(co_await wait_for_signal(l, {SIGUSR1}) == SIGUSR1);
  };
  loop.run(run(loop));
}

TEST_CASE("a shared listener accepts on the same port, on the loop of another thread") {
  RealLoop home;
  TcpNetwork net(home);
  auto bound = net.listen({"127.0.0.1", 0});
  REQUIRE(bound);
  const Endpoint at = (*bound)->local();
  RealLoop other;
  auto shared = share_listener(**bound, other);
  REQUIRE(shared);
  CHECK((*shared)->local() == at);
  bound->reset();  // the other one holds the port
  bool accepted = false;
  std::thread thread([&] {
    auto accept = [](Listener* listener, bool* done) -> Task<> {
      auto stream = co_await listener->accept();
      *done = stream && (co_await (*stream)->write("hello")).has_value();
    };
    other.run(accept(shared->get(), &accepted));
  });
  auto connect = [](Loop& l, TcpNetwork& n, Endpoint to) -> Task<> {
    auto stream = co_await n.connect(to, l.after(10s));
    REQUIRE(stream);
    std::array<char, 16> buffer{};
    auto got = co_await (*stream)->read_some(buffer);
    REQUIRE(got);
    CHECK(std::string_view(buffer.data(), *got) == "hello");
  };
  home.run(connect(home, net, at));
  thread.join();
  CHECK(accepted);
}
