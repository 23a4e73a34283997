// What JavaScript waits for: a task with a promise.
#pragma once

#include "batch.h"
#include "napi_support.h"
#include "netlink_socket.h"
#include "outcome.h"
#include "request.h"
#include "worker.h"

namespace nftlink {

/** The outcome as JavaScript gets it: nanoseconds or a buffer. nullptr when it cannot be made. */
napi_value outcomeValue(napi_env env, const Outcome& outcome);

/** Made, settled and destroyed on the JavaScript thread; only `run` is called on the worker's. */
class PendingTask : public Task {
 public:
  /** Makes the promise; nullptr when it cannot be made. */
  napi_value promise(napi_env env);
  /** Resolves or rejects the promise. */
  virtual void settle(napi_env env) = 0;
  /** Gives up what the task holds in the environment, which is going away or has had its answer. */
  virtual void release(napi_env) {}

 protected:
  /** nullptr rejects: the value could not be made. */
  void resolve(napi_env env, napi_value value);

 private:
  napi_deferred deferred_ = nullptr;
};

class TransactTask : public PendingTask {
 public:
  TransactTask(NetlinkSocket& socket, Batch& batch, Bytes packed) : socket_(socket), batch_(batch), packed_(packed) {}
  /** Keeps the array alive until `release`. */
  bool hold(napi_env env, napi_value array);
  void run() noexcept override;
  void settle(napi_env env) override;
  void release(napi_env env) override;

 private:
  NetlinkSocket& socket_;
  Batch& batch_;
  const Bytes packed_;
  napi_ref reference_ = nullptr;
  Outcome outcome_;
};

class RequestTask : public PendingTask {
 public:
  /** Copies the question's attributes. */
  RequestTask(NetlinkSocket& socket, const Request& question);
  void run() noexcept override;
  void settle(napi_env env) override;

 private:
  NetlinkSocket& socket_;
  Request question_;
  ByteBuffer attributes_;
  ByteBuffer answer_;
};

class SendTask : public PendingTask {
 public:
  /** Copies the messages. */
  SendTask(NetlinkSocket& socket, Bytes messages);
  void run() noexcept override;
  void settle(napi_env env) override;

 private:
  NetlinkSocket& socket_;
  ByteBuffer messages_;
  ByteBuffer answer_;
};

}  // namespace nftlink
