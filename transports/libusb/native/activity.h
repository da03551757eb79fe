#pragma once

#include <chrono>

namespace rx_isoch {

// Something with transfers in flight on a handle: a stream, a queue of requests.
class Activity {
 public:
  virtual ~Activity() = default;
  // Submits no more, and cancels what is in flight. From any thread but the event thread.
  virtual void Shut() = 0;
  // Waits until nothing is in flight. False if that takes longer than `limit`.
  virtual bool WaitUntilIdle(std::chrono::milliseconds limit) = 0;
};

}  // namespace rx_isoch
