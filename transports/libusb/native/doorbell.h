#pragma once

#include <napi.h>

#include <atomic>
#include <mutex>

namespace rx_isoch {

// Calls a function of JavaScript from any thread; once for any number of rings that come meanwhile.
// Keeps the event loop alive until it is closed.
class Doorbell {
 public:
  Doorbell(Napi::Env env, Napi::Function function, const char* name);
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  void Ring();
  // On the thread of JavaScript. Nothing is called after it. Idempotent.
  void Close();

 private:
  static void Answer(napi_env env, napi_value function, void* self, void* data);
  // The end of the environment: comes before that of the thread-safe function, which is older.
  static void AtExit(void* self);

  napi_env env_;
  std::mutex mutex_;
  napi_threadsafe_function function_ = nullptr;
  std::atomic<bool> is_ringing_{false};
};

}  // namespace rx_isoch
