// OptionalCache runs an informer that the process can do without: its kind may not be served, or not be ours
// to list. The process is ready without it after a few seconds; the informer goes on trying.
//
//   manager.add(std::make_unique<OptionalCache<ChildView>>(manager.loop(), std::move(informer)));
//
// Thread: the loop's only. Lifetime: owns the informer.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kube/async/loop.h"
#include "kube/runtime/informer.h"

namespace controller {

template <class T>
class OptionalCache final : public kube::Runnable {
 public:
  static constexpr kube::Duration kWait = std::chrono::seconds(5);

  OptionalCache(kube::Loop& loop, std::unique_ptr<kube::Informer<T>> informer)
      : loop_(loop), informer_(std::move(informer)) {}
  const std::string& name() const override { return informer_->name(); }
  kube::Task<kube::Result<>> run() override {
    give_up_ = loop_.after(kWait);
    return informer_->run();
  }
  void stop() override { informer_->stop(); }
  bool is_ready() const override {
    return informer_->has_synced() || (give_up_ && loop_.steady() >= *give_up_);
  }

 private:
  kube::Loop& loop_;
  std::unique_ptr<kube::Informer<T>> informer_;
  std::optional<kube::SteadyTime> give_up_;
};

}  // namespace controller
