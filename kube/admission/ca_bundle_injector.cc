#include "kube/admission/ca_bundle_injector.h"

#include <utility>

#include "kube/admission/named_object.h"
#include "kube/async/retry.h"
#include "kube/async/task_group.h"
#include "kube/core/base64.h"

namespace kube {

namespace {

constexpr Backoff kBetweenTries{.initial = 5ms, .factor = 2.0, .max = 30s, .jitter = 0.2};

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

CaBundleInjector::CaBundleInjector(Client& client, CaBundleInjectorOptions options)
    : loop_(client.loop()),
      options_(std::move(options)),
      configurations_(client, options_.resource),
      changed_(loop_) {}

void CaBundleInjector::set_bundle(std::string pem) {
  if (bundle_ == pem) return;
  bundle_ = std::move(pem);
  due_ = true;
  changed_.wake_all();
}

Task<Result<bool>> CaBundleInjector::inject() {
  auto configuration = co_await configurations_.get(options_.name);
  if (!configuration) co_return fail(std::move(configuration));
  if (!set_ca_bundle(*configuration, bundle_)) co_return false;
  auto written = co_await configurations_.replace(options_.name, std::move(*configuration));
  if (!written) co_return fail(std::move(written));
  options_.log.info("certificate authorities injected",
                    {{"resource", options_.resource.plural}, {"name", options_.name}});
  co_return true;
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
      while (bundle_.empty() || (!due_ && loop_.steady() < look_at))
        (void)co_await changed_.wait_until(bundle_.empty() ? kNever : look_at);
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
