#include "kube/http/tls.h"

#include <catch2/catch.hpp>

#include "kube/http/certificate.h"
#include "kube/http/test_world.h"

using namespace kube;

namespace {

// OpenSSL compares validity with the machine's clock, whatever the simulation's says.
const TimePoint kLongAgo = std::chrono::sys_days(std::chrono::year{2001} / 1 / 1);
const TimePoint kFarAhead = std::chrono::sys_days(std::chrono::year{2101} / 1 / 1);
const CertificateValidity kAlways{kLongAgo, kFarAhead};

struct Authority {
  KeyedCertificate ca = *make_certificate_authority("test", kAlways);

  KeyedCertificate server(std::vector<std::string> names, CertificateValidity validity = kAlways) const {
    return *sign_certificate(ca,
                             {.common_name = "server", .dns_names = std::move(names), .validity = validity});
  }
  KeyedCertificate client(CertificateUsage usage = CertificateUsage::Client) const {
    return *sign_certificate(
        ca, {.common_name = "admin", .organizations = {"ops", "dev"}, .usage = usage, .validity = kAlways});
  }
};

const Authority& authority() {
  static const Authority made;
  return made;
}

TlsServerOptions serving(const KeyedCertificate& certificate) {
  return {.certificate_chain = certificate.certificate, .private_key = certificate.private_key};
}

Task<> echo(HttpExchange& exchange) {
  HttpResponse response;
  response.body = exchange.request().body;
  if (exchange.tls_peer()) {
    response.headers.add("X-User", exchange.tls_peer()->common_name);
    for (const std::string& group : exchange.tls_peer()->organizations)
      response.headers.add("X-Group", group);
  }
  (void)co_await exchange.respond(std::move(response));
}

// A simulated world whose server speaks TLS as "server".
struct TlsWorld : TestWorld {
  explicit TlsWorld(TlsServerOptions options = serving(authority().server({"server"})))
      : TestWorld(echo, {.tls = *TlsServerContext::create(options)}) {}

  Result<HttpResponse> ask(TlsClientOptions options) {
    HttpClient secure = client({.tls = *TlsClientContext::create(options)});
    HttpRequest request{.method = "POST"};
    request.body = "hello";
    return run(secure.send(std::move(request), loop.after(10s)));
  }
};

TlsClientOptions trusting(const Authority& who = authority()) {
  return {.certificate_authorities = who.ca.certificate};
}

}  // namespace

TEST_CASE("requests travel encrypted, on one connection") {
  TlsWorld world;
  HttpClient client = world.client({.tls = *TlsClientContext::create(trusting())});
  for (int i = 0; i < 3; ++i) {
    HttpRequest request{.method = "POST"};
    request.body = std::string(static_cast<std::size_t>(i) * 300'000, 'x');
    const std::string body = request.body;
    auto answer = world.run(client.send(std::move(request), world.loop.after(10s)));
    REQUIRE(answer);
    CHECK((answer->body == body));
    CHECK(world.server->connections() == 1);
  }
}

TEST_CASE("an idle encrypted connection is looked at without losing bytes, and replaced when closed") {
  TlsWorld world(serving(authority().server({"server"})));
  HttpClient client = world.client({.tls = *TlsClientContext::create(trusting()), .idle_timeout = 1h});
  for (int i = 0; i < 5; ++i) {
    auto answer = world.run(client.send({.method = "POST"}, world.loop.after(10s)));
    REQUIRE(answer);
    CHECK(client.connections() == 1);
    // The server closes what has been idle for 180 s.
    world.loop.run_for(i == 2 ? 200s : 10s);
    CHECK(world.server->connections() == (i == 2 ? 0 : 1));
  }
}

TEST_CASE("a server is believed only with a name, a time and an authority that hold") {
  struct Row {
    const char* why;
    TlsServerOptions server;
    TlsClientOptions client;
    std::string refused_for;  // "" = accepted
  };
  const Authority other;
  const KeyedCertificate good = authority().server({"server"});
  TlsClientOptions named = trusting();
  named.server_name = "kubernetes.default.svc";
  TlsClientOptions careless;
  careless.insecure_skip_verify = true;
  TlsClientOptions by_ip = trusting();
  by_ip.server_name = "2001:db8::1";
  const KeyedCertificate with_ip = *sign_certificate(
      authority().ca, {.common_name = "server", .ip_addresses = {"2001:db8::1"}, .validity = kAlways});
  TlsClientOptions pinned;
  pinned.certificate_authorities = good.certificate;
  const Row rows[] = {
      {"right", serving(good), trusting(), ""},
      {"wildcard", serving(authority().server({"*.default.svc"})), named, ""},
      {"another name asked for", serving(good), named, "hostname mismatch"},
      {"only the common name fits", serving(authority().server({"elsewhere"})), trusting(),
       "hostname mismatch"},
      {"unknown authority", serving(other.server({"server"})), trusting(),
       "unable to get local issuer certificate"},
      {"expired", serving(authority().server({"server"}, {kLongAgo, kLongAgo + 24h})), trusting(),
       "certificate has expired"},
      {"not yet valid", serving(authority().server({"server"}, {kFarAhead - 24h, kFarAhead})), trusting(),
       "certificate is not yet valid"},
      {"a client's certificate", serving(authority().client()), trusting(), "unsuitable certificate purpose"},
      {"nobody looks", serving(other.server({"elsewhere"})), careless, ""},
      {"IPv6 address", serving(with_ip), by_ip, ""},
      {"address not in the certificate", serving(good), by_ip, "IP address mismatch"},
      {"the server's own certificate is trusted", serving(good), pinned, ""},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    TlsWorld world(row.server);
    const auto answer = world.ask(row.client);
    if (row.refused_for.empty()) {
      REQUIRE(answer);
      CHECK(answer->body == "hello");
    } else {
      REQUIRE_FALSE(answer);
      INFO(answer.error().message());
      CHECK(answer.error().kind() == ErrorKind::Unavailable);
      CHECK_FALSE(answer.error().is_ambiguous());
      CHECK(answer.error().message().find("certificate refused: ") != std::string::npos);
      CHECK(answer.error().message().find(row.refused_for) != std::string::npos);
    }
  }
}

TEST_CASE("a client is known by its certificate if our authority signed it for that, else anonymous") {
  TlsServerOptions options = serving(authority().server({"server"}));
  options.client_certificate_authorities = authority().ca.certificate;
  const Authority other;
  struct Row {
    const char* why;
    std::optional<KeyedCertificate> certificate;
    std::optional<std::string_view> user;
  };
  for (const Row& row : {Row{"ours", authority().client(), "admin"}, Row{"none", std::nullopt, std::nullopt},
                         Row{"another authority's", other.client(), std::nullopt},
                         Row{"for servers", authority().client(CertificateUsage::Server), std::nullopt}}) {
    INFO(row.why);
    TlsWorld world(options);
    TlsClientOptions client = trusting();
    if (row.certificate) {
      client.certificate_chain = row.certificate->certificate;
      client.private_key = row.certificate->private_key;
    }
    const auto answer = world.ask(client);
    REQUIRE(answer);
    CHECK(answer->headers.get("X-User") == row.user);
    std::vector<std::string> groups;
    for (const auto& [name, value] : answer->headers.all()) {
      if (name == "X-Group") groups.push_back(value);
    }
    CHECK(groups == (row.user ? std::vector<std::string>{"ops", "dev"} : std::vector<std::string>{}));
  }
}

TEST_CASE("a certificate replaced while serving is used by new connections") {
  const Authority other;
  TlsWorld world;
  HttpClient client = world.client({.tls = *TlsClientContext::create(trusting())});
  REQUIRE(world.run(client.send({}, world.loop.after(10s))));
  world.server->set_tls(*TlsServerContext::create(serving(other.server({"server"}))));
  CHECK(world.run(client.send({}, world.loop.after(10s))));  // on the old connection
  client.drop_connections();
  CHECK_FALSE(world.run(client.send({}, world.loop.after(10s))));
  client.set_tls(*TlsClientContext::create(trusting(other)));
  CHECK(world.run(client.send({}, world.loop.after(10s))));
}

TEST_CASE("who does not speak TLS is turned away") {
  SECTION("a plain client at a TLS server") {
    TlsWorld world;
    HttpClient client = world.client();
    const auto answer = world.run(client.send({}, world.loop.after(10s)));
    REQUIRE_FALSE(answer);
    world.loop.run_for(1s);
    CHECK(world.server->connections() == 0);
  }
  SECTION("a TLS client at a plain server") {
    TestWorld world(echo);
    HttpClient client = world.client({.tls = *TlsClientContext::create(trusting())});
    const auto answer = world.run(client.send({.method = "POST"}, world.loop.after(10s)));
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind() == ErrorKind::Unavailable);
    CHECK_FALSE(answer.error().is_ambiguous());
  }
  SECTION("nobody answers the handshake") {
    TestWorld world;
    ScriptedServer silent(world, {[](Stream& stream) -> Task<> { (void)co_await read_to_end(stream); }});
    HttpClient client = world.client({.tls = *TlsClientContext::create(trusting())});
    const auto answer = world.run(client.send({.method = "POST"}, world.loop.after(10s)));
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind() == ErrorKind::Timeout);
    CHECK_FALSE(answer.error().is_ambiguous());
  }
  SECTION("a client that connects and says nothing") {
    TlsWorld world;
    auto stream = world.run(world.connect());
    world.loop.run_for(59s);
    CHECK(world.server->connections() == 1);
    world.loop.run_for(2s);
    CHECK(world.server->connections() == 0);
  }
}

TEST_CASE("a connection cut at any moment fails, without hanging or crashing") {
  int answered = 0, failed = 0;
  for (Duration at = 0us; at < 30ms; at += 500us) {
    TlsWorld world;
    Timer cut(world.loop, [&] { world.net.cut("client", "server"); });
    cut.set(world.loop.after(at));
    const auto answer = world.ask(trusting());
    ++(answer ? answered : failed);
    if (!answer) CHECK(answer.error().kind() == ErrorKind::Unavailable);
    world.loop.run_for(1s);
    CHECK(world.server->connections() == 0);
  }
  CHECK(answered > 0);
  CHECK(failed > 0);
}

TEST_CASE("the end of a stream is believed only when TLS says so") {
  struct Serve {
    static Task<> run(Listener* listener, std::shared_ptr<TlsServerContext> context, SteadyTime deadline,
                      bool goodbye) {
      auto accepted = co_await context->accept(std::move(*co_await listener->accept()), deadline);
      if (!accepted) co_return;
      (void)co_await read_until_text(*accepted->stream, "\r\n\r\n");
      (void)co_await accepted->stream->write("HTTP/1.1 200 OK\r\n\r\nall?");
      if (goodbye) (void)co_await accepted->stream->shutdown();
      accepted->stream->close();
    }
  };
  for (const bool goodbye : {true, false}) {
    TestWorld world;
    auto listener = std::move(*world.net.host("server").listen({"", 80}));
    auto context = *TlsServerContext::create(serving(authority().server({"server"})));
    world.tasks.spawn("server", Serve::run(listener.get(), context, world.loop.after(10s), goodbye));
    HttpClient client = world.client({.tls = *TlsClientContext::create(trusting())});
    const auto answer = world.run(client.send({}, world.loop.after(10s)));
    CHECK(answer.has_value() == goodbye);
  }
}

TEST_CASE("both directions at once, and reads that are cancelled, lose nothing") {
  struct Both {
    static Task<> send(Stream* stream, std::size_t size) {
      std::string text;
      for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + " ";
      CHECK(co_await stream->write(text));
      CHECK(co_await stream->shutdown());
    }
    static Task<> receive(Stream* stream, InputBuffer* input, bool* ended) {
      while (true) {
        Result<std::size_t> got = co_await input->read_from(*stream);
        if (!got || *got == 0) break;
      }
      *ended = true;
    }
    static Task<> receive_with_breaks(Loop* loop, Stream* stream, InputBuffer* input) {
      bool ended = false;
      while (!ended) {
        TaskGroup group(*loop);
        group.spawn("receive", receive(stream, input, &ended));
        co_await sleep(*loop, loop->random().jitter(100us, 10));
        co_await group.cancel_and_join();
      }
    }
    static Task<> accept(Loop* loop, Listener* listener, std::shared_ptr<TlsServerContext> context,
                         InputBuffer* received) {
      auto accepted = co_await context->accept(std::move(*co_await listener->accept()), loop->after(10s));
      TaskGroup group(*loop);
      group.spawn("send", send(accepted->stream.get(), 300'000));
      group.spawn("receive", receive_with_breaks(loop, accepted->stream.get(), received));
      co_await group.join_or_cancel();
    }
  };
  TestWorld world;
  auto listener = std::move(*world.net.host("server").listen({"", 80}));
  auto server_context = *TlsServerContext::create(serving(authority().server({"server"})));
  auto client_context = *TlsClientContext::create(trusting());
  InputBuffer at_server, at_client;
  TaskGroup group(world.loop);
  group.spawn("server", Both::accept(&world.loop, listener.get(), server_context, &at_server));
  auto stream = std::move(
      *world.run(client_context->connect(world.run(world.connect()), "server", world.loop.after(10s))));
  group.spawn("send", Both::send(stream.get(), 200'000));
  group.spawn("receive", Both::receive_with_breaks(&world.loop, stream.get(), &at_client));
  world.loop.run(group.join());
  CHECK(at_server.bytes().size() >= 200'000);
  CHECK(at_client.bytes().size() >= 300'000);
  CHECK((at_client.bytes().substr(0, 200'000) == at_server.bytes().substr(0, 200'000)));
}

TEST_CASE("settings that cannot work are refused with the reason") {
  const KeyedCertificate good = authority().server({"server"});
  const KeyedCertificate other = authority().server({"server"});
  const auto server_error = [&](auto change) {
    TlsServerOptions options = serving(good);
    change(options);
    const auto context = TlsServerContext::create(options);
    return context ? std::string() : context.error().message();
  };
  CHECK(server_error([](TlsServerOptions&) {}) == "");
  CHECK(server_error([](TlsServerOptions& o) { o.certificate_chain = ""; }) ==
        "server certificate: expected a PEM certificate, found none");
  CHECK(server_error([](TlsServerOptions& o) {
          o.private_key = "";
        }).starts_with("server key: expected a PEM private key"));
  CHECK(server_error([&](TlsServerOptions& o) {
          o.private_key = other.private_key;
        }).starts_with("server certificate and key do not fit"));
  CHECK(server_error([](TlsServerOptions& o) {
          o.client_certificate_authorities = "x";
        }).starts_with("client certificate authorities: "));
  CHECK(server_error([](TlsServerOptions& o) { o.min_version = "VersionTLS11"; }) ==
        "minimum TLS version: expected VersionTLS12 or VersionTLS13, got \"VersionTLS11\"");
  CHECK(server_error([](TlsServerOptions& o) { o.cipher_suites = {"TLS_BEST"}; }) ==
        "cipher suite \"TLS_BEST\" is not known");
  CHECK(server_error([](TlsServerOptions& o) {
          o.cipher_suites = {"TLS_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                             "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305"};
        }) == "");

  TlsClientOptions client = trusting();
  client.certificate_chain = good.certificate;
  client.private_key = other.private_key;
  CHECK(TlsClientContext::create(client).error().message().starts_with(
      "client certificate and key do not fit"));
  CHECK(TlsClientContext::create({.certificate_authorities = "nothing"}).error().message() ==
        "certificate authorities: expected a PEM certificate, found none");
  CHECK(TlsClientContext::create({}));  // the system's authorities
}
