#include "socket_handle.h"

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
  return static_cast<SocketHandle*>(find(env, value, kSocketTag));
}

napi_value SocketHandle::wrap(napi_env env, NetlinkSocket&& socket) {
  return own(env, new SocketHandle(std::move(socket)), kSocketTag, "socket");
}

napi_value SocketHandle::enqueue(napi_env env, napi_value object, std::unique_ptr<PendingTask> task,
                                 bool looksOut) {
  PendingTask& pending = *task;
  if (!startWorker(env)) return throwError(env, "ERR_NFTLINK_THREAD", "the socket's thread cannot be started");
  napi_value promise = pending.promise(env);
  if (promise == nullptr || !addPending(env, object)) {
    pending.release(env);
    return throwError(env, "ERR_NFTLINK", "the request cannot be queued");
  }
  const bool isIdle = pending_ == 1;
  worker_->push(std::move(task));
  if (looksOut && isIdle) worker_->lookOutForCompletion();
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
  return startThread(env, [this](std::unique_ptr<WorkerListener> wake) {
    worker_ = std::make_unique<Worker>(std::move(wake));
  });
}

bool SocketHandle::addPending(napi_env env, napi_value object) {
  if (!hold(env, object)) return false;
  setKeepAlive(env, true);
  pending_++;
  return true;
}

void SocketHandle::removePending(napi_env env) {
  if (--pending_ > 0) return;
  setKeepAlive(env, false);
  letGo(env);
}

void SocketHandle::onWoken(napi_env env) {
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
  forgetThread();
}

UniqueFd SocketHandle::end(napi_env env) {
  stopWorker(env);
  state_ = State::closed;
  return socket_.takeFd();
}

}  // namespace nftlink
