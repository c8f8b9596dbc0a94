#include "kube/client/credentials.h"

#include <fstream>
#include <iterator>

#include "kube/async/blocking.h"

namespace kube {

namespace {

// The kubelet replaces a service account's token when 80 % of its hour have passed; a minute late does no
// harm.
constexpr auto kTokenFileAge = 60s;
// A program is run again a little before what it gave expires, so that no request carries a dead token.
constexpr auto kExpiryMargin = 60s;
// A program that fails while we still have what it gave last is not run for every request.
constexpr auto kFailedProgramPause = 5s;

Result<Credential> read_token_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string token{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) return fail(ErrorKind::Io, "cannot read token file " + path);
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
    token.pop_back();
  if (token.empty()) return fail(ErrorKind::InvalidInput, "token file " + path + " is empty");
  return Credential{std::move(token), "", ""};
}

}  // namespace

Credentials::Credentials(Loop& loop, ClientConfig config)
    : loop_(loop), config_(std::move(config)), renewed_(loop) {
  current_ = {config_.token, config_.client_certificate, config_.client_key};
  known_ = !renewable();
}

void Credentials::refused() {
  if (renewable()) valid_until_ = loop_.steady();
}

Task<Result<Credential>> Credentials::get() {
  while (renewing_) co_await renewed_.wait();
  if (renewable() && (!known_ || valid_until_ <= loop_.steady())) {
    if (auto renewed = co_await renew(); !renewed && !known_) co_return fail(std::move(renewed));
  }
  co_return current_;
}

Task<Result<>> Credentials::renew() {
  // Whoever else comes waits, also when this caller is cancelled in the middle.
  struct Renewing {
    Credentials& self;
    explicit Renewing(Credentials& s) : self(s) { self.renewing_ = true; }
    ~Renewing() {
      self.renewing_ = false;
      self.renewed_.wake_all();
    }
  } renewing(*this);

  if (!config_.token_file.empty()) {
    auto read = co_await run_blocking(loop_, [path = config_.token_file] { return read_token_file(path); });
    if (!read) co_return fail(std::move(read));
    current_.token = std::move(read->token);
    valid_until_ = loop_.after(kTokenFileAge);
  } else {
    auto ran = co_await run_blocking(
        loop_, [plugin = *config_.exec, cluster = config_] { return run_exec_plugin(plugin, cluster); });
    if (!ran) {
      if (known_) valid_until_ = loop_.after(kFailedProgramPause);
      co_return fail(std::move(ran));
    }
    current_ = std::move(ran->credential);
    if (current_.client_certificate.empty()) {
      current_.client_certificate = config_.client_certificate;
      current_.client_key = config_.client_key;
    }
    valid_until_ = kNever;
    if (ran->expires)
      valid_until_ = loop_.after(std::max<Duration>(*ran->expires - loop_.now() - kExpiryMargin, 1s));
  }
  known_ = true;
  co_return Result<>{};
}

}  // namespace kube
