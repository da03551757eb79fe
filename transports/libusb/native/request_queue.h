#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "activity.h"
#include "handle.h"
#include "transfer.h"

namespace rx_isoch {

// How much of the requests is in flight at a time; the rest waits its turn here, where a program that
// is held up does not delay it.
struct Window {
  size_t bytes;
  uint32_t frames;
};

// One isochronous request of any number of frames.
struct Request {
  uint32_t id;
  // Stays valid until the request is taken off the queue.
  uint8_t* buffer;
  std::vector<uint32_t> lengths;
  std::vector<uint32_t> actual;
  // Of libusb_transfer_status, or kNotServed.
  std::vector<uint8_t> statuses;
  double timestamp = 0;
  bool was_cancelled = false;
  // Set if the endpoint cannot go on.
  UsbError error;

  // Frames that were submitted, and the bytes of the buffer that are theirs.
  uint32_t submitted_frames = 0;
  size_t submitted_bytes = 0;
  uint32_t pieces_in_flight = 0;
  bool is_done = false;
};

// The requests on an endpoint, IN or OUT, in order. A request goes to the system in pieces of a size
// that it has memory for.
class RequestQueue : public Activity, public std::enable_shared_from_this<RequestQueue> {
 public:
  // `notify` is called on any thread when a request at the front is done, and must not call back.
  RequestQueue(std::shared_ptr<Handle> handle, uint8_t endpoint, Window window, std::function<void()> notify);
  ~RequestQueue() override;

  // An error means that nothing was queued.
  UsbError Submit(std::unique_ptr<Request> request);
  void Cancel(uint32_t id);
  // Takes the oldest request off the queue if it is done.
  std::unique_ptr<Request> Reap();
  // Waits until the oldest request is done. False if that takes longer than `limit`.
  bool Wait(std::chrono::milliseconds limit);

  void Shut() override;
  bool WaitUntilIdle(std::chrono::milliseconds limit) override;

 private:
  struct Piece {
    RequestQueue* queue;
    Request* request;
    uint32_t first;
    uint32_t frames;
    size_t bytes;
    std::shared_ptr<Transfer> transfer;
  };

  static void LIBUSB_CALL OnCompleted(libusb_transfer* transfer);
  void Completed(Piece* piece);
  // Submits as much as fits in the window.
  void Fill();
  UsbError SubmitPiece(Request& request);
  void Cut(Request& request);
  void Fail(UsbError error);
  void Settle(Request& request);
  Request* NextToSubmit();

  const std::shared_ptr<Handle> handle_;
  const uint8_t endpoint_;
  const Window window_;
  const std::function<void()> notify_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<RequestQueue> self_;
  std::deque<std::unique_ptr<Request>> requests_;
  std::vector<std::unique_ptr<Piece>> pieces_;
  size_t bytes_in_flight_ = 0;
  uint32_t frames_in_flight_ = 0;
  // Why nothing more can be submitted.
  UsbError failure_;
  bool is_shut_ = false;
};

}  // namespace rx_isoch
