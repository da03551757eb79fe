#pragma once

#include <libusb.h>

#include <cstring>
#include <memory>

#include "counters.h"
#include "usb_error.h"

namespace rx_isoch {

// The status of a frame that had no turn on the bus, beside those of libusb_transfer_status.
constexpr uint8_t kNotServed = 7;

// A libusb transfer for isochronous packets.
class Transfer {
 public:
  // Null if there is no memory.
  static std::shared_ptr<Transfer> Create(uint32_t packets) {
    libusb_transfer* raw = libusb_alloc_transfer(static_cast<int>(packets));
    return raw == nullptr ? nullptr : std::shared_ptr<Transfer>(new Transfer(raw));
  }
  ~Transfer() { libusb_free_transfer(raw_); }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  libusb_transfer* operator->() const { return raw_; }
  libusb_transfer* get() const { return raw_; }
  libusb_iso_packet_descriptor& packet(uint32_t index) const { return raw_->iso_packet_desc[index]; }

  // Submits it. Until it completes, every packet reads as one that had no turn: libusb leaves out
  // those that it does not get to.
  UsbError Submit() {
    for (int i = 0; i < raw_->num_iso_packets; i++) {
      raw_->iso_packet_desc[i].actual_length = 0;
      raw_->iso_packet_desc[i].status = static_cast<libusb_transfer_status>(kNotServed);
    }
    const UsbError error = Try([this] { return libusb_submit_transfer(raw_); });
    if (!error) counters().in_flight++;
    return error;
  }

  // To be called first thing in the callback.
  void Completed() { counters().in_flight--; }

  // Does nothing to one that is not in flight. Waits until the system has taken the transfer back, so it
  // is called by the Canceller only.
  void Cancel() { libusb_cancel_transfer(raw_); }

  // The system takes packets by the 128. Where it has taken some of a transfer and refuses the next, libusb
  // reports a success, takes the first ones back, and completes the transfer as an error.
  bool was_refused() const {
    return raw_->status == LIBUSB_TRANSFER_ERROR &&
           raw_->iso_packet_desc[raw_->num_iso_packets - 1].status == static_cast<int>(kNotServed);
  }

  bool was_cut_short() const {
    return raw_->status == LIBUSB_TRANSFER_CANCELLED || raw_->status == LIBUSB_TRANSFER_NO_DEVICE || was_refused();
  }

 private:
  explicit Transfer(libusb_transfer* raw) : raw_(raw) {}

  libusb_transfer* const raw_;
  Counted counted_{counters().transfers};
};

// Marks the frames at the end of a transfer that was cut short before their turn on the bus. The
// system reports those as errors without bytes. Returns how many are left.
inline uint32_t MarkNotServed(const uint32_t* actual, uint8_t* statuses, uint32_t frames) {
  uint32_t served = frames;
  while (served > 0 && actual[served - 1] == 0) {
    uint8_t& status = statuses[served - 1];
    if (status != LIBUSB_TRANSFER_ERROR && status != LIBUSB_TRANSFER_NO_DEVICE && status != kNotServed) break;
    status = kNotServed;
    served--;
  }
  return served;
}

}  // namespace rx_isoch
