// Credentials keeps what proves who we are: fixed, from a file that is replaced under us (service account
// tokens live an hour), or printed by a program until it expires.
//
//   Result<Credential> now = co_await credentials.get(deadline);
//   credentials.refused();     // the server answered 401: the next get() asks file or program again
//
// A token file is read again after a minute; a program is run again shortly before its credential expires,
// and never twice at once. As long as what it gave last is good, that is handed out meanwhile: only those
// wait, and no longer than their deadline, who would otherwise go without.
// Thread: the loop's only; files and programs are read on the blocking pool.
// Lifetime: outlives its calls. A program that still runs when it ends is the pool's, and tells nobody.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kube/async/loop.h"
#include "kube/async/task.h"
#include "kube/async/wait_list.h"
#include "kube/client/config.h"

namespace kube {

struct Credential {
  std::string token = {};               // "" = no Authorization header
  std::string client_certificate = {};  // PEM; "" = none
  std::string client_key = {};

  bool operator==(const Credential&) const = default;
};

struct ExecCredential {
  Credential credential = {};
  std::optional<TimePoint> expires = {};
};

class Credentials {
 public:
  Credentials(Loop& loop, ClientConfig config);
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;

  // Error: Io or InvalidInput when there is none and none could be made; Timeout when there was none at the
  // deadline. A stale token is better than none: a token file that cannot be read any more keeps its last
  // content.
  Task<Result<Credential>> get(SteadyTime deadline);
  void refused();
  // True when asking again may bring another credential.
  bool renewable() const { return !config_.token_file.empty() || config_.exec.has_value(); }

 private:
  void start_renewal();
  void renewed(Result<ExecCredential> made);

  Loop& loop_;
  ClientConfig config_;
  Credential current_;
  bool known_ = false;
  bool renewing_ = false;
  SteadyTime renew_at_;          // when to ask again
  SteadyTime good_until_;        // when nobody is given current_ any more without having asked
  std::optional<Error> failed_;  // why the last renewal brought nothing
  WaitList renewed_;
  std::shared_ptr<Credentials*> self_;  // for a renewal that ends after us
};

// Runs the program and reads the ExecCredential it prints. Blocks; for the pool.
Result<ExecCredential> run_exec_plugin(const ExecPlugin& plugin, const ClientConfig& cluster);
Result<ExecCredential> parse_exec_credential(std::string_view json, const ExecPlugin& plugin);

}  // namespace kube
