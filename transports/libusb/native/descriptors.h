#pragma once

#include <libusb.h>

#include <cstdint>
#include <vector>

namespace rx_isoch {

// The bytes of descriptors as the device sent them (USB 2.0, 9.6), which libusb keeps in pieces.
std::vector<uint8_t> DeviceDescriptorBytes(const libusb_device_descriptor& descriptor);
std::vector<uint8_t> ConfigurationBytes(const libusb_config_descriptor& configuration);

}  // namespace rx_isoch
