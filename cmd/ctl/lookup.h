// What several commands look up about an application: itself, its pods, its events.
//
//   auto app = co_await find_application(*cluster, "pi");       // NotFound: "SparkApplication team-a/pi: …"
//   auto pods = co_await pods_of(*cluster, *app);               // the driver, then executors by number
//
// Answers are the API server's JSON. Thread: the loop's only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cmd/ctl/session.h"
#include "kube/core/gvk.h"

namespace ctl {

std::string name_of(const kube::Json& object);
std::string namespace_of(const kube::Json& object);
std::string uid_of(const kube::Json& object);
// "" when it has none of that name.
std::string label_of(const kube::Json& object, const char* label);
// "NEW" where status has none yet.
std::string state_of(const kube::Json& application);
// Whether the next thing in that state is a submission, without anybody's doing and whatever came before.
bool is_about_to_run(std::string_view state);
// The one that status names, else the one that the operator would make.
std::string driver_pod_of(const kube::Json& application);

kube::Task<kube::Result<kube::Json>> find_application(Cluster cluster, std::string name);
kube::Task<kube::Result<kube::Json>> find_schedule(Cluster cluster, std::string name);
kube::Task<kube::Result<std::vector<kube::Json>>> pods_of(Cluster cluster, kube::Json application);
// Of the objects with these names, oldest first.
kube::Task<kube::Result<std::vector<kube::Json>>> events_about(Cluster cluster, std::string kind,
                                                               std::string name, std::string uid);
// When it was last seen, in the form that the API has.
std::string time_of_event(const kube::Json& event);
void sort_events(std::vector<kube::Json>& events);  // oldest first
bool is_role(const kube::Json& pod, std::string_view role);

}  // namespace ctl
