#include "kube/apiserver/watch_stream.h"

#include <charconv>

#include "kube/apiserver/table_printer.h"
#include "kube/core/watch_event.h"

namespace kube::apiserver {

namespace {

// The real server ends watches after a random time between 30 and 60 minutes; one number keeps runs
// repeatable.
constexpr Duration kDefaultTimeout = 30min;

}  // namespace

class WatchStream final : public AnswerStream {
 public:
  WatchStream(WatchHub& hub, const ApiCall& call, Selection selection, FaultAction fault)
      : hub_(hub),
        cluster_(hub.cluster_),
        served_(call.served),
        selection_(std::move(selection)),
        fault_(std::move(fault)),
        as_table_(call.as_table),
        as_partial_(call.as_partial),
        include_(call.include_object),
        ns_(call.info.ns),
        bookmarks_(call.allow_bookmarks),
        until_(cluster_.loop.after(call.timeout_seconds > 0
                                       ? Duration(std::chrono::seconds(call.timeout_seconds))
                                       : kDefaultTimeout)),
        next_bookmark_(cluster_.loop.after(hub.bookmark_interval_)) {
    place_ = hub_.streams_.insert(hub_.streams_.end(), this);
  }
  ~WatchStream() override { hub_.streams_.erase(place_); }

  void start_with_present_objects(bool mark_their_end) {
    for (const ObjectRef& object : cluster_.store.list(served_->table(), ns_))
      if (selection_.matches(*object)) say(WatchEventType::Added, *object);
    cursor_ = cluster_.store.version();
    if (mark_their_end) say_bookmark(true);
  }
  void start_after(std::uint64_t version) { cursor_ = version; }

  // Says 410 first thing, as a history that was compacted meanwhile would.
  void start_gone() { say_gone(); }

  void end(bool cut) {
    ended_ = true;
    cut_ = cut;
    pending_.clear();
    cluster_.store.changed(served_->table()).wake_all();
  }
  const std::string& table() const { return served_->table(); }

  bool was_cut() const override { return cut_; }

  Task<std::optional<std::string>> next() override {
    for (;;) {
      if (fault_.kind == FaultAction::Kind::CutStream && said_ >= fault_.events) {
        cut_ = true;
        co_return std::nullopt;
      }
      const bool stalled = fault_.kind == FaultAction::Kind::StallStream && said_ >= fault_.events;
      if (!stalled && !ended_) read_changes();
      if (!stalled && !pending_.empty()) {
        std::string line = std::move(pending_.front());
        pending_.pop_front();
        ++said_;
        co_return line;
      }
      if (ended_) co_return std::nullopt;
      const SteadyTime now = cluster_.loop.steady();
      if (!stalled && now >= until_) co_return std::nullopt;
      if (!stalled && bookmarks_ && now >= next_bookmark_) {
        next_bookmark_ = cluster_.loop.after(hub_.bookmark_interval_);
        say_bookmark(false);
        continue;
      }
      const SteadyTime wake = stalled ? kNever : bookmarks_ ? std::min(until_, next_bookmark_) : until_;
      co_await cluster_.store.changed(served_->table()).wait_until(wake);
    }
  }

 private:
  void read_changes() {
    if (!pending_.empty()) return;
    auto changes = cluster_.store.changes_since(served_->table(), cursor_);
    if (!changes) return say_gone();
    for (const Change& change : *changes) {
      const bool was = change.before && selection_.matches(*change.before);
      const bool is = change.after && selection_.matches(*change.after);
      if (is) {
        say(was ? WatchEventType::Modified : WatchEventType::Added, *change.after);
      } else if (was) {
        if (change.after) {
          // It left the selection: watchers see the last state that was in it, with the version of the
          // change.
          Json last = change.before->json();
          last["metadata"]["resourceVersion"] = std::to_string(change.version);
          say(WatchEventType::Deleted, StoredObject(std::move(last), change.version));
        } else {
          say(WatchEventType::Deleted, *change.last);
        }
      }
    }
    // What was skipped in this table, and all changes elsewhere, are also behind us.
    cursor_ = cluster_.store.version();
  }

  void say(WatchEventType type, const StoredObject& object) {
    std::string scratch;
    if (as_table_) {
      const std::vector<ObjectRef> one{std::make_shared<const StoredObject>(object.json(), object.version())};
      Json table = print_table(*served_, one, object.version(), include_, cluster_.loop.now());
      if (columns_said_) table["columnDefinitions"] = nullptr;
      columns_said_ = true;
      pending_.push_back(encode_watch_event(type, dump_json(table)));
    } else if (as_partial_) {
      pending_.push_back(encode_watch_event(type, dump_json(partial_metadata(object.json()))));
    } else {
      pending_.push_back(encode_watch_event(type, text_as(object, *served_, scratch)));
    }
  }

  void say_bookmark(bool ends_initial_events) {
    Json metadata = {{"resourceVersion", std::to_string(cursor_)}, {"creationTimestamp", nullptr}};
    if (ends_initial_events) metadata["annotations"] = {{"k8s.io/initial-events-end", "true"}};
    Json object = {{"kind", served_->resource.kind},
                   {"apiVersion", served_->resource.api_version()},
                   {"metadata", std::move(metadata)}};
    if (as_table_) {
      Json metadata_of_row = object["metadata"];
      object = {{"kind", "Table"},
                {"apiVersion", "meta.k8s.io/v1"},
                {"metadata", {{"resourceVersion", std::to_string(cursor_)}}},
                {"columnDefinitions", Json::array()},
                {"rows", Json::array({{{"cells", Json::array()},
                                       {"object",
                                        {{"kind", "PartialObjectMetadata"},
                                         {"apiVersion", "meta.k8s.io/v1"},
                                         {"metadata", std::move(metadata_of_row)}}}}})}};
    }
    pending_.push_back(encode_watch_event(WatchEventType::Bookmark, dump_json(object)));
  }

  void say_gone() {
    const Refusal gone = Refusal::expired("too old resource version: " + std::to_string(cursor_) + " (" +
                                          std::to_string(cluster_.store.version()) + ")");
    pending_.push_back(encode_watch_event(WatchEventType::Error, dump_json(gone.body())));
    ended_ = true;
  }

  WatchHub& hub_;
  Cluster& cluster_;
  ServedRef served_;
  Selection selection_;
  FaultAction fault_;
  bool as_table_, as_partial_;
  std::string include_;
  std::string ns_;
  bool bookmarks_;
  bool columns_said_ = false;
  bool ended_ = false, cut_ = false;
  int said_ = 0;
  std::uint64_t cursor_ = 0;
  SteadyTime until_, next_bookmark_;
  std::deque<std::string> pending_;
  std::list<WatchStream*>::iterator place_;
};

Granted<std::unique_ptr<AnswerStream>> WatchHub::open(const ApiCall& call, FaultAction fault) {
  auto selection = Selection::of(call);
  if (!selection) return refuse(selection);
  std::uint64_t from = 0;
  const std::string& text = call.resource_version;
  std::from_chars(text.data(), text.data() + text.size(), from);
  if (from > cluster_.store.version())
    return refuse(Refusal::version_too_large(from, cluster_.store.version()));
  const bool gone = fault.kind == FaultAction::Kind::Gone;
  auto stream = std::make_unique<WatchStream>(*this, call, std::move(*selection), std::move(fault));
  if (gone) {
    stream->start_gone();
  } else if (from == 0 || call.send_initial_events) {
    stream->start_with_present_objects(call.send_initial_events);
  } else {
    // A version that is gone is found out by the first look at the history, and said inside the stream.
    stream->start_after(from);
  }
  return std::unique_ptr<AnswerStream>(std::move(stream));
}

void WatchHub::end_all(bool cut) {
  for (WatchStream* stream : streams_) stream->end(cut);
}

void WatchHub::end_table(std::string_view table) {
  for (WatchStream* stream : streams_)
    if (stream->table() == table) stream->end(false);
}

}  // namespace kube::apiserver
