#include <string>

#include "descriptors.h"
#include "js_classes.h"
#include "js_error.h"

namespace rx_isoch {

namespace {

// What is known of a device without opening it.
struct DeviceRecord {
  uint8_t bus;
  uint8_t address;
  int speed;
  std::vector<uint8_t> ports;
  std::vector<uint8_t> descriptor;
  std::vector<std::vector<uint8_t>> configurations;
  std::string manufacturer;
  std::string product;
  std::string serial_number;
};

// A string as the system has it, without a word to the device; empty for none.
std::string StringOf(libusb_device* device, libusb_device_string_type type) {
  char text[LIBUSB_DEVICE_STRING_BYTES_MAX];
  return libusb_get_device_string(device, type, text, sizeof text) > 0 ? text : "";
}

DeviceRecord Describe(libusb_device* device) {
  DeviceRecord record;
  record.bus = libusb_get_bus_number(device);
  record.address = libusb_get_device_address(device);
  record.speed = libusb_get_device_speed(device);
  // USB 3.2, 10.1: at most five hubs, and the root, before a device.
  uint8_t ports[7];
  const int depth = libusb_get_port_numbers(device, ports, sizeof ports);
  if (depth > 0) record.ports.assign(ports, ports + depth);
  libusb_device_descriptor descriptor{};
  libusb_get_device_descriptor(device, &descriptor);
  record.descriptor = DeviceDescriptorBytes(descriptor);
  for (uint8_t i = 0; i < descriptor.bNumConfigurations; i++) {
    libusb_config_descriptor* configuration = nullptr;
    if (libusb_get_config_descriptor(device, i, &configuration) != LIBUSB_SUCCESS) continue;
    record.configurations.push_back(ConfigurationBytes(*configuration));
    libusb_free_config_descriptor(configuration);
  }
  record.manufacturer = StringOf(device, LIBUSB_DEVICE_STRING_MANUFACTURER);
  record.product = StringOf(device, LIBUSB_DEVICE_STRING_PRODUCT);
  record.serial_number = StringOf(device, LIBUSB_DEVICE_STRING_SERIAL_NUMBER);
  return record;
}

Napi::Value ToJs(Napi::Env env, const std::vector<uint8_t>& bytes) {
  Napi::Uint8Array result = Napi::Uint8Array::New(env, bytes.size());
  std::copy(bytes.begin(), bytes.end(), result.Data());
  return result;
}

Napi::Value ToJs(Napi::Env env, const std::string& text) {
  return text.empty() ? env.Undefined() : Napi::Value(Napi::String::New(env, text));
}

Napi::Object ToJs(Napi::Env env, const DeviceRecord& record) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("bus", Napi::Number::New(env, record.bus));
  result.Set("address", Napi::Number::New(env, record.address));
  result.Set("speed", Napi::Number::New(env, record.speed));
  Napi::Array ports = Napi::Array::New(env);
  for (const uint8_t port : record.ports) ports.Set(ports.Length(), Napi::Number::New(env, port));
  result.Set("ports", ports);
  result.Set("descriptor", ToJs(env, record.descriptor));
  Napi::Array configurations = Napi::Array::New(env);
  for (const auto& each : record.configurations) configurations.Set(configurations.Length(), ToJs(env, each));
  result.Set("configurations", configurations);
  result.Set("manufacturer", ToJs(env, record.manufacturer));
  result.Set("product", ToJs(env, record.product));
  result.Set("serialNumber", ToJs(env, record.serial_number));
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

// Whatever looks at the devices can wait for seconds: the system lets nobody look at a device that it
// is just getting to know.
Napi::Value JsContext::Create(const Napi::CallbackInfo& info) {
  auto context = std::make_shared<std::shared_ptr<Context>>();
  return RunBlocking(
      info.Env(),
      [context] {
        UsbError error;
        *context = Context::Create(error);
        return error;
      },
      [context](Napi::Env env) {
        Napi::Object result = env.GetInstanceData<Classes>()->context.New({});
        JsContext* self = Unwrap(result);
        self->context_ = *context;
        napi_add_env_cleanup_hook(env, &AtExit, self);
        return result;
      });
}

JsContext::JsContext(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JsContext>(info) {}

JsContext::~JsContext() {
  if (const auto context = Leave()) context->Close();
}

// (): Promise<DeviceInfo[]>
Napi::Value JsContext::Devices(const Napi::CallbackInfo& info) {
  auto records = std::make_shared<std::vector<DeviceRecord>>();
  return RunBlocking(
      info.Env(),
      [context = Use(), records] {
        return context->Use([&] {
          libusb_device** list = nullptr;
          const UsbError error = Try([&] { return static_cast<int>(libusb_get_device_list(context->get(), &list)); });
          if (error) return error;
          for (size_t i = 0; list[i] != nullptr; i++) records->push_back(Describe(list[i]));
          libusb_free_device_list(list, 1);
          return UsbError{};
        });
      },
      [records](Napi::Env env) {
        Napi::Array result = Napi::Array::New(env);
        for (const auto& each : *records) result.Set(result.Length(), ToJs(env, each));
        return result;
      });
}

// (bus, address, ring): Promise<Device>
Napi::Value JsContext::Open(const Napi::CallbackInfo& info) {
  const auto bus = static_cast<uint8_t>(info[0].As<Napi::Number>().Uint32Value());
  const auto address = static_cast<uint8_t>(info[1].As<Napi::Number>().Uint32Value());
  const std::shared_ptr<Context> context = Use();
  auto doorbell = std::make_shared<Doorbell>(info.Env(), info[2].As<Napi::Function>(), "rx-isoch device");
  auto handle = std::make_shared<std::shared_ptr<Handle>>();
  return RunBlocking(
      info.Env(),
      [context, bus, address, handle, doorbell] {
        return context->Use([&] {
          UsbError error;
          *handle = Handle::Open(context, bus, address, [doorbell] { doorbell->Ring(); }, error);
          return error;
        });
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
  const std::shared_ptr<Context> context = Use();
  doorbell_ = std::make_unique<Doorbell>(info.Env(), info[0].As<Napi::Function>(), "rx-isoch hotplug");
  context->Observe(this);
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

// (): Promise<void>
Napi::Value JsContext::Close(const Napi::CallbackInfo& info) {
  const auto context = Leave();
  return RunBlocking(info.Env(), [context] {
    if (context != nullptr) context->Close();
    return UsbError{};
  });
}

// The context, which may be gone.
std::shared_ptr<Context> JsContext::Use() const {
  if (context_ == nullptr) throw ToJs(Env(), UsbError{LIBUSB_ERROR_INTERRUPTED, 0});
  return context_;
}

// Gives the context up, which is then the caller's to close.
std::shared_ptr<Context> JsContext::Leave() {
  if (context_ == nullptr) return nullptr;
  napi_remove_env_cleanup_hook(Env(), &AtExit, this);
  context_->Unobserve(this);
  doorbell_.reset();
  return std::move(context_);
}

void JsContext::AtExit(void* self) {
  if (const auto context = static_cast<JsContext*>(self)->Leave()) context->Close();
}

}  // namespace rx_isoch
