#include "js_classes.h"
#include "js_error.h"

namespace rx_isoch {

namespace {

// The bytes as an ArrayBuffer: the same memory, or a copy where the engine allows no memory of others.
Napi::ArrayBuffer ToArrayBuffer(Napi::Env env, std::unique_ptr<Buffer> data, size_t length) {
  if (data == nullptr || length == 0) return Napi::ArrayBuffer::New(env, 0);
  napi_value value;
  const napi_status status = napi_create_external_arraybuffer(
      env, data->bytes(), length, [](napi_env, void*, void* hint) { delete static_cast<Buffer*>(hint); }, data.get(),
      &value);
  if (status == napi_ok) {
    data.release();
    return Napi::ArrayBuffer(env, value);
  }
  Napi::ArrayBuffer copy = Napi::ArrayBuffer::New(env, length);
  std::copy_n(data->bytes(), length, static_cast<uint8_t*>(copy.Data()));
  return copy;
}

}  // namespace

Napi::Function JsStream::Define(Napi::Env env) {
  return DefineClass(env, "Stream",
                     {
                         InstanceMethod<&JsStream::Take>("take"),
                         InstanceMethod<&JsStream::Stop>("stop"),
                         InstanceMethod<&JsStream::Shut>("shut"),
                         InstanceAccessor<&JsStream::Ended>("ended"),
                         InstanceAccessor<&JsStream::Drained>("drained"),
                     });
}

Napi::Object JsStream::Create(Napi::Env env, std::shared_ptr<IsochStream> stream) {
  Napi::Object result = env.GetInstanceData<Classes>()->stream.New({});
  Unwrap(result)->stream_ = std::move(stream);
  return result;
}

JsStream::JsStream(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JsStream>(info) {}

Napi::Value JsStream::Take(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::optional<StreamResult> taken = stream_->Take();
  if (!taken) return env.Undefined();
  Napi::Object result = Napi::Object::New(env);
  Napi::Uint32Array actual = Napi::Uint32Array::New(env, taken->actual.size());
  std::copy(taken->actual.begin(), taken->actual.end(), actual.Data());
  result.Set("actual", actual);
  if (!taken->statuses.empty()) {
    Napi::Uint8Array statuses = Napi::Uint8Array::New(env, taken->statuses.size());
    std::copy(taken->statuses.begin(), taken->statuses.end(), statuses.Data());
    result.Set("statuses", statuses);
  }
  result.Set("data", ToArrayBuffer(env, std::move(taken->data), taken->bytes));
  result.Set("firstFrame", Napi::Number::New(env, taken->first_frame));
  result.Set("lost", Napi::Number::New(env, taken->lost));
  result.Set("timestamp", Napi::Number::New(env, taken->timestamp));
  result.Set("cancelled", Napi::Boolean::New(env, taken->was_cancelled));
  result.Set("gone", Napi::Boolean::New(env, taken->is_gone));
  return result;
}

// { libusb, errno, overflown } once nothing more will come
Napi::Value JsStream::Ended(const Napi::CallbackInfo& info) {
  UsbError error;
  bool overflown = false;
  if (!stream_->HasEnded(error, overflown)) return info.Env().Undefined();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("libusb", Napi::Number::New(info.Env(), error.libusb));
  result.Set("errno", Napi::Number::New(info.Env(), error.system));
  result.Set("overflown", Napi::Boolean::New(info.Env(), overflown));
  return result;
}

Napi::Value JsStream::Drained(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), stream_->IsDrained());
}

void JsStream::Stop(const Napi::CallbackInfo&) { stream_->Stop(); }

void JsStream::Shut(const Napi::CallbackInfo&) { stream_->Shut(); }

}  // namespace rx_isoch
