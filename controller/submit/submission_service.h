// SubmissionService is the HTTP side of upstream's REST submitter: a service elsewhere that runs spark-submit
// for whoever posts its arguments and pod templates.
//
//   auto service = SubmissionService::create(loop, network, {.url = "http://submitter:8080/api"});
//   auto there = co_await (*service)->wait_until_there();            // once, at the operator's start
//   auto asked = co_await (*service)->submit(request, [&] { return may_post().has_value(); });
//
// submit() says what is known:
//   success                       the service says that it has submitted, now or earlier
//   AlreadyExists                 it says that a driver pod stands in the way
//   InvalidInput                  refused for good, or at the last try; no request is under way any more
//   Unavailable, is_ambiguous()   a request may have been carried out, or still may be
//   ShuttingDown                  `permit` said no, before a try or after one
//
// A try that is under way cannot be taken back, so its answer is waited for, whatever the permit says: who
// knows what has come of it makes the next driver without meeting a late one.
//
// What an answer means for a further try is upstream's table of error codes (verdict_of() in the .cc). A
// redirect is an unexpected answer: following one would send secrets to another host.
// Answers are bounded, and messages carry no secret value of the arguments.
// Thread: the loop's only. Lifetime: outlives its calls.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controller/submit/redaction.h"
#include "kube/async/task.h"
#include "kube/base/log.h"
#include "kube/core/json.h"
#include "kube/http/client.h"

namespace controller {

struct ServiceUrl {
  bool tls = false;
  kube::Endpoint origin;
  std::string target;  // path and query, as given
};
// Blanks around it do not count. Error InvalidInput: no http(s) URL, no explicit port, or credentials in it.
kube::Result<ServiceUrl> parse_service_url(std::string_view url);

struct SubmissionServiceOptions {
  std::string url;
  kube::Duration startup_timeout = std::chrono::minutes(5);
  kube::Duration request_timeout = std::chrono::minutes(2);  // of one try
  int tries = 3;
  kube::Duration initial_backoff = std::chrono::seconds(2);  // before the second try; doubles
  // PEM, for https; authorities "" = the system's, certificate "" = none.
  std::string certificate_authorities = {};
  std::string certificate_chain = {};
  std::string private_key = {};
  Redaction redaction = {};
  kube::Log log = {};
};

struct SubmissionRequest {
  std::string submission_id;
  std::vector<std::string> arguments;
  kube::Json driver_template;  // v1 PodTemplateSpec
  kube::Json executor_template;
  Redaction redaction = {};  // of what the service says
};

class SubmissionService {
 public:
  // Asked before and after each try; false: the submission must not go on.
  using Permit = std::function<bool()>;

  // Error InvalidInput: the URL, or a PEM text.
  static kube::Result<std::unique_ptr<SubmissionService>> create(kube::Loop& loop, kube::Network& network,
                                                                 SubmissionServiceOptions options);

  // Asks once a second until any HTTP answer comes. Error: none has come within startup_timeout.
  kube::Task<kube::Result<>> wait_until_there();

  kube::Task<kube::Result<>> submit(SubmissionRequest request, Permit permit);

  const SubmissionServiceOptions& options() const { return options_; }

 private:
  struct Tries;
  SubmissionService(kube::Loop& loop, kube::Network& network, ServiceUrl url,
                    SubmissionServiceOptions options, std::shared_ptr<kube::TlsClientContext> tls);
  kube::Task<kube::Result<>> ask();
  kube::Task<kube::Result<>> try_once(const Permit& permit, Tries& tries);
  kube::Task<kube::Result<kube::HttpResponse>> post(std::string body);

  kube::Loop& loop_;
  const ServiceUrl url_;
  const SubmissionServiceOptions options_;
  kube::HttpClient http_;
};

}  // namespace controller
