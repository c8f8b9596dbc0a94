#include "kube/admission/review_server.h"

#include <catch2/catch.hpp>

#include <optional>
#include <stdexcept>

#include "kube/async/sim_loop.h"
#include "kube/async/sim_network.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/http/certificate.h"
#include "kube/http/client.h"

using namespace kube;

namespace {

std::string review_text(const std::string& uid, const std::string& object = R"({"metadata":{"name":"a"}})") {
  return R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":")" + uid +
         R"(","operation":"CREATE","object":)" + object + "}}";
}

struct World {
  explicit World(const ReviewRoutes& routes, ReviewServerOptions options = {}) {
    options.metrics = &metrics;
    options.log = Log(lines, LogLevel::Debug);
    server.emplace(loop, routes, std::move(options));
    tasks.spawn("server", server->serve(std::move(*net.host("hook").listen({"", 9443}))));
  }
  ~World() {
    tasks.cancel();
    loop.run(tasks.join());
  }

  Result<HttpResponse> send(HttpRequest request, std::shared_ptr<TlsClientContext> tls = {}) {
    HttpClient client(loop, net.host("api"), {.origin = {"hook", 9443}, .tls = std::move(tls)});
    std::optional<Result<HttpResponse>> answer;
    auto run = [](HttpClient* on, Loop* l, HttpRequest what,
                  std::optional<Result<HttpResponse>>* into) -> Task<> {
      into->emplace(co_await on->send(std::move(what), l->after(60s)));
    };
    loop.run(run(&client, &loop, std::move(request), &answer));
    return std::move(*answer);
  }
  HttpResponse post(std::string target, std::string body, std::string type = "application/json") {
    HttpRequest request{.method = "POST", .target = std::move(target), .body = std::move(body)};
    if (!type.empty()) request.headers.set("Content-Type", type);
    auto answer = send(std::move(request));
    REQUIRE(answer);
    return std::move(*answer);
  }
  Json response(std::string target, std::string body, std::string type = "application/json") {
    const HttpResponse answer = post(std::move(target), std::move(body), std::move(type));
    CHECK(answer.status == 200);
    auto json = parse_json(answer.body);
    REQUIRE(json);
    return (*json)["response"];
  }
  double value(const std::string& name, const prometheus::Labels& labels) {
    for (const auto& family : registry.Collect())
      for (const auto& metric : family.metric) {
        bool all = family.name == name;
        for (const auto& [key, text] : labels)
          all = all && std::ranges::any_of(metric.label, [&](const auto& label) {
                  return label.name == key && label.value == text;
                });
        if (!all) continue;
        if (family.type == prometheus::MetricType::Counter) return metric.counter.value;
        if (family.type == prometheus::MetricType::Gauge) return metric.gauge.value;
        return static_cast<double>(metric.histogram.sample_count);
      }
    return -1;
  }

  SimLoop loop{3};
  SimNetwork net{loop};
  std::shared_ptr<RecordingSink> lines = std::make_shared<RecordingSink>();
  prometheus::Registry registry;
  ReviewMetrics metrics{registry};
  std::optional<ReviewServer> server;
  TaskGroup tasks{loop};
};

Verdict name_it(const Review& review) {
  JsonReader reader;
  auto object = review.read(reader);
  if (!object) return Verdict::error(400, object.error().message());
  if ((*object)["metadata"]["name"].string_or() == "bad") return Verdict::deny("bad is no name");
  return Verdict::patch({{{"op", "add"}, {"path", "/x"}, {"value", 1}}});
}

Task<Verdict> decide_after(Loop* loop, Duration wait) {
  co_await sleep(*loop, wait);
  co_return Verdict::allow();
}

Task<Verdict> deny_later() {
  co_return Verdict::deny("later");
}

}  // namespace

TEST_CASE("a path's function answers its reviews", "[review_server]") {
  World world(ReviewRoutes().add("/mutate", name_it));
  const Json patched = world.response("/mutate?timeout=10s", review_text("u1"));
  CHECK(patched["uid"] == "u1");
  CHECK(patched["allowed"] == true);
  CHECK(patched["patchType"] == "JSONPatch");
  const Json denied = world.response("/mutate", review_text("u2", R"({"metadata":{"name":"bad"}})"));
  CHECK(denied["allowed"] == false);
  CHECK(denied["status"] == Json{{"code", 403}, {"reason", "Forbidden"}, {"message", "bad is no name"}});
  CHECK(world.post("/elsewhere", review_text("u3")).status == 404);
}

TEST_CASE("what is no review is answered inside a review with code 400", "[review_server]") {
  World world(ReviewRoutes().add("/m", name_it));
  struct Row {
    std::string body, type, message;
  };
  for (const Row& row :
       {Row{"", "application/json", "request body is empty"},
        Row{review_text("u"), "text/plain", "contentType=text/plain, expected application/json"},
        Row{review_text("u"), "application/json; charset=utf-8", "expected application/json"},
        Row{review_text("u"), "", "contentType=, expected"},
        Row{"{}", "application/json", "expected apiVersion admission.k8s.io/v1"},
        Row{review_text("u").substr(0, 60), "application/json", "admission review: "}}) {
    const Json answer = world.response("/m", row.body, row.type);
    INFO(answer.dump());
    CHECK(answer["allowed"] == false);
    CHECK(answer["uid"] == "");
    CHECK(answer["status"]["code"] == 400);
    CHECK(string_at(answer, {"status", "message"}).find(row.message) != std::string::npos);
  }
}

TEST_CASE("a body over the limit has code 413, far over it the HTTP answer has", "[review_server]") {
  World world(ReviewRoutes().add("/m", name_it), {.max_body_bytes = 1000});
  const std::string padding(2000, ' ');
  CHECK(world.response("/m", review_text("u") + padding)["status"]["code"] == 413);
  CHECK(world.response("/m", review_text("u"))["allowed"] == true);
  CHECK(world.post("/m", std::string(6u << 20, ' ')).status == 413);
}

TEST_CASE("a handler that throws fails its review alone", "[review_server]") {
  const auto breaks = [](const Review& review) -> Verdict {
    if (review.uid == "u1") throw std::runtime_error("no such luck");
    return Verdict::allow();
  };
  const auto breaks_later = [](const Review&) -> Task<Verdict> {
    throw std::runtime_error("later");
    co_return Verdict::allow();
  };
  World world(ReviewRoutes().add("/m", breaks).add_task("/t", breaks_later));
  const Json failed = world.response("/m", review_text("u1"));
  CHECK(failed["uid"] == "u1");
  CHECK(failed["allowed"] == false);
  CHECK(failed["status"]["code"] == 500);
  CHECK(string_at(failed, {"status", "message"}).find("no such luck") != std::string::npos);
  CHECK(world.response("/t", review_text("u2"))["status"]["code"] == 500);
  CHECK(world.response("/m", review_text("u3"))["allowed"] == true);
  CHECK(world.value("controller_runtime_webhook_panics_total", {}) == 2);
  CHECK(world.lines->contains("review handler ended by an exception"));
}

TEST_CASE("what is answered at once becomes no task", "[review_server]") {
  int tasks = 0;
  ReviewRoutes routes;
  routes.add_task(
      "/m",
      [&tasks](const Review&) {
        ++tasks;
        return deny_later();
      },
      [](const Review& review) -> std::optional<Verdict> {
        if (review.uid == "broken") throw std::runtime_error("at once");
        if (review.uid == "unknown") return std::nullopt;
        return Verdict::allow();
      });
  World world(routes);
  CHECK(world.response("/m", review_text("known"))["allowed"] == true);
  CHECK(tasks == 0);
  CHECK(world.response("/m", review_text("unknown"))["status"]["message"] == "later");
  CHECK(tasks == 1);
  CHECK(world.response("/m", review_text("broken"))["status"]["code"] == 500);
}

TEST_CASE("a task that does not come back in time has code 504", "[review_server]") {
  SimLoop* loop = nullptr;
  ReviewRoutes routes;
  routes.add_task("/slow", [&](const Review&) { return decide_after(loop, 8s); });
  World world(routes, {.deadline = 10s});
  loop = &world.loop;
  CHECK(world.response("/slow", review_text("u"))["allowed"] == true);
  CHECK(world.response("/slow?timeout=9s", review_text("u"))["allowed"] == true);
  CHECK(world.response("/slow?timeout=2s", review_text("u"))["status"]["code"] == 504);
}

TEST_CASE("reviews are counted by path, refusals as 200", "[review_server]") {
  World world(ReviewRoutes().add("/m", name_it).add("/other", name_it));
  CHECK(world.value("controller_runtime_webhook_requests_total", {{"webhook", "/other"}, {"code", "500"}}) ==
        0);
  CHECK(world.value("controller_runtime_webhook_latency_seconds", {{"webhook", "/m"}}) == -1);
  (void)world.response("/m", review_text("u2", R"({"metadata":{"name":"bad"}})"));
  (void)world.response("/m", review_text("u"));
  CHECK(world.value("controller_runtime_webhook_requests_total", {{"webhook", "/m"}, {"code", "200"}}) == 2);
  CHECK(world.value("controller_runtime_webhook_requests_in_flight", {{"webhook", "/m"}}) == 0);
  CHECK(world.value("controller_runtime_webhook_latency_seconds", {{"webhook", "/m"}}) == 2);
  CHECK(world.value("controller_runtime_webhook_latency_seconds", {{"webhook", "/other"}}) == -1);
}

TEST_CASE("a stopped server finishes the review in progress", "[review_server]") {
  SimLoop* loop = nullptr;
  ReviewRoutes routes;
  routes.add_task("/slow", [&](const Review&) { return decide_after(loop, 2s); });
  World world(routes);
  loop = &world.loop;
  Timer stop(world.loop, [&] { world.server->stop(5s); });
  stop.set(world.loop.after(1s));
  CHECK(world.response("/slow", review_text("u"))["allowed"] == true);
  world.loop.run(world.tasks.join());
  HttpRequest request{.method = "POST", .target = "/slow", .body = review_text("u")};
  CHECK_FALSE(world.send(std::move(request)));
}

TEST_CASE("a new certificate is shown from the next connection on, open ones stay", "[review_server]") {
  const CertificateValidity validity{TimePoint{1'700'000'000s}, TimePoint{1'900'000'000s}};
  const auto context_of = [&](const KeyedCertificate& authority) {
    CertificateRequest request;
    request.dns_names = {"hook"};
    request.validity = validity;
    auto made = sign_certificate(authority, request);
    REQUIRE(made);
    TlsServerOptions options;
    options.certificate_chain = made->certificate;
    options.private_key = made->private_key;
    auto context = TlsServerContext::create(options);
    REQUIRE(context);
    return *context;
  };
  const auto believes = [](const KeyedCertificate& authority) {
    TlsClientOptions options;
    options.certificate_authorities = authority.certificate;
    auto context = TlsClientContext::create(options);
    REQUIRE(context);
    return *context;
  };
  const auto first = make_certificate_authority("first", validity);
  const auto second = make_certificate_authority("second", validity);
  REQUIRE(first);
  REQUIRE(second);
  World world(ReviewRoutes().add("/m", name_it), {.tls = context_of(*first)});
  HttpClient open(world.loop, world.net.host("api"), {.origin = {"hook", 9443}, .tls = believes(*first)});
  const auto ask = [&](HttpClient& client) {
    HttpRequest request{.method = "POST", .target = "/m", .body = review_text("u")};
    request.headers.set("Content-Type", "application/json");
    std::optional<Result<HttpResponse>> answer;
    auto run = [](HttpClient* on, Loop* l, HttpRequest what,
                  std::optional<Result<HttpResponse>>* into) -> Task<> {
      into->emplace(co_await on->send(std::move(what), l->after(60s)));
    };
    world.loop.run(run(&client, &world.loop, std::move(request), &answer));
    return answer->has_value();
  };
  REQUIRE(ask(open));
  world.server->set_tls(context_of(*second));
  CHECK(ask(open));  // its connection was there before
  HttpClient late(world.loop, world.net.host("api"), {.origin = {"hook", 9443}, .tls = believes(*first)});
  CHECK_FALSE(ask(late));
  HttpClient informed(world.loop, world.net.host("api"),
                      {.origin = {"hook", 9443}, .tls = believes(*second)});
  CHECK(ask(informed));
}

TEST_CASE("clients that are silent, half-hearted or speak no TLS keep nobody from being answered",
          "[review_server]") {
  const CertificateValidity validity{TimePoint{1'700'000'000s}, TimePoint{1'900'000'000s}};
  const auto authority = make_certificate_authority("ca", validity);
  REQUIRE(authority);
  CertificateRequest request;
  request.dns_names = {"hook"};
  request.validity = validity;
  const auto made = sign_certificate(*authority, request);
  REQUIRE(made);
  TlsServerOptions serving;
  serving.certificate_chain = made->certificate;
  serving.private_key = made->private_key;
  TlsClientOptions believing;
  believing.certificate_authorities = authority->certificate;
  const auto believer = TlsClientContext::create(believing).value();
  World world(ReviewRoutes().add("/m", name_it),
              {.tls = TlsServerContext::create(serving).value(), .max_connections = 20});

  // More than there are places for: some say nothing, some plain HTTP, some half a request over TLS.
  std::vector<std::unique_ptr<Stream>> rude;
  const auto say = [&](int kind) -> Task<> {
    auto stream = co_await world.net.host("rude").connect({"hook", 9443}, world.loop.after(60s));
    if (!stream) co_return;
    if (kind == 1) (void)co_await (*stream)->write("POST /m HTTP/1.1\r\nHost: hook\r\n\r\n");
    if (kind == 2) {
      auto secure = co_await believer->connect(std::move(*stream), "hook", world.loop.after(60s));
      if (!secure) co_return;
      (void)co_await (*secure)->write("POST /m HTTP/1.1\r\nHost: hook\r\nContent-Length: 999\r\n\r\n{");
      rude.push_back(std::move(*secure));
      co_return;
    }
    rude.push_back(std::move(*stream));
  };
  for (int i = 0; i < 60; ++i) {
    world.loop.run(say(i % 3));
    world.loop.run_for(100ms);
  }
  CHECK(world.server->connections() <= 20);
  for (int i = 0; i < 5; ++i) {
    HttpRequest review{.method = "POST", .target = "/m", .body = review_text("u")};
    review.headers.set("Content-Type", "application/json");
    const SteadyTime before = world.loop.steady();
    const auto answer = world.send(std::move(review), believer);
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(world.loop.steady() - before < 3s);
  }
}
