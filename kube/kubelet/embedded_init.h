// embedded_init() is the program that becomes the first process of a container (pod_init.cc), as an ELF
// image. It lies inside the kubelet's binary so that there is no second file to install, find or get out of
// step.
//
// Thread: any; the bytes live as long as the process.
#pragma once

#include <string_view>

namespace kube {

std::string_view embedded_init();

}  // namespace kube
