#include "kube/async/sim_network.h"

#include <array>

#include <catch2/catch.hpp>

#include "kube/async/sim_loop.h"
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
    auto written = co_await (*stream)->write(std::string_view(buffer.data(), *size));
    if (!written) co_return;
  }
}

struct World {
  SimLoop loop{7};
  SimNetwork net{loop};
  std::unique_ptr<Listener> listener = std::move(*net.host("server").listen({"", 80}));
  TaskGroup group{loop};

  World() { group.spawn("echo", echo_once(listener.get())); }
  ~World() {
    group.cancel();
    loop.run(group.join());
  }
};

}  // namespace

TEST_CASE("bytes come back in order, later than they were sent") {
  World world;
  auto run = [](World& w) -> Task<> {
    auto stream = *co_await w.net.host("client").connect({"server", 80}, w.loop.after(1s));
    const SteadyTime sent = w.loop.steady();
    CHECK((co_await stream->write("hello ")).has_value());
    CHECK((co_await stream->write("world")).has_value());
    std::string got;
    std::array<char, 4> buffer;
    while (got.size() < 11) got.append(buffer.data(), *co_await stream->read_some(buffer));
    CHECK(got == "hello world");
    CHECK(w.loop.steady() > sent);
    stream->close();
  };
  world.loop.run(run(world));
}

TEST_CASE("nobody listening is refused, a dead host times out") {
  World world;
  auto run = [](World& w) -> Task<> {
    Network& client = w.net.host("client");
    auto refused = co_await client.connect({"server", 81}, w.loop.after(1s));
    CHECK(refused.error().kind() == ErrorKind::Unavailable);
    w.net.kill("server");
    auto dead = co_await client.connect({"server", 80}, w.loop.after(1s));
    CHECK(dead.error().kind() == ErrorKind::Timeout);
  };
  world.loop.run(run(world));
}

TEST_CASE("killing a host resets its connections, a blocked way is noticed by deadlines only") {
  World world;
  auto run = [](World& w, bool kill) -> Task<> {
    auto stream = *co_await w.net.host("client").connect({"server", 80}, w.loop.after(1s));
    if (kill) {
      w.net.kill("server");
    } else {
      w.net.block("client", "server");
    }
    stream->set_deadline(w.loop.after(30s));
    CHECK((co_await stream->write("x")).has_value() == !kill);
    std::array<char, 4> buffer;
    auto got = co_await stream->read_some(buffer);
    REQUIRE_FALSE(got);
    CHECK(got.error().kind() == (kill ? ErrorKind::Unavailable : ErrorKind::Timeout));
  };
  world.loop.run(run(world, GENERATE(true, false)));
}

TEST_CASE("what was written into a blocked way is lost, and nothing after it arrives") {
  World world;
  auto run = [](World& w) -> Task<> {
    auto stream = *co_await w.net.host("client").connect({"server", 80}, w.loop.after(1s));
    w.net.block("client", "server");
    CHECK((co_await stream->write("first ")).has_value());
    w.net.unblock("client", "server");
    CHECK((co_await stream->write("second")).has_value());
    stream->set_deadline(w.loop.after(30s));
    std::array<char, 16> buffer;
    auto got = co_await stream->read_some(buffer);
    REQUIRE_FALSE(got);
    CHECK(got.error().kind() == ErrorKind::Timeout);
  };
  world.loop.run(run(world));
}

TEST_CASE("the peer's end arrives after its last bytes") {
  SimLoop loop;
  SimNetwork net(loop);
  auto listener = std::move(*net.host("server").listen({"", 80}));
  auto serve = [](Listener* at) -> Task<> {
    auto stream = *co_await at->accept();
    CHECK((co_await stream->write("bye")).has_value());
    stream->close();
  };
  auto run = [](Loop& l, SimNetwork& n) -> Task<> {
    auto stream = *co_await n.host("client").connect({"server", 80}, l.after(1s));
    std::array<char, 8> buffer;
    CHECK(*co_await stream->read_some(buffer) == 3);
    CHECK(*co_await stream->read_some(buffer) == 0);
    CHECK_FALSE((co_await stream->write("x")).has_value());
  };
  TaskGroup group(loop);
  group.spawn("serve", serve(listener.get()));
  loop.run(run(loop, net));
}

TEST_CASE("two listeners cannot have one address") {
  SimLoop loop;
  SimNetwork net(loop);
  auto first = net.host("a").listen({"", 80});
  auto second = net.host("a").listen({"", 80});
  REQUIRE_FALSE(second);
  CHECK_THAT(second.error().message(), Catch::Contains("already in use"));
}
