#include "kube/admission/review_routes.h"

namespace kube {

ReviewRoutes& ReviewRoutes::add(std::string path, Decide decide) {
  handlers_.insert_or_assign(std::move(path), Handler{std::move(decide)});
  return *this;
}

ReviewRoutes& ReviewRoutes::add_task(std::string path, DecideLater decide, DecideAtOnce at_once) {
  handlers_.insert_or_assign(std::move(path), Handler{std::move(decide), std::move(at_once)});
  return *this;
}

ReviewRoutes& ReviewRoutes::add_uncounted(std::string path, Decide decide) {
  handlers_.insert_or_assign(std::move(path), Handler{.decide = std::move(decide), .counted = false});
  return *this;
}

}  // namespace kube
