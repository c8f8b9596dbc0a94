// Creates or updates the custom resource definitions, and waits until the API server serves them.
#pragma once

#include <functional>
#include <string>

#include "kube/client/client.h"

namespace cmd {

// `say` gets a line for each definition.
kube::Task<kube::Result<>> apply_crds(kube::Client& client, std::function<void(const std::string&)> say);

}  // namespace cmd
