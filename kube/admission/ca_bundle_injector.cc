#include "kube/admission/ca_bundle_injector.h"

#include <algorithm>
#include <utility>

#include "kube/admission/named_object.h"
#include "kube/admission/serving_certificate.h"
#include "kube/async/retry.h"
#include "kube/async/task_group.h"
#include "kube/core/base64.h"

namespace kube {

namespace {

constexpr Backoff kBetweenTries{.initial = 5ms, .factor = 2.0, .max = 30s, .jitter = 0.2};
constexpr Backoff kBetweenRepairs{.initial = 1s, .factor = 2.0, .max = 60s, .jitter = 0.2};
// Repairs further apart than this have nothing to do with each other.
constexpr Duration kPeace = 10min;

}  // namespace

bool set_ca_bundle(Json& configuration, const std::string& bundle) {
  const auto webhooks = configuration.find("webhooks");
  if (webhooks == configuration.end() || !webhooks->is_array()) return false;
  const std::string text = encode_base64(bundle);
  bool different = false;
  for (Json& webhook : *webhooks) {
    if (!webhook.is_object() || string_at(webhook, {"clientConfig", "caBundle"}) == text) continue;
    webhook["clientConfig"]["caBundle"] = text;
    different = true;
  }
  return different;
}

bool has_ca_bundle(const Json& configuration, const std::string& bundle) {
  const auto webhooks = configuration.find("webhooks");
  if (webhooks == configuration.end() || !webhooks->is_array()) return true;
  const std::vector<std::string> wanted = split_certificates(bundle);
  return std::ranges::all_of(*webhooks, [&](const Json& webhook) {
    const auto text = decode_base64(string_at(webhook, {"clientConfig", "caBundle"}));
    if (!text) return false;
    if (wanted.empty()) return *text == bundle;
    const std::vector<std::string> trusted = split_certificates(*text);
    return std::ranges::all_of(wanted, [&](const std::string& authority) {
      return std::ranges::find(trusted, authority) != trusted.end();
    });
  });
}

CaBundleInjector::CaBundleInjector(Client& client, CaBundleInjectorOptions options)
    : loop_(client.loop()),
      options_(std::move(options)),
      configurations_(client, options_.resource),
      changed_(loop_) {}

void CaBundleInjector::set_bundle(std::string pem) {
  if (bundle_ == pem) return;
  renewed_ = !bundle_.empty();
  bundle_ = std::move(pem);
  due_ = true;
  repair_from_ = loop_.steady();
  changed_.wake_all();
}

Task<Result<bool>> CaBundleInjector::inject() {
  auto configuration = co_await configurations_.get(options_.name);
  if (!configuration) co_return fail(std::move(configuration));
  const bool renewed = renewed_;
  if (!renewed && has_ca_bundle(*configuration, bundle_)) co_return false;
  const std::string by = last_writer(*configuration);
  if (!set_ca_bundle(*configuration, bundle_)) {
    renewed_ = false;
    co_return false;
  }
  const std::string written_bundle = bundle_;
  auto written = co_await configurations_.replace(options_.name, std::move(*configuration));
  if (!written) co_return fail(std::move(written));
  if (written_bundle == bundle_) renewed_ = false;
  options_.log.info("certificate authorities injected",
                    {{"resource", options_.resource.plural}, {"name", options_.name}});
  if (renewed) co_return true;
  const SteadyTime now = loop_.steady();
  repairs_ = repairs_ > 0 && now - last_repair_ < kPeace ? repairs_ + 1 : 1;
  last_repair_ = now;
  // The first one, mostly of a new configuration, may well be followed by another.
  repair_from_ = repairs_ == 1 ? now : now + kBetweenRepairs.delay(repairs_ - 1, loop_.random());
  if (repairs_ > 2)
    options_.log.warn(
        "somebody keeps overwriting the certificate authorities of a webhook configuration",
        {{"resource", options_.resource.plural}, {"name", options_.name}, {"by", by}, {"times", repairs_}});
  co_return true;
}

std::string CaBundleInjector::last_writer(const Json& configuration) {
  std::string manager, newest;
  const Json* entries = find_path(configuration, {"metadata", "managedFields"});
  if (entries == nullptr || !entries->is_array()) return manager;
  for (const Json& entry : *entries) {
    const std::string time = string_at(entry, {"time"});  // RFC 3339 in UTC: ordered as text
    if (time < newest) continue;
    newest = time;
    manager = string_at(entry, {"manager"});
  }
  return manager;
}

Task<> CaBundleInjector::run() {
  TaskGroup watching(loop_, options_.log);
  std::exception_ptr thrown;
  try {
    const auto changed = [this] {
      due_ = true;
      changed_.wake_all();
    };
    watching.spawn("watch configuration",
                   watch_named_object(configurations_, options_.name, changed, options_.log));
    int failures = 0;
    SteadyTime look_at = loop_.steady();
    while (true) {
      while (true) {
        SteadyTime from = due_ ? std::min(look_at, loop_.steady()) : look_at;
        from = bundle_.empty() ? kNever : std::max(from, repair_from_);
        if (loop_.steady() >= from) break;
        (void)co_await changed_.wait_until(from);
      }
      due_ = false;
      const auto injected = co_await inject();
      const bool missing = !injected && injected.error().is_not_found();
      if (injected || missing) {
        failures = 0;
        look_at = loop_.after(options_.poll_interval);
        continue;
      }
      ++failures;
      if (!injected.error().is_conflict())
        options_.log.error(
            "certificate authorities cannot be injected",
            {{"resource", options_.resource.plural}, {"name", options_.name}, {"error", injected.error()}});
      look_at = loop_.after(kBetweenTries.delay(failures, loop_.random()));
    }
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await shield();
  co_await watching.cancel_and_join();
  std::rethrow_exception(thrown);
}

}  // namespace kube
