#pragma once

#include <libusb.h>

#include <cerrno>

namespace rx_isoch {

// What libusb returned and, where libusb folds several causes into one code, the errno behind it.
struct UsbError {
  int libusb = LIBUSB_SUCCESS;
  int system = 0;

  explicit operator bool() const { return libusb != LIBUSB_SUCCESS; }
};

// Calls libusb. Its logging is off, so that errno is what the system call left.
template <class Call>
UsbError Try(Call call) {
  errno = 0;
  const int result = call();
  if (result >= 0) return {};
  return {result, errno};
}

}  // namespace rx_isoch
