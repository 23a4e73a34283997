#include "listener_handle.h"

#include "napi_support.h"

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
  return static_cast<ListenerHandle*>(find(env, value, kListenerTag));
}

napi_value ListenerHandle::wrap(napi_env env, NetlinkSocket&& socket) {
  auto* handle = new ListenerHandle();
  napi_value value = own(env, handle, kListenerTag, "listener");
  if (value == nullptr || handle->start(env, std::move(socket))) return value;
  return throwError(env, "ERR_NFTLINK_THREAD", "the listener's thread cannot be started");
}

bool ListenerHandle::start(napi_env env, NetlinkSocket&& socket) {
  return startThread(env, [this, &socket](std::unique_ptr<WorkerListener> wake) {
    listener_ = std::make_unique<Listener>(std::move(socket), std::move(wake));
  });
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

/** Nobody waits any more. */
void ListenerHandle::rest(napi_env env) {
  setKeepAlive(env, false);
  letGo(env);
}

/** Settles the promise that waits; nullptr rejects it. */
void ListenerHandle::answerReader(napi_env env, napi_value value) {
  napi_deferred reader = std::exchange(reader_, nullptr);
  if (state_ != State::stopping) rest(env);
  if (value != nullptr) {
    static_cast<void>(napi_resolve_deferred(env, reader, value));
    return;
  }
  napi_value error = makeError(env, "ERR_NFTLINK_NO_VALUE", "the batch does not fit into JavaScript's memory");
  if (error != nullptr) static_cast<void>(napi_reject_deferred(env, reader, error));
}

void ListenerHandle::onWoken(napi_env env) {
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
  end(env).reset();
  rest(env);
  napi_value undefined = undefinedValue(env);
  for (napi_deferred stopper : stoppers_) static_cast<void>(napi_resolve_deferred(env, stopper, undefined));
  stoppers_.clear();
}

/** Joining gives up the thread's share of the thread-safe function. */
UniqueFd ListenerHandle::end(napi_env) {
  state_ = State::stopped;
  if (listener_ == nullptr) return {};
  listener_->join();
  UniqueFd fd = listener_->takeSocket();
  listener_.reset();
  forgetThread();
  return fd;
}

}  // namespace nftlink
