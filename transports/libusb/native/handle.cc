#include "handle.h"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace rx_isoch {

namespace {

// A cancelled transfer comes back within a frame or two; a device that hangs, with the next bus reset.
constexpr std::chrono::milliseconds kCancelLimit{5000};

}  // namespace

std::shared_ptr<Handle> Handle::Open(const std::shared_ptr<Context>& context, uint8_t bus, uint8_t address,
                                     std::function<void()> notify, UsbError& error) {
  libusb_device* device = context->Find(bus, address);
  if (device == nullptr) {
    error = {LIBUSB_ERROR_NO_DEVICE, 0};
    return nullptr;
  }
  libusb_device_handle* raw = nullptr;
  error = Try([&] { return libusb_open(device, &raw); });
  libusb_unref_device(device);
  if (error) return nullptr;
  std::shared_ptr<Handle> handle(new Handle(context, raw, std::move(notify)));
  context->Observe(handle.get());
  context->Register(handle);
  // It may have gone before anybody observed.
  libusb_device* const now = context->Find(bus, address);
  if (now != handle->device_) handle->gone_ = true;
  if (now != nullptr) libusb_unref_device(now);
  return handle;
}

Handle::Handle(std::shared_ptr<Context> context, libusb_device_handle* handle, std::function<void()> notify)
    : context_(std::move(context)),
      handle_(handle),
      device_(libusb_get_device(handle)),
      notify_(std::move(notify)) {}

// One whose closing has failed is left open: this may be the event thread, which cannot close it.
Handle::~Handle() {
  if (!closing_) Close();
}

void Handle::Changed(libusb_device* device, bool arrived) {
  if (arrived || device != device_) return;
  gone_ = true;
  notify_();
}

UsbError Handle::Claim(int interface_number, bool detach_kernel_driver) {
  // Not every system can detach; where it cannot, claiming says what is the matter.
  libusb_set_auto_detach_kernel_driver(handle_, detach_kernel_driver ? 1 : 0);
  const bool has_driver = libusb_kernel_driver_active(handle_, interface_number) == 1;
  const UsbError error = Try([&] { return libusb_claim_interface(handle_, interface_number); });
  if (error) return error;
  claimed_.insert(interface_number);
  if (has_driver) detached_.insert(interface_number);
  return {};
}

UsbError Handle::Release(int interface_number) {
  claimed_.erase(interface_number);
  return GiveBack(interface_number);
}

UsbError Handle::GiveBack(int interface_number) {
  const UsbError error = Try([&] { return libusb_release_interface(handle_, interface_number); });
  if (detached_.erase(interface_number) > 0 && !error) RestoreDriver(interface_number);
  return error;
}

// Drivers of several interfaces, as those for audio and video are, bind to the first and take the others
// of their function from there: the system offers them one of the others in vain. So the first is offered
// anew: the nearest below that helps, for a device may have several functions of a class.
void Handle::RestoreDriver(int interface_number) {
  const auto is_driven = [&](int number) { return libusb_kernel_driver_active(handle_, number) == 1; };
  if (is_driven(interface_number)) return;
  libusb_config_descriptor* found = nullptr;
  if (libusb_get_active_config_descriptor(device_, &found) != LIBUSB_SUCCESS) return;
  const std::unique_ptr<libusb_config_descriptor, decltype(&libusb_free_config_descriptor)> configuration(
      found, &libusb_free_config_descriptor);
  std::vector<libusb_interface_descriptor> interfaces;
  for (int i = 0; i < found->bNumInterfaces; i++) {
    if (found->interface[i].num_altsetting > 0) interfaces.push_back(found->interface[i].altsetting[0]);
  }
  const auto own = std::find_if(interfaces.begin(), interfaces.end(),
                                [&](const auto& each) { return each.bInterfaceNumber == interface_number; });
  if (own == interfaces.end()) return;
  for (auto other = std::make_reverse_iterator(own); other != interfaces.rend(); ++other) {
    const int number = other->bInterfaceNumber;
    if (other->bInterfaceClass != own->bInterfaceClass) return;
    if (claimed_.count(number) > 0 || !is_driven(number)) continue;
    if (libusb_detach_kernel_driver(handle_, number) != LIBUSB_SUCCESS) continue;
    libusb_attach_kernel_driver(handle_, number);
    if (is_driven(interface_number)) return;
  }
}

UsbError Handle::SelectAlternate(int interface_number, int alternate) {
  return Try([&] { return libusb_set_interface_alt_setting(handle_, interface_number, alternate); });
}

UsbError Handle::ClearHalt(uint8_t endpoint) {
  return Try([&] { return libusb_clear_halt(handle_, endpoint); });
}

UsbError Handle::Reset() {
  if (!Quiet(kCancelLimit)) return {LIBUSB_ERROR_TIMEOUT, 0};
  const UsbError error = Try([&] { return libusb_reset_device(handle_); });
  if (error.libusb != LIBUSB_ERROR_NOT_FOUND) return error;
  // It came back as another device, or not at all.
  gone_ = true;
  return {LIBUSB_ERROR_NO_DEVICE, error.system};
}

UsbError Handle::Control(uint8_t request_type, uint8_t request, uint16_t value, uint16_t index,
                         std::vector<uint8_t>& data, unsigned timeout) {
  int moved = 0;
  const UsbError error = Try([&] {
    return moved = libusb_control_transfer(handle_, request_type, request, value, index, data.data(),
                                           static_cast<uint16_t>(data.size()), timeout);
  });
  if (!error) data.resize(static_cast<size_t>(moved));
  return error;
}

UsbError Handle::Configuration(int& value) const {
  return Try([&] { return libusb_get_configuration(handle_, &value); });
}

UsbError Handle::Register(const std::shared_ptr<Activity>& activity) {
  std::lock_guard<std::mutex> lock(activities_mutex_);
  if (closing_) return {LIBUSB_ERROR_INTERRUPTED, 0};
  activities_.erase(
      std::remove_if(activities_.begin(), activities_.end(), [](const auto& each) { return each.expired(); }),
      activities_.end());
  activities_.push_back(activity);
  return {};
}

bool Handle::Quiet(std::chrono::milliseconds limit) {
  std::vector<std::weak_ptr<Activity>> activities;
  {
    std::lock_guard<std::mutex> lock(activities_mutex_);
    activities = activities_;
  }
  for (const auto& each : activities) {
    if (const auto activity = each.lock()) activity->Shut();
  }
  bool is_quiet = true;
  for (const auto& each : activities) {
    if (const auto activity = each.lock()) is_quiet = activity->WaitUntilIdle(limit) && is_quiet;
  }
  return is_quiet;
}

bool Handle::Close() {
  std::lock_guard<std::mutex> lock(close_mutex_);
  if (closed_) return true;
  bool was_tried = false;
  {
    std::lock_guard<std::mutex> registering(activities_mutex_);
    was_tried = closing_.exchange(true);
  }
  context_->Unobserve(this);
  // Who waited in vain once need not wait again.
  if (!Quiet(was_tried ? std::chrono::milliseconds{0} : kCancelLimit)) return false;
  while (!claimed_.empty()) Release(*claimed_.begin());
  libusb_close(handle_);
  closed_ = true;
  counted_.reset();
  return true;
}

std::unique_ptr<DmaMemory> DmaMemory::Allocate(const std::shared_ptr<Handle>& handle, size_t size, UsbError& error) {
  uint8_t* bytes = nullptr;
  error = handle->Use([&]() -> UsbError {
    errno = 0;
    bytes = libusb_dev_mem_alloc(handle->get(), size);
    return bytes == nullptr ? UsbError{LIBUSB_ERROR_NO_MEM, errno} : UsbError{};
  });
  if (error) return nullptr;
  return std::unique_ptr<DmaMemory>(new DmaMemory(handle, bytes, size));
}

DmaMemory::DmaMemory(std::shared_ptr<Handle> handle, uint8_t* bytes, size_t size)
    : handle_(std::move(handle)), bytes_(bytes), size_(size) {}

// The memory may outlive the handle's closing: on Linux, the one system that has it, it is unmapped
// without the handle.
DmaMemory::~DmaMemory() { Free(); }

void DmaMemory::Free() {
  if (!counted_) return;
  libusb_dev_mem_free(handle_->get(), bytes_, size_);
  counted_.reset();
}

}  // namespace rx_isoch
