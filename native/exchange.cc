#include "exchange.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include <cerrno>
#include <ctime>

#include "netlink_reply.h"

namespace nftlink {

namespace {

/** With NETLINK_CAP_ACK an error is its header, two structures and short texts. */
constexpr size_t kErrorBytes = 8192;

int64_t nowNs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/** The element that an error is about: the one its path leads to, or the only one there is. */
uint32_t blamedElement(const MessageOrigin& origin, const AttributePath& path) {
  if (origin.elements == 0) return kNone;
  if (path.empty()) return origin.elements == 1 ? origin.firstElement : kNone;
  if (path.size() < 2 || path[0].attribute != NFTA_SET_ELEM_LIST_ELEMENTS) return kNone;
  return origin.firstElement + path[1].index;
}

void appendFailure(const Batch& batch, const MessageOrigin& origin, const KernelError& error,
                   std::vector<Failure>& failures) {
  AttributePath path;
  if (error.offset != 0) path = findAttribute(batch.messageBytes(origin), error.offset);
  const uint32_t element = blamedElement(origin, path);
  failures.push_back({origin.operation, error.error, element, std::move(path), std::string(error.text)});
}

void readDatagram(Bytes datagram, const Batch& batch, std::vector<Failure>& failures) {
  Reply reply;
  while (nextReply(datagram, reply)) {
    KernelError error;
    if (reply.type != NLMSG_ERROR || !readError(reply, error) || error.error == 0) continue;
    // An earlier batch's numbers are not found.
    if (const MessageOrigin* origin = batch.find(reply.sequence)) appendFailure(batch, *origin, error, failures);
  }
}

}  // namespace

SendResult sendBatch(NetlinkSocket& socket, const Batch& batch, int64_t& sendNs) {
  socket.useSequences(batch.messages());
  const Bytes bytes = batch.bytes();
  if (bytes.size() > socket.sendLimit()) socket.raiseSendLimit(bytes.size());
  if (bytes.size() > socket.sendLimit()) return {Step::size, EMSGSIZE};
  socket.raiseReceiveBuffer(batch.messages());
  iovec part{const_cast<uint8_t*>(bytes.data()), bytes.size()};
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  msghdr message{};
  message.msg_name = &kernel;
  message.msg_namelen = sizeof kernel;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const int64_t start = nowNs();
  const ssize_t sent = ::sendmsg(socket.fd(), &message, 0);
  sendNs = nowNs() - start;
  // Not repeated after EINTR: what did not enter the kernel's queue is for the caller to repeat.
  if (sent < 0) return {Step::send, errno};
  return {};
}

int collectFailures(NetlinkSocket& socket, const Batch& batch, std::vector<Failure>& failures, bool& lost) {
  alignas(nlmsghdr) uint8_t buffer[kErrorBytes];
  for (;;) {
    const ssize_t received = ::recv(socket.fd(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (received >= 0) {
      readDatagram({buffer, static_cast<size_t>(received)}, batch, failures);
    } else if (errno == EAGAIN) {
      return 0;
    } else if (errno == ENOBUFS) {
      lost = true;
    } else if (errno != EINTR) {
      return errno;
    }
  }
}

}  // namespace nftlink
