#include "kube/apiserver/store.h"

#include <algorithm>
#include <array>

namespace kube::apiserver {

StoredObject::StoredObject(Json json, std::uint64_t version)
    : json_(std::move(json)),
      version_(version),
      key_{string_at(json_, {"metadata", "namespace"}), string_at(json_, {"metadata", "name"})} {}

const std::string& StoredObject::text() const {
  if (text_.empty()) {
    text_ = "{";
    auto add = [&](const std::string& name, const Json& value) {
      if (text_.size() > 1) text_ += ',';
      text_ += '"' + name + "\":" + dump_json(value);
    };
    const std::array first{"kind", "apiVersion"};
    for (const char* name : first)
      if (auto found = json_.find(name); found != json_.end()) add(name, *found);
    type_bytes_ = text_.size() - 1;
    for (auto& [name, value] : json_.items())
      if (std::find(first.begin(), first.end(), name) == first.end()) add(name, value);
    text_ += '}';
  }
  return text_;
}

std::string StoredObject::text_as_item() const {
  const std::string_view all = text();
  std::string_view rest = all.substr(1 + type_bytes_);
  if (type_bytes_ > 0 && rest.starts_with(',')) rest.remove_prefix(1);
  return "{" + std::string(rest);
}

std::string StoredObject::uid() const {
  return string_at(json_, {"metadata", "uid"});
}

std::optional<std::string_view> StoredObject::label(std::string_view name) const {
  const Json* labels = find_path(json_, {"metadata", "labels"});
  if (!labels || !labels->is_object()) return std::nullopt;
  auto found = labels->find(name);
  if (found == labels->end() || !found->is_string()) return std::nullopt;
  return std::string_view(found->get_ref<const std::string&>());
}

bool StoredObject::is_terminating() const {
  return find_path(json_, {"metadata", "deletionTimestamp"}) != nullptr;
}

struct Store::Shelf {
  explicit Shelf(Loop& loop) : changed(loop) {}

  Table objects;
  std::deque<Change> history;
  std::uint64_t forgotten = 0;  // changes up to and including this version are no longer in history
  WaitList changed;
};

Store::Store(Loop& loop, StoreOptions options) : loop_(loop), options_(options) {}
Store::~Store() = default;

Store::Shelf& Store::shelf(std::string_view name) {
  auto found = shelves_.find(name);
  if (found == shelves_.end())
    found = shelves_.emplace(std::string(name), std::make_unique<Shelf>(loop_)).first;
  return *found->second;
}

const Store::Shelf* Store::find_shelf(std::string_view name) const {
  auto found = shelves_.find(name);
  return found == shelves_.end() ? nullptr : found->second.get();
}

ObjectRef Store::get(std::string_view table, const ObjectKey& key) const {
  const Table& objects = this->table(table);
  auto found = objects.find(key);
  return found == objects.end() ? nullptr : found->second;
}

const Store::Table& Store::table(std::string_view name) const {
  static const Table kEmpty;
  const Shelf* shelf = find_shelf(name);
  return shelf ? shelf->objects : kEmpty;
}

std::optional<Store::Table> Store::table_at(std::string_view name, std::uint64_t version) const {
  const Shelf* shelf = find_shelf(name);
  if (!shelf) return Table{};
  if (version < shelf->forgotten) return std::nullopt;
  Table objects = shelf->objects;
  for (auto change = shelf->history.rbegin(); change != shelf->history.rend() && change->version > version;
       ++change) {
    if (change->before)
      objects[change->before->key()] = change->before;
    else
      objects.erase(change->after->key());
  }
  return objects;
}

std::vector<ObjectRef> Store::list(std::string_view table, std::string_view ns) const {
  const Table& objects = this->table(table);
  std::vector<ObjectRef> found;
  auto at = ns.empty() ? objects.begin() : objects.lower_bound(ObjectKey{std::string(ns), ""});
  for (; at != objects.end() && (ns.empty() || at->first.ns == ns); ++at) found.push_back(at->second);
  return found;
}

ObjectRef Store::put(std::string_view table, Json json) {
  const std::uint64_t version = version_ + 1;
  json["metadata"]["resourceVersion"] = std::to_string(version);
  auto object = std::make_shared<const StoredObject>(std::move(json), version);
  Shelf& shelf = this->shelf(table);
  ObjectRef& slot = shelf.objects[object->key()];
  ObjectRef before = std::exchange(slot, object);
  commit(shelf, table, {version, std::move(before), object, object});
  return object;
}

ObjectRef Store::remove(std::string_view table, const ObjectKey& key) {
  Shelf& shelf = this->shelf(table);
  auto found = shelf.objects.find(key);
  if (found == shelf.objects.end()) return nullptr;
  const std::uint64_t version = version_ + 1;
  ObjectRef before = std::move(found->second);
  shelf.objects.erase(found);
  Json last = before->json();
  last["metadata"]["resourceVersion"] = std::to_string(version);
  auto gone = std::make_shared<const StoredObject>(std::move(last), version);
  commit(shelf, table, {version, std::move(before), nullptr, gone});
  return gone;
}

void Store::commit(Shelf& shelf, std::string_view name, Change change) {
  version_ = change.version;
  // A hook may write in turn, so it gets a copy and the history is complete before it runs.
  const Change seen = change;
  shelf.history.push_back(std::move(change));
  while (shelf.history.size() > options_.history) {
    shelf.forgotten = shelf.history.front().version;
    shelf.history.pop_front();
  }
  shelf.changed.wake_all();
  for (const CommitHook& hook : hooks_) hook(name, seen);
}

std::optional<Store::Changes> Store::changes_since(std::string_view table, std::uint64_t version) const {
  const Shelf* shelf = find_shelf(table);
  if (!shelf) {
    static const std::deque<Change> kNone;
    return Changes{kNone.begin(), kNone.end()};
  }
  if (version < shelf->forgotten) return std::nullopt;
  auto first = std::upper_bound(shelf->history.begin(), shelf->history.end(), version,
                                [](std::uint64_t v, const Change& change) { return v < change.version; });
  return Changes{first, shelf->history.end()};
}

WaitList& Store::changed(std::string_view table) {
  return shelf(table).changed;
}

void Store::compact() {
  for (auto& [name, shelf] : shelves_) {
    // Who has seen the last change of a table has missed nothing: its open watches go on.
    if (!shelf->history.empty()) shelf->forgotten = shelf->history.back().version;
    shelf->history.clear();
  }
}

}  // namespace kube::apiserver
