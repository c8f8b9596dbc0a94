#include "test/sim/person.h"

#include "kube/async/timer.h"

namespace sim {

using kube::Json;
using kube::Task;
using namespace std::chrono_literals;

Person::Person(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan, Habits habits)
    : loop_(loop),
      server_(server),
      plan_(plan),
      random_(habits.seed),
      habits_(std::move(habits)),
      api_{server, habits_.name} {}

Task<> Person::live() {
  co_await kube::sleep(loop_, draw_pause(random_, 2s));
  co_await create();
  const std::uint64_t actions = random_.below(static_cast<std::uint64_t>(plan_.user_actions) + 1);
  for (std::uint64_t i = 0; i < actions; ++i) {
    const kube::Duration pause = random_.chance(habits_.hasty) ? 20ms : habits_.pause;
    co_await kube::sleep(loop_, draw_pause(random_, pause));
    co_await act();
  }
}

Task<> Person::post(Json object) {
  (void)co_await api_.send("POST", habits_.collection, std::move(object));
}

Task<> Person::edit(Json spec) {
  (void)co_await api_.merge(path(), Json{{"spec", std::move(spec)}});
}

Task<> Person::remove() {
  const char* const propagation[] = {"Background", "Foreground"};
  Json options{{"propagationPolicy", propagation[random_.below(2)]}};
  (void)co_await api_.send("DELETE", path(), std::move(options));
}

Task<> Person::create_again() {
  if (random_.chance(0.5)) co_await kube::sleep(loop_, draw_pause(random_, 3s));
  co_await create();
}

}  // namespace sim
