#include "context.h"

#include <algorithm>
#include <chrono>

#include "handle.h"
#include "thread.h"

namespace rx_isoch {

std::shared_ptr<Context> Context::Create(UsbError& error) {
  libusb_context* raw = nullptr;
  error = Try([&] { return libusb_init_context(&raw, nullptr, 0); });
  if (error) return nullptr;
  try {
    return std::shared_ptr<Context>(new Context(raw));
  } catch (...) {
    // No memory, or no thread.
    libusb_exit(raw);
    throw;
  }
}

Context::Context(libusb_context* context) : context_(context) {
  if (libusb_has_capability(LIBUSB_CAP_HAS_HOTPLUG)) {
    const int events = LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT;
    has_hotplug_ = libusb_hotplug_register_callback(context_, events, 0, LIBUSB_HOTPLUG_MATCH_ANY,
                                                    LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY, &OnHotplug,
                                                    this, &hotplug_) == LIBUSB_SUCCESS;
  }
  canceller_.emplace();
  // Last: a thread that runs cannot be left behind by an exception.
  thread_ = StartThread("rx-isoch events", [this] { HandleEvents(); });
}

Context::~Context() { Close(); }

void Context::HandleEvents() {
  while (ending_ == 0) {
    timeval timeout{60, 0};
    const int result = libusb_handle_events_timeout_completed(context_, &timeout, nullptr);
    if (result != LIBUSB_SUCCESS && result != LIBUSB_ERROR_INTERRUPTED) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
}

int LIBUSB_CALL Context::OnHotplug(libusb_context*, libusb_device* device, libusb_hotplug_event event, void* data) {
  auto* self = static_cast<Context*>(data);
  std::lock_guard<std::mutex> lock(self->observers_mutex_);
  for (auto* observer : self->observers_) {
    observer->Changed(device, event == LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED);
  }
  return 0;
}

void Context::Observe(HotplugObserver* observer) {
  std::lock_guard<std::mutex> lock(observers_mutex_);
  observers_.push_back(observer);
}

void Context::Unobserve(HotplugObserver* observer) {
  std::lock_guard<std::mutex> lock(observers_mutex_);
  observers_.erase(std::remove(observers_.begin(), observers_.end(), observer), observers_.end());
}

libusb_device* Context::Find(uint8_t bus, uint8_t address) const {
  libusb_device** list = nullptr;
  const ssize_t count = libusb_get_device_list(context_, &list);
  if (count < 0) return nullptr;
  libusb_device* found = nullptr;
  for (ssize_t i = 0; i < count && found == nullptr; i++) {
    if (libusb_get_bus_number(list[i]) == bus && libusb_get_device_address(list[i]) == address) {
      found = libusb_ref_device(list[i]);
    }
  }
  libusb_free_device_list(list, 1);
  return found;
}

void Context::Register(const std::shared_ptr<Handle>& handle) {
  std::lock_guard<std::mutex> lock(handles_mutex_);
  handles_.erase(std::remove_if(handles_.begin(), handles_.end(), [](const auto& each) { return each.expired(); }),
                 handles_.end());
  handles_.push_back(handle);
}

void Context::Close() {
  std::unique_lock<std::shared_mutex> lock(use_mutex_);
  if (closed_) return;
  closed_ = true;
  std::vector<std::weak_ptr<Handle>> handles;
  {
    std::lock_guard<std::mutex> lock(handles_mutex_);
    handles.swap(handles_);
  }
  bool is_quiet = true;
  for (const auto& each : handles) {
    if (const auto handle = each.lock()) is_quiet = handle->Close() && is_quiet;
  }
  if (!is_quiet) {
    // The system does not give transfers back: libusb must not be taken away from under them. What has
    // handles has the context, so that somebody has it still. Their memory may go with the thread of
    // JavaScript: as nobody reaps the transfers any more, nothing is written to it.
    stuck_ = shared_from_this();
    ending_ = 1;
    libusb_interrupt_event_handler(context_);
    thread_.detach();
    return;
  }
  canceller_.reset();
  if (has_hotplug_) libusb_hotplug_deregister_callback(context_, hotplug_);
  ending_ = 1;
  libusb_interrupt_event_handler(context_);
  thread_.join();
  libusb_exit(context_);
  counted_.reset();
}

}  // namespace rx_isoch
