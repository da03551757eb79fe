#include "js_classes.h"
#include "js_error.h"

namespace rx_isoch {

namespace {

uint32_t NumberAt(const Napi::CallbackInfo& info, size_t index) {
  return info[index].As<Napi::Number>().Uint32Value();
}

uint8_t ByteAt(const Napi::CallbackInfo& info, size_t index) { return static_cast<uint8_t>(NumberAt(info, index)); }

uint16_t WordAt(const Napi::CallbackInfo& info, size_t index) { return static_cast<uint16_t>(NumberAt(info, index)); }

// A device that answers nothing: USB 2.0, 9.2.6.1, gives it five seconds at most.
constexpr unsigned kControlTimeout = 5000;

}  // namespace

Napi::Function JsDevice::Define(Napi::Env env) {
  return DefineClass(env, "Device",
                     {
                         InstanceAccessor<&JsDevice::Gone>("gone"),
                         InstanceMethod<&JsDevice::Configuration>("configuration"),
                         InstanceMethod<&JsDevice::Claim>("claim"),
                         InstanceMethod<&JsDevice::Release>("release"),
                         InstanceMethod<&JsDevice::SelectAlternate>("selectAlternate"),
                         InstanceMethod<&JsDevice::ClearHalt>("clearHalt"),
                         InstanceMethod<&JsDevice::Reset>("reset"),
                         InstanceMethod<&JsDevice::ControlIn>("controlIn"),
                         InstanceMethod<&JsDevice::ControlOut>("controlOut"),
                         InstanceMethod<&JsDevice::AllocateDma>("allocateDma"),
                         InstanceMethod<&JsDevice::FreeDma>("freeDma"),
                         InstanceMethod<&JsDevice::OpenQueue>("openQueue"),
                         InstanceMethod<&JsDevice::OpenStream>("openStream"),
                         InstanceMethod<&JsDevice::Close>("close"),
                     });
}

Napi::Object JsDevice::Create(Napi::Env env, std::shared_ptr<Handle> handle, std::shared_ptr<Doorbell> doorbell) {
  Napi::Object result = env.GetInstanceData<Classes>()->device.New({});
  JsDevice* self = Unwrap(result);
  self->handle_ = std::move(handle);
  self->doorbell_ = std::move(doorbell);
  return result;
}

JsDevice::JsDevice(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JsDevice>(info) {}

JsDevice::~JsDevice() {
  if (handle_ != nullptr) handle_->Close();
  if (doorbell_ != nullptr) doorbell_->Close();
}

std::function<void()> JsDevice::Notify() const {
  return [doorbell = doorbell_] { doorbell->Ring(); };
}

Napi::Value JsDevice::Gone(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), handle_->is_gone());
}

Napi::Value JsDevice::Configuration(const Napi::CallbackInfo& info) {
  auto value = std::make_shared<int>(0);
  return RunBlocking(
      info.Env(), [handle = handle_, value] { return handle->Configuration(*value); },
      [value](Napi::Env env) { return Napi::Number::New(env, *value); });
}

// (interface, detachKernelDriver)
Napi::Value JsDevice::Claim(const Napi::CallbackInfo& info) {
  const int interface_number = ByteAt(info, 0);
  const bool detach = info[1].ToBoolean();
  return RunBlocking(info.Env(),
                     [handle = handle_, interface_number, detach] { return handle->Claim(interface_number, detach); });
}

Napi::Value JsDevice::Release(const Napi::CallbackInfo& info) {
  const int interface_number = ByteAt(info, 0);
  return RunBlocking(info.Env(), [handle = handle_, interface_number] { return handle->Release(interface_number); });
}

// (interface, alternate)
Napi::Value JsDevice::SelectAlternate(const Napi::CallbackInfo& info) {
  const int interface_number = ByteAt(info, 0);
  const int alternate = ByteAt(info, 1);
  return RunBlocking(info.Env(), [handle = handle_, interface_number, alternate] {
    return handle->SelectAlternate(interface_number, alternate);
  });
}

Napi::Value JsDevice::ClearHalt(const Napi::CallbackInfo& info) {
  const uint8_t endpoint = ByteAt(info, 0);
  return RunBlocking(info.Env(), [handle = handle_, endpoint] { return handle->ClearHalt(endpoint); });
}

Napi::Value JsDevice::Reset(const Napi::CallbackInfo& info) {
  return RunBlocking(info.Env(), [handle = handle_] { return handle->Reset(); });
}

// (bmRequestType, bRequest, wValue, wIndex, length): Promise<Uint8Array>
Napi::Value JsDevice::ControlIn(const Napi::CallbackInfo& info) {
  auto data = std::make_shared<std::vector<uint8_t>>(WordAt(info, 4));
  return RunBlocking(
      info.Env(),
      [handle = handle_, type = ByteAt(info, 0), request = ByteAt(info, 1), value = WordAt(info, 2),
       index = WordAt(info, 3),
       data] { return handle->Control(type, request, value, index, *data, kControlTimeout); },
      [data](Napi::Env env) {
        Napi::Uint8Array result = Napi::Uint8Array::New(env, data->size());
        std::copy(data->begin(), data->end(), result.Data());
        return result;
      });
}

// (bmRequestType, bRequest, wValue, wIndex, data): Promise<void>
Napi::Value JsDevice::ControlOut(const Napi::CallbackInfo& info) {
  const auto bytes = info[4].As<Napi::Uint8Array>();
  auto data = std::make_shared<std::vector<uint8_t>>(bytes.Data(), bytes.Data() + bytes.ByteLength());
  return RunBlocking(info.Env(), [handle = handle_, type = ByteAt(info, 0), request = ByteAt(info, 1),
                                  value = WordAt(info, 2), index = WordAt(info, 3), data] {
    return handle->Control(type, request, value, index, *data, kControlTimeout);
  });
}

// (size): { buffer: ArrayBuffer, address: number }. The memory goes back to the system when the
// buffer is collected, or detached.
Napi::Value JsDevice::AllocateDma(const Napi::CallbackInfo& info) {
  UsbError error;
  const std::shared_ptr<DmaMemory> memory = DmaMemory::Allocate(handle_, NumberAt(info, 0), error);
  if (error) throw ToJs(info.Env(), error);
  dma_memory_[memory->bytes()] = memory;
  auto owner = std::make_unique<std::shared_ptr<DmaMemory>>(memory);
  Napi::ArrayBuffer buffer;
  try {
    buffer = Napi::ArrayBuffer::New(
        info.Env(), memory->bytes(), memory->size(),
        [](Napi::Env, void*, std::shared_ptr<DmaMemory>* memory) { delete memory; }, owner.get());
  } catch (const Napi::Error&) {
    // An engine, such as Electron's, that takes no memory of others.
    throw ToJs(info.Env(), UsbError{LIBUSB_ERROR_NOT_SUPPORTED, 0});
  }
  owner.release();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("buffer", buffer);
  result.Set("address", Napi::Number::New(info.Env(), static_cast<double>(reinterpret_cast<uintptr_t>(memory->bytes()))));
  return result;
}

// (buffer)
void JsDevice::FreeDma(const Napi::CallbackInfo& info) {
  auto buffer = info[0].As<Napi::ArrayBuffer>();
  const auto found = dma_memory_.find(buffer.Data());
  buffer.Detach();
  if (found == dma_memory_.end()) return;
  // The finalizer of the buffer is later than this.
  if (const auto memory = found->second.lock()) memory->Free();
  dma_memory_.erase(found);
}

// (endpoint, windowBytes, windowFrames): RequestQueue
Napi::Value JsDevice::OpenQueue(const Napi::CallbackInfo& info) {
  const Window window{NumberAt(info, 1), NumberAt(info, 2)};
  auto queue = std::make_shared<RequestQueue>(handle_, ByteAt(info, 0), window, Notify());
  const UsbError error = handle_->Register(queue);
  if (error) throw ToJs(info.Env(), error);
  return JsRequestQueue::Create(info.Env(), std::move(queue));
}

// (endpoint, frameLength, frames, queue, ring, batch, overflow, frameDuration): Stream
Napi::Value JsDevice::OpenStream(const Napi::CallbackInfo& info) {
  const std::string overflow = info[6].As<Napi::String>();
  StreamPlan plan{};
  plan.endpoint = ByteAt(info, 0);
  plan.frame_length = NumberAt(info, 1);
  plan.frames = NumberAt(info, 2);
  plan.queue = NumberAt(info, 3);
  plan.ring = NumberAt(info, 4);
  plan.batch = NumberAt(info, 5);
  plan.overflow = overflow == "error"         ? Overflow::kError
                  : overflow == "drop-oldest" ? Overflow::kDropOldest
                                              : Overflow::kDropNewest;
  plan.frame_duration = info[7].As<Napi::Number>().DoubleValue();
  auto stream = std::make_shared<IsochStream>(handle_, plan, Notify());
  UsbError error = handle_->Register(stream);
  if (!error) error = stream->Start();
  if (error) throw ToJs(info.Env(), error);
  return JsStream::Create(info.Env(), std::move(stream));
}

Napi::Value JsDevice::Close(const Napi::CallbackInfo& info) {
  return RunBlocking(
      info.Env(), [handle = handle_] { return handle->Close() ? UsbError{} : UsbError{LIBUSB_ERROR_TIMEOUT, 0}; },
      [doorbell = doorbell_](Napi::Env env) {
        doorbell->Close();
        return env.Undefined();
      },
      [doorbell = doorbell_] { doorbell->Close(); });
}

}  // namespace rx_isoch
