// Channel passes values between tasks of one loop, with a bound: a full channel makes senders wait.
//
//   Channel<Event> events(loop, 1000);
//   co_await events.send(e);                    // false: closed
//   if (!events.try_send(e)) ++dropped;         // never waits
//   while (auto e = co_await events.receive()) …   // nullopt: closed and drained
//
// Thread: the loop's only.
#pragma once

#include <deque>
#include <optional>

#include "kube/async/wait_list.h"

namespace kube {

template <class T>
class Channel {
 public:
  Channel(Loop& loop, std::size_t bound) : bound_(bound), senders_(loop), receivers_(loop) {}

  Task<bool> send(T value) {
    while (!closed_ && values_.size() >= bound_) co_await senders_.wait();
    co_return try_send(std::move(value));
  }
  bool try_send(T value) {
    if (closed_ || values_.size() >= bound_) return false;
    values_.push_back(std::move(value));
    receivers_.wake_one();
    return true;
  }
  Task<std::optional<T>> receive() {
    while (values_.empty()) {
      if (closed_) co_return std::nullopt;
      co_await receivers_.wait();
    }
    std::optional<T> value(std::move(values_.front()));
    values_.pop_front();
    senders_.wake_one();
    if (!values_.empty())
      receivers_.wake_one();  // a receiver cancelled after its wake-up must not swallow it
    co_return value;
  }
  void close() {
    closed_ = true;
    senders_.wake_all();
    receivers_.wake_all();
  }
  std::size_t size() const { return values_.size(); }
  bool closed() const { return closed_; }

 private:
  std::size_t bound_;
  std::deque<T> values_;
  bool closed_ = false;
  WaitList senders_;
  WaitList receivers_;
};

}  // namespace kube
