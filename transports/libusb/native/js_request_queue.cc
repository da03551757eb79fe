#include "js_classes.h"
#include "js_error.h"

namespace rx_isoch {

Napi::Function JsRequestQueue::Define(Napi::Env env) {
  return DefineClass(env, "RequestQueue",
                     {
                         InstanceMethod<&JsRequestQueue::Submit>("submit"),
                         InstanceMethod<&JsRequestQueue::Cancel>("cancel"),
                         InstanceMethod<&JsRequestQueue::Shut>("shut"),
                         InstanceMethod<&JsRequestQueue::Reap>("reap"),
                         InstanceMethod<&JsRequestQueue::Wait>("wait"),
                     });
}

Napi::Object JsRequestQueue::Create(Napi::Env env, std::shared_ptr<RequestQueue> queue) {
  Napi::Object result = env.GetInstanceData<Classes>()->request_queue.New({});
  Unwrap(result)->queue_ = std::move(queue);
  return result;
}

JsRequestQueue::JsRequestQueue(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JsRequestQueue>(info) {}

JsRequestQueue::~JsRequestQueue() {
  if (queue_ == nullptr || queue_->WaitUntilIdle(std::chrono::milliseconds{0})) return;
  // A handle that could not be closed: the system may still write to the buffers, so they stay.
  for (auto& [id, buffer] : buffers_) buffer.SuppressDestruct();
}

// (lengths, buffer): the request's id
Napi::Value JsRequestQueue::Submit(const Napi::CallbackInfo& info) {
  auto lengths = info[0].As<Napi::Uint32Array>();
  auto buffer = info[1].As<Napi::Uint8Array>();
  auto request = std::make_unique<Request>();
  request->id = next_id_++;
  request->buffer = buffer.Data();
  request->lengths.assign(lengths.Data(), lengths.Data() + lengths.ElementLength());
  size_t total = 0;
  for (const uint32_t length : request->lengths) total += length;
  if (total > buffer.ByteLength()) throw ToJs(info.Env(), {LIBUSB_ERROR_INVALID_PARAM, 0});
  const uint32_t id = request->id;
  const UsbError error = queue_->Submit(std::move(request));
  if (error) throw ToJs(info.Env(), error);
  buffers_[id] = Napi::Persistent(buffer);
  return Napi::Number::New(info.Env(), id);
}

// (id)
void JsRequestQueue::Cancel(const Napi::CallbackInfo& info) {
  queue_->Cancel(info[0].As<Napi::Number>().Uint32Value());
}

// (actual, statuses): { timestamp, cancelled, libusb, errno } of the oldest request, if it is done
Napi::Value JsRequestQueue::Reap(const Napi::CallbackInfo& info) {
  const std::unique_ptr<Request> request = queue_->Reap();
  if (request == nullptr) return info.Env().Undefined();
  buffers_.erase(request->id);
  auto actual = info[0].As<Napi::Uint32Array>();
  auto statuses = info[1].As<Napi::Uint8Array>();
  std::copy_n(request->actual.begin(), std::min(request->actual.size(), actual.ElementLength()), actual.Data());
  std::copy_n(request->statuses.begin(), std::min(request->statuses.size(), statuses.ElementLength()),
              statuses.Data());
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("timestamp", Napi::Number::New(info.Env(), request->timestamp));
  result.Set("cancelled", Napi::Boolean::New(info.Env(), request->was_cancelled));
  result.Set("libusb", Napi::Number::New(info.Env(), request->error.libusb));
  result.Set("errno", Napi::Number::New(info.Env(), request->error.system));
  return result;
}

void JsRequestQueue::Shut(const Napi::CallbackInfo&) { queue_->Shut(); }

// (milliseconds): whether the oldest request is done
Napi::Value JsRequestQueue::Wait(const Napi::CallbackInfo& info) {
  const std::chrono::milliseconds limit{info[0].As<Napi::Number>().Uint32Value()};
  return Napi::Boolean::New(info.Env(), queue_->Wait(limit));
}

}  // namespace rx_isoch
