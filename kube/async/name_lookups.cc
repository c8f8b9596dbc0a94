#include "kube/async/name_lookups.h"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "kube/async/real_loop.h"
#include "kube/base/unique_fd.h"

namespace kube {

namespace asio = boost::asio;

// What a thread and those who wait for it own together. The answer is told by a descriptor and not by
// Loop::post(), which the loop would have to live for.
struct NameLookups::Question {
  UniqueFd answered{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};  // readable from the answer on

  void set(Result<Addresses> found) {
    {
      const std::lock_guard lock(mutex_);
      answer_ = std::move(found);
    }
    eventfd_write(answered.get(), 1);
  }
  std::optional<Result<Addresses>> answer() const {
    const std::lock_guard lock(mutex_);
    return answer_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<Result<Addresses>> answer_;
};

Result<Addresses> ask_system(const std::string& name) {
  asio::io_context own;
  asio::ip::tcp::resolver resolver(own);
  boost::system::error_code error;
  const auto found = resolver.resolve(name, "", error);
  if (error) return fail(ErrorKind::Unavailable, error.message());
  Addresses addresses;
  for (const auto& entry : found) addresses.push_back(entry.endpoint().address().to_string());
  return addresses;
}

NameLookups::NameLookups(Loop& loop, AskForName ask) : loop_(loop), ask_(std::move(ask)) {}

Task<Result<Addresses>> NameLookups::find(std::string name) {
  std::erase_if(asked_, [](const auto& entry) { return entry.second->answer().has_value(); });
  auto question = ask_for(name);
  if (!question) co_return fail(std::move(question));
  // Each waits with a descriptor of its own: epoll takes one only once.
  const UniqueFd answered(fcntl((*question)->answered.get(), F_DUPFD_CLOEXEC, 0));
  if (!answered) co_return fail(ErrorKind::Unavailable, std::strerror(errno));
  if (auto readable = co_await wait_readable(loop_, answered.get()); !readable)
    co_return fail(ErrorKind::Unavailable, readable.error().message());
  co_return *(*question)->answer();
}

Result<std::shared_ptr<NameLookups::Question>> NameLookups::ask_for(const std::string& name) {
  if (const auto found = asked_.find(name); found != asked_.end()) return found->second;
  if (asked_.size() >= kMost) {
    return fail(ErrorKind::Unavailable,
                "the name service has not answered for " + std::to_string(kMost) + " other names yet");
  }
  auto question = std::make_shared<Question>();
  if (!question->answered) return fail(ErrorKind::Unavailable, std::strerror(errno));
  try {
    std::thread([question, ask = ask_, name] { question->set(ask(name)); }).detach();
  } catch (const std::system_error& error) {
    return fail(ErrorKind::Unavailable, error.what());
  }
  asked_.emplace(name, question);
  return question;
}

}  // namespace kube
