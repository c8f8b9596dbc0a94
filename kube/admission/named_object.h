// watch_named_object() says when one object may have changed; whoever cares reads it. A part of this room.
//
//   const auto look = [&] { due = true; waiting.wake_all(); };
//   group.spawn("watch", watch_named_object(secrets, "webhook-certs", look, log));
//
// Runs until cancelled, opening its watch again and again; ends by itself where watching is forbidden, so its
// caller reads the object now and then anyway. Thread: the loop's only.
#pragma once

#include <functional>
#include <string>

#include "kube/base/log.h"
#include "kube/client/api.h"

namespace kube {

Task<> watch_named_object(JsonApi api, std::string name, std::function<void()> changed, Log log);

}  // namespace kube
