#include "webhook/authority_writer.h"

#include "kube/async/timer.h"

namespace webhook {

using kube::Task;

namespace {

// Between two elections: losing the lease is rare, and its new holder does the work meanwhile.
constexpr auto kBetweenTerms = std::chrono::seconds(2);
constexpr auto kReleaseGrace = std::chrono::seconds(5);

}  // namespace

AuthorityWriter::AuthorityWriter(kube::Client& client, AuthorityWriterOptions options)
    : client_(client), loop_(client.loop()), options_(std::move(options)), changed_(loop_) {
  if (!options_.mutating_configuration.empty())
    injectors_.emplace_back(client,
                            kube::CaBundleInjectorOptions{.resource = kube::kMutatingWebhookConfigurations,
                                                          .name = options_.mutating_configuration,
                                                          .log = options_.log});
  if (!options_.validating_configuration.empty())
    injectors_.emplace_back(client,
                            kube::CaBundleInjectorOptions{.resource = kube::kValidatingWebhookConfigurations,
                                                          .name = options_.validating_configuration,
                                                          .log = options_.log});
}

void AuthorityWriter::set_bundle(const std::string& pem) {
  for (kube::CaBundleInjector& injector : injectors_) injector.set_bundle(pem);
}

void AuthorityWriter::stop() {
  stopped_ = true;
  if (elector_ != nullptr) elector_->stop();
  changed_.wake_all();
}

Task<kube::Result<>> AuthorityWriter::run() {
  while (!stopped_) {
    co_await one_term();
    if (!stopped_) co_await changed_.wait_until(loop_.after(kBetweenTerms));
  }
  co_return kube::Result<>{};
}

Task<> AuthorityWriter::elect(kube::LeaderElector* elector, kube::Log log, bool* ended,
                              kube::WaitList* changed) {
  auto result = co_await elector->run();
  if (!result) log.warn("the lease for writing webhook configurations is lost", {{"error", result.error()}});
  *ended = true;
  changed->wake_all();
}

// Until the lease is lost or the writer is stopped.
Task<> AuthorityWriter::one_term() {
  std::optional<kube::LeaderElector> elector;
  kube::TaskGroup electing(loop_, options_.log);
  kube::TaskGroup writing(loop_, options_.log);
  bool ended = false;
  if (options_.election) {
    elector.emplace(client_, *options_.election);
    elector_ = &*elector;
    electing.spawn(elector->name(), elect(&*elector, options_.log, &ended, &changed_));
  }
  std::exception_ptr thrown;
  try {
    if (!elector || co_await elector->acquired()) {
      writing_ = true;
      for (kube::CaBundleInjector& injector : injectors_) writing.spawn("inject authorities", injector.run());
    }
    while (!ended && !stopped_) co_await changed_.wait();
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await kube::shield();
  writing_ = false;
  co_await writing.cancel_and_join();
  if (elector) elector->stop();
  co_await electing.stop(kReleaseGrace);
  elector_ = nullptr;
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace webhook
