// The bytes of pod_init, carried inside whatever links this room. ccache leaves files with .incbin alone, so
// a new pod_init is always picked up.
#include "kube/kubelet/embedded_init.h"

__asm__(
    ".pushsection .rodata\n"
    ".balign 16\n"
    "kube_pod_init_begin:\n"
    ".incbin \"" POD_INIT_PATH
    "\"\n"
    "kube_pod_init_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
extern const char kube_pod_init_begin[] __attribute__((visibility("hidden")));
extern const char kube_pod_init_end[] __attribute__((visibility("hidden")));
}

namespace kube {

std::string_view embedded_init() {
  return {kube_pod_init_begin, static_cast<std::size_t>(kube_pod_init_end - kube_pod_init_begin)};
}

}  // namespace kube
