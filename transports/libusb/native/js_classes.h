#pragma once

#include <napi.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "context.h"
#include "doorbell.h"
#include "handle.h"
#include "isoch_stream.h"
#include "request_queue.h"

// The classes that JavaScript sees; transports/libusb/addon.ts has their types.
namespace rx_isoch {

class JsContext : public Napi::ObjectWrap<JsContext>, public HotplugObserver {
 public:
  static Napi::Function Define(Napi::Env env);
  // (): Promise<Context>
  static Napi::Value Create(const Napi::CallbackInfo& info);
  explicit JsContext(const Napi::CallbackInfo& info);
  ~JsContext() override;

  void Changed(libusb_device* device, bool arrived) override;

 private:
  struct Change {
    bool arrived;
    uint8_t bus;
    uint8_t address;
  };

  Napi::Value Devices(const Napi::CallbackInfo& info);
  Napi::Value Open(const Napi::CallbackInfo& info);
  void Watch(const Napi::CallbackInfo& info);
  Napi::Value Changes(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  std::shared_ptr<Context> Use() const;
  std::shared_ptr<Context> Leave();
  static void AtExit(void* self);

  std::shared_ptr<Context> context_;
  std::unique_ptr<Doorbell> doorbell_;
  std::mutex changes_mutex_;
  std::vector<Change> changes_;
};

class JsDevice : public Napi::ObjectWrap<JsDevice> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Create(Napi::Env env, std::shared_ptr<Handle> handle, std::shared_ptr<Doorbell> doorbell);
  explicit JsDevice(const Napi::CallbackInfo& info);
  ~JsDevice() override;

 private:
  Napi::Value Gone(const Napi::CallbackInfo& info);
  Napi::Value Configuration(const Napi::CallbackInfo& info);
  Napi::Value Claim(const Napi::CallbackInfo& info);
  Napi::Value Release(const Napi::CallbackInfo& info);
  Napi::Value SelectAlternate(const Napi::CallbackInfo& info);
  Napi::Value ClearHalt(const Napi::CallbackInfo& info);
  Napi::Value Reset(const Napi::CallbackInfo& info);
  Napi::Value ControlIn(const Napi::CallbackInfo& info);
  Napi::Value ControlOut(const Napi::CallbackInfo& info);
  Napi::Value AllocateDma(const Napi::CallbackInfo& info);
  void FreeDma(const Napi::CallbackInfo& info);
  Napi::Value OpenQueue(const Napi::CallbackInfo& info);
  Napi::Value OpenStream(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  std::function<void()> Notify() const;

  std::shared_ptr<Handle> handle_;
  std::shared_ptr<Doorbell> doorbell_;
  // By where it is.
  std::map<const void*, std::weak_ptr<DmaMemory>> dma_memory_;
};

class JsRequestQueue : public Napi::ObjectWrap<JsRequestQueue> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Create(Napi::Env env, std::shared_ptr<RequestQueue> queue);
  explicit JsRequestQueue(const Napi::CallbackInfo& info);
  ~JsRequestQueue() override;

 private:
  Napi::Value Submit(const Napi::CallbackInfo& info);
  void Cancel(const Napi::CallbackInfo& info);
  void Shut(const Napi::CallbackInfo& info);
  Napi::Value Reap(const Napi::CallbackInfo& info);
  Napi::Value Wait(const Napi::CallbackInfo& info);

  std::shared_ptr<RequestQueue> queue_;
  // By request: the system writes to it, or reads from it.
  std::map<uint32_t, Napi::Reference<Napi::Uint8Array>> buffers_;
  uint32_t next_id_ = 1;
};

class JsStream : public Napi::ObjectWrap<JsStream> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Create(Napi::Env env, std::shared_ptr<IsochStream> stream);
  explicit JsStream(const Napi::CallbackInfo& info);

 private:
  Napi::Value Take(const Napi::CallbackInfo& info);
  Napi::Value Ended(const Napi::CallbackInfo& info);
  Napi::Value Drained(const Napi::CallbackInfo& info);
  void Stop(const Napi::CallbackInfo& info);
  void Shut(const Napi::CallbackInfo& info);

  std::shared_ptr<IsochStream> stream_;
};

// The constructors, of which each thread of JavaScript has its own.
struct Classes {
  Napi::FunctionReference context;
  Napi::FunctionReference device;
  Napi::FunctionReference request_queue;
  Napi::FunctionReference stream;
};

}  // namespace rx_isoch
