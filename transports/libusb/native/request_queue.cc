#include "request_queue.h"

#include <algorithm>
#include <new>
#include <utility>

#include "clock.h"

namespace rx_isoch {

namespace {

// usbfs takes at most this many packets at a time, and needs contiguous memory for their bytes.
constexpr uint32_t kMaxPieceFrames = 128;
#ifdef _WIN32
// WinUSB wants whole milliseconds, which so many frames are: they are not cut for their bytes.
constexpr size_t kMaxPieceBytes = kMaxPieceFrames * 48 * 1024;
#else
constexpr size_t kMaxPieceBytes = 256 * 1024;
#endif

}  // namespace

RequestQueue::RequestQueue(std::shared_ptr<Handle> handle, uint8_t endpoint, Window window,
                           std::function<void()> notify)
    : handle_(std::move(handle)), endpoint_(endpoint), window_(window), notify_(std::move(notify)) {}

RequestQueue::~RequestQueue() = default;

UsbError RequestQueue::Submit(std::unique_ptr<Request> request) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (is_shut_) return {LIBUSB_ERROR_INTERRUPTED, 0};
  if (failure_) return failure_;
  request->actual.assign(request->lengths.size(), 0);
  request->statuses.assign(request->lengths.size(), kNotServed);
  const bool is_next = NextToSubmit() == nullptr;
  requests_.push_back(std::move(request));
  Request& added = *requests_.back();
  Fill();
  if (!is_next || added.submitted_frames > 0 || !added.error) return {};
  // Refused at once: it was never here.
  const UsbError error = added.error;
  requests_.pop_back();
  if (error.libusb != LIBUSB_ERROR_NO_DEVICE) failure_ = {};
  return error;
}

Request* RequestQueue::NextToSubmit() {
  for (const auto& request : requests_) {
    if (!request->is_done && !request->was_cancelled && request->submitted_frames < request->lengths.size()) {
      return request.get();
    }
  }
  return nullptr;
}

void RequestQueue::Fill() {
  while (!is_shut_ && !failure_) {
    Request* request = NextToSubmit();
    if (request == nullptr) return;
    const bool is_full = bytes_in_flight_ >= window_.bytes || frames_in_flight_ >= window_.frames;
    if (is_full && frames_in_flight_ > 0) return;
    UsbError error;
    try {
      error = SubmitPiece(*request);
    } catch (const std::bad_alloc&) {
      // libusb is called from C, and lets no exception pass.
      error = {LIBUSB_ERROR_NO_MEM, 0};
    }
    if (!error) continue;
    // Others use the same memory: when something completes, there is some again.
    const bool is_memory = error.libusb == LIBUSB_ERROR_NO_MEM || error.system == ENOMEM;
    if (is_memory && frames_in_flight_ > 0) return;
    Fail(error);
  }
}

UsbError RequestQueue::SubmitPiece(Request& request) {
  auto piece = std::make_unique<Piece>();
  piece->queue = this;
  piece->request = &request;
  piece->first = request.submitted_frames;
  piece->frames = 0;
  piece->bytes = 0;
  while (piece->frames < kMaxPieceFrames && piece->first + piece->frames < request.lengths.size()) {
    const size_t length = request.lengths[piece->first + piece->frames];
    if (piece->frames > 0 && piece->bytes + length > kMaxPieceBytes) break;
    piece->bytes += length;
    piece->frames++;
  }
  piece->transfer = Transfer::Create(piece->frames);
  if (piece->transfer == nullptr) return {LIBUSB_ERROR_NO_MEM, 0};
  Transfer& transfer = *piece->transfer;
  libusb_fill_iso_transfer(transfer.get(), handle_->get(), endpoint_, request.buffer + request.submitted_bytes,
                           static_cast<int>(piece->bytes), static_cast<int>(piece->frames), &OnCompleted, piece.get(),
                           0);
  for (uint32_t i = 0; i < piece->frames; i++) transfer.packet(i).length = request.lengths[piece->first + i];
  // Nothing may fail once the system has it.
  pieces_.reserve(pieces_.size() + 1);
  const UsbError error = transfer.Submit();
  if (error) return error;
  request.submitted_frames += piece->frames;
  request.submitted_bytes += piece->bytes;
  request.pieces_in_flight++;
  bytes_in_flight_ += piece->bytes;
  frames_in_flight_ += piece->frames;
  pieces_.push_back(std::move(piece));
  if (self_ == nullptr) self_ = shared_from_this();
  return {};
}

void LIBUSB_CALL RequestQueue::OnCompleted(libusb_transfer* transfer) {
  auto* piece = static_cast<Piece*>(transfer->user_data);
  piece->queue->Completed(piece);
}

void RequestQueue::Completed(Piece* piece) {
  const double now = Now();
  std::unique_ptr<Piece> own;
  std::shared_ptr<RequestQueue> last;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = std::find_if(pieces_.begin(), pieces_.end(), [&](const auto& each) { return each.get() == piece; });
    own = std::move(*found);
    pieces_.erase(found);
    Transfer& transfer = *own->transfer;
    transfer.Completed();
    Request& request = *own->request;
    request.timestamp = now;
    request.pieces_in_flight--;
    bytes_in_flight_ -= own->bytes;
    frames_in_flight_ -= own->frames;
    for (uint32_t i = 0; i < own->frames; i++) {
      request.actual[own->first + i] = transfer.packet(i).actual_length;
      request.statuses[own->first + i] = static_cast<uint8_t>(transfer.packet(i).status);
    }
    if (transfer.was_cut_short()) {
      MarkNotServed(&request.actual[own->first], &request.statuses[own->first], own->frames);
    }
    if (transfer->status == LIBUSB_TRANSFER_NO_DEVICE) {
      request.error = {LIBUSB_ERROR_NO_DEVICE, 0};
      Fail(request.error);
    }
    Fill();
    Settle(request);
    if (pieces_.empty()) last = std::move(self_);
    changed_.notify_all();
  }
  notify_();
}

void RequestQueue::Settle(Request& request) {
  if (request.pieces_in_flight > 0 || request.is_done) return;
  const bool is_cut = request.was_cancelled || request.error;
  if (!is_cut && request.submitted_frames < request.lengths.size()) return;
  request.is_done = true;
  if (request.timestamp == 0) request.timestamp = Now();
}

void RequestQueue::Cut(Request& request) {
  // The last first: what is taken back must not make room for what is still to be.
  for (auto piece = pieces_.rbegin(); piece != pieces_.rend(); ++piece) {
    if ((*piece)->request == &request) handle_->Cancel((*piece)->transfer);
  }
  Settle(request);
}

// Nothing more can be submitted: what waits for that is done, what is in flight completes.
void RequestQueue::Fail(UsbError error) {
  if (failure_) return;
  failure_ = error;
  for (const auto& request : requests_) {
    if (request->is_done || request->was_cancelled || request->submitted_frames == request->lengths.size()) continue;
    request->error = error;
    Settle(*request);
  }
}

void RequestQueue::Cancel(uint32_t id) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& request : requests_) {
      if (request->id != id || request->is_done || request->was_cancelled) continue;
      request->was_cancelled = true;
      Cut(*request);
      Fill();
    }
    changed_.notify_all();
  }
  notify_();
}

std::unique_ptr<Request> RequestQueue::Reap() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (requests_.empty() || !requests_.front()->is_done) return nullptr;
  std::unique_ptr<Request> request = std::move(requests_.front());
  requests_.pop_front();
  return request;
}

bool RequestQueue::Wait(std::chrono::milliseconds limit) {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return requests_.empty() || requests_.front()->is_done; });
}

void RequestQueue::Shut() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    is_shut_ = true;
    for (auto request = requests_.rbegin(); request != requests_.rend(); ++request) {
      if ((*request)->is_done || (*request)->was_cancelled) continue;
      (*request)->was_cancelled = true;
      Cut(**request);
    }
    changed_.notify_all();
  }
  notify_();
}

bool RequestQueue::WaitUntilIdle(std::chrono::milliseconds limit) {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return pieces_.empty(); });
}

}  // namespace rx_isoch
