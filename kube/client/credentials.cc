#include "kube/client/credentials.h"

#include <fstream>
#include <iterator>

namespace kube {

namespace {

// The kubelet replaces a service account's token when 80 % of its hour have passed; a minute late does no
// harm.
constexpr auto kTokenFileAge = 60s;
// A program is run again a little before what it gave expires, so that no request waits for it or carries a
// dead token.
constexpr auto kExpiryMargin = 60s;
// A program that fails while we still have what it gave last is not run for every request.
constexpr auto kFailedProgramPause = 5s;

Result<std::string> read_token_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string token{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) return fail(ErrorKind::Io, "cannot read token file " + path);
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
    token.pop_back();
  if (token.empty()) return fail(ErrorKind::InvalidInput, "token file " + path + " is empty");
  return token;
}

// Blocks; for the pool.
Result<ExecCredential> make_credential(const ClientConfig& config) {
  if (config.token_file.empty()) return run_exec_plugin(*config.exec, config);
  auto token = read_token_file(config.token_file);
  if (!token) return fail(std::move(token));
  return ExecCredential{.credential = {.token = std::move(*token)}};
}

}  // namespace

Credentials::Credentials(Loop& loop, ClientConfig config)
    : loop_(loop), config_(std::move(config)), renewed_(loop), self_(std::make_shared<Credentials*>(this)) {
  current_ = {config_.token, config_.client_certificate, config_.client_key};
  known_ = !renewable();
  renew_at_ = good_until_ = known_ ? kNever : loop_.steady();
}

void Credentials::refused() {
  if (renewable()) renew_at_ = good_until_ = loop_.steady();
}

Task<Result<Credential>> Credentials::get(SteadyTime deadline) {
  if (renew_at_ <= loop_.steady() && !renewing_) start_renewal();
  while (renewing_ && good_until_ <= loop_.steady()) {
    if (!co_await renewed_.wait_until(deadline))
      co_return fail(ErrorKind::Timeout, "the credential was still being renewed at the deadline");
  }
  if (!known_) co_return fail(*failed_);
  co_return current_;
}

// Not a task: nobody could await it where a client ends, and the program cannot be told to end. It is bounded
// in time, touches nothing of ours, and its answer looks first whether we are still there.
void Credentials::start_renewal() {
  renewing_ = true;
  auto made = std::make_shared<std::optional<Result<ExecCredential>>>();
  loop_.submit_blocking([made, config = config_] { made->emplace(make_credential(config)); },
                        [made, self = std::weak_ptr(self_)] {
                          if (const auto alive = self.lock()) (*alive)->renewed(std::move(**made));
                        });
}

void Credentials::renewed(Result<ExecCredential> made) {
  renewing_ = false;
  renewed_.wake_all();
  if (!made) {
    if (known_ && config_.token_file.empty()) renew_at_ = loop_.after(kFailedProgramPause);
    failed_ = std::move(made).error();
    return;
  }
  known_ = true;
  current_ = std::move(made->credential);
  if (current_.client_certificate.empty()) {
    current_.client_certificate = config_.client_certificate;
    current_.client_key = config_.client_key;
  }
  renew_at_ = good_until_ = kNever;
  if (!config_.token_file.empty()) {
    renew_at_ = good_until_ = loop_.after(kTokenFileAge);
  } else if (made->expires) {
    const Duration left = *made->expires - loop_.now();
    renew_at_ = loop_.after(std::max<Duration>(left - kExpiryMargin, 1s));
    good_until_ = loop_.after(left);
  }
}

}  // namespace kube
