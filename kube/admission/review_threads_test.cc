#include "kube/admission/review_threads.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "kube/admission/serving_certificate.h"
#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/http/client.h"

using namespace kube;

namespace {

const std::string kReview =
    R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","operation":"CREATE"}})";

std::shared_ptr<TlsServerContext> context_of(const ServingCertificate& certificate) {
  TlsServerOptions options;
  options.certificate_chain = certificate.certificate;
  options.private_key = certificate.private_key;
  return std::move(TlsServerContext::create(options).value());
}

std::shared_ptr<TlsClientContext> believer_in(const ServingCertificate& certificate) {
  TlsClientOptions options;
  options.certificate_authorities = certificate.authorities;
  options.server_name = "hook.ns.svc";
  return std::move(TlsClientContext::create(options).value());
}

Task<bool> ask(Loop& loop, Endpoint to, std::shared_ptr<TlsClientContext> tls) {
  TcpNetwork network(loop);
  HttpClient client(loop, network, {.origin = to, .tls = std::move(tls)});
  for (int i = 0; i < 5; ++i) {
    HttpRequest request{.method = "POST", .target = "/v", .body = kReview};
    request.headers.set("Content-Type", "application/json");
    auto answer = co_await client.send(std::move(request), loop.after(60s));
    if (!answer || answer->status != 200 || answer->body.find("\"allowed\":true") == std::string::npos)
      co_return false;
  }
  co_return true;
}

}  // namespace

TEST_CASE("several threads answer on one port, each on its own loop", "[review_threads]") {
  auto certificate =
      make_serving_certificate({.common_name = "hook.ns.svc", .organization = "test"}, SystemClock().now());
  REQUIRE(certificate);
  RealLoop home;
  std::mutex guard;
  std::set<std::thread::id> loops, deciders;
  std::atomic<int> reviews = 0;
  prometheus::Registry registry;
  ReviewMetrics metrics(registry);
  ReviewThreadsOptions options;
  options.listen = {"127.0.0.1", 0};
  options.threads = 3;
  options.server.metrics = &metrics;
  options.server.tls = context_of(*certificate);
  ReviewThreads threads(home, options, [&](Loop&) {
    const std::lock_guard lock(guard);
    loops.insert(std::this_thread::get_id());
    return ReviewRoutes().add("/v", [&](const Review&) {
      ++reviews;
      const std::lock_guard inner(guard);
      deciders.insert(std::this_thread::get_id());
      return Verdict::allow();
    });
  });
  REQUIRE(threads.start());
  REQUIRE(threads.local().port != 0);

  int answered = 0;
  auto client = [](Loop& loop, Endpoint to, std::shared_ptr<TlsClientContext> tls, int* count) -> Task<> {
    if (co_await ask(loop, to, std::move(tls))) ++*count;
  };
  auto main = [&](Loop& loop) -> Task<> {
    TaskGroup group(loop);
    std::optional<Result<>> ended;
    auto serve = [](ReviewThreads* of, std::optional<Result<>>* into) -> Task<> {
      into->emplace(co_await of->run());
    };
    group.spawn("threads", serve(&threads, &ended));
    TaskGroup clients(loop);
    for (int i = 0; i < 12; ++i)
      clients.spawn("client", client(loop, threads.local(), believer_in(*certificate), &answered));
    co_await clients.join();
    // Later connections see the new certificate, whichever thread they come to.
    auto other = make_serving_certificate({.common_name = "hook.ns.svc"}, SystemClock().now());
    threads.set_tls(context_of(*other));
    int believed = 0;
    for (int i = 0; i < 200 && believed < 6; ++i) {
      believed = co_await ask(loop, threads.local(), believer_in(*other)) ? believed + 1 : 0;
      if (believed == 0) co_await sleep(loop, 5ms);
    }
    CHECK(believed == 6);
    threads.stop(5s);
    co_await group.join();
    CHECK((ended && *ended));
  };
  home.run(main(home));
  CHECK(answered == 12);
  CHECK(reviews >= 12 * 5 + 6 * 5);
  CHECK(loops.size() == 3);
  for (const auto id : deciders) CHECK(loops.contains(id));
  CHECK_FALSE(deciders.contains(std::this_thread::get_id()));
}

TEST_CASE("a port that is taken is an error before any thread starts", "[review_threads]") {
  RealLoop home;
  auto taken = TcpNetwork(home).listen({"127.0.0.1", 0});
  REQUIRE(taken);
  ReviewThreadsOptions options;
  options.listen = (*taken)->local();
  options.threads = 2;
  bool made = false;
  ReviewThreads threads(home, options, [&](Loop&) {
    made = true;
    return ReviewRoutes();
  });
  auto started = threads.start();
  REQUIRE_FALSE(started);
  CHECK(started.error().kind() == ErrorKind::Io);
  CHECK_FALSE(made);
}

TEST_CASE("threads end with a cancelled run, and with an owner who never ran them", "[review_threads]") {
  RealLoop home;
  ReviewThreadsOptions options;
  options.listen = {"127.0.0.1", 0};
  options.threads = 2;
  const auto no_routes = [](Loop&) { return ReviewRoutes(); };
  {
    ReviewThreads threads(home, options, no_routes);
    REQUIRE(threads.start());
    auto serve = [](ReviewThreads* of) -> Task<> { (void)co_await of->run(); };
    auto main = [&](Loop& loop) -> Task<> {
      TaskGroup group(loop);
      group.spawn("threads", serve(&threads));
      co_await sleep(loop, 5ms);
      co_await group.cancel_and_join();
    };
    home.run(main(home));
  }
  ReviewThreads abandoned(home, options, no_routes);
  REQUIRE(abandoned.start());
}
