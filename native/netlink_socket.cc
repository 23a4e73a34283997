#include "netlink_socket.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

namespace nftlink {

namespace {

constexpr size_t kMinReceiveBuffer = 1 << 20;
constexpr size_t kMaxReceiveBuffer = 128 << 20;
constexpr size_t kReceiveBytesPerMessage = 1024;

// net/netlink/af_netlink.c, netlink_sendmsg: EMSGSIZE if len > sk->sk_sndbuf - 32.
constexpr size_t kSendReserve = 32;

using Failure = std::optional<OpenError>;

Failure openHere(UniqueFd& fd) {
  UniqueFd opened(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!opened) return OpenError{errno, "socket"};
  const int on = 1;
  ::setsockopt(opened.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  ::setsockopt(opened.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (::bind(opened.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    return OpenError{errno, "bind"};
  }
  fd = std::move(opened);
  return std::nullopt;
}

Failure openInNamespace(const std::string& path, UniqueFd& fd) {
  const UniqueFd netns(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns) return OpenError{errno, "open-netns"};
  if (::setns(netns.get(), CLONE_NEWNET) < 0) return OpenError{errno, "setns"};
  return openHere(fd);
}

Failure openElsewhere(const std::string& path, UniqueFd& fd) {
  Failure failure;
  try {
    std::thread([&] { failure = openInNamespace(path, fd); }).join();
  } catch (const std::system_error& error) {
    return OpenError{error.code().value(), "thread"};
  }
  return failure;
}

size_t bufferSize(int fd, int option) {
  int actual = 0;
  socklen_t length = sizeof actual;
  if (::getsockopt(fd, SOL_SOCKET, option, &actual, &length) < 0 || actual < 0) return 0;
  return static_cast<size_t>(actual);
}

/** SO_SNDBUFFORCE and SO_RCVBUFFORCE need CAP_NET_ADMIN in the first user namespace; without it there is a limit. */
size_t setBuffer(int fd, int force, int ordinary, size_t bytes) {
  const int wanted = static_cast<int>(std::min<size_t>(bytes, 0x3fffffff));
  if (::setsockopt(fd, SOL_SOCKET, force, &wanted, sizeof wanted) < 0) {
    ::setsockopt(fd, SOL_SOCKET, ordinary, &wanted, sizeof wanted);
  }
  return bufferSize(fd, ordinary);
}

size_t limitOf(size_t sendBuffer) { return sendBuffer > kSendReserve ? sendBuffer - kSendReserve : 0; }

}  // namespace

std::optional<OpenError> NetlinkSocket::open(const std::string& netnsPath, NetlinkSocket& socket) {
  const Failure failure = netnsPath.empty() ? openHere(socket.fd_) : openElsewhere(netnsPath, socket.fd_);
  if (failure) return failure;
  socket.sendLimit_ = limitOf(bufferSize(socket.fd(), SO_SNDBUF));
  socket.raiseReceiveBuffer(0);
  return std::nullopt;
}

void NetlinkSocket::raiseSendLimit(size_t bytes) {
  // The kernel doubles what is asked for, so this leaves room to grow.
  sendLimit_ = limitOf(setBuffer(fd(), SO_SNDBUFFORCE, SO_SNDBUF, bytes + kSendReserve));
}

void NetlinkSocket::raiseReceiveBuffer(size_t messages) {
  const size_t wanted = std::clamp(messages * kReceiveBytesPerMessage, kMinReceiveBuffer, kMaxReceiveBuffer);
  if (wanted <= receiveBuffer_) return;
  receiveBuffer_ = wanted;  // what was asked for, not what was given: asking again would not help
  setBuffer(fd(), SO_RCVBUFFORCE, SO_RCVBUF, wanted);
}

void NetlinkSocket::setReceiveBuffer(size_t bytes) {
  receiveBuffer_ = bytes;
  setBuffer(fd(), SO_RCVBUFFORCE, SO_RCVBUF, bytes);
}

size_t NetlinkSocket::repliesThatFit() const {
  return std::max<size_t>(bufferSize(fd(), SO_RCVBUF) / kReceiveBytesPerMessage, 1);
}

std::optional<OpenError> NetlinkSocket::subscribe(uint32_t groups) {
  for (int group = 1; groups != 0; group++, groups >>= 1) {
    if ((groups & 1) == 0) continue;
    if (::setsockopt(fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0) {
      return OpenError{errno, "subscribe"};
    }
  }
  return std::nullopt;
}

}  // namespace nftlink
