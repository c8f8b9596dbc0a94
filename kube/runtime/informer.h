// Informer keeps a cache of one kind of object, as projections, and says what changes.
//
//   Informer<Pod> pods(client, {.resource = kPods, .label_selector = "app=web", .project = project_pod});
//   pods.add_index("owner", [](const Pod& pod) { return std::vector{pod.owner_uid}; });
//   pods.on_change([&](const Change<Pod>& change) { queue.add(change.key); });
//   …                                                     // Manager runs it and waits until it has synced
//   std::shared_ptr<const Pod> pod = pods.store().get(key);
//
// `project` makes the few fields we read out of a JSON view; the rest of an object is never kept. An object
// that it refuses, or throws at (JsonView::to_json() does where nesting is too deep), is logged and left as
// it was known before (or unknown). Handlers run on the loop, right after the store has changed, in the order
// of registration; they must not block and usually only add a key to a queue; an exception of theirs is
// logged. An object that was deleted and made anew between two looks (another uid) is told as a deletion and
// an addition. There is no resync: nothing changes, nothing is told. Namespaces: none = all (one watch);
// otherwise a list and watch for each. With `more_namespaces` others come and go while it runs
// (namespace_scope.h): what is in one that goes is told as deleted. Thread: the loop's only. Lifetime: the
// client outlives it; handlers' targets outlive run().
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kube/runtime/reflector.h"
#include "kube/runtime/runnable.h"
#include "kube/runtime/store.h"

namespace kube {

enum class ChangeType { Added, Updated, Deleted };

template <class T>
struct Change {
  ChangeType type = {};
  ObjectKey key = {};
  std::shared_ptr<const T> before = {};  // null for Added
  std::shared_ptr<const T> object = {};  // for Deleted: its last state
  bool initial = false;                  // Added by the first list: it was there before us
};

template <class T>
struct InformerOptions {
  Resource resource = {};
  std::function<Result<T>(JsonView)> project = {};
  std::vector<std::string> namespaces = {};  // empty = all, or none yet with more_namespaces
  bool more_namespaces = false;              // watch_namespace() is going to be called
  std::string label_selector = "";
  std::string field_selector = "";
  int page_size = 500;
  Log log = {};
};

// What does not depend on T: the reflectors, and whether they have synced.
class InformerBase : public Runnable {
 public:
  ~InformerBase() override;
  const std::string& name() const override { return name_; }
  Task<Result<>> run() override;
  void stop() override;
  bool is_ready() const override { return has_synced(); }

  // Every namespace has been listed once; those that come later do not count.
  bool has_synced() const;
  Task<> wait_synced();

  // At any time, for an informer with more_namespaces; twice is once. Error-free: a namespace that cannot be
  // read is tried for as long as it is watched.
  virtual void watch_namespace(const std::string& ns) = 0;
  virtual void unwatch_namespace(const std::string& ns) = 0;
  // All namespaces that are there at the start have been named: has_synced() may become true.
  void namespaces_known();
  bool has_synced(const std::string& ns) const;
  // Until it has been listed, or is not watched any more.
  Task<> wait_synced(std::string ns);
  // How long ago the server last said anything about the namespace that was silent for longest; nothing
  // before sync. Servers send a bookmark about once a minute, so much more than that means that the cache may
  // be stale.
  std::optional<Duration> silent_for() const;

 protected:
  struct Part {
    std::string ns;
    std::unique_ptr<ReflectorSink> sink;
    std::unique_ptr<Reflector> reflector;
    std::unique_ptr<TaskGroup> tasks;
    bool synced = false;
    bool leaving = false;
  };
  InformerBase(Client& client, std::string name, Log log, bool more_namespaces);
  void add_part(ReflectorOptions options, std::unique_ptr<ReflectorSink> sink);
  void remove_part(const std::string& ns);
  bool has_part(const std::string& ns) const;
  void part_synced(const std::string& ns);
  static ObjectKey key_of(JsonView object);
  // One object that makes our own code throw must not end the cache of all others.
  void guarded(std::string_view what, const ObjectKey& key, const std::function<void()>& call) const;

  const Log log_;

 private:
  const Part* part_of(const std::string& ns) const;
  void start(std::list<Part>::iterator part);
  Task<> run_part(std::list<Part>::iterator part);
  Task<> until_stopped();

  Client& client_;
  Loop& loop_;
  const std::string name_;
  std::list<Part> parts_;
  TaskGroup reflecting_;
  WaitList changed_;
  bool known_;           // the namespaces of the start
  bool synced_ = false;  // once and for all
  bool running_ = false;
  bool stopped_ = false;
};

template <class T>
class Informer final : public InformerBase {
 public:
  using Handler = std::function<void(const Change<T>&)>;

  Informer(Client& client, InformerOptions<T> options)
      : InformerBase(client, "informer " + options.resource.group_resource(), options.log,
                     options.more_namespaces),
        project_(std::move(options.project)),
        reflecting_by_({.resource = options.resource,
                        .label_selector = options.label_selector,
                        .field_selector = options.field_selector,
                        .page_size = options.page_size,
                        .log = options.log}) {
    std::vector<std::string> namespaces = std::move(options.namespaces);
    if (namespaces.empty() && !options.more_namespaces) namespaces.emplace_back();
    for (const std::string& ns : namespaces) watch_namespace(ns);
  }

  void watch_namespace(const std::string& ns) override {
    if (has_part(ns)) return;
    ReflectorOptions options = reflecting_by_;
    options.ns = ns;
    auto sink = std::make_unique<Sink>(*this, ns);
    sinks_[ns] = sink.get();
    add_part(std::move(options), std::move(sink));
  }
  void unwatch_namespace(const std::string& ns) override {
    const auto sink = sinks_.find(ns);
    if (sink == sinks_.end()) return;
    sink->second->mute();
    sinks_.erase(sink);
    remove_part(ns);
    for (const ObjectKey& key : store_.keys(ns)) vanished(key);
  }

  const Store<T>& store() const { return store_; }
  // Before run().
  void add_index(std::string index, typename Store<T>::IndexFunction values) {
    store_.add_index(std::move(index), std::move(values));
  }
  // A handler added after sync is told of everything there, as initial additions.
  void on_change(Handler handler) {
    for (const ObjectKey& key : store_.keys())
      handler({.type = ChangeType::Added,
               .key = key,
               .before = nullptr,
               .object = store_.get(key),
               .initial = true});
    handlers_.push_back(std::move(handler));
  }

 private:
  class Sink final : public ReflectorSink {
   public:
    Sink(Informer& informer, std::string ns) : informer_(informer), ns_(std::move(ns)) {}
    // What is still on its way is not wanted any more.
    void mute() { muted_ = true; }
    void list_started() override {
      listing_ = true;
      listed_.clear();
    }
    void seen(JsonView object) override {
      if (muted_) return;
      ObjectKey key = key_of(object);
      if (listing_) listed_.insert(key);
      informer_.seen(std::move(key), object, !synced_);
    }
    void deleted(JsonView last_state) override {
      if (!muted_) informer_.deleted(key_of(last_state), last_state);
    }
    void list_complete() override {
      if (muted_) return;
      for (const ObjectKey& key : informer_.store_.keys(ns_))
        if (!listed_.contains(key)) informer_.vanished(key);
      listing_ = false;
      listed_.clear();
      synced_ = true;
      informer_.part_synced(ns_);
    }

   private:
    Informer& informer_;
    const std::string ns_;
    std::set<ObjectKey> listed_;
    bool listing_ = false;
    bool synced_ = false;
    bool muted_ = false;
  };

  void seen(ObjectKey key, JsonView object, bool initial) {
    const JsonView metadata = object["metadata"];
    std::string uid(metadata["uid"].string_or());
    std::string version(metadata["resourceVersion"].string_or());
    const bool recreated = store_.get(key) != nullptr && store_.uid(key) != uid;
    if (!recreated && !version.empty() && store_.resource_version(key) == version) return;
    if (recreated) vanished(key);
    auto projected = project(key, object);
    if (!projected) return;
    auto before = store_.put(key, projected, std::move(uid), std::move(version));
    const ChangeType type = before ? ChangeType::Updated : ChangeType::Added;
    tell({.type = type,
          .key = std::move(key),
          .before = before,
          .object = projected,
          .initial = initial && !before});
  }
  void deleted(ObjectKey key, JsonView last_state) {
    if (store_.get(key) == nullptr || store_.uid(key) != last_state["metadata"]["uid"].string_or()) return;
    auto last = project(key, last_state);
    auto before = store_.remove(key);
    tell({.type = ChangeType::Deleted,
          .key = std::move(key),
          .before = before,
          .object = last ? last : before});
  }
  void vanished(const ObjectKey& key) {
    auto before = store_.remove(key);
    tell({.type = ChangeType::Deleted, .key = key, .before = before, .object = before});
  }
  std::shared_ptr<const T> project(const ObjectKey& key, JsonView object) {
    std::shared_ptr<const T> made;
    guarded("projection", key, [&] {
      Result<T> projected = project_(object);
      if (projected) {
        made = std::make_shared<const T>(std::move(*projected));
      } else {
        log_.warn("object cannot be read and is left out",
                  {{"object", key.to_string()}, {"error", projected.error()}});
      }
    });
    return made;
  }
  void tell(const Change<T>& change) {
    for (const Handler& handler : handlers_) guarded("handler", change.key, [&] { handler(change); });
  }

  const std::function<Result<T>(JsonView)> project_;
  const ReflectorOptions reflecting_by_;
  std::map<std::string, Sink*> sinks_;  // of the namespaces that are watched
  Store<T> store_;
  std::vector<Handler> handlers_;
};

}  // namespace kube
