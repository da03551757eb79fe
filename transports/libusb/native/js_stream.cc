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

// (actual: Uint32Array, statuses: Uint8Array, header: Float64Array): ArrayBuffer | undefined
Napi::Value JsStream::Take(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::optional<StreamResult> taken = stream_->Take();
  if (!taken) return env.Undefined();
  std::copy(taken->actual.begin(), taken->actual.end(), info[0].As<Napi::Uint32Array>().Data());
  std::copy(taken->statuses.begin(), taken->statuses.end(), info[1].As<Napi::Uint8Array>().Data());
  const double header[] = {
      static_cast<double>(taken->actual.size()),
      taken->first_frame,
      taken->lost,
      taken->timestamp,
      taken->was_cancelled ? 1.0 : 0.0,
      taken->is_gone ? 1.0 : 0.0,
      taken->statuses.empty() ? 0.0 : 1.0,
      taken->has_more ? 1.0 : 0.0,
  };
  std::copy(std::begin(header), std::end(header), info[2].As<Napi::Float64Array>().Data());
  return ToArrayBuffer(env, std::move(taken->data), taken->bytes);
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
