#include "js_error.h"

#include <exception>

namespace rx_isoch {

namespace {

class Work : public Napi::AsyncWorker {
 public:
  Work(Napi::Env env, std::function<UsbError()> work, std::function<Napi::Value(Napi::Env)> finish,
       std::function<void()> failed)
      : Napi::AsyncWorker(env, "rx-isoch"),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        finish_(std::move(finish)),
        failed_(std::move(failed)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    try {
      error_ = work_();
    } catch (const std::exception&) {
      // No memory, or no thread.
      error_ = {LIBUSB_ERROR_NO_MEM, 0};
    }
  }

  void OnOK() override {
    try {
      if (error_) {
        failed_();
        deferred_.Reject(ToJs(Env(), error_).Value());
      } else {
        deferred_.Resolve(finish_(Env()));
      }
    } catch (const Napi::Error&) {
      // The environment is ending and takes no more calls: nobody waits for the promise. An exception that
      // left here would end the process.
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::function<UsbError()> work_;
  std::function<Napi::Value(Napi::Env)> finish_;
  std::function<void()> failed_;
  UsbError error_;
};

}  // namespace

Napi::Error ToJs(Napi::Env env, UsbError error) {
  Napi::Error result = Napi::Error::New(env, libusb_error_name(error.libusb));
  result.Set("libusb", Napi::Number::New(env, error.libusb));
  result.Set("errno", Napi::Number::New(env, error.system));
  return result;
}

Napi::Promise RunBlocking(Napi::Env env, std::function<UsbError()> work,
                          std::function<Napi::Value(Napi::Env)> finish, std::function<void()> failed) {
  auto* running = new Work(env, std::move(work), std::move(finish), std::move(failed));
  const Napi::Promise promise = running->promise();
  running->Queue();
  return promise;
}

}  // namespace rx_isoch
