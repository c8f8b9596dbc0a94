// Informer keeps a cache of one kind of object, as projections, and says what changes.
//
//   Informer<Pod> pods(client, {.resource = kPods, .label_selector = "app=web", .project = project_pod});
//   pods.add_index("owner", [](const Pod& pod) { return std::vector{pod.owner_uid}; });
//   pods.on_change([&](const Change<Pod>& change) { queue.add(change.key); });
//   …                                                     // Manager runs it and waits until it has synced
//   std::shared_ptr<const Pod> pod = pods.store().get(key);
//
// `project` makes the few fields we read out of a JSON view; the rest of an object is never kept. An object
// that it refuses is logged and left as it was known before (or unknown). Handlers run on the loop, right
// after the store has changed, in the order of registration; they must not block and usually only add a key
// to a queue; an exception of theirs is logged. An object that was deleted and made anew between two looks
// (another uid) is told as a deletion and an addition. There is no resync: nothing changes, nothing is told.
// Namespaces: none = all (one watch); otherwise a list and watch for each. Thread: the loop's only. Lifetime:
// the client outlives it; handlers' targets outlive run().
#pragma once

#include <functional>
#include <list>
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
  std::vector<std::string> namespaces = {};  // empty = all
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

  // Every namespace has been listed once.
  bool has_synced() const;
  Task<> wait_synced();
  // How long ago the server last said anything about the namespace that was silent for longest; nothing
  // before sync. Servers send a bookmark about once a minute, so much more than that means that the cache may
  // be stale.
  std::optional<Duration> silent_for() const;

 protected:
  struct Part {
    std::string ns;
    std::unique_ptr<ReflectorSink> sink;
    std::unique_ptr<Reflector> reflector;
    bool synced = false;
  };
  InformerBase(Client& client, std::string name, Log log);
  void add_part(ReflectorOptions options, std::unique_ptr<ReflectorSink> sink);
  void part_synced(const std::string& ns);
  static ObjectKey key_of(JsonView object);
  // One object that makes our own code throw must not end the cache of all others.
  void guarded(std::string_view what, const ObjectKey& key, const std::function<void()>& call) const;

  const Log log_;

 private:
  Client& client_;
  Loop& loop_;
  const std::string name_;
  std::list<Part> parts_;
  TaskGroup reflecting_;
  WaitList changed_;
  bool stopped_ = false;
};

template <class T>
class Informer final : public InformerBase {
 public:
  using Handler = std::function<void(const Change<T>&)>;

  Informer(Client& client, InformerOptions<T> options)
      : InformerBase(client, "informer " + options.resource.group_resource(), options.log),
        project_(std::move(options.project)) {
    std::vector<std::string> namespaces = std::move(options.namespaces);
    if (namespaces.empty()) namespaces.emplace_back();
    for (const std::string& ns : namespaces) {
      add_part({.resource = options.resource,
                .ns = ns,
                .label_selector = options.label_selector,
                .field_selector = options.field_selector,
                .page_size = options.page_size,
                .log = options.log},
               std::make_unique<Sink>(*this, ns));
    }
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
    void list_started() override {
      listing_ = true;
      listed_.clear();
    }
    void seen(JsonView object) override {
      ObjectKey key = key_of(object);
      if (listing_) listed_.insert(key);
      informer_.seen(std::move(key), object, !synced_);
    }
    void deleted(JsonView last_state) override { informer_.deleted(key_of(last_state), last_state); }
    void list_complete() override {
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
  Store<T> store_;
  std::vector<Handler> handlers_;
};

}  // namespace kube
