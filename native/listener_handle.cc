#include "listener_handle.h"

#include <system_error>

#include "thread_safe_wake.h"

namespace nftlink {

namespace {

constexpr napi_type_tag kListenerTag{0x6e66746c696e6b00, 0x6c697374656e3031};

napi_value undefinedValue(napi_env env) {
  napi_value value = nullptr;
  static_cast<void>(napi_get_undefined(env, &value));
  return value;
}

}  // namespace

ListenerHandle* ListenerHandle::unwrap(napi_env env, napi_value value) {
  bool tagged = false;
  void* handle = nullptr;
  if (napi_check_object_type_tag(env, value, &kListenerTag, &tagged) != napi_ok || !tagged) return nullptr;
  return napi_get_value_external(env, value, &handle) == napi_ok ? static_cast<ListenerHandle*>(handle) : nullptr;
}

napi_value ListenerHandle::wrap(napi_env env, NetlinkSocket&& socket) {
  auto* handle = new ListenerHandle();
  napi_value value = nullptr;
  if (napi_create_external(env, handle, onCollected, nullptr, &value) != napi_ok) {
    delete handle;
    return throwError(env, "ERR_NFTLINK", "the listener's object cannot be made");
  }
  // From here on the object owns the handle, and its collection frees it.
  if (napi_type_tag_object(env, value, &kListenerTag) != napi_ok) {
    return throwError(env, "ERR_NFTLINK", "the listener's object cannot be tagged");
  }
  if (napi_add_env_cleanup_hook(env, onEnvironmentExit, handle) != napi_ok) {
    return throwError(env, "ERR_NFTLINK", "the listener's clean-up cannot be registered");
  }
  handle->env_ = env;
  if (!handle->start(env, std::move(socket))) {
    return throwError(env, "ERR_NFTLINK_THREAD", "the listener's thread cannot be started");
  }
  return value;
}

bool ListenerHandle::start(napi_env env, NetlinkSocket&& socket) {
  napi_value name = nullptr;
  if (napi_create_string_utf8(env, "nftlink", NAPI_AUTO_LENGTH, &name) != napi_ok) return false;
  auto target = std::make_unique<WakeTarget>(WakeTarget{this});
  napi_threadsafe_function wake = nullptr;
  if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, target.get(), onWakeFinalized, target.get(),
                                      onWake, &wake) != napi_ok) {
    return false;
  }
  wakeTarget_ = target.release();
  static_cast<void>(napi_unref_threadsafe_function(env, wake));
  try {
    listener_ = std::make_unique<Listener>(std::move(socket), std::make_unique<ThreadSafeWake>(wake));
  } catch (const std::system_error&) {
    wakeTarget_->handle = nullptr;
    wakeTarget_ = nullptr;
    static_cast<void>(napi_release_threadsafe_function(wake, napi_tsfn_abort));
    return false;
  }
  wake_ = wake;
  return true;
}

napi_value ListenerHandle::receive(napi_env env, napi_value object, bool keepAlive) {
  napi_deferred deferred = nullptr;
  napi_value promise = nullptr;
  if (napi_create_promise(env, &deferred, &promise) != napi_ok) {
    return throwError(env, "ERR_NFTLINK", "the promise cannot be made");
  }
  reader_ = deferred;
  if (state_ != State::open) {
    answerReader(env, undefinedValue(env));
    return promise;
  }
  ByteBuffer arrived = listener_->take();
  if (arrived.size() > 0) {
    answerReader(env, makeBytes(env, std::move(arrived)));
  } else if (hold(env, object)) {
    setKeepAlive(env, keepAlive);
  } else {
    answerReader(env, nullptr);
  }
  return promise;
}

napi_value ListenerHandle::stop(napi_env env, napi_value object) {
  napi_deferred deferred = nullptr;
  napi_value promise = nullptr;
  if (napi_create_promise(env, &deferred, &promise) != napi_ok) {
    return throwError(env, "ERR_NFTLINK", "the promise cannot be made");
  }
  stoppers_.push_back(deferred);
  if (state_ == State::stopped) {
    finishStop(env);
  } else if (state_ == State::open) {
    state_ = State::stopping;
    if (reader_ != nullptr) answerReader(env, undefinedValue(env));
    if (hold(env, object)) {
      // The promise is owed: the process waits for it, a few milliseconds at most.
      setKeepAlive(env, true);
      listener_->stop();
    } else {
      listener_->stop();
      finishStop(env);
    }
  }
  return promise;
}

/** Holds the JavaScript object, and so this handle. */
bool ListenerHandle::hold(napi_env env, napi_value object) {
  return self_ != nullptr || napi_create_reference(env, object, 1, &self_) == napi_ok;
}

void ListenerHandle::letGo(napi_env env) {
  setKeepAlive(env, false);
  if (self_ != nullptr) static_cast<void>(napi_delete_reference(env, self_));
  self_ = nullptr;
}

void ListenerHandle::setKeepAlive(napi_env env, bool keepAlive) {
  if (keepAlive == keepsAlive_ || wake_ == nullptr) return;
  keepsAlive_ = keepAlive;
  static_cast<void>(keepAlive ? napi_ref_threadsafe_function(env, wake_) : napi_unref_threadsafe_function(env, wake_));
}

/** Settles the promise that waits; nullptr rejects it. */
void ListenerHandle::answerReader(napi_env env, napi_value value) {
  napi_deferred reader = std::exchange(reader_, nullptr);
  if (state_ != State::stopping) letGo(env);
  if (value != nullptr) {
    static_cast<void>(napi_resolve_deferred(env, reader, value));
    return;
  }
  napi_value error = makeError(env, "ERR_NFTLINK_NO_VALUE", "the batch does not fit into JavaScript's memory");
  if (error != nullptr) static_cast<void>(napi_reject_deferred(env, reader, error));
}

void ListenerHandle::onWake(napi_env env, napi_value, void* context, void*) {
  // Without an environment there is nobody left to tell, and Node.js 20 has finalized the target before it empties its queue.
  if (env == nullptr) return;
  ListenerHandle* handle = static_cast<WakeTarget*>(context)->handle;
  if (handle != nullptr) handle->onArrived(env);
}

void ListenerHandle::onArrived(napi_env env) {
  if (listener_ == nullptr) return;
  if (state_ == State::stopping) {
    if (listener_->isClosed()) finishStop(env);
    return;
  }
  if (reader_ == nullptr) return;
  ByteBuffer arrived = listener_->take();
  if (arrived.size() > 0) answerReader(env, makeBytes(env, std::move(arrived)));
}

void ListenerHandle::finishStop(napi_env env) {
  endThread().reset();
  state_ = State::stopped;
  letGo(env);
  napi_value undefined = undefinedValue(env);
  for (napi_deferred stopper : stoppers_) static_cast<void>(napi_resolve_deferred(env, stopper, undefined));
  stoppers_.clear();
}

/** Waits for the thread, which gives up its share of the thread-safe function; the descriptor, if it is still open. */
UniqueFd ListenerHandle::endThread() {
  if (listener_ == nullptr) return {};
  listener_->join();
  UniqueFd fd = listener_->takeSocket();
  listener_.reset();
  wake_ = nullptr;
  keepsAlive_ = false;
  if (wakeTarget_ != nullptr) wakeTarget_->handle = nullptr;
  wakeTarget_ = nullptr;
  return fd;
}

void ListenerHandle::onWakeFinalized(napi_env, void* data, void*) {
  auto* target = static_cast<WakeTarget*>(data);
  if (target->handle != nullptr) target->handle->wakeTarget_ = nullptr;
  delete target;
}

void ListenerHandle::onEnvironmentExit(void* data) {
  auto* handle = static_cast<ListenerHandle*>(data);
  const napi_env env = handle->env_;
  handle->endThread().reset();
  if (handle->self_ != nullptr) static_cast<void>(napi_delete_reference(env, handle->self_));
  handle->self_ = nullptr;
  handle->state_ = State::stopped;
  handle->env_ = nullptr;  // the object's finalizer, which comes later, frees the handle
}

void ListenerHandle::onCollected(napi_env, void* data, void*) {
  auto* handle = static_cast<ListenerHandle*>(data);
  if (handle->env_ != nullptr) {
    static_cast<void>(napi_remove_env_cleanup_hook(handle->env_, onEnvironmentExit, handle));
    if (UniqueFd fd = handle->endThread()) closeInBackground(std::move(fd));
  }
  delete handle;
}

}  // namespace nftlink
