#include "kube/runtime/reflector.h"

#include "kube/core/projection.h"

namespace kube {

Reflector::Reflector(Client& client, ReflectorOptions options, ReflectorSink& sink)
    : loop_(client.loop()),
      api_(client, options.resource, options.ns),
      options_(std::move(options)),
      sink_(sink) {}

Task<> Reflector::run() {
  int failures = 0;
  bool listed = false;
  const Log log =
      options_.log.with("resource", options_.resource.group_resource()).with("namespace", options_.ns);
  while (true) {
    Result<> ended;
    if (!listed) {
      ended = co_await list();
      listed = ended.has_value();
      if (listed) log.debug("listed", {{"resourceVersion", resource_version_}});
    } else {
      progress_ = false;
      ended = co_await watch();
      if (progress_) failures = 0;
      if (!ended && ended.error().is_gone()) {
        log.info("watch is too far behind, listing again", {{"error", ended.error()}});
        listed = false;
      }
      // The regular end of a watch that told something, or a silent one given up: go on at once.
      if (progress_ && (ended || ended.error().kind() == ErrorKind::Timeout)) continue;
    }
    if (ended && listed && failures == 0) {
      // A server that ends each watch at once must not be asked in a tight circle; a first time may be
      // chance.
      if (progress_ || ++failures == 1) continue;
    }
    const Duration pause = options_.backoff.delay(++failures, loop_.random());
    const Duration wait = ended ? pause : std::max(pause, ended.error().retry_after().value_or(0s));
    if (!ended && !ended.error().is_gone()) {
      // A watch that is cut is daily business; a view that stays cut off is not.
      const std::string_view sentence = listed ? "watch was cut" : "list failed";
      if (failures > 3)
        log.warn(sentence, {{"error", ended.error()}, {"again_in", wait}});
      else
        log.debug(sentence, {{"error", ended.error()}, {"again_in", wait}});
    }
    co_await sleep(loop_, wait);
  }
}

Task<Result<>> Reflector::list() {
  ListOptions page;
  page.label_selector = options_.label_selector;
  page.field_selector = options_.field_selector;
  page.page_size = options_.page_size;
  std::string version;
  sink_.list_started();
  while (true) {
    auto text = co_await api_.list_text(page);
    if (!text) co_return fail(std::move(text));
    auto meta = for_each_list_item(reader_, *text, [this](JsonView item) -> Result<> {
      sink_.seen(item);
      return {};
    });
    if (!meta) co_return fail(Error(ErrorKind::Protocol, "list: " + meta.error().message()));
    // All pages are of the first one's version.
    if (version.empty()) version = meta->resource_version;
    page.continue_token = meta->continue_token;
    if (page.continue_token.empty()) break;
  }
  resource_version_ = version;
  last_heard_ = loop_.steady();
  sink_.list_complete();
  co_return Result<>{};
}

Task<Result<>> Reflector::watch() {
  WatchOptions options;
  options.label_selector = options_.label_selector;
  options.field_selector = options_.field_selector;
  options.resource_version = resource_version_;
  options.timeout = loop_.random().jitter(options_.watch_timeout, 1.0);
  auto watch = co_await api_.watch(std::move(options));
  if (!watch) co_return fail(std::move(watch));
  last_heard_ = loop_.steady();
  while (true) {
    auto line = co_await watch->next_raw();
    if (!line) co_return fail(std::move(line));
    if (!*line) co_return Result<>{};
    if (auto applied = apply(**line); !applied) co_return applied;
    last_heard_ = loop_.steady();
    progress_ = true;
  }
}

Result<> Reflector::apply(std::string_view line) {
  auto event = decoder_.decode(line);
  if (!event) return fail(std::move(event));
  switch (event->type) {
    case WatchEventType::Error:
      return fail(event->error());
    case WatchEventType::Added:
    case WatchEventType::Modified:
      sink_.seen(event->object);
      break;
    case WatchEventType::Deleted:
      sink_.deleted(event->object);
      break;
    case WatchEventType::Bookmark:
      break;
  }
  if (!event->resource_version.empty()) resource_version_ = std::move(event->resource_version);
  return {};
}

}  // namespace kube
