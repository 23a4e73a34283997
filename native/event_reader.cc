#include "event_reader.h"

#include <sys/socket.h>

#include <linux/netlink.h>

#include <cerrno>

namespace nftlink {

namespace {

/** The kernel's notifications are far smaller; MSG_TRUNC tells of one that is not. */
constexpr size_t kDatagramBytes = 64 << 10;

/** Appends one datagram; false, with errno, when there is none. */
bool readDatagram(int fd, ByteBuffer& read) {
  read.reserve(kDatagramBytes);
  const ssize_t received = ::recv(fd, read.end(), kDatagramBytes, MSG_DONTWAIT | MSG_TRUNC);
  if (received < 0) return false;
  const auto length = static_cast<size_t>(received);
  if (length > kDatagramBytes) {
    errno = ENOBUFS;  // cut off: the rest of it is lost
    return false;
  }
  read.advance(length);
  const size_t padding = align4(length) - length;
  std::memset(read.end(), 0, padding);
  read.advance(padding);
  return true;
}

}  // namespace

bool readEvents(int fd, ByteBuffer& read) {
  while (read.size() < kEventBatchBytes) {
    if (readDatagram(fd, read)) continue;
    if (errno == EAGAIN) return true;
    if (errno == ENOBUFS) {
      appendControl(read, NLMSG_OVERRUN, 0);
    } else if (errno != EINTR) {
      appendControl(read, NLMSG_ERROR, -errno);
      return false;
    }
  }
  return true;
}

void appendControl(ByteBuffer& read, uint16_t type, int32_t value) {
  read.appendValue(nlmsghdr{sizeof(nlmsghdr) + sizeof value, type, 0, 0, 0});
  read.appendValue(value);
}

}  // namespace nftlink
