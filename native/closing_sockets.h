// Sockets that are being closed behind JavaScript's back.
#pragma once

#include <node_api.h>

#include <memory>

#include "netlink_socket.h"

namespace nftlink {

/**
 * Those of one environment. Closing a socket waits for the kernel's readers, up to 7.6 ms after deletions: not on
 * JavaScript's thread, but an environment that ends waits until they are gone.
 */
class ClosingSockets {
 public:
  /** Makes them the environment's own; false when that cannot be. */
  static bool begin(napi_env env);
  /** Those of an environment; nullptr when `begin` was not called. */
  static ClosingSockets* of(napi_env env);

  /** Closes the descriptor on a thread of its own, or here when there can be none. */
  void close(UniqueFd fd);

 private:
  struct Count;

  ClosingSockets();
  static void onEnvironmentExit(void* sockets);

  std::shared_ptr<Count> count_;
};

}  // namespace nftlink
