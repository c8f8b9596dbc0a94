#include "kube/kubelet/pretend_runtime.h"

#include <signal.h>

#include <charconv>

#include "kube/async/timer.h"
#include "kube/async/wait_list.h"

namespace kube {
namespace {

class PretendContainer final : public RunningContainer {
 public:
  PretendContainer(Loop& loop, PretendedRun run, Duration stop_delay)
      : loop_(loop), stop_delay_(stop_delay), exit_(std::move(run.exit)), changed_(loop) {
    if (run.lasts != Duration::max()) end_ = loop.after(run.lasts);
  }
  Task<ContainerExit> wait() override {
    while (loop_.steady() < end_) (void)co_await changed_.wait_until(end_);
    co_return exit_;
  }
  void terminate() override { end_by(SIGTERM, loop_.after(stop_delay_)); }
  void kill() override { end_by(SIGKILL, loop_.steady()); }
  Task<Result<int>> execute(std::vector<std::string>, Duration) override { co_return 0; }

 private:
  void end_by(int signal, SteadyTime at) {
    if (at >= end_) return;
    end_ = at;
    exit_ = {128 + signal, "", ""};
    changed_.wake_all();
  }

  Loop& loop_;
  const Duration stop_delay_;
  SteadyTime end_ = kNever;
  ContainerExit exit_;
  WaitList changed_;
};

PretendedRun planned_by_annotations(const Json& pod) {
  PretendedRun run;
  const std::string lasts = string_at(pod, {"metadata", "annotations", "pretend.kubelet/lasts"});
  const std::string code = string_at(pod, {"metadata", "annotations", "pretend.kubelet/exit-code"});
  if (Result<Duration> duration = parse_go_duration(lasts)) run.lasts = *duration;
  std::from_chars(code.data(), code.data() + code.size(), run.exit.code);
  return run;
}

}  // namespace

PretendRuntime::PretendRuntime(Loop& loop, PretendOptions options)
    : loop_(loop), options_(std::move(options)) {}

Result<std::string> PretendRuntime::assign_address(const Json& pod) {
  std::string& address = addresses_[string_at(pod, {"metadata", "uid"})];
  if (address.empty()) {
    const std::uint32_t number = next_++;
    address = "10." + std::to_string((number >> 16) & 255) + "." + std::to_string((number >> 8) & 255) + "." +
              std::to_string(number & 255);
  }
  return address;
}

Task<Result<>> PretendRuntime::prepare(std::shared_ptr<const Json> pod, std::string address) {
  const Duration spread = std::max<Duration>(options_.start_max - options_.start_min, 0s);
  const auto drawn = static_cast<std::uint64_t>(spread.count()) + 1;
  co_await sleep(loop_,
                 options_.start_min + Duration(static_cast<std::int64_t>(loop_.random().below(drawn))));
  co_return Result<>{};
}

Task<Result<std::unique_ptr<RunningContainer>>> PretendRuntime::start(StartContainer request) {
  PretendedRun run = options_.plan ? options_.plan(*request.pod, string_at(request.container, {"name"}))
                                   : planned_by_annotations(*request.pod);
  co_return std::make_unique<PretendContainer>(loop_, std::move(run), options_.stop_delay);
}

Task<> PretendRuntime::discard(std::string uid) {
  addresses_.erase(uid);
  co_return;
}

}  // namespace kube
