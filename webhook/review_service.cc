#include "webhook/review_service.h"

#include "kube/async/timer.h"

namespace webhook {

using kube::ErrorKind;
using kube::fail;
using kube::Result;
using kube::Task;

namespace {

constexpr auto kProbeDeadline = std::chrono::seconds(10);
// While it starts, somebody waits for "ready".
constexpr auto kProbeSoon = std::chrono::milliseconds(200);

}  // namespace

ReviewService::ReviewService(kube::Client& client, kube::Network& network, ReviewServiceOptions options,
                             kube::ReviewThreads::MakeRoutes make_routes)
    : loop_(client.loop()),
      network_(network),
      options_(std::move(options)),
      keeper_(client, options_.certificate),
      make_routes_(std::move(make_routes)),
      keeping_(loop_, options_.log),
      probed_(fail(ErrorKind::Unavailable, "not serving yet")) {
  keeper_.on_serving([this](const kube::ServingCertificate& now) {
    if (!threads_) return;
    auto context = context_of(now);
    if (context)
      threads_->set_tls(*context);
    else
      options_.log.error("a new certificate cannot be used, the old one stays", {{"error", context.error()}});
  });
}

ReviewService::~ReviewService() = default;

void ReviewService::on_authorities(std::function<void(const std::string&)> tell) {
  keeper_.on_authorities(std::move(tell));
}

Result<> ReviewService::check() const {
  return probed_;
}

std::optional<kube::Endpoint> ReviewService::local() const {
  if (!threads_) return std::nullopt;
  return threads_->local();
}

void ReviewService::stop() {
  stopped_ = true;
  // No new reviews are sent to a replica that is not ready.
  probed_ = fail(ErrorKind::ShuttingDown, "stopping");
  if (threads_) threads_->stop(options_.stop_grace);
}

Task<Result<>> ReviewService::run() {
  std::exception_ptr thrown;
  Result<> ended;
  try {
    ended = co_await serve();
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await kube::shield();
  co_await keeping_.cancel_and_join();
  if (thrown) std::rethrow_exception(thrown);
  co_return ended;
}

Task<Result<>> ReviewService::serve() {
  auto certificate = co_await keeper_.ensure();
  if (!certificate) co_return fail(std::move(certificate).error().while_doing("webhook certificate"));
  auto context = context_of(*certificate);
  if (!context) co_return fail(std::move(context).error().while_doing("webhook certificate"));
  if (stopped_) co_return Result<>{};
  kube::ReviewThreadsOptions threads = options_.threads;
  threads.server.tls = *context;
  threads_ = std::make_unique<kube::ReviewThreads>(loop_, std::move(threads), make_routes_);
  if (auto started = threads_->start(); !started) co_return started;
  options_.log.info("serving reviews", {{"address", threads_->local().to_string()}});
  keeping_.spawn("certificates", keeper_.run());
  keeping_.spawn("probe", probe_again_and_again());
  co_return co_await threads_->run();
}

Result<std::shared_ptr<kube::TlsServerContext>> ReviewService::context_of(
    const kube::ServingCertificate& certificate) const {
  kube::TlsServerOptions tls;
  tls.certificate_chain = certificate.certificate;
  tls.private_key = certificate.private_key;
  tls.min_version = options_.tls_min_version;
  tls.cipher_suites = options_.tls_cipher_suites;
  return kube::TlsServerContext::create(tls);
}

Task<> ReviewService::probe_again_and_again() {
  for (bool ready = false; !stopped_;) {
    Result<> now = co_await probe();
    if (stopped_) co_return;
    if (!now && probed_) options_.log.warn("the webhook does not answer itself", {{"error", now.error()}});
    probed_ = std::move(now);
    ready = ready || probed_.has_value();
    co_await kube::sleep(loop_, ready ? options_.probe_interval : kube::Duration(kProbeSoon));
  }
}

Task<Result<>> ReviewService::probe() {
  const kube::SteadyTime deadline = loop_.after(kProbeDeadline);
  const auto& serving = keeper_.serving();
  if (!serving) co_return fail(ErrorKind::Unavailable, "no certificate");
  kube::TlsClientOptions tls;
  tls.certificate_authorities = serving->authorities;
  // Without an authority of ours, that a handshake succeeds is all there is to see.
  tls.insecure_skip_verify = serving->authorities.empty();
  tls.server_name = options_.certificate.names.common_name;
  auto context = kube::TlsClientContext::create(tls);
  if (!context) co_return fail(std::move(context));
  kube::Endpoint at = threads_->local();
  if (at.host.empty() || at.host == "::" || at.host == "0.0.0.0")
    at.host = at.host == "0.0.0.0" ? "127.0.0.1" : "localhost";
  auto stream = co_await network_.connect(at, deadline);
  if (!stream) co_return fail(std::move(stream));
  auto secure = co_await (*context)->connect(std::move(*stream), tls.server_name, deadline);
  if (!secure) co_return fail(std::move(secure));
  (*secure)->close();
  co_return Result<>{};
}

}  // namespace webhook
