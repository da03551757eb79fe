#include "isoch_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "clock.h"

namespace rx_isoch {

IsochStream::IsochStream(std::shared_ptr<Handle> handle, const StreamPlan& plan, std::function<void()> notify)
    : handle_(std::move(handle)),
      plan_(plan),
      notify_(std::move(notify)),
      pool_(std::make_shared<BufferPool>(static_cast<size_t>(plan.frames) * plan.frame_length, plan.queue + plan.ring)),
      timeline_(plan.frame_duration) {}

IsochStream::~IsochStream() = default;

UsbError IsochStream::Start() {
  std::lock_guard<std::mutex> lock(mutex_);
  // Shut already: the handle is closing.
  if (state_ != State::kRunning) return {LIBUSB_ERROR_INTERRUPTED, 0};
  for (uint32_t i = 0; i < plan_.queue; i++) {
    auto slot = std::make_unique<Slot>();
    slot->stream = this;
    slot->transfer = Transfer::Create(plan_.frames);
    if (slot->transfer == nullptr) return {LIBUSB_ERROR_NO_MEM, 0};
    libusb_fill_iso_transfer(slot->transfer->get(), handle_->get(), plan_.endpoint, nullptr,
                             static_cast<int>(plan_.frames * plan_.frame_length), static_cast<int>(plan_.frames),
                             &OnCompleted, slot.get(), 0);
    libusb_set_iso_packet_lengths(slot->transfer->get(), plan_.frame_length);
    slots_.push_back(std::move(slot));
  }
  self_ = shared_from_this();
  for (auto& slot : slots_) {
    const UsbError error = Submit(*slot);
    if (!error) continue;
    if (in_flight_ == 0) {
      self_.reset();
      return error;
    }
    End(error);
    break;
  }
  return {};
}

UsbError IsochStream::Submit(Slot& slot) {
  if (slot.buffer == nullptr) slot.buffer = pool_->Take();
  if (slot.buffer == nullptr) return {LIBUSB_ERROR_NO_MEM, 0};
  (*slot.transfer)->buffer = slot.buffer->bytes();
  const double at = Now();
  const UsbError error = slot.transfer->Submit();
  if (error) return error;
  timeline_.Submitted(at, plan_.frames);
  slot.is_in_flight = true;
  slot.number = submitted_++;
  in_flight_++;
  return {};
}

void LIBUSB_CALL IsochStream::OnCompleted(libusb_transfer* transfer) {
  auto* slot = static_cast<Slot*>(transfer->user_data);
  slot->stream->Completed(*slot);
}

void IsochStream::Completed(Slot& slot) {
  const double now = Now();
  std::shared_ptr<IsochStream> last;
  bool is_worth_telling = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    slot.transfer->Completed();
    slot.is_in_flight = false;
    in_flight_--;
    if (!stopped_) {
      try {
        Renew(slot, now);
      } catch (const std::bad_alloc&) {
        // libusb is called from C, and lets no exception pass.
        End({LIBUSB_ERROR_NO_MEM, 0});
      }
    }
    Settle();
    is_worth_telling = IsWorthTelling();
    if (in_flight_ == 0) last = std::move(self_);
    idle_.notify_all();
  }
  if (is_worth_telling) notify_();
}

bool IsochStream::IsWorthTelling() const { return state_ == State::kEnded || ring_.size() >= plan_.batch; }

void IsochStream::Renew(Slot& slot, double now) {
  const bool was_refused = slot.transfer->was_refused();
  StreamResult result = Receive(slot, now);
  if (result.is_gone) End({LIBUSB_ERROR_NO_DEVICE, 0});
  if (was_refused) End({LIBUSB_ERROR_NO_MEM, ENOMEM});
  // Before anything that takes time: the bus does not wait.
  if (state_ == State::kRunning) {
    const UsbError error = Submit(slot);
    if (error) End(error);
  }
  if (!Compact(result)) End({LIBUSB_ERROR_NO_MEM, 0});
  Put(std::move(result));
}

// Takes the packets out of the slot, in the buffer they are in.
StreamResult IsochStream::Receive(Slot& slot, double now) {
  const Transfer& transfer = *slot.transfer;
  StreamResult result;
  result.timestamp = now;
  result.was_cancelled = transfer->status == LIBUSB_TRANSFER_CANCELLED;
  result.is_gone = transfer->status == LIBUSB_TRANSFER_NO_DEVICE;
  result.actual.resize(plan_.frames);
  int flaws = 0;
  for (uint32_t i = 0; i < plan_.frames; i++) {
    const auto& packet = transfer.packet(i);
    result.actual[i] = packet.actual_length;
    flaws |= packet.status;
  }
  result.served = plan_.frames;
  if (flaws != 0) {
    result.statuses.resize(plan_.frames);
    for (uint32_t i = 0; i < plan_.frames; i++) result.statuses[i] = static_cast<uint8_t>(transfer.packet(i).status);
    if (transfer.was_cut_short()) {
      result.served = MarkNotServed(result.actual.data(), result.statuses.data(), plan_.frames);
    }
  }
  const auto placement = timeline_.Completed(now, plan_.frames, result.served, transfer.was_cut_short());
  result.first_frame = placement.first_frame;
  result.lost = placement.lost;
  result.data = std::move(slot.buffer);
  return result;
}

// Moves the packets together. What fills less than half of its buffer gets one of its own size, for it
// may wait, and be kept, for long. False if there is no memory for that.
bool IsochStream::Compact(StreamResult& result) {
  size_t total = 0;
  for (const uint32_t length : result.actual) total += length;
  result.bytes = static_cast<uint32_t>(total);
  const size_t stride = plan_.frame_length;
  uint8_t* const from = result.data->bytes();
  uint8_t* to = from;
  std::unique_ptr<Buffer> own;
  if (2 * total < result.data->size()) {
    own = BufferPool::Allocate(total);
    if (own == nullptr) {
      std::fill(result.actual.begin(), result.actual.end(), 0);
      result.bytes = 0;
      return false;
    }
    to = own->bytes();
  }
  for (size_t i = 0; i < result.actual.size(); i++) {
    const uint8_t* packet = from + i * stride;
    if (to != packet && result.actual[i] > 0) std::memmove(to, packet, result.actual[i]);
    to += result.actual[i];
  }
  if (own != nullptr) result.data = std::move(own);
  return true;
}

void IsochStream::Put(StreamResult result) {
  if (result.served == 0) return;
  next_frame_ = result.first_frame + result.served;
  timestamp_ = result.timestamp;
  if (ring_.size() >= plan_.ring) {
    if (plan_.overflow != Overflow::kDropOldest) {
      lost_at_tail_ += result.lost + result.served;
      if (plan_.overflow == Overflow::kError && state_ == State::kRunning) {
        overflown_ = true;
        End({});
        CancelAll();
      }
      return;
    }
    lost_at_head_ += ring_.front().lost + ring_.front().served;
    ring_.pop_front();
  }
  result.lost += lost_at_tail_;
  lost_at_tail_ = 0;
  ring_.push_back(std::move(result));
}

std::optional<StreamResult> IsochStream::Take() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (ring_.empty()) return state_ == State::kEnded ? TakeLoss() : std::nullopt;
  StreamResult result = std::move(ring_.front());
  ring_.pop_front();
  result.lost += lost_at_head_;
  lost_at_head_ = 0;
  result.has_more = !ring_.empty() || state_ == State::kEnded;
  return result;
}

// The loss at the very end, as a result without frames.
std::optional<StreamResult> IsochStream::TakeLoss() {
  if (lost_at_tail_ == 0) return std::nullopt;
  StreamResult result;
  result.first_frame = next_frame_;
  result.lost = lost_at_tail_;
  result.timestamp = timestamp_;
  result.has_more = true;
  lost_at_tail_ = 0;
  return result;
}

bool IsochStream::HasEnded(UsbError& error, bool& has_overflown) {
  std::lock_guard<std::mutex> lock(mutex_);
  error = error_;
  has_overflown = overflown_;
  return state_ == State::kEnded && ring_.empty() && lost_at_tail_ == 0;
}

void IsochStream::Stop() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stopped_) return;
  stopped_ = true;
  End({});
  CancelAll();
  ring_.clear();
  lost_at_head_ = lost_at_tail_ = 0;
  Settle();
}

void IsochStream::Shut() {
  std::lock_guard<std::mutex> lock(mutex_);
  End({LIBUSB_ERROR_INTERRUPTED, 0});
  CancelAll();
  Settle();
}

bool IsochStream::IsDrained() {
  std::lock_guard<std::mutex> lock(mutex_);
  return stopped_ && state_ == State::kEnded;
}

bool IsochStream::WaitUntilIdle(std::chrono::milliseconds limit) {
  std::unique_lock<std::mutex> lock(mutex_);
  return idle_.wait_for(lock, limit, [this] { return in_flight_ == 0; });
}

void IsochStream::End(UsbError error) {
  if (state_ != State::kRunning) return;
  state_ = State::kEnding;
  error_ = error;
}

void IsochStream::CancelAll() {
  // The last first: what is taken back must not make room for what is still to be.
  std::vector<const Slot*> in_flight;
  for (const auto& slot : slots_) {
    if (slot->is_in_flight) in_flight.push_back(slot.get());
  }
  std::sort(in_flight.begin(), in_flight.end(), [](const Slot* a, const Slot* b) { return a->number > b->number; });
  for (const Slot* slot : in_flight) handle_->Cancel(slot->transfer);
}

void IsochStream::Settle() {
  if (state_ == State::kEnding && in_flight_ == 0) state_ = State::kEnded;
  if (state_ != State::kEnded) return;
  // Transfers must not outlive the context, a stream that nobody has dropped yet may.
  slots_.clear();
  pool_->Close();
}

}  // namespace rx_isoch
