#include "kube/admission/certificate_keeper.h"

#include <algorithm>
#include <utility>

#include "kube/admission/named_object.h"
#include "kube/async/blocking.h"
#include "kube/async/retry.h"
#include "kube/async/task_group.h"
#include "kube/http/certificate.h"

namespace kube {

namespace {

constexpr int kTries = 5;
constexpr Backoff kBetweenTries{.initial = 1s, .factor = 2.0, .max = 30s, .jitter = 0.1};

// Somebody else was faster, or nobody answered: the next look will tell.
bool worth_another_try(const Error& error) {
  return error.is_already_exists() || error.is_conflict() || error.retry() != Retry::Never;
}

// The authority that has signed the certificate; "" when there is none.
std::string signer_of(const ServingCertificate& certificate) {
  const auto all = split_certificates(certificate.authorities);
  return all.empty() ? std::string() : all.front();
}

}  // namespace

CertificateKeeper::CertificateKeeper(Client& client, CertificateKeeperOptions options)
    : loop_(client.loop()),
      options_(std::move(options)),
      secrets_(client, kSecrets, options_.secret.ns),
      changed_(loop_) {}

void CertificateKeeper::on_serving(std::function<void(const ServingCertificate&)> tell) {
  serving_told_.push_back(std::move(tell));
}

void CertificateKeeper::on_authorities(std::function<void(const std::string&)> tell) {
  authorities_told_.push_back(std::move(tell));
}

Result<> CertificateKeeper::check(const ServingCertificate& certificate, Duration ahead) const {
  if (!is_complete(certificate, options_.layout))
    return fail(ErrorKind::InvalidInput, "secret " + options_.secret.to_string() + " lacks keys");
  if (options_.layout == SecretLayout::OwnAuthority)
    return check_serving_certificate(certificate, options_.names.common_name, loop_.now() + ahead);
  // Who signs it, for whom and for how long is the issuer's business.
  const auto fits = is_key_of(certificate.private_key, certificate.certificate);
  if (!fits) return fail(fits.error());
  if (!*fits) return fail(ErrorKind::InvalidInput, "tls.key is not the key of tls.crt");
  return {};
}

Task<Result<ServingCertificate>> CertificateKeeper::make(std::optional<ServingCertificate> before) {
  const TimePoint now = loop_.now();
  const ServingNames names = options_.names;
  auto work = [names, now, before = std::move(before)] {
    return make_serving_certificate(names, now, before ? &*before : nullptr);
  };
  co_return co_await run_blocking(loop_, std::move(work));
}

Task<Result<ServingCertificate>> CertificateKeeper::create() {
  std::optional<ServingCertificate> certificate;
  // What is served and trusted already goes back into a Secret that somebody has deleted.
  if (serving_ && check(*serving_, options_.renew_before)) {
    certificate = serving_;
  } else {
    auto made = co_await make(serving_);
    if (!made) co_return made;
    certificate = std::move(*made);
  }
  Json secret{{"apiVersion", "v1"},
              {"kind", "Secret"},
              {"metadata", {{"name", options_.secret.name}, {"namespace", options_.secret.ns}}},
              {"type", "Opaque"},
              {"data", to_secret_data(*certificate)}};
  auto created = co_await secrets_.create(std::move(secret));
  if (!created) co_return fail(std::move(created));
  options_.log.info("webhook certificate created", {{"secret", options_.secret.to_string()}});
  co_return std::move(*certificate);
}

Task<Result<ServingCertificate>> CertificateKeeper::renew(Json secret,
                                                          std::optional<ServingCertificate> before) {
  auto made = co_await make(std::move(before));
  if (!made) co_return made;
  if (!secret["data"].is_object()) secret["data"] = Json::object();
  secret["data"].update(to_secret_data(*made));
  // With the version that was read: of several replicas one wins.
  auto written = co_await secrets_.replace(options_.secret.name, std::move(secret));
  if (!written) co_return fail(std::move(written));
  options_.log.info("webhook certificate renewed", {{"secret", options_.secret.to_string()}});
  co_return made;
}

Task<Result<ServingCertificate>> CertificateKeeper::ensure_once() {
  auto secret = co_await secrets_.get(options_.secret.name);
  if (!secret && secret.error().is_not_found() && options_.layout == SecretLayout::OwnAuthority)
    co_return co_await create();
  if (!secret) co_return fail(std::move(secret));
  const auto found = secret->find("data");
  auto read = read_secret_data(found == secret->end() ? Json() : *found, options_.layout);
  const Result<> fine = read ? check(*read, options_.renew_before) : Result<>(fail(read));
  if (fine) co_return read;
  if (options_.layout == SecretLayout::CertManager)
    co_return fail(Error(fine.error()).while_doing("secret " + options_.secret.to_string()));
  options_.log.info("webhook certificate is due for renewal",
                    {{"secret", options_.secret.to_string()}, {"why", fine.error()}});
  // A Secret that was emptied or spoiled does not say what API servers trust; who serves knows.
  std::optional<ServingCertificate> before = serving_;
  if (read && !split_certificates(read->authorities).empty()) before = std::move(*read);
  co_return co_await renew(std::move(*secret), std::move(before));
}

Task<Result<ServingCertificate>> CertificateKeeper::ensure() {
  for (int attempt = 1;; ++attempt) {
    due_ = false;
    auto certificate = co_await ensure_once();
    if (options_.metrics != nullptr)
      (certificate ? options_.metrics->reads : options_.metrics->read_errors).Increment();
    if (certificate) {
      adopt(*certificate);
      co_return certificate;
    }
    if (attempt == kTries || !worth_another_try(certificate.error()))
      co_return fail(std::move(certificate).error().while_doing("webhook certificate"));
    co_await sleep(loop_, kBetweenTries.delay(attempt, loop_.random()));
  }
}

void CertificateKeeper::adopt(const ServingCertificate& seen) {
  if (serving_ && serving_->certificate == seen.certificate && serving_->private_key == seen.private_key) {
    tell_authorities(seen.authorities);
    serving_ = seen;
    next_.reset();
    adopt_at_ = kNever;
    return;
  }
  const bool wait = serving_ && options_.layout == SecretLayout::OwnAuthority &&
                    signer_of(*serving_) != signer_of(seen) && check(*serving_, Duration::zero()).has_value();
  if (!wait) return serve(seen);
  // Whoever has made it need not have known of the one that is still served.
  const std::string old = signer_of(*serving_);
  const auto told = split_certificates(seen.authorities);
  const bool has_old = std::ranges::find(told, old) != told.end();
  tell_authorities(has_old ? seen.authorities : seen.authorities + "\n" + old);
  if (next_ && *next_ == seen) return;
  next_ = seen;
  adopt_at_ = loop_.after(options_.adoption_delay);
}

void CertificateKeeper::tell_authorities(const std::string& pem) {
  if (pem == authorities_) return;
  authorities_ = pem;
  for (const auto& tell : authorities_told_) tell(authorities_);
}

void CertificateKeeper::serve(const ServingCertificate& certificate) {
  tell_authorities(certificate.authorities);
  serving_ = certificate;
  next_.reset();
  adopt_at_ = kNever;
  if (const auto end = expiry_of(*serving_)) {
    if (options_.metrics != nullptr)
      options_.metrics->expiry.Set(std::chrono::duration<double>(end->time_since_epoch()).count());
    options_.log.info("serving certificate in use", {{"notAfter", to_rfc3339(*end)}});
  }
  for (const auto& tell : serving_told_) tell(*serving_);
}

Task<> CertificateKeeper::run() {
  TaskGroup watching(loop_, options_.log);
  std::exception_ptr thrown;
  try {
    const auto changed = [this] {
      due_ = true;
      changed_.wake_all();
    };
    watching.spawn("watch secret", watch_named_object(secrets_, options_.secret.name, changed, options_.log));
    SteadyTime look_at = serving_ ? loop_.after(options_.poll_interval) : loop_.steady();
    while (true) {
      while (!due_ && loop_.steady() < std::min(look_at, adopt_at_))
        (void)co_await changed_.wait_until(std::min(look_at, adopt_at_));
      if (due_ || loop_.steady() >= look_at) {
        if (auto looked = co_await ensure(); !looked)
          options_.log.error("webhook certificate cannot be kept; the one in use stays",
                             {{"error", looked.error()}});
        look_at = loop_.after(options_.poll_interval);
      }
      if (next_ && loop_.steady() >= adopt_at_) serve(ServingCertificate(*next_));
    }
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await shield();
  co_await watching.cancel_and_join();
  std::rethrow_exception(thrown);
}

}  // namespace kube
