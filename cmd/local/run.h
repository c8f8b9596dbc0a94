// `sparkctl local run FILE`: applies the objects of FILE to the local cluster and follows its applications to
// their end.
//
//   co_await run_applications(client, objects, …)
//
// Shows each change of state and of pods with the time since the start; when an application has ended, its
// driver's log lines that are its own (not log4j's) are printed. Thread: the loop's only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kube/client/client.h"

namespace cmd {

// The objects of a file. Error InvalidInput names the file with line and column, or the object and what is
// wrong with it: no kind, an unknown kind, fields of wrong types. Nothing is applied unless every object is
// fine.
kube::Result<std::vector<kube::Json>> read_manifests(const std::string& file);

// Error when an object is refused, or an application did not complete; `say` gets the progress, line by line.
kube::Task<kube::Result<>> run_applications(kube::Client& client, std::vector<kube::Json> objects,
                                            std::function<void(const std::string&)> say);

}  // namespace cmd
