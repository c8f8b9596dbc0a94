// Store holds every object of a cluster in memory, with one version counter and a bounded history of changes.
//
//   Store store(loop, {.history = 10'000});
//   ObjectRef made = store.put("pods", json);                 // stamps metadata.resourceVersion
//   store.get("pods", {"ns", "pi-driver"});                   // null when absent
//   store.remove("pods", {"ns", "pi-driver"});
//   auto changes = store.changes_since("pods", version);      // nullopt: compacted, the answer is 410
//   co_await store.changed("pods").wait();
//
// A table is named by plural and group ("pods", "leases.coordination.k8s.io"). Objects are shared and never
// change; their text is made once and serves every list and watch. A read, a decision and a put without a
// co_await between them are atomic, because the loop has one thread.
//
// Thread: the loop's only. Lifetime: outlives those who wait for changes.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/async/wait_list.h"
#include "kube/core/json.h"
#include "kube/core/object_key.h"

namespace kube::apiserver {

// One version of one object.
class StoredObject {
 public:
  StoredObject(Json json, std::uint64_t version);

  const Json& json() const { return json_; }
  // What goes over the wire, compact; it begins with kind and apiVersion.
  const std::string& text() const;
  // The same without these two: lists of built-in kinds say them once for all items.
  std::string text_as_item() const;
  const ObjectKey& key() const { return key_; }
  std::uint64_t version() const { return version_; }
  std::string uid() const;
  // The value of a label; nullopt when absent.
  std::optional<std::string_view> label(std::string_view name) const;
  bool is_terminating() const;

 private:
  Json json_;
  std::uint64_t version_;
  ObjectKey key_;
  mutable std::string text_;
  mutable std::size_t type_bytes_ = 0;  // of text_, after its brace: kind and apiVersion with their commas
};
using ObjectRef = std::shared_ptr<const StoredObject>;

struct Change {
  std::uint64_t version;
  ObjectRef before;  // null: the object came into being
  ObjectRef after;   // null: it is gone
  ObjectRef
      last;  // for a removal: the last state with the removal's version, as watchers see it; else = after
};

struct StoreOptions {
  std::size_t history = 4'000;  // changes kept per table
};

class Store {
 public:
  using Table = std::map<ObjectKey, ObjectRef>;
  // Called after each change, before anybody can see it over the wire.
  using CommitHook = std::function<void(std::string_view table, const Change& change)>;

  explicit Store(Loop& loop, StoreOptions options = {});
  ~Store();

  std::uint64_t version() const { return version_; }
  ObjectRef get(std::string_view table, const ObjectKey& key) const;
  const Table& table(std::string_view name) const;
  // The table as it was at a version; nullopt when the history does not reach back that far.
  std::optional<Table> table_at(std::string_view name, std::uint64_t version) const;
  // Those of a namespace, or all when it is "", in order.
  std::vector<ObjectRef> list(std::string_view table, std::string_view ns = "") const;

  // Creates or replaces. The json must carry metadata.name (and namespace); resourceVersion is set here.
  ObjectRef put(std::string_view table, Json json);
  // Null when it was not there.
  ObjectRef remove(std::string_view table, const ObjectKey& key);

  // In order; nullptr when some of them are forgotten. The pointer holds until the next put or remove.
  struct Changes {
    std::deque<Change>::const_iterator begin_, end_;
    auto begin() const { return begin_; }
    auto end() const { return end_; }
  };
  std::optional<Changes> changes_since(std::string_view table, std::uint64_t version) const;
  WaitList& changed(std::string_view table);
  // Forgets all changes up to now, as etcd's compaction would.
  void compact();

  void on_commit(CommitHook hook) { hooks_.push_back(std::move(hook)); }

 private:
  struct Shelf;
  Shelf& shelf(std::string_view name);
  const Shelf* find_shelf(std::string_view name) const;
  void commit(Shelf& shelf, std::string_view name, Change change);

  Loop& loop_;
  StoreOptions options_;
  std::uint64_t version_ = 1;
  std::map<std::string, std::unique_ptr<Shelf>, std::less<>> shelves_;
  std::vector<CommitHook> hooks_;
};

}  // namespace kube::apiserver
