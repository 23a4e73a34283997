#include "socket_handle.h"

#include <system_error>

#include "thread_safe_wake.h"

namespace nftlink {

namespace {

constexpr napi_type_tag kSocketTag{0x6e66746c696e6b00, 0x736f636b65743031};

}  // namespace

class SocketHandle::CloseTask : public PendingTask {
 public:
  explicit CloseTask(SocketHandle& handle) : handle_(handle) {}
  void run() noexcept override { handle_.socket_.close(); }
  void settle(napi_env env) override { handle_.finishClose(env); }

 private:
  SocketHandle& handle_;
};

SocketHandle* SocketHandle::unwrap(napi_env env, napi_value value) {
  bool tagged = false;
  void* handle = nullptr;
  if (napi_check_object_type_tag(env, value, &kSocketTag, &tagged) != napi_ok || !tagged) return nullptr;
  return napi_get_value_external(env, value, &handle) == napi_ok ? static_cast<SocketHandle*>(handle) : nullptr;
}

napi_value SocketHandle::wrap(napi_env env, NetlinkSocket&& socket) {
  auto* handle = new SocketHandle(std::move(socket));
  napi_value value = nullptr;
  if (napi_create_external(env, handle, onCollected, nullptr, &value) != napi_ok) {
    delete handle;
    return throwError(env, "ERR_NFTLINK", "the socket's object cannot be made");
  }
  // From here on the object owns the handle, and its collection frees it.
  if (napi_type_tag_object(env, value, &kSocketTag) != napi_ok) {
    return throwError(env, "ERR_NFTLINK", "the socket's object cannot be tagged");
  }
  // Registered before any thread-safe function, so it runs after theirs; either order is safe, since their memory
  // goes only when the loop closes their handles, after all hooks.
  if (napi_add_env_cleanup_hook(env, onEnvironmentExit, handle) != napi_ok) {
    return throwError(env, "ERR_NFTLINK", "the socket's clean-up cannot be registered");
  }
  handle->env_ = env;
  return value;
}

napi_value SocketHandle::enqueue(napi_env env, napi_value object, std::unique_ptr<PendingTask> task) {
  PendingTask& pending = *task;
  if (!startWorker(env)) return throwError(env, "ERR_NFTLINK_THREAD", "the socket's thread cannot be started");
  napi_value promise = pending.promise(env);
  if (promise == nullptr || !addPending(env, object)) {
    pending.release(env);
    return throwError(env, "ERR_NFTLINK", "the request cannot be queued");
  }
  worker_->push(std::move(task));
  return promise;
}

napi_value SocketHandle::close(napi_env env, napi_value object) {
  napi_deferred deferred = nullptr;
  napi_value promise = nullptr;
  if (napi_create_promise(env, &deferred, &promise) != napi_ok) {
    return throwError(env, "ERR_NFTLINK", "the promise cannot be made");
  }
  closers_.push_back(deferred);
  if (state_ == State::closed) {
    finishClose(env);
  } else if (state_ == State::open) {
    state_ = State::closing;
    if (startWorker(env) && addPending(env, object)) {
      worker_->push(std::make_unique<CloseTask>(*this));
    } else {
      socket_.close();
      finishClose(env);
    }
  }
  return promise;
}

bool SocketHandle::startWorker(napi_env env) {
  if (worker_ != nullptr) return true;
  napi_value name = nullptr;
  if (napi_create_string_utf8(env, "nftlink", NAPI_AUTO_LENGTH, &name) != napi_ok) return false;
  auto target = std::make_unique<WakeTarget>(WakeTarget{this});
  napi_threadsafe_function wake = nullptr;
  if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, target.get(), onWakeFinalized, target.get(),
                                      onWake, &wake) != napi_ok) {
    return false;
  }
  wakeTarget_ = target.release();
  try {
    worker_ = std::make_unique<Worker>(std::make_unique<ThreadSafeWake>(wake));
  } catch (const std::system_error&) {
    wakeTarget_->handle = nullptr;
    wakeTarget_ = nullptr;
    static_cast<void>(napi_release_threadsafe_function(wake, napi_tsfn_abort));
    return false;
  }
  wake_ = wake;
  return true;
}

bool SocketHandle::addPending(napi_env env, napi_value object) {
  if (pending_ == 0) {
    if (napi_create_reference(env, object, 1, &self_) != napi_ok) return false;
    static_cast<void>(napi_ref_threadsafe_function(env, wake_));
  }
  pending_++;
  return true;
}

void SocketHandle::removePending(napi_env env) {
  if (--pending_ > 0) return;
  if (wake_ != nullptr) static_cast<void>(napi_unref_threadsafe_function(env, wake_));
  static_cast<void>(napi_delete_reference(env, self_));
  self_ = nullptr;
}

void SocketHandle::onWake(napi_env env, napi_value, void* context, void*) {
  // Without an environment there is nobody left to tell, and Node.js 20 has finalized the target before it empties its queue.
  if (env == nullptr) return;
  SocketHandle* handle = static_cast<WakeTarget*>(context)->handle;
  if (handle != nullptr) handle->settleCompleted(env);
}

void SocketHandle::settleCompleted(napi_env env) {
  if (worker_ == nullptr) return;
  for (const std::unique_ptr<Task>& task : worker_->takeCompleted()) {
    auto& pending = static_cast<PendingTask&>(*task);
    pending.settle(env);
    pending.release(env);
    removePending(env);
  }
}

void SocketHandle::finishClose(napi_env env) {
  stopWorker(env);
  state_ = State::closed;
  napi_value undefined = nullptr;
  static_cast<void>(napi_get_undefined(env, &undefined));
  for (napi_deferred closer : closers_) static_cast<void>(napi_resolve_deferred(env, closer, undefined));
  closers_.clear();
}

void SocketHandle::stopWorker(napi_env env) {
  if (worker_ == nullptr) return;
  worker_->stop();
  for (const std::unique_ptr<Task>& task : worker_->takeRest()) static_cast<PendingTask&>(*task).release(env);
  worker_.reset();
  wake_ = nullptr;
  if (wakeTarget_ != nullptr) wakeTarget_->handle = nullptr;
  wakeTarget_ = nullptr;
}

void SocketHandle::onWakeFinalized(napi_env, void* data, void*) {
  auto* target = static_cast<WakeTarget*>(data);
  if (target->handle != nullptr) target->handle->wakeTarget_ = nullptr;
  delete target;
}

void SocketHandle::onEnvironmentExit(void* data) {
  auto* handle = static_cast<SocketHandle*>(data);
  const napi_env env = handle->env_;
  handle->stopWorker(env);
  if (handle->self_ != nullptr) static_cast<void>(napi_delete_reference(env, handle->self_));
  handle->self_ = nullptr;
  handle->socket_.close();
  handle->state_ = State::closed;
  handle->env_ = nullptr;  // the object's finalizer, which comes later, frees the handle
}

void SocketHandle::onCollected(napi_env env, void* data, void*) {
  auto* handle = static_cast<SocketHandle*>(data);
  if (handle->env_ != nullptr) {
    static_cast<void>(napi_remove_env_cleanup_hook(handle->env_, onEnvironmentExit, handle));
    handle->stopWorker(env);
    if (handle->state_ != State::closed) closeInBackground(handle->socket_.takeFd());
  }
  delete handle;
}

}  // namespace nftlink
