// A listener as JavaScript holds it: the same three ends as a socket's (socket_handle.h).
#pragma once

#include <vector>

#include "listener.h"
#include "napi_support.h"

namespace nftlink {

class ListenerHandle {
 public:
  /** The handle behind a value made by `wrap`; nullptr for any other value. */
  static ListenerHandle* unwrap(napi_env env, napi_value value);
  /** Makes the JavaScript object that owns a new handle, and starts its thread; nullptr after an exception. */
  static napi_value wrap(napi_env env, NetlinkSocket&& socket);

  bool isWaiting() const { return reader_ != nullptr; }
  /**
   * Gives a promise of the next batch, or of undefined when the listener has been stopped. Only one may wait. While it
   * does, `object` (this handle's JavaScript object) is held, and with `keepAlive` the process goes on.
   */
  napi_value receive(napi_env env, napi_value object, bool keepAlive);
  /** Gives a promise that resolves when the descriptor is gone. */
  napi_value stop(napi_env env, napi_value object);

  ListenerHandle(const ListenerHandle&) = delete;
  ListenerHandle& operator=(const ListenerHandle&) = delete;

 private:
  enum class State { open, stopping, stopped };
  /** Outlives the handle if need be: a wake-up may still be on its way when the handle is gone. */
  struct WakeTarget {
    ListenerHandle* handle;
  };

  ListenerHandle() = default;
  ~ListenerHandle() = default;

  bool start(napi_env env, NetlinkSocket&& socket);
  bool hold(napi_env env, napi_value object);
  void letGo(napi_env env);
  void setKeepAlive(napi_env env, bool keepAlive);
  void answerReader(napi_env env, napi_value value);
  void onArrived(napi_env env);
  void finishStop(napi_env env);
  UniqueFd endThread();

  static void onWake(napi_env env, napi_value, void* context, void*);
  static void onWakeFinalized(napi_env, void* target, void*);
  static void onEnvironmentExit(void* handle);
  static void onCollected(napi_env env, void* handle, void*);

  State state_ = State::open;
  napi_env env_ = nullptr;  // until the environment exits
  std::unique_ptr<Listener> listener_;
  napi_threadsafe_function wake_ = nullptr;
  WakeTarget* wakeTarget_ = nullptr;  // owned by wake_
  bool keepsAlive_ = false;
  napi_ref self_ = nullptr;  // strong while somebody waits
  napi_deferred reader_ = nullptr;
  std::vector<napi_deferred> stoppers_;
};

}  // namespace nftlink
