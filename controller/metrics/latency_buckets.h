// Bounds of the latency histograms, in seconds: upstream's, and more on both sides of them. There everything
// beyond the last one looked alike, and so did every start within half a minute.
//
// Thread: constants.
#pragma once

#include <vector>

namespace controller {

inline const std::vector<double> kSubmitLatencyBuckets{0.5, 1,   2,   4,    8,    16,   32,  64,
                                                       128, 256, 512, 1024, 2048, 4096, 8192};
inline const std::vector<double> kStartLatencyBuckets{1,   2,   5,   10,  20,  30,  60,   90,   120,  150,
                                                      180, 210, 240, 270, 300, 600, 1200, 2400, 3600, 7200};

}  // namespace controller
