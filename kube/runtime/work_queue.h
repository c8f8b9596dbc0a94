// WorkQueue hands out keys so that one key is never worked on by two workers at once.
//
// Adding a key that is already waiting changes nothing; adding one that is being worked on makes it wait
// again when that work is done. A burst of watch events thus costs one reconcile.
//
//   WorkQueue<ObjectKey> queue(loop, {.name = "web", .fair_by = [](auto& key) { return key.ns; }});
//   queue.add(key);                              // a watch event: at once
//   queue.add(key, Lane::New);                   // work that may wait for everything known
//   queue.add_after(key, 30s);                   // a timer; an earlier add wins over it
//
//   while (auto item = co_await queue.get()) {   // nullopt: shut down
//     … reconcile(item->key()) …
//     item->forget();                            // success: the failure count starts over
//     queue.add_rate_limited(item->key(), item->lane());   // or failure: again after a back-off
//   }                                            // ~Item: done, also when the worker is cancelled
//
// Lanes: Known work is always served before New work. While a key waits, the higher of its lanes counts.
// Known is first come, first served; New goes round robin over fair_by(key), so one namespace with ten
// thousand new objects does not hold back another with one. Back-off: per key backoff_initial·2ⁿ up to
// backoff_max; retries of all keys together also pass a token bucket (retry_qps, retry_burst). Plain adds and
// add_after() take no token. One entry a key, at its earliest time.
// Thread: the loop's only. Lifetime: outlives its items; shut_down() releases every waiting get(), and
// no get() may still wait when the queue is destroyed.
#pragma once

#include <algorithm>
#include <cassert>
#include <cmath>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kube/async/timer.h"
#include "kube/async/wait_list.h"
#include "kube/core/object_key.h"
#include "kube/runtime/work_queue_metrics.h"

namespace kube {

// In the order of service.
enum class Lane { Known, New };

// A token bucket that is only asked, never waited on: it answers how long the caller has to wait.
class TokenBucket {
 public:
  TokenBucket(double per_second, double size) : per_second_(per_second), size_(size), tokens_(size) {}
  // Takes one token, also one that is yet to come.
  Duration take(SteadyTime now);
  // Takes a token only when there is one.
  bool take_if_ready(SteadyTime now);

 private:
  void fill(SteadyTime now);

  double per_second_;
  double size_;
  double tokens_;
  std::optional<SteadyTime> filled_;
};

template <class Key>
struct WorkQueueOptions {
  std::string name = {};
  std::function<std::string(const Key&)> fair_by = {};  // null: New is first come, first served, too
  Duration backoff_initial = 5ms;
  Duration backoff_max = 1000s;
  double retry_qps = 10;  // 0 = no limit
  double retry_burst = 100;
  Duration retry_max_delay = Duration::max();  // over back-off and bucket together
};

template <class Key>
class WorkQueue {
 public:
  // One key in work. Moving it moves the duty; destroying it says done.
  class Item {
   public:
    Item(Item&& other) noexcept
        : queue_(std::exchange(other.queue_, nullptr)), key_(other.key_), lane_(other.lane_) {}
    Item& operator=(Item&& other) noexcept {
      std::swap(queue_, other.queue_);
      std::swap(key_, other.key_);
      std::swap(lane_, other.lane_);
      return *this;
    }
    ~Item() {
      if (queue_ != nullptr) queue_->done(key_);
    }
    const Key& key() const { return key_; }
    Lane lane() const { return lane_; }
    void forget() { queue_->forget(key_); }

   private:
    friend class WorkQueue;
    Item(WorkQueue* queue, Key key, Lane lane) : queue_(queue), key_(std::move(key)), lane_(lane) {}
    WorkQueue* queue_;
    Key key_;
    Lane lane_;
  };

  WorkQueue(Loop& loop, WorkQueueOptions<Key> options, std::optional<WorkQueueMetrics> metrics = {})
      : loop_(loop),
        options_(std::move(options)),
        metrics_(std::move(metrics)),
        bucket_(options_.retry_qps, options_.retry_burst),
        workers_(loop),
        timer_(loop, [this] { delays_passed(); }) {
    if (metrics_) {
      metrics_->running = [this] {
        std::vector<SteadyTime> since;
        for (const auto& [key, entry] : entries_)
          if (entry.working) since.push_back(entry.taken);
        return since;
      };
    }
  }
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  void add(const Key& key, Lane lane = Lane::Known) { add_at(key, loop_.steady(), lane); }
  void add_after(const Key& key, Duration delay, Lane lane = Lane::Known) {
    if (delay > Duration::zero() && metrics_) metrics_->retries.Increment();
    add_at(key, delay > Duration::zero() ? loop_.after(delay) : loop_.steady(), lane);
  }
  // The key has failed once more. `at_least`: what the server asked for (Error::retry_after()).
  void add_rate_limited(const Key& key, Lane lane = Lane::Known, Duration at_least = Duration::zero()) {
    Duration delay = std::max(backoff(failures_[key]++), bucket_.take(loop_.steady()));
    add_after(key, std::max(std::min(delay, options_.retry_max_delay), at_least), lane);
  }
  // As above, but only the key's own back-off counts, no token: for conflicts, which thousands of keys may
  // meet in a minute without anything being wrong.
  void add_backed_off(const Key& key, Lane lane = Lane::Known) {
    add_after(key, std::min(backoff(failures_[key]++), options_.retry_max_delay), lane);
  }
  void forget(const Key& key) { failures_.erase(key); }
  int failures(const Key& key) const {
    auto found = failures_.find(key);
    return found == failures_.end() ? 0 : found->second;
  }

  // The next key; nullopt once the queue is shut down (what still waits is dropped). Cancellable.
  Task<std::optional<Item>> get() {
    while (true) {
      if (shut_down_) co_return std::nullopt;
      if (auto item = take()) co_return item;
      co_await workers_.wait();
    }
  }
  // Without waiting.
  std::optional<Item> try_get() { return shut_down_ ? std::nullopt : take(); }

  void shut_down() {
    shut_down_ = true;
    timer_.cancel();
    workers_.wake_all();
  }
  bool is_shut_down() const { return shut_down_; }

  std::size_t ready() const { return known_.size() + new_count_; }
  std::size_t delayed() const { return delayed_.size(); }
  std::size_t in_work() const { return in_work_; }
  // True when the key is waiting (ready or delayed) or being worked on: "has a pending event or a timer".
  bool contains(const Key& key) const { return entries_.contains(key); }

 private:
  enum class Waiting { No, Delayed, Ready };
  using Delays = std::multimap<SteadyTime, Key>;
  struct Entry {
    bool working = false;
    SteadyTime taken{};
    Waiting waiting = Waiting::No;  // Ready while working: again as soon as done
    Lane lane = Lane::New;
    SteadyTime ready_since{};
    typename Delays::iterator delay{};
  };
  using Entries = std::map<Key, Entry>;

  Duration backoff(int failures) const {
    const double delay = static_cast<double>(options_.backoff_initial.count()) * std::pow(2.0, failures);
    return delay >= static_cast<double>(options_.backoff_max.count())
               ? options_.backoff_max
               : Duration(static_cast<Duration::rep>(delay));
  }

  void add_at(const Key& key, SteadyTime at, Lane lane) {
    if (shut_down_) return;
    auto entry = entries_.try_emplace(key).first;
    Entry& e = entry->second;
    const Lane before = e.lane;
    e.lane = e.waiting == Waiting::No ? lane : std::min(e.lane, lane);
    if (e.waiting == Waiting::Ready) {
      if (e.lane != before && !e.working) move_to_known(key);
      return;
    }
    if (at <= loop_.steady()) {
      if (e.waiting == Waiting::Delayed) undelay(e);
      make_ready(entry);
    } else if (e.waiting == Waiting::No || at < e.delay->first) {
      if (e.waiting == Waiting::Delayed) undelay(e);
      e.waiting = Waiting::Delayed;
      e.delay = delayed_.emplace(at, key);
      timer_.set(delayed_.begin()->first);
    }
  }

  void undelay(Entry& e) {
    delayed_.erase(e.delay);
    e.waiting = Waiting::No;
  }

  void make_ready(typename Entries::iterator entry) {
    Entry& e = entry->second;
    e.waiting = Waiting::Ready;
    e.ready_since = loop_.steady();
    if (e.working) return;
    if (metrics_) metrics_->became_ready(e.lane == Lane::Known);
    if (e.lane == Lane::Known) {
      known_.push_back(entry->first);
    } else {
      push_new(entry->first);
    }
    workers_.wake_one();
  }

  std::string group_of(const Key& key) const {
    return options_.fair_by ? options_.fair_by(key) : std::string();
  }

  // A group that has nothing waiting joins the round at its end.
  void push_new(const Key& key) {
    const std::string group = group_of(key);
    auto& keys = new_[group];
    if (keys.empty()) round_.push_back(group);
    keys.push_back(key);
    ++new_count_;
  }
  Key pop_new() {
    const std::string group = std::move(round_.front());
    round_.pop_front();
    auto keys = new_.find(group);
    Key key = std::move(keys->second.front());
    keys->second.pop_front();
    --new_count_;
    if (keys->second.empty()) {
      new_.erase(keys);
    } else {
      round_.push_back(group);
    }
    return key;
  }
  void move_to_known(const Key& key) {
    const std::string group = group_of(key);
    auto keys = new_.find(group);
    std::erase(keys->second, key);
    --new_count_;
    if (keys->second.empty()) {
      std::erase(round_, group);
      new_.erase(keys);
    }
    known_.push_back(key);
    if (metrics_) metrics_->changed_lane();
  }

  std::optional<Item> take() {
    if (known_.empty() && new_count_ == 0) return std::nullopt;
    const bool known = !known_.empty();
    Key key = known ? std::move(known_.front()) : pop_new();
    if (known) known_.pop_front();
    Entry& e = entries_.find(key)->second;
    e.waiting = Waiting::No;
    e.working = true;
    e.taken = loop_.steady();
    ++in_work_;
    if (metrics_) metrics_->taken(known, e.taken - e.ready_since);
    // A wake-up may have been swallowed by a worker that was cancelled; whoever takes work hands the rest on.
    if (ready() > 0) workers_.wake_one();
    return Item(this, std::move(key), e.lane);
  }

  void done(const Key& key) {
    auto entry = entries_.find(key);
    Entry& e = entry->second;
    assert(e.working && "done() without get()");
    e.working = false;
    --in_work_;
    if (metrics_) metrics_->done(loop_.steady() - e.taken);
    if (e.waiting == Waiting::Ready) {
      if (!shut_down_) return make_ready(entry);
      e.waiting = Waiting::No;
    }
    if (e.waiting == Waiting::No) entries_.erase(entry);
  }

  void delays_passed() {
    while (!delayed_.empty() && delayed_.begin()->first <= loop_.steady()) {
      auto entry = entries_.find(delayed_.begin()->second);
      undelay(entry->second);
      make_ready(entry);
    }
    if (!delayed_.empty()) timer_.set(delayed_.begin()->first);
  }

  Loop& loop_;
  const WorkQueueOptions<Key> options_;
  std::optional<WorkQueueMetrics> metrics_;
  TokenBucket bucket_;
  Entries entries_;
  std::map<Key, int> failures_;
  std::deque<Key> known_;
  std::map<std::string, std::deque<Key>> new_;
  std::deque<std::string> round_;  // groups with new work, next first
  std::size_t new_count_ = 0;
  std::size_t in_work_ = 0;
  Delays delayed_;
  bool shut_down_ = false;
  WaitList workers_;
  Timer timer_;
};

}  // namespace kube
