#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "transfer.h"

namespace rx_isoch {

// Cancels transfers on a thread of its own: the system may keep the caller waiting until the transfer
// is back, which takes a frame or two, or for ever if a network is in between.
class Canceller {
 public:
  Canceller();
  // Finishes what was asked of it before.
  ~Canceller();

  void Cancel(std::shared_ptr<Transfer> transfer);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Transfer>> transfers_;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace rx_isoch
