#include "doorbell.h"

namespace rx_isoch {

Doorbell::Doorbell(Napi::Env env, Napi::Function function, const char* name) : env_(env) {
  const napi_status status =
      napi_create_threadsafe_function(env, function, nullptr, Napi::String::New(env, name), 0, 1, nullptr, nullptr,
                                      this, &Answer, &function_);
  if (status != napi_ok) throw Napi::Error::New(env);
  napi_add_env_cleanup_hook(env_, &AtExit, this);
}

Doorbell::~Doorbell() { Close(); }

void Doorbell::Ring() {
  if (is_ringing_.exchange(true)) return;
  std::lock_guard<std::mutex> lock(mutex_);
  if (function_ != nullptr) napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
}

void Doorbell::Close() {
  napi_threadsafe_function function = nullptr;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    std::swap(function, function_);
  }
  if (function == nullptr) return;
  napi_remove_env_cleanup_hook(env_, &AtExit, this);
  napi_release_threadsafe_function(function, napi_tsfn_abort);
}

void Doorbell::Answer(napi_env env, napi_value function, void* data, void*) {
  // Without an environment there is nobody at home, and the doorbell may be gone.
  if (env == nullptr || function == nullptr) return;
  auto* self = static_cast<Doorbell*>(data);
  self->is_ringing_ = false;
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  if (napi_call_function(env, undefined, function, 0, nullptr, nullptr) != napi_pending_exception) return;
  // Left to Node, it would be dropped with a warning.
  napi_value exception;
  if (napi_get_and_clear_last_exception(env, &exception) == napi_ok) napi_fatal_exception(env, exception);
}

void Doorbell::AtExit(void* self) { static_cast<Doorbell*>(self)->Close(); }

}  // namespace rx_isoch
