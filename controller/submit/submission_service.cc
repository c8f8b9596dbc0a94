#include "controller/submit/submission_service.h"

#include <algorithm>
#include <array>

#include "controller/application/failure_reason.h"
#include "kube/async/retry.h"
#include "kube/base/white_space.h"
#include "kube/http/url.h"

namespace controller {

using kube::ErrorKind;
using kube::fail;
using kube::Json;
using kube::Result;
using kube::Task;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMaxAnswer = 1u << 20;
// The doubling pauses have no bound upstream; a day is one.
constexpr kube::Duration kLongestPause = 24h;
// What is quoted of an answer that nobody expected.
constexpr std::size_t kQuoted = 200;
// Of the service's own words, which end in status.
constexpr std::size_t kMessageLimit = 3600;

struct ErrorCode {
  std::string_view name;
  bool again;    // another try may fare better
  bool settles;  // every other try of the same request was, or will be, answered so
};
constexpr std::array kErrorCodes{
    ErrorCode{"BAD_REQUEST", false, true},           ErrorCode{"INVALID_SPARK_SUBMIT_ARGS", false, true},
    ErrorCode{"METHOD_NOT_ALLOWED", false, true},    ErrorCode{"UNSUPPORTED_MEDIA_TYPE", false, true},
    ErrorCode{"INVALID_POD_TEMPLATE", false, true},  ErrorCode{"DRIVER_POD_ALREADY_EXISTS", false, false},
    ErrorCode{"INTERNAL_SERVER_ERROR", true, false}, ErrorCode{"SUBMITTER_OVERLOADED", true, false},
};

// What one answer, or none, says.
struct Verdict {
  bool submitted = false;
  bool exists = false;
  bool again = false;
  bool settles = false;
  bool unclear = false;  // it may have been carried out all the same
  Json said = {};        // with a success
  std::string text;
};

Verdict structured(int status, const std::string& code, const std::string& message) {
  const auto* known = std::ranges::find(kErrorCodes, code, &ErrorCode::name);
  const bool found = known != kErrorCodes.end();
  return {.exists = code == "DRIVER_POD_ALREADY_EXISTS",
          .again = found && known->again,
          .settles = found && known->settles,
          .text = "submitter service returned error: " + message + " (HTTP " + std::to_string(status) +
                  ", error code: " + code + ")"};
}

// A 4xx or a redirect without the service's form is somebody's who has done nothing: a proxy, or another
// service. What failed at 5xx may have reached the service; a success that cannot be read surely has.
bool may_have_been_done(int status) {
  return status >= 500 || (status >= 200 && status < 300);
}

// `hide`: what is secret in a text. A secret that is cut in two would not be found any more.
template <class Hide>
Verdict verdict_of(const Result<kube::HttpResponse>& answer, const Hide& hide) {
  if (!answer) {
    return {.again = true, .unclear = answer.error().is_ambiguous(), .text = answer.error().message()};
  }
  Json body = kube::parse_json(answer->body).value_or(Json());
  const bool is_success = answer->status == 200 || answer->status == 201;
  if (is_success && body.is_object()) return {.submitted = true, .said = std::move(body), .text = ""};
  const std::string message = is_success ? "" : kube::string_at(body, {"message"});
  if (!message.empty()) return structured(answer->status, kube::string_at(body, {"error_code"}), message);
  std::string quoted = hide(answer->body);
  if (quoted.size() > kQuoted) quoted.replace(kQuoted, std::string::npos, "...");
  return {.again = true,
          .unclear = may_have_been_done(answer->status),
          .text = "submitter service returned unexpected response (HTTP " + std::to_string(answer->status) +
                  "): " + quoted};
}

// The members in upstream's order.
std::string text_of(const SubmissionRequest& request) {
  return "{\"submission_id\":" + kube::dump_json(Json(request.submission_id)) +
         ",\"spark_submit_args\":" + kube::dump_json(Json(request.arguments)) +
         ",\"driver_pod_template\":" + kube::dump_json(request.driver_template) +
         ",\"executor_pod_template\":" + kube::dump_json(request.executor_template) + "}";
}

}  // namespace

Result<ServiceUrl> parse_service_url(std::string_view given) {
  const std::string_view text = kube::trimmed(given);
  auto url = kube::parse_http_url(text, "submitter URL", kube::UrlScheme::Required);
  if (!url) return fail(std::move(url));
  if (!url->has_port)
    return fail(ErrorKind::InvalidInput,
                "submitter URL \"" + std::string(text) + "\" must include an explicit port");
  ServiceUrl out{.tls = url->tls, .origin = std::move(url->origin), .target = std::move(url->target)};
  if (!out.target.starts_with('/')) out.target.insert(0, "/");
  return out;
}

// What becomes of one submission over its tries.
struct SubmissionService::Tries {
  std::string body;
  Redaction redaction;
  std::vector<std::string> secrets;
  kube::Log log;
  int made = 0;
  bool unclear = false;
};

Result<std::unique_ptr<SubmissionService>> SubmissionService::create(kube::Loop& loop, kube::Network& network,
                                                                     SubmissionServiceOptions options) {
  auto url = parse_service_url(options.url);
  if (!url) return fail(std::move(url));
  std::shared_ptr<kube::TlsClientContext> tls;
  if (url->tls) {
    auto made = kube::TlsClientContext::create({.certificate_authorities = options.certificate_authorities,
                                                .certificate_chain = options.certificate_chain,
                                                .private_key = options.private_key});
    if (!made) return fail(std::move(made).error().while_doing("TLS of the submission service"));
    tls = std::move(*made);
  }
  return std::unique_ptr<SubmissionService>(
      new SubmissionService(loop, network, *std::move(url), std::move(options), std::move(tls)));
}

SubmissionService::SubmissionService(kube::Loop& loop, kube::Network& network, ServiceUrl url,
                                     SubmissionServiceOptions options,
                                     std::shared_ptr<kube::TlsClientContext> tls)
    : loop_(loop),
      url_(std::move(url)),
      options_(std::move(options)),
      http_(loop, network,
            {.origin = url_.origin,
             .tls = std::move(tls),
             .max_connections = 100,
             .idle_timeout = 90s,
             .max_response_bytes = kMaxAnswer}) {}

Task<Result<>> SubmissionService::wait_until_there() {
  options_.log.info("waiting for the submission service", {{"service", url_.origin.to_string()}});
  const kube::Backoff every_second{.initial = 1s, .factor = 1, .max = 1s, .jitter = 0};
  auto there = co_await kube::retry(loop_, every_second, loop_.after(options_.startup_timeout),
                                    [this] { return ask(); });
  if (there) co_return Result<>{};
  co_return fail(std::move(there).error().while_doing("the submission service " + url_.origin.to_string() +
                                                      " does not answer"));
}

Task<Result<>> SubmissionService::ask() {
  const kube::SteadyTime until = loop_.after(std::min(options_.request_timeout, options_.startup_timeout));
  auto answer =
      co_await http_.open({.method = "GET", .target = url_.target, .headers = {}, .body = ""}, until);
  if (!answer) co_return fail(std::move(answer));
  co_return Result<>{};
}

Task<Result<>> SubmissionService::submit(SubmissionRequest request, Permit permit) {
  Tries tries;
  tries.body = text_of(request);
  tries.redaction = request.redaction;
  tries.secrets = tries.redaction.values_in(request.arguments);
  tries.log = options_.log.with("submissionID", request.submission_id);
  const kube::Backoff doubling{
      .initial = options_.initial_backoff, .factor = 2, .max = kLongestPause, .jitter = 0};
  auto asked = co_await kube::retry(loop_, doubling, kube::kNever, [&] { return try_once(permit, tries); });
  if (asked || asked.error().kind() != ErrorKind::InvalidInput || !tries.unclear) co_return asked;
  co_return fail(kube::Error(ErrorKind::Unavailable, asked.error().message() + " (try " +
                                                         std::to_string(tries.made) +
                                                         "; what became of it is not known)")
                     .with_ambiguous(true));
}

// Unavailable: to be tried again. All else is final.
Task<Result<>> SubmissionService::try_once(const Permit& permit, Tries& tries) {
  if (!permit()) co_return fail(ErrorKind::ShuttingDown, "the submission is not due any more");
  ++tries.made;
  auto answer = co_await post(tries.body);
  if (!permit()) co_return fail(ErrorKind::ShuttingDown, "the submission is not due any more");
  const auto hide = [&](std::string text) { return tries.redaction.text(std::move(text), tries.secrets); };
  Verdict verdict = verdict_of(answer, hide);
  verdict.text = shortened(hide(std::move(verdict.text)), kMessageLimit);
  if (verdict.submitted) {
    const Json& said = verdict.said;
    tries.log.info("the submission service has submitted",
                   {{"driver", kube::string_at(said, {"driver_pod_name"})},
                    {"sparkAppID", kube::string_at(said, {"spark_app_id"})},
                    {"again", said.value("duplicate_submission", Json()) == Json(true)},
                    {"message", shortened(hide(kube::string_at(said, {"message"})), kMessageLimit)}});
    co_return Result<>{};
  }
  tries.unclear = (tries.unclear || verdict.unclear) && !verdict.settles;
  if (verdict.exists) co_return fail(ErrorKind::AlreadyExists, std::move(verdict.text));
  if (!verdict.again || tries.made >= options_.tries)
    co_return fail(ErrorKind::InvalidInput, std::move(verdict.text));
  tries.log.warn("the submission service has not submitted, it is asked again",
                 {{"try", tries.made}, {"of", options_.tries}, {"answer", verdict.text}});
  co_return fail(ErrorKind::Unavailable, std::move(verdict.text));
}

Task<Result<kube::HttpResponse>> SubmissionService::post(std::string body) {
  kube::HttpRequest request{.method = "POST",
                            .target = url_.target,
                            .headers = {{"Content-Type", "application/json"}},
                            .body = std::move(body)};
  co_return co_await http_.send(std::move(request), loop_.after(options_.request_timeout));
}

}  // namespace controller
