#pragma once

#include <libusb.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "canceller.h"
#include "counters.h"
#include "usb_error.h"

namespace rx_isoch {

class Handle;

// Hears of devices that come and go, on the event thread.
class HotplugObserver {
 public:
  virtual ~HotplugObserver() = default;
  virtual void Changed(libusb_device* device, bool arrived) = 0;
};

// A libusb context with the thread that handles its events.
class Context : public std::enable_shared_from_this<Context> {
 public:
  // Sets `error` and returns nothing if libusb cannot be initialised.
  static std::shared_ptr<Context> Create(UsbError& error);
  ~Context();

  libusb_context* get() const { return context_; }

  // An observer is called until `Unobserve` returns, and not after.
  void Observe(HotplugObserver* observer);
  void Unobserve(HotplugObserver* observer);

  // The device at an address, with a reference that is the caller's; null if there is none.
  libusb_device* Find(uint8_t bus, uint8_t address) const;

  void Cancel(std::shared_ptr<Transfer> transfer) { canceller_->Cancel(std::move(transfer)); }

  void Register(const std::shared_ptr<Handle>& handle);
  // Does what needs the context, unless that is closing, which waits for it.
  template <class Work>
  UsbError Use(Work work) {
    std::shared_lock<std::shared_mutex> lock(use_mutex_);
    if (closed_) return {LIBUSB_ERROR_INTERRUPTED, 0};
    return work();
  }
  // Closes every handle, then ends the thread and the context. Idempotent. Not from the event thread.
  void Close();

 private:
  explicit Context(libusb_context* context);
  void HandleEvents();
  static int LIBUSB_CALL OnHotplug(libusb_context*, libusb_device*, libusb_hotplug_event, void* self);

  libusb_context* context_;
  std::atomic<int> ending_{0};
  std::thread thread_;
  std::optional<Canceller> canceller_;
  libusb_hotplug_callback_handle hotplug_ = 0;
  bool has_hotplug_ = false;
  std::shared_mutex use_mutex_;
  // Guarded by `use_mutex_`.
  bool closed_ = false;
  std::mutex observers_mutex_;
  std::vector<HotplugObserver*> observers_;
  std::mutex handles_mutex_;
  std::vector<std::weak_ptr<Handle>> handles_;
  // Set if it cannot be closed: its thread and its handles need it as long as the process lives.
  std::shared_ptr<Context> stuck_;
  // While it is open.
  std::optional<Counted> counted_{std::in_place, counters().contexts};
};

}  // namespace rx_isoch
