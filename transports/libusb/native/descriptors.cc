#include "descriptors.h"

namespace rx_isoch {

namespace {

class Writer {
 public:
  Writer& Byte(uint8_t value) {
    bytes_.push_back(value);
    return *this;
  }
  Writer& Word(uint16_t value) { return Byte(static_cast<uint8_t>(value)).Byte(static_cast<uint8_t>(value >> 8)); }
  Writer& Bytes(const unsigned char* bytes, int length) {
    bytes_.insert(bytes_.end(), bytes, bytes + length);
    return *this;
  }
  std::vector<uint8_t> Done() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

// Audio class 1.0 endpoints have two more bytes (USB Audio 1.0, 4.6.1.1).
constexpr uint8_t kAudioEndpointLength = 9;

}  // namespace

std::vector<uint8_t> DeviceDescriptorBytes(const libusb_device_descriptor& d) {
  return Writer()
      .Byte(d.bLength)
      .Byte(d.bDescriptorType)
      .Word(d.bcdUSB)
      .Byte(d.bDeviceClass)
      .Byte(d.bDeviceSubClass)
      .Byte(d.bDeviceProtocol)
      .Byte(d.bMaxPacketSize0)
      .Word(d.idVendor)
      .Word(d.idProduct)
      .Word(d.bcdDevice)
      .Byte(d.iManufacturer)
      .Byte(d.iProduct)
      .Byte(d.iSerialNumber)
      .Byte(d.bNumConfigurations)
      .Done();
}

std::vector<uint8_t> ConfigurationBytes(const libusb_config_descriptor& c) {
  Writer writer;
  writer.Byte(c.bLength)
      .Byte(c.bDescriptorType)
      .Word(c.wTotalLength)
      .Byte(c.bNumInterfaces)
      .Byte(c.bConfigurationValue)
      .Byte(c.iConfiguration)
      .Byte(c.bmAttributes)
      .Byte(c.MaxPower)
      .Bytes(c.extra, c.extra_length);
  for (int i = 0; i < c.bNumInterfaces; i++) {
    const libusb_interface& interface = c.interface[i];
    for (int a = 0; a < interface.num_altsetting; a++) {
      const libusb_interface_descriptor& alternate = interface.altsetting[a];
      writer.Byte(alternate.bLength)
          .Byte(alternate.bDescriptorType)
          .Byte(alternate.bInterfaceNumber)
          .Byte(alternate.bAlternateSetting)
          .Byte(alternate.bNumEndpoints)
          .Byte(alternate.bInterfaceClass)
          .Byte(alternate.bInterfaceSubClass)
          .Byte(alternate.bInterfaceProtocol)
          .Byte(alternate.iInterface)
          .Bytes(alternate.extra, alternate.extra_length);
      for (int e = 0; e < alternate.bNumEndpoints; e++) {
        const libusb_endpoint_descriptor& endpoint = alternate.endpoint[e];
        writer.Byte(endpoint.bLength)
            .Byte(endpoint.bDescriptorType)
            .Byte(endpoint.bEndpointAddress)
            .Byte(endpoint.bmAttributes)
            .Word(endpoint.wMaxPacketSize)
            .Byte(endpoint.bInterval);
        if (endpoint.bLength >= kAudioEndpointLength) writer.Byte(endpoint.bRefresh).Byte(endpoint.bSynchAddress);
        writer.Bytes(endpoint.extra, endpoint.extra_length);
      }
    }
  }
  return writer.Done();
}

}  // namespace rx_isoch
