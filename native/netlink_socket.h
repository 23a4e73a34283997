// A netfilter netlink socket: descriptor, buffer sizes and running sequence numbers.
#pragma once

#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "bytes.h"

namespace nftlink {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

struct OpenError {
  int error;
  const char* step;  // of NativeOpenError in src/native/contract.ts
};

class NetlinkSocket {
 public:
  /**
   * Opens a socket in the network namespace at a path; '': that of the calling thread. Another namespace is entered by
   * a thread of its own that ends at once.
   */
  static std::optional<OpenError> open(const std::string& netnsPath, NetlinkSocket& socket);

  int fd() const { return fd_.get(); }
  /** Blocks for up to 7.6 ms after deletions, while the kernel waits for its readers. */
  void close() { fd_.reset(); }
  UniqueFd takeFd() { return std::move(fd_); }

  uint32_t nextSequence() const { return nextSequence_; }
  void useSequences(size_t count) { nextSequence_ += static_cast<uint32_t>(count); }

  /** The largest message that can be sent. */
  size_t sendLimit() const { return sendLimit_; }
  /** Tries to raise the limit to at least `bytes`. */
  void raiseSendLimit(size_t bytes);
  /** Makes room for an error for each of so many messages. */
  void raiseReceiveBuffer(size_t messages);
  /** Asks for a receive buffer of so many bytes, also for a smaller one. */
  void setReceiveBuffer(size_t bytes);
  /** How many errors or acknowledgements are sure to fit into the receive buffer. */
  size_t repliesThatFit() const;
  /** Joins multicast groups: bit n - 1 is group n. */
  std::optional<OpenError> subscribe(uint32_t groups);

 private:
  UniqueFd fd_;
  uint32_t nextSequence_ = 1;
  size_t sendLimit_ = 0;
  size_t receiveBuffer_ = 0;
};

}  // namespace nftlink
