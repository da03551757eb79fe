#pragma once

#include <libusb.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "activity.h"
#include "context.h"
#include "counters.h"
#include "usb_error.h"

namespace rx_isoch {

// An open device. The calls that talk to the device block, and must not be made on the event thread;
// whoever makes them sees to it that no two run at a time.
class Handle : public HotplugObserver, public std::enable_shared_from_this<Handle> {
 public:
  static std::shared_ptr<Handle> Open(const std::shared_ptr<Context>& context, uint8_t bus, uint8_t address,
                                      std::function<void()> notify, UsbError& error);
  ~Handle() override;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  libusb_device_handle* get() const { return handle_; }
  // Cancels a transfer. Returns at once.
  void Cancel(std::shared_ptr<Transfer> transfer) { context_->Cancel(std::move(transfer)); }

  UsbError Claim(int interface_number, bool detach_kernel_driver);
  UsbError Release(int interface_number);
  UsbError SelectAlternate(int interface_number, int alternate);
  UsbError ClearHalt(uint8_t endpoint);
  // Cancels what is in flight, and waits for it, before it resets the port.
  UsbError Reset();
  // IN: `data` is as long as what is asked for, and is cut to what came.
  UsbError Control(uint8_t request_type, uint8_t request, uint16_t value, uint16_t index, std::vector<uint8_t>& data,
                   unsigned timeout);
  UsbError Configuration(int& value) const;

  // Cancels what is in flight, waits for it, gives the interfaces back, and closes. Idempotent, and from
  // any thread. False if the system does not give the transfers back: then everything is left as it is.
  bool Close();
  // Does what is quick, unless the handle is closing, which waits for it.
  template <class Work>
  UsbError Use(Work work) {
    std::lock_guard<std::mutex> lock(activities_mutex_);
    if (closing_) return {LIBUSB_ERROR_INTERRUPTED, 0};
    return work();
  }

  // An error means that the handle is closing: the activity must not begin.
  UsbError Register(const std::shared_ptr<Activity>& activity);

  // The device was unplugged.
  bool is_gone() const { return gone_; }

  void Changed(libusb_device* device, bool arrived) override;

 private:
  Handle(std::shared_ptr<Context> context, libusb_device_handle* handle, std::function<void()> notify);
  bool Quiet(std::chrono::milliseconds limit);
  UsbError GiveBack(int interface_number);
  void RestoreDriver(int interface_number);

  const std::shared_ptr<Context> context_;
  libusb_device_handle* const handle_;
  libusb_device* const device_;
  // Called on any thread when the device is unplugged.
  const std::function<void()> notify_;
  std::atomic<bool> gone_{false};
  std::atomic<bool> closing_{false};
  std::mutex close_mutex_;
  // Guarded by `close_mutex_`.
  bool closed_ = false;
  std::set<int> claimed_;
  // Of those, the interfaces that a driver of the kernel had.
  std::set<int> detached_;
  std::mutex activities_mutex_;
  std::vector<std::weak_ptr<Activity>> activities_;
  // While it is open.
  std::optional<Counted> counted_{std::in_place, counters().handles};
};

// Memory that the host controller reads and writes directly, where the system has it.
class DmaMemory {
 public:
  static std::unique_ptr<DmaMemory> Allocate(const std::shared_ptr<Handle>& handle, size_t size, UsbError& error);
  ~DmaMemory();

  uint8_t* bytes() const { return bytes_; }
  size_t size() const { return size_; }

  // Gives it back to the system now. Idempotent.
  void Free();

 private:
  DmaMemory(std::shared_ptr<Handle> handle, uint8_t* bytes, size_t size);

  const std::shared_ptr<Handle> handle_;
  uint8_t* const bytes_;
  const size_t size_;
  // Until it is given back.
  std::optional<Counted> counted_{std::in_place, counters().dma_buffers};
};

}  // namespace rx_isoch
