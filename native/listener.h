// A socket's own thread that reads what the kernel tells its multicast groups.
#pragma once

#include <memory>
#include <mutex>
#include <thread>

#include "byte_buffer.h"
#include "netlink_socket.h"
#include "worker.h"

namespace nftlink {

/**
 * Reads as long as there is room: what JavaScript has not taken stays here up to a bound, then in the kernel's buffer,
 * then it is lost. Where something was lost stands an NLMSG_OVERRUN; where reading failed for good, an NLMSG_ERROR, and
 * nothing comes after it. Both are a nlmsghdr and four bytes: zero, or the negative errno.
 */
class Listener {
 public:
  /** Throws std::system_error when there can be no thread, or no descriptor to wake it by. */
  Listener(NetlinkSocket&& socket, std::unique_ptr<WorkerListener> owner);
  ~Listener() { join(); }

  /** What has been read, as one buffer; empty when there is nothing, and then the owner is told as soon as there is. */
  ByteBuffer take();

  /** Ends the thread, which closes the socket and then tells the owner. */
  void stop();
  /** Ends the thread at once and waits for it. The socket stays open when `stop` was not called before. */
  void join();
  /** After `join`. */
  UniqueFd takeSocket() { return socket_.takeFd(); }
  /** The thread has closed the socket. */
  bool isClosed();

 private:
  enum class Order { read, leave, close };

  void run() noexcept;
  void readUntilOrdered();
  bool waitForOrderOrData(bool hasRoom);
  void readAndHandOver();
  void handOver();
  void failForMemory() noexcept;
  void give(Order order);
  void nudge();

  NetlinkSocket socket_;
  const std::unique_ptr<WorkerListener> owner_;
  UniqueFd nudge_;
  ByteBuffer read_;  // the thread's own until it is moved to arrived_

  std::mutex mutex_;
  ByteBuffer arrived_;
  Order order_ = Order::read;
  bool wanted_ = false;
  bool failed_ = false;
  bool closed_ = false;
  std::thread thread_;
};

}  // namespace nftlink
