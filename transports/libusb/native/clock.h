#pragma once

#include <chrono>

namespace rx_isoch {

// Microseconds of a monotonic clock: the timestamps of everything this addon reports.
inline double Now() {
  using namespace std::chrono;
  return duration<double, std::micro>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace rx_isoch
