#pragma once

#include <atomic>
#include <cstdint>

namespace rx_isoch {

// What is in use in this process, by every thread of JavaScript together.
struct Counters {
  std::atomic<int64_t> contexts{0};
  std::atomic<int64_t> threads{0};
  std::atomic<int64_t> handles{0};
  std::atomic<int64_t> transfers{0};
  std::atomic<int64_t> in_flight{0};
  std::atomic<int64_t> buffers{0};
  std::atomic<int64_t> dma_buffers{0};
};

// Never destroyed: an event thread may outlive the static objects of a process that exits.
inline Counters& counters() {
  static Counters* const all = new Counters();
  return *all;
}

// Counts one for as long as it lives.
class Counted {
 public:
  explicit Counted(std::atomic<int64_t>& counter) : counter_(counter) { counter_++; }
  ~Counted() { counter_--; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::atomic<int64_t>& counter_;
};

}  // namespace rx_isoch
