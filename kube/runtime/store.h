// Store is an informer's cache as readers see it: the last known state of each object, by key and by index.
//
//   std::shared_ptr<const Pod> pod = pods.get(key);                  // a snapshot, may be null
//   for (auto& pod : pods.by_index("owner", web.uid)) …             // in the order of keys
//   pods.resource_version(key);                                      // "" when there is no such object
//
// Objects are never changed in place: a snapshot stays as it was. What the store holds may be behind the
// server. Thread: the loop's only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kube/core/object_key.h"

namespace kube {

template <class T>
class Store {
 public:
  using Object = std::shared_ptr<const T>;
  // The values under which an object is found; often one, or none.
  using IndexFunction = std::function<std::vector<std::string>(const T&)>;

  Object get(const ObjectKey& key) const {
    auto found = slots_.find(key);
    return found == slots_.end() ? nullptr : found->second.object;
  }
  // All, or those of one namespace, in the order of keys.
  std::vector<Object> list(std::string_view ns = "") const {
    std::vector<Object> all;
    for_each(ns, [&](const ObjectKey&, const Slot& slot) { all.push_back(slot.object); });
    return all;
  }
  // All, in the order of keys, without copying.
  template <class Visit>
  void each(Visit visit) const {
    for_each("", [&](const ObjectKey&, const Slot& slot) { visit(*slot.object); });
  }
  std::vector<ObjectKey> keys(std::string_view ns = "") const {
    std::vector<ObjectKey> all;
    for_each(ns, [&](const ObjectKey& key, const Slot&) { all.push_back(key); });
    return all;
  }
  std::vector<Object> by_index(const std::string& index, const std::string& value) const {
    std::vector<Object> found;
    auto of_index = indexes_.find(index);
    if (of_index == indexes_.end()) return found;
    auto refs = of_index->second.refs.find(value);
    if (refs == of_index->second.refs.end()) return found;
    for (const KeyRef& ref : refs->second) found.push_back(slots_.find(*ref.key)->second.object);
    return found;
  }
  std::size_t count_by_index(const std::string& index, const std::string& value) const {
    auto of_index = indexes_.find(index);
    if (of_index == indexes_.end()) return 0;
    auto refs = of_index->second.refs.find(value);
    return refs == of_index->second.refs.end() ? 0 : refs->second.size();
  }
  std::string resource_version(const ObjectKey& key) const {
    auto found = slots_.find(key);
    return found == slots_.end() ? std::string() : found->second.resource_version;
  }
  std::string uid(const ObjectKey& key) const {
    auto found = slots_.find(key);
    return found == slots_.end() ? std::string() : found->second.uid;
  }
  std::size_t size() const { return slots_.size(); }

  // For the informer, before the first object.
  void add_index(std::string index, IndexFunction values) {
    indexes_[std::move(index)].values = std::move(values);
  }
  // For the informer. Answers what was there before.
  Object put(const ObjectKey& key, Object object, std::string uid, std::string resource_version) {
    auto [slot, added] = slots_.try_emplace(key);
    if (!added) unindex(slot->first, *slot->second.object);
    Object before = std::exchange(slot->second.object, std::move(object));
    slot->second.uid = std::move(uid);
    slot->second.resource_version = std::move(resource_version);
    for (auto& [name, index] : indexes_)
      for (std::string& value : index.values(*slot->second.object)) index.refs[value].insert({&slot->first});
    return before;
  }
  Object remove(const ObjectKey& key) {
    auto slot = slots_.find(key);
    if (slot == slots_.end()) return nullptr;
    unindex(slot->first, *slot->second.object);
    Object before = std::move(slot->second.object);
    slots_.erase(slot);
    return before;
  }

 private:
  struct Slot {
    Object object;
    std::string uid;
    std::string resource_version;
  };
  // A key that lies in slots_, ordered as keys are, so that an index does not repeat each name.
  struct KeyRef {
    const ObjectKey* key;
    bool operator<(const KeyRef& other) const { return *key < *other.key; }
  };
  struct Index {
    IndexFunction values;
    std::map<std::string, std::set<KeyRef>> refs;
  };

  template <class Visit>
  void for_each(std::string_view ns, Visit visit) const {
    auto slot = ns.empty() ? slots_.begin() : slots_.lower_bound(ObjectKey{std::string(ns), ""});
    for (; slot != slots_.end() && (ns.empty() || slot->first.ns == ns); ++slot)
      visit(slot->first, slot->second);
  }
  void unindex(const ObjectKey& key, const T& object) {
    for (auto& [name, index] : indexes_) {
      for (const std::string& value : index.values(object)) {
        auto refs = index.refs.find(value);
        if (refs == index.refs.end()) continue;  // the function named one value twice
        refs->second.erase({&key});
        if (refs->second.empty()) index.refs.erase(refs);
      }
    }
  }

  std::map<ObjectKey, Slot> slots_;
  std::map<std::string, Index> indexes_;
};

}  // namespace kube
