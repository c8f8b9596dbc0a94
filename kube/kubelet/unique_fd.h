// The kubelet's name for the descriptor of kube/base.
#pragma once

#include "kube/base/unique_fd.h"  // IWYU pragma: export
