#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "activity.h"
#include "buffer_pool.h"
#include "estimated_timeline.h"
#include "handle.h"
#include "transfer.h"

namespace rx_isoch {

enum class Overflow { kError, kDropOldest, kDropNewest };

// `StreamPlan` of src/transport.ts.
struct StreamPlan {
  uint8_t endpoint;
  uint32_t frame_length;
  uint32_t frames;
  uint32_t queue;
  uint32_t ring;
  uint32_t batch;
  Overflow overflow;
  // Microseconds.
  double frame_duration;
};

// What one transfer brought, contiguous.
struct StreamResult {
  std::unique_ptr<Buffer> data;
  uint32_t bytes = 0;
  std::vector<uint32_t> actual;
  // Of libusb_transfer_status, or kNotServed; empty if all are good.
  std::vector<uint8_t> statuses;
  double first_frame = 0;
  double lost = 0;
  double timestamp = 0;
  uint32_t served = 0;
  bool was_cancelled = false;
  bool is_gone = false;
  // Another one waits, or the stream has ended: it is worth asking at once.
  bool has_more = false;
};

// Streams from an IN endpoint: transfers are renewed on the event thread, and what they bring waits in
// a bounded ring. The states are those of `Pump` in src/pump.ts.
class IsochStream : public Activity, public std::enable_shared_from_this<IsochStream> {
 public:
  // `notify` is called on any thread, and must not call back.
  IsochStream(std::shared_ptr<Handle> handle, const StreamPlan& plan, std::function<void()> notify);
  ~IsochStream() override;

  // Once. An error is that of the first submission; nothing is in flight then.
  UsbError Start();
  // The oldest result that waits.
  std::optional<StreamResult> Take();
  // Nothing more will come, and nothing waits.
  bool HasEnded(UsbError& error, bool& has_overflown);
  // Renews no more, cancels what is in flight, and drops what waits. Idempotent.
  void Stop();
  // It was stopped, and nothing is in flight.
  bool IsDrained();

  // Ends the stream, which is not told to stop: what has arrived can still be taken.
  void Shut() override;
  bool WaitUntilIdle(std::chrono::milliseconds limit) override;

 private:
  enum class State { kRunning, kEnding, kEnded };
  struct Slot {
    IsochStream* stream;
    std::shared_ptr<Transfer> transfer;
    std::unique_ptr<Buffer> buffer;
    bool is_in_flight = false;
    // Its place in the order of submission.
    uint64_t number = 0;
  };

  static void LIBUSB_CALL OnCompleted(libusb_transfer* transfer);
  void Completed(Slot& slot);
  UsbError Submit(Slot& slot);
  void Renew(Slot& slot, double now);
  StreamResult Receive(Slot& slot, double now);
  bool Compact(StreamResult& result);
  void Put(StreamResult result);
  void End(UsbError error);
  void CancelAll();
  bool IsWorthTelling() const;
  // Takes the steps that wait for the last completion. Slots are gone after it.
  void Settle();
  std::optional<StreamResult> TakeLoss();

  const std::shared_ptr<Handle> handle_;
  const StreamPlan plan_;
  const std::function<void()> notify_;
  const std::shared_ptr<BufferPool> pool_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::vector<std::unique_ptr<Slot>> slots_;
  // While something is in flight, the stream keeps itself.
  std::shared_ptr<IsochStream> self_;
  uint32_t in_flight_ = 0;
  uint64_t submitted_ = 0;
  State state_ = State::kRunning;
  bool stopped_ = false;
  bool overflown_ = false;
  UsbError error_;
  EstimatedTimeline timeline_;
  std::deque<StreamResult> ring_;
  double lost_at_head_ = 0;
  double lost_at_tail_ = 0;
  double next_frame_ = 0;
  double timestamp_ = 0;
};

}  // namespace rx_isoch
