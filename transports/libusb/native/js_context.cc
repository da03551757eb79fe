#include "descriptors.h"
#include "js_classes.h"
#include "js_error.h"

namespace rx_isoch {

namespace {

Napi::Value BytesToJs(Napi::Env env, const std::vector<uint8_t>& bytes) {
  Napi::Uint8Array result = Napi::Uint8Array::New(env, bytes.size());
  std::copy(bytes.begin(), bytes.end(), result.Data());
  return result;
}

// What the system knows of its strings, without a word to the device.
Napi::Value StringToJs(Napi::Env env, libusb_device* device, libusb_device_string_type type) {
  char text[LIBUSB_DEVICE_STRING_BYTES_MAX];
  const int length = libusb_get_device_string(device, type, text, sizeof text);
  return length > 0 && text[0] != '\0' ? Napi::Value(Napi::String::New(env, text)) : env.Undefined();
}

Napi::Object DeviceToJs(Napi::Env env, libusb_device* device) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("bus", Napi::Number::New(env, libusb_get_bus_number(device)));
  result.Set("address", Napi::Number::New(env, libusb_get_device_address(device)));
  result.Set("speed", Napi::Number::New(env, libusb_get_device_speed(device)));
  uint8_t ports[7];
  const int depth = libusb_get_port_numbers(device, ports, sizeof ports);
  Napi::Array path = Napi::Array::New(env);
  for (int i = 0; i < depth; i++) path.Set(static_cast<uint32_t>(i), Napi::Number::New(env, ports[i]));
  result.Set("ports", path);

  libusb_device_descriptor descriptor{};
  libusb_get_device_descriptor(device, &descriptor);
  result.Set("descriptor", BytesToJs(env, DeviceDescriptorBytes(descriptor)));
  Napi::Array configurations = Napi::Array::New(env);
  for (uint8_t i = 0; i < descriptor.bNumConfigurations; i++) {
    libusb_config_descriptor* configuration = nullptr;
    if (libusb_get_config_descriptor(device, i, &configuration) != LIBUSB_SUCCESS) continue;
    configurations.Set(configurations.Length(), BytesToJs(env, ConfigurationBytes(*configuration)));
    libusb_free_config_descriptor(configuration);
  }
  result.Set("configurations", configurations);
  result.Set("manufacturer", StringToJs(env, device, LIBUSB_DEVICE_STRING_MANUFACTURER));
  result.Set("product", StringToJs(env, device, LIBUSB_DEVICE_STRING_PRODUCT));
  result.Set("serialNumber", StringToJs(env, device, LIBUSB_DEVICE_STRING_SERIAL_NUMBER));
  return result;
}

}  // namespace

Napi::Function JsContext::Define(Napi::Env env) {
  return DefineClass(env, "Context",
                     {
                         InstanceMethod<&JsContext::Devices>("devices"),
                         InstanceMethod<&JsContext::Open>("open"),
                         InstanceMethod<&JsContext::Watch>("watch"),
                         InstanceMethod<&JsContext::Changes>("changes"),
                         InstanceMethod<&JsContext::Close>("close"),
                     });
}

JsContext::JsContext(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JsContext>(info) {
  UsbError error;
  context_ = Context::Create(error);
  if (error) throw ToJs(info.Env(), error);
  napi_add_env_cleanup_hook(info.Env(), &AtExit, this);
}

JsContext::~JsContext() {
  if (context_ != nullptr) napi_remove_env_cleanup_hook(Env(), &AtExit, this);
  Shut();
}

Napi::Value JsContext::Devices(const Napi::CallbackInfo& info) {
  libusb_device** list = nullptr;
  const UsbError error = Try([&] { return static_cast<int>(libusb_get_device_list(context_->get(), &list)); });
  if (error) throw ToJs(info.Env(), error);
  Napi::Array result = Napi::Array::New(info.Env());
  for (uint32_t i = 0; list[i] != nullptr; i++) result.Set(i, DeviceToJs(info.Env(), list[i]));
  libusb_free_device_list(list, 1);
  return result;
}

// (bus, address, ring): Promise<Device>
Napi::Value JsContext::Open(const Napi::CallbackInfo& info) {
  const auto bus = static_cast<uint8_t>(info[0].As<Napi::Number>().Uint32Value());
  const auto address = static_cast<uint8_t>(info[1].As<Napi::Number>().Uint32Value());
  auto doorbell = std::make_shared<Doorbell>(info.Env(), info[2].As<Napi::Function>(), "rx-isoch device");
  auto handle = std::make_shared<std::shared_ptr<Handle>>();
  return RunBlocking(
      info.Env(),
      [context = context_, bus, address, handle, doorbell] {
        UsbError error;
        *handle = Handle::Open(context, bus, address, [doorbell] { doorbell->Ring(); }, error);
        return error;
      },
      [handle, doorbell](Napi::Env env) { return JsDevice::Create(env, *handle, doorbell); },
      [doorbell] { doorbell->Close(); });
}

// (ring): void, or () to watch no more
void JsContext::Watch(const Napi::CallbackInfo& info) {
  if (doorbell_ != nullptr) {
    context_->Unobserve(this);
    doorbell_.reset();
  }
  if (!info[0].IsFunction()) return;
  doorbell_ = std::make_unique<Doorbell>(info.Env(), info[0].As<Napi::Function>(), "rx-isoch hotplug");
  context_->Observe(this);
}

void JsContext::Changed(libusb_device* device, bool arrived) {
  {
    std::lock_guard<std::mutex> lock(changes_mutex_);
    changes_.push_back({arrived, libusb_get_bus_number(device), libusb_get_device_address(device)});
  }
  doorbell_->Ring();
}

Napi::Value JsContext::Changes(const Napi::CallbackInfo& info) {
  std::vector<Change> changes;
  {
    std::lock_guard<std::mutex> lock(changes_mutex_);
    changes.swap(changes_);
  }
  Napi::Array result = Napi::Array::New(info.Env());
  for (const auto& each : changes) {
    Napi::Object change = Napi::Object::New(info.Env());
    change.Set("arrived", Napi::Boolean::New(info.Env(), each.arrived));
    change.Set("bus", Napi::Number::New(info.Env(), each.bus));
    change.Set("address", Napi::Number::New(info.Env(), each.address));
    result.Set(result.Length(), change);
  }
  return result;
}

void JsContext::Close(const Napi::CallbackInfo& info) {
  if (context_ == nullptr) return;
  napi_remove_env_cleanup_hook(info.Env(), &AtExit, this);
  Shut();
}

void JsContext::Shut() {
  if (context_ == nullptr) return;
  context_->Unobserve(this);
  context_->Close();
  context_.reset();
  doorbell_.reset();
}

void JsContext::AtExit(void* self) { static_cast<JsContext*>(self)->Shut(); }

}  // namespace rx_isoch
