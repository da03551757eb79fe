#include "canceller.h"

#include <utility>

#include "thread.h"

namespace rx_isoch {

Canceller::Canceller() : thread_(StartThread("rx-isoch cancel", [this] { Run(); })) {}

Canceller::~Canceller() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Canceller::Cancel(std::shared_ptr<Transfer> transfer) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    transfers_.push_back(std::move(transfer));
  }
  changed_.notify_all();
}

void Canceller::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_ending_ || !transfers_.empty(); });
    if (transfers_.empty()) return;
    std::shared_ptr<Transfer> next = std::move(transfers_.front());
    transfers_.pop_front();
    lock.unlock();
    next->Cancel();
    next.reset();
    lock.lock();
  }
}

}  // namespace rx_isoch
