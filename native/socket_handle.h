// A socket as JavaScript holds it: who keeps it alive, and how it ends.
//
// It ends in one of three ways. close(): the worker closes the descriptor behind the last pending task. Collected
// without close(): nothing is pending then (a pending task holds the JavaScript object), so the idle thread is joined
// and a thread without ties closes the descriptor. Environment torn down: the clean-up hook joins the thread, which
// finishes the system call it is in, and closes.
#pragma once

#include <vector>

#include "pending_task.h"

namespace nftlink {

class SocketHandle {
 public:
  /** The handle behind a value made by `wrap`; nullptr for any other value. */
  static SocketHandle* unwrap(napi_env env, napi_value value);
  /** Makes the JavaScript object that owns a new handle; nullptr after an exception. */
  static napi_value wrap(napi_env env, NetlinkSocket&& socket);

  bool isOpen() const { return state_ == State::open; }
  bool hasPending() const { return pending_ > 0; }
  NetlinkSocket& socket() { return socket_; }
  Batch& batch() { return batch_; }

  /** Queues a task and gives its promise; nullptr after an exception. `object` is this handle's JavaScript object. */
  napi_value enqueue(napi_env env, napi_value object, std::unique_ptr<PendingTask> task);
  /** Gives a promise that resolves when the descriptor is gone. */
  napi_value close(napi_env env, napi_value object);

  SocketHandle(const SocketHandle&) = delete;
  SocketHandle& operator=(const SocketHandle&) = delete;

 private:
  enum class State { open, closing, closed };
  /** Outlives the handle if need be: a wake-up may still be on its way when the handle is gone. */
  struct WakeTarget {
    SocketHandle* handle;
  };
  class CloseTask;

  explicit SocketHandle(NetlinkSocket&& socket) : socket_(std::move(socket)) {}
  ~SocketHandle() = default;

  bool startWorker(napi_env env);
  bool addPending(napi_env env, napi_value object);
  void removePending(napi_env env);
  void settleCompleted(napi_env env);
  void finishClose(napi_env env);
  void stopWorker(napi_env env);

  static void onWake(napi_env env, napi_value, void* context, void*);
  static void onWakeFinalized(napi_env, void* target, void*);
  static void onEnvironmentExit(void* handle);
  static void onCollected(napi_env env, void* handle, void*);

  NetlinkSocket socket_;
  Batch batch_;
  State state_ = State::open;
  napi_env env_ = nullptr;  // until the environment exits
  std::unique_ptr<Worker> worker_;
  napi_threadsafe_function wake_ = nullptr;
  WakeTarget* wakeTarget_ = nullptr;  // owned by wake_
  napi_ref self_ = nullptr;           // strong while tasks are pending
  size_t pending_ = 0;
  std::vector<napi_deferred> closers_;
};

}  // namespace nftlink
