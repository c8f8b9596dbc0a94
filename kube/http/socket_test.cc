// Client, server and TLS over the kernel's sockets and threads, and against curl: what a simulation cannot
// show.
#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "kube/async/blocking.h"
#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/http/certificate.h"
#include "kube/http/client.h"
#include "kube/http/server.h"

using namespace kube;

namespace {

const CertificateValidity kAlways{std::chrono::sys_days(std::chrono::year{2001} / 1 / 1),
                                  std::chrono::sys_days(std::chrono::year{2101} / 1 / 1)};

struct Identity {
  KeyedCertificate ca = *make_certificate_authority("test", kAlways);
  KeyedCertificate server = *sign_certificate(ca, {.common_name = "server",
                                                   .dns_names = {"localhost"},
                                                   .ip_addresses = {"127.0.0.1", "::1"},
                                                   .validity = kAlways});
  KeyedCertificate client = *sign_certificate(ca, {.common_name = "admin",
                                                   .organizations = {"ops"},
                                                   .usage = CertificateUsage::Client,
                                                   .validity = kAlways});
  std::shared_ptr<TlsServerContext> server_context =
      *TlsServerContext::create({.certificate_chain = server.certificate,
                                 .private_key = server.private_key,
                                 .client_certificate_authorities = ca.certificate});
  std::shared_ptr<TlsClientContext> client_context =
      *TlsClientContext::create({.certificate_authorities = ca.certificate,
                                 .certificate_chain = client.certificate,
                                 .private_key = client.private_key});
};

Task<> handle(HttpExchange& exchange) {
  if (exchange.request().target == "/watch") {
    (void)co_await exchange.start({});
    for (int i = 0; i < 100; ++i) (void)co_await exchange.write_chunk("event " + std::to_string(i) + "\n");
    (void)co_await exchange.finish();
    co_return;
  }
  HttpResponse response;
  response.body = exchange.request().method + " " + std::to_string(exchange.request().body.size()) + " " +
                  (exchange.tls_peer() ? exchange.tls_peer()->common_name : "nobody");
  (void)co_await exchange.respond(std::move(response));
}

// Runs `use(loop, endpoint)` beside a server at `host`.
template <class Use>
void with_server(RealLoop& loop, std::shared_ptr<TlsServerContext> tls, std::string host, Use use) {
  TcpNetwork network(loop);
  auto listener = network.listen({host, 0});
  REQUIRE(listener);
  const Endpoint at{host, (*listener)->local().port};
  HttpServer server(loop, {.tls = std::move(tls)}, handle);
  auto body = [](Loop& l, HttpServer& s, std::unique_ptr<Listener> accepting, Use& inner,
                 Endpoint where) -> Task<> {
    TaskGroup group(l);
    group.spawn("serve", s.serve(std::move(accepting)));
    std::exception_ptr thrown;
    try {
      co_await inner(l, where);
    } catch (...) {
      thrown = std::current_exception();
    }
    s.stop(1s);
    co_await group.join();
    if (thrown) std::rethrow_exception(thrown);
  };
  loop.run(body(loop, server, std::move(*listener), use, at));
}

Task<> ask_often(HttpClient* client, Loop* loop, int times, int* right) {
  for (int i = 0; i < times; ++i) {
    HttpRequest request{.method = "POST", .target = "/"};
    request.body = std::string(static_cast<std::size_t>(i) * 997, 'x');
    const std::string expected = "POST " + std::to_string(request.body.size()) + " ";
    auto answer = co_await client->send(std::move(request), loop->after(30s));
    if (answer && answer->body.starts_with(expected)) ++*right;
  }
}

Task<> read_watch(HttpClient* client, Loop* loop, int* lines) {
  auto body = co_await client->open({.target = "/watch"}, loop->after(30s));
  if (!body) co_return;
  while (true) {
    auto line = co_await (*body)->read_line(loop->after(30s));
    if (!line || !*line) co_return;
    if (**line == "event " + std::to_string(*lines)) ++*lines;
  }
}

// A folder with PEM files for curl, gone at the end.
struct Files {
  std::filesystem::path folder;

  explicit Files(const Identity& identity) {
    std::string name = (std::filesystem::temp_directory_path() / "kube-http-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    folder = name;
    write("ca.pem", identity.ca.certificate);
    write("client.pem", identity.client.certificate);
    write("client.key", identity.client.private_key);
    write("large", std::string(2'000'000, 'x'));
    write("too-large", std::string(4'000'000, 'x'));
  }
  ~Files() { std::filesystem::remove_all(folder); }
  void write(const char* name, const std::string& text) const { std::ofstream(folder / name) << text; }
};

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  char buffer[4096];
  while (const std::size_t size = fread(buffer, 1, sizeof(buffer), pipe)) text.append(buffer, size);
  pclose(pipe);
  return text;
}

}  // namespace

TEST_CASE("many requests and watches at once over sockets, plain and TLS, IPv4 and IPv6") {
  const Identity identity;
  for (const bool tls : {false, true}) {
    for (const char* host : {"127.0.0.1", "::1"}) {
      RealLoop loop;
      TcpNetwork network(loop);
      if (!network.listen({host, 0})) {
        WARN("no " << host << " on this machine");
        continue;
      }
      INFO(host << (tls ? " TLS" : " plain"));
      int right = 0;
      int lines[3] = {0, 0, 0};
      with_server(loop, tls ? identity.server_context : nullptr, host, [&](Loop& l, Endpoint at) {
        return [](Loop& on, Endpoint to, std::shared_ptr<TlsClientContext> context, int* counted,
                  int* read) -> Task<> {
          TcpNetwork net(on);
          HttpClient client(on, net, {.origin = to, .tls = context, .max_connections = 4});
          TaskGroup group(on);
          for (int i = 0; i < 8; ++i) group.spawn("ask", ask_often(&client, &on, 40, counted));
          for (int i = 0; i < 3; ++i) group.spawn("watch", read_watch(&client, &on, read + i));
          co_await group.join();
          CHECK(client.connections() <= 4);
        }(l, at, tls ? identity.client_context : nullptr, &right, lines);
      });
      CHECK(right == 320);
      for (const int count : lines) CHECK(count == 100);
    }
  }
}

TEST_CASE("a client that does not read is cut off after the write time-out") {
  const Identity identity;
  for (const bool tls : {false, true}) {
    RealLoop loop;
    TcpNetwork network(loop);
    auto listener = std::move(*network.listen({"127.0.0.1", 0}));
    const Endpoint at{"127.0.0.1", listener->local().port};
    std::optional<Error> failed;
    auto pour = [&failed](HttpExchange& exchange) {
      return [](HttpExchange& e, std::optional<Error>* out) -> Task<> {
        (void)co_await e.start({});
        const std::string chunk(1u << 20, 'x');
        while (true) {
          Result<> written = co_await e.write_chunk(chunk);
          if (written) continue;
          *out = written.error();
          co_return;
        }
      }(exchange, &failed);
    };
    HttpServer server(loop, {.tls = tls ? identity.server_context : nullptr, .write_timeout = 50ms}, pour);
    auto run = [](RealLoop& l, HttpServer& s, std::unique_ptr<Listener> accepting, Endpoint to,
                  std::shared_ptr<TlsClientContext> context, std::optional<Error>* out) -> Task<> {
      TcpNetwork net(l);
      HttpClient client(l, net, {.origin = to, .tls = context});
      TaskGroup group(l);
      group.spawn("serve", s.serve(std::move(accepting)));
      auto body = co_await client.open({}, l.after(30s));
      CHECK(body);
      while (!*out) co_await sleep(l, 1ms);
      s.stop(1s);
      co_await group.join();
    };
    loop.run(run(loop, server, std::move(listener), at, tls ? identity.client_context : nullptr, &failed));
    CHECK(failed->kind() == ErrorKind::Timeout);
  }
}

TEST_CASE("a client that does not read loses its place to the next one") {
  RealLoop loop;
  TcpNetwork network(loop);
  auto listener = std::move(*network.listen({"127.0.0.1", 0}));
  const Endpoint at{"127.0.0.1", listener->local().port};
  auto answer = [](HttpExchange& exchange) -> Task<> {
    const bool endless = exchange.request().target == "/endless";
    if (!endless) {
      (void)co_await exchange.respond({.body = "here"});
      co_return;
    }
    (void)co_await exchange.start({});
    const std::string chunk(1u << 20, 'x');
    while (co_await exchange.write_chunk(chunk)) {
    }
  };
  HttpServer server(loop, {.max_connections = 1, .replace_after = 1ms}, answer);
  auto run = [](RealLoop& l, HttpServer& s, std::unique_ptr<Listener> accepting, Endpoint to) -> Task<> {
    TcpNetwork net(l);
    TaskGroup group(l);
    group.spawn("serve", s.serve(std::move(accepting)));
    HttpClient deaf(l, net, {.origin = to});
    auto body = co_await deaf.open({.target = "/endless"}, l.after(60s));
    CHECK(body);
    HttpClient next(l, net, {.origin = to});
    auto said = co_await next.send({.target = "/"}, l.after(60s));
    CHECK((said && said->body == "here"));
    s.stop(1s);
    co_await group.join();
  };
  loop.run(run(loop, server, std::move(listener), at));
}

TEST_CASE("contexts are shared by loops on several threads") {
  const Identity identity;
  std::vector<std::jthread> threads;
  std::vector<int> right(3, 0);
  for (int& count : right) {
    threads.emplace_back([&identity, &count] {
      RealLoop loop;
      with_server(loop, identity.server_context, "127.0.0.1", [&](Loop& l, Endpoint at) {
        return [](Loop& on, Endpoint to, std::shared_ptr<TlsClientContext> context, int* counted) -> Task<> {
          TcpNetwork net(on);
          for (int i = 0; i < 5; ++i) {
            HttpClient client(on, net, {.origin = to, .tls = context});
            co_await ask_often(&client, &on, 5, counted);
          }
        }(l, at, identity.client_context, &count);
      });
    });
  }
  threads.clear();
  CHECK(right == std::vector<int>{25, 25, 25});
}

TEST_CASE("curl agrees") {
  if (std::system("curl --version >/dev/null 2>&1") != 0) {
    WARN("no curl on this machine");
    return;
  }
  const Identity identity;
  const Files files(identity);
  struct Row {
    const char* why;
    std::string arguments;
    std::string expected;
  };
  const std::string format = " -w ' %{http_code} %{http_version}' ";
  const Row rows[] = {
      {"get", "", "GET 0 nobody 200 1.1"},
      {"h2 is offered, not taken", "--http2", "GET 0 nobody 200 1.1"},
      {"TLS 1.2", "--tls-max 1.2", "GET 0 nobody 200 1.1"},
      {"TLS 1.3", "--tlsv1.3", "GET 0 nobody 200 1.1"},
      {"client certificate", "--cert client.pem --key client.key", "GET 0 admin 200 1.1"},
      {"a large body, 100-continue", "--data-binary @large -H 'Expect: 100-continue'",
       "POST 2000000 nobody 200 1.1"},
      {"a chunked body", "-T - < large", "PUT 2000000 nobody 200 1.1"},
      {"too large, expecting", "--data-binary @too-large -H 'Expect: 100-continue'",
       "body limit exceeded\n 413 1.1"},
      {"too large, not expecting", "--data-binary @too-large -H 'Expect:'", "body limit exceeded\n 413 1.1"},
      {"HTTP/1.0", "--http1.0", "GET 0 nobody 200 1.1"},
      {"head", "--head -o /dev/null", " 200 1.1"},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    RealLoop loop;
    std::string got;
    with_server(loop, identity.server_context, "127.0.0.1", [&](Loop& l, Endpoint at) {
      const std::string command =
          "cd " + files.folder.string() + " && curl -sS --max-time 60 --cacert ca.pem" + format +
          "https://localhost:" + std::to_string(at.port) + "/ " + row.arguments + " 2>&1";
      return [](Loop& on, std::string text, std::string* out) -> Task<> {
        *out = co_await run_blocking(on, [text] { return output_of(text); });
      }(l, command, &got);
    });
    CHECK(got == row.expected);
  }
}
