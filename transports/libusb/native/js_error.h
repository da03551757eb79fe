#pragma once

#include <napi.h>

#include <functional>

#include "usb_error.h"

namespace rx_isoch {

// An Error of JavaScript with the properties `libusb` and `errno`; src: transports/libusb/errors.ts.
Napi::Error ToJs(Napi::Env env, UsbError error);

// Does blocking work on a thread of the pool; the promise is resolved with what `finish` makes of it,
// or rejected after `failed` was called.
Napi::Promise RunBlocking(
    Napi::Env env, std::function<UsbError()> work,
    std::function<Napi::Value(Napi::Env)> finish = [](Napi::Env env) { return env.Undefined(); },
    std::function<void()> failed = [] {});

}  // namespace rx_isoch
