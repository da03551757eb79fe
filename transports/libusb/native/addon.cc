#include <napi.h>

#include "clock.h"
#include "counters.h"
#include "js_classes.h"

namespace rx_isoch {

namespace {

Napi::Value GetCounters(const Napi::CallbackInfo& info) {
  const Counters& all = counters();
  Napi::Object result = Napi::Object::New(info.Env());
  const auto set = [&](const char* name, const std::atomic<int64_t>& value) {
    result.Set(name, Napi::Number::New(info.Env(), static_cast<double>(value.load())));
  };
  set("contexts", all.contexts);
  set("threads", all.threads);
  set("handles", all.handles);
  set("transfers", all.transfers);
  set("inFlight", all.in_flight);
  set("buffers", all.buffers);
  set("dmaBuffers", all.dma_buffers);
  return result;
}

Napi::Value GetNow(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), Now()); }

}  // namespace

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto* classes = new Classes();
  classes->context = Napi::Persistent(JsContext::Define(env));
  classes->device = Napi::Persistent(JsDevice::Define(env));
  classes->request_queue = Napi::Persistent(JsRequestQueue::Define(env));
  classes->stream = Napi::Persistent(JsStream::Define(env));
  env.SetInstanceData(classes);
  exports.Set("createContext", Napi::Function::New(env, JsContext::Create, "createContext"));
  exports.Set("counters", Napi::Function::New(env, GetCounters, "counters"));
  exports.Set("now", Napi::Function::New(env, GetNow, "now"));
  return exports;
}

NODE_API_MODULE(rx_isoch, Init)

}  // namespace rx_isoch
