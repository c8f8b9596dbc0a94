#include "webhook/review_service.h"

#include <algorithm>

#include "kube/async/timer.h"
#include "kube/client/api.h"
#include "kube/core/base64.h"
#include "kube/http/certificate.h"
#include "kube/http/client.h"

namespace webhook {

using kube::ErrorKind;
using kube::fail;
using kube::Result;
using kube::Task;

namespace {

constexpr auto kProbeDeadline = std::chrono::seconds(10);
// While it starts, somebody waits for "ready".
constexpr auto kProbeSoon = std::chrono::milliseconds(200);

constexpr const char* kProbePath = "/self-probe";
constexpr const char* kProbe =
    R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"self","operation":"CONNECT"}})";

}  // namespace

ReviewService::ReviewService(kube::Client& client, kube::Network& network, ReviewServiceOptions options,
                             kube::ReviewThreads::MakeRoutes make_routes)
    : loop_(client.loop()),
      network_(network),
      options_(std::move(options)),
      client_(client),
      keeper_(client, options_.certificate),
      folder_(loop_, options_.folder),
      make_routes_([make = std::move(make_routes)](kube::Loop& loop) {
        return make(loop).add_uncounted(kProbePath,
                                        [](const kube::Review&) { return kube::Verdict::allow(); });
      }),
      keeping_(loop_, options_.log),
      probed_(fail(ErrorKind::Unavailable, "not serving yet")),
      trusted_(fail(ErrorKind::Unavailable, "the webhook configurations have not been looked at yet")) {
  const auto serve = [this](const kube::ServingCertificate& now) {
    serving_ = now;
    if (!threads_) return;
    auto context = context_of(now);
    if (context)
      threads_->set_tls(*context);
    else
      options_.log.error("a new certificate cannot be used, the old one stays", {{"error", context.error()}});
  };
  keeper_.on_serving(serve);
  folder_.on_serving(serve);
}

ReviewService::~ReviewService() = default;

void ReviewService::on_authorities(std::function<void(const std::string&)> tell) {
  keeper_.on_authorities(std::move(tell));
}

Result<> ReviewService::answers() const {
  return probed_;
}

Result<> ReviewService::check() const {
  return probed_ ? trusted_ : probed_;
}

std::optional<kube::Endpoint> ReviewService::local() const {
  if (!threads_) return std::nullopt;
  return threads_->local();
}

void ReviewService::stop() {
  stopped_ = true;
  // No new reviews are sent to a replica that is not ready.
  probed_ = fail(ErrorKind::ShuttingDown, "stopping");
  if (!threads_) return;
  if (options_.shutdown_delay <= kube::Duration::zero()) return threads_->stop(options_.stop_grace);
  threads_->drain();
  keeping_.spawn("shut down", stop_later());
}

Task<> ReviewService::stop_later() {
  co_await kube::sleep(loop_, options_.shutdown_delay);
  threads_->stop(options_.stop_grace);
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
  auto certificate = co_await first_certificate();
  if (!certificate) co_return fail(std::move(certificate).error().while_doing("webhook certificate"));
  auto context = context_of(*certificate);
  if (!context) co_return fail(std::move(context).error().while_doing("webhook certificate"));
  if (stopped_) co_return Result<>{};
  kube::ReviewThreadsOptions threads = options_.threads;
  threads.server.tls = *context;
  threads_ = std::make_unique<kube::ReviewThreads>(loop_, std::move(threads), make_routes_);
  if (auto started = threads_->start(); !started) co_return started;
  options_.log.info("serving reviews", {{"address", threads_->local().to_string()}});
  keeping_.spawn("certificates", follow_certificate());
  keeping_.spawn("probe", probe_again_and_again());
  co_return co_await threads_->run();
}

// A process that is killed while it waits for a mounted Secret learns nothing by that; one without any goes
// to the Secret's own.
Task<Result<kube::ServingCertificate>> ReviewService::first_certificate() {
  if (!options_.folder.folder.empty() && options_.certificate.layout == kube::SecretLayout::CertManager) {
    auto read = co_await folder_.read();
    if (read || read.error().kind() != ErrorKind::Io) {
      from_folder_ = true;
      co_return read;
    }
  }
  co_return co_await keeper_.ensure();
}

Task<> ReviewService::follow_certificate() {
  if (from_folder_)
    co_await folder_.run();
  else
    co_await keeper_.run();
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
    if (probed_) {
      Result<> trusted = co_await trust();
      if (stopped_) co_return;
      if (!trusted && (trusted_ || trusted.error().message() != trusted_.error().message()))
        options_.log.warn("API servers do not trust the webhook's certificate yet",
                          {{"error", trusted.error()}});
      trusted_ = std::move(trusted);
    }
    ready = check().has_value();
    co_await kube::sleep(loop_, ready ? options_.probe_interval : kube::Duration(kProbeSoon));
  }
}

Task<Result<>> ReviewService::probe() {
  if (!serving_) co_return fail(ErrorKind::Unavailable, "no certificate");
  kube::TlsClientOptions tls;
  tls.certificate_authorities = serving_->authorities;
  // Without an authority of ours, that a handshake succeeds is all there is to see.
  tls.insecure_skip_verify = serving_->authorities.empty();
  tls.server_name = options_.certificate.names.common_name;
  // OpenSSL takes a certificate that bears its issuer's name for self-signed, such as the Go operator's; API
  // servers do not. What an authority has signed is trusted as it stands.
  if (check_serving_certificate(*serving_, tls.server_name, loop_.now()))
    tls.certificate_authorities += "\n" + serving_->certificate;
  auto context = kube::TlsClientContext::create(tls);
  if (!context) co_return fail(std::move(context));
  kube::Endpoint at = threads_->local();
  // Not by name: whether "localhost" is one depends on a file that not every root file system has.
  if (at.host.empty() || at.host == "::" || at.host == "0.0.0.0") at.host = "127.0.0.1";
  kube::HttpClient client(loop_, network_, {.origin = at, .tls = std::move(*context)});
  kube::HttpRequest request{.method = "POST", .target = kProbePath, .body = kProbe};
  request.headers.set("Content-Type", "application/json");
  // As uncommon as a full house is, it must not look like a dead process.
  auto answer = co_await client.send(std::move(request), loop_.after(kProbeDeadline));
  if (!answer) co_return fail(std::move(answer));
  if (answer->status != 200 || answer->body.find("\"allowed\":true") == std::string::npos)
    co_return fail(ErrorKind::Unavailable,
                   "a review was answered with HTTP status " + std::to_string(answer->status));
  co_return Result<>{};
}

Task<Result<>> ReviewService::trust() {
  for (const auto& [resource, name] : options_.configurations) {
    if (name.empty() || !serving_) continue;
    kube::JsonApi configurations(client_, resource);
    configurations.with_deadline(kProbeDeadline);
    const auto found = co_await configurations.get(name);
    if (!found && (found.error().is_not_found() || found.error().kind() == ErrorKind::Forbidden)) continue;
    // An API server that does not answer just now tells nothing new.
    if (!found) co_return trusted_;
    const kube::Json* entries = kube::find_path(*found, {"webhooks"});
    if (entries == nullptr) continue;
    for (const kube::Json& entry : *entries) {
      const auto bundle = kube::decode_base64(kube::string_at(entry, {"clientConfig", "caBundle"}));
      const auto authorities = bundle ? kube::split_certificates(*bundle) : std::vector<std::string>();
      const bool trusted = std::ranges::any_of(authorities, [&](const std::string& authority) {
        return kube::is_signed_by(serving_->certificate, authority).value_or(false);
      });
      if (!trusted)
        co_return fail(ErrorKind::Unavailable, resource.plural + " " + name + ": the caBundle of " +
                                                   kube::string_at(entry, {"name"}) +
                                                   " does not hold the authority of the serving certificate");
    }
  }
  co_return Result<>{};
}

}  // namespace webhook
