#include "js_handle.h"

#include <string>
#include <system_error>

#include "closing_sockets.h"
#include "napi_support.h"
#include "thread_safe_wake.h"

namespace nftlink {

JsHandle* JsHandle::find(napi_env env, napi_value value, const napi_type_tag& tag) {
  bool tagged = false;
  void* handle = nullptr;
  if (napi_check_object_type_tag(env, value, &tag, &tagged) != napi_ok || !tagged) return nullptr;
  return napi_get_value_external(env, value, &handle) == napi_ok ? static_cast<JsHandle*>(handle) : nullptr;
}

napi_value JsHandle::own(napi_env env, JsHandle* handle, const napi_type_tag& tag, const char* kind) {
  const auto fail = [env, kind](const char* what) {
    return throwError(env, "ERR_NFTLINK", std::string("the ") + kind + what);
  };
  napi_value value = nullptr;
  if (napi_create_external(env, handle, onCollected, nullptr, &value) != napi_ok) {
    delete handle;
    return fail("'s object cannot be made");
  }
  // From here on the object owns the handle, and its collection frees it.
  if (napi_type_tag_object(env, value, &tag) != napi_ok) return fail("'s object cannot be tagged");
  // Registered before any thread-safe function, so it runs after theirs; either order is safe, since their memory
  // goes only when the loop closes their handles, after all hooks.
  if (napi_add_env_cleanup_hook(env, onEnvironmentExit, handle) != napi_ok) {
    return fail("'s clean-up cannot be registered");
  }
  handle->env_ = env;
  return value;
}

bool JsHandle::startThread(napi_env env, const std::function<void(std::unique_ptr<WorkerListener>)>& start) {
  napi_value name = nullptr;
  if (napi_create_string_utf8(env, "nftlink", NAPI_AUTO_LENGTH, &name) != napi_ok) return false;
  auto target = std::make_unique<WakeTarget>(WakeTarget{this});
  napi_threadsafe_function wake = nullptr;
  if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, target.get(), onWakeFinalized, target.get(),
                                      onWake, &wake) != napi_ok) {
    return false;
  }
  wakeTarget_ = target.release();
  wake_ = wake;
  static_cast<void>(napi_unref_threadsafe_function(env, wake));
  try {
    start(std::make_unique<ThreadSafeWake>(wake));
  } catch (const std::system_error&) {
    forgetThread();
    static_cast<void>(napi_release_threadsafe_function(wake, napi_tsfn_abort));
    return false;
  }
  return true;
}

void JsHandle::forgetThread() {
  wake_ = nullptr;
  keepsAlive_ = false;
  if (wakeTarget_ != nullptr) wakeTarget_->handle = nullptr;
  wakeTarget_ = nullptr;
}

void JsHandle::setKeepAlive(napi_env env, bool keepAlive) {
  if (keepAlive == keepsAlive_ || wake_ == nullptr) return;
  keepsAlive_ = keepAlive;
  static_cast<void>(keepAlive ? napi_ref_threadsafe_function(env, wake_) : napi_unref_threadsafe_function(env, wake_));
}

bool JsHandle::hold(napi_env env, napi_value object) {
  return self_ != nullptr || napi_create_reference(env, object, 1, &self_) == napi_ok;
}

void JsHandle::letGo(napi_env env) {
  if (self_ != nullptr) static_cast<void>(napi_delete_reference(env, self_));
  self_ = nullptr;
}

void JsHandle::onWake(napi_env env, napi_value, void* data, void*) {
  // Without an environment there is nobody left to tell, and Node.js 20 has finalized the target before it empties its queue.
  if (env == nullptr) return;
  JsHandle* handle = static_cast<WakeTarget*>(data)->handle;
  if (handle != nullptr) handle->onWoken(env);
}

void JsHandle::onWakeFinalized(napi_env, void* data, void*) {
  auto* target = static_cast<WakeTarget*>(data);
  if (target->handle != nullptr) target->handle->wakeTarget_ = nullptr;
  delete target;
}

void JsHandle::onEnvironmentExit(void* data) {
  auto* handle = static_cast<JsHandle*>(data);
  handle->end(handle->env_).reset();
  handle->letGo(handle->env_);
  handle->env_ = nullptr;  // the object's finalizer, which comes later, frees the handle
}

void JsHandle::onCollected(napi_env env, void* data, void*) {
  auto* handle = static_cast<JsHandle*>(data);
  if (handle->env_ != nullptr) {
    static_cast<void>(napi_remove_env_cleanup_hook(handle->env_, onEnvironmentExit, handle));
    UniqueFd fd = handle->end(env);
    ClosingSockets* closing = ClosingSockets::of(env);
    if (fd && closing != nullptr) closing->close(std::move(fd));
  }
  delete handle;
}

}  // namespace nftlink
