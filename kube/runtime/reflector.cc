#include "kube/runtime/reflector.h"

#include <algorithm>

#include "kube/core/projection.h"

namespace kube {

namespace {

// A watch that lasted so long was a working one, even if nothing happened.
constexpr auto kLongWatch = 30s;
// One that ended before was no watch: a server that shuts down, or a proxy in between, ends each at once; and
// our own rate limit may refuse it before it is sent.
constexpr auto kShortWatch = 1s;

}  // namespace

Reflector::Reflector(Client& client, ReflectorOptions options, ReflectorSink& sink)
    : loop_(client.loop()),
      api_(client, options.resource, options.ns),
      options_(std::move(options)),
      sink_(sink) {}

Task<> Reflector::run() {
  const Log log =
      options_.log.with("resource", options_.resource.group_resource()).with("namespace", options_.ns);
  int failures = 0;  // since a watch last did its work; a list alone proves nothing
  for (bool listed = false;;) {
    if (!listed) {
      auto list_ended = co_await list();
      listed = list_ended.has_value();
      if (!listed) co_await pause(++failures, list_ended.error(), log.with("doing", "list"));
      continue;
    }
    const SteadyTime start = loop_.steady();
    progress_ = false;
    auto ended = co_await watch();
    const Duration lasted = loop_.steady() - start;
    const bool understood = ended || ended.error().kind() != ErrorKind::Protocol;
    if ((progress_ && understood) || lasted >= kLongWatch) failures = 0;
    // The regular end of a watch, or one given up because it was silent: go on from the same version.
    const bool regular = lasted >= kShortWatch && (ended || ended.error().kind() == ErrorKind::Timeout);
    if (regular && failures == 0) continue;
    ++failures;
    // The same would come again from the same version; a list has what is there now.
    if (!understood) listed = false;
    if (!ended && ended.error().is_gone()) {
      log.info("watch is too far behind, listing again", {{"error", ended.error()}});
      listed = false;
      // Once is daily business. Again and again means that lists and watches of this server do not fit
      // together.
      if (failures == 1) continue;
    }
    static const Error kAtOnce(ErrorKind::Unavailable, "the server ends each watch at once");
    co_await pause(failures, ended ? kAtOnce : ended.error(), log.with("doing", "watch"));
  }
}

Task<> Reflector::pause(int failures, const Error& why, const Log& log) {
  const Duration wait =
      std::max(options_.backoff.delay(failures, loop_.random()), why.retry_after().value_or(0s));
  // A connection that is cut is daily business; a view that stays cut off is not.
  if (failures > 3) {
    log.warn("cache cannot follow the server", {{"error", why}, {"again_in", wait}});
  } else {
    log.debug("cache lost the server", {{"error", why}, {"again_in", wait}});
  }
  co_await sleep(loop_, wait);
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
