#include "send_messages.h"

#include <sys/socket.h>

#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "netlink_reply.h"

namespace nftlink {

namespace {

/** With NETLINK_CAP_ACK an answer is its header, two structures and short texts. */
constexpr size_t kAnswerBytes = 8192;
/** More in one system call are no faster. */
constexpr size_t kMostMessages = 1024;
constexpr int32_t kNoAnswer = -1;

/** Where each message begins, and behind them where the last one ends. */
using Offsets = std::vector<size_t>;

bool findMessages(Bytes bytes, Offsets& offsets) {
  size_t at = 0;
  while (at < bytes.size()) {
    offsets.push_back(at);
    if (bytes.size() - at < sizeof(nlmsghdr)) return false;
    const size_t length = load<nlmsghdr>(bytes.data() + at).nlmsg_len;
    if (length < sizeof(nlmsghdr) || length > bytes.size() - at) return false;
    at += align4(length);
    if (at > bytes.size()) return false;
  }
  offsets.push_back(at);
  return true;
}

/** Gives each message its number and asks for an answer to each. */
void prepare(NetlinkSocket& socket, ByteBuffer& messages, const Offsets& offsets) {
  for (size_t i = 0; i + 1 < offsets.size(); i++) {
    auto header = load<nlmsghdr>(messages.data() + offsets[i]);
    header.nlmsg_flags = static_cast<uint16_t>(header.nlmsg_flags | NLM_F_REQUEST | NLM_F_ACK);
    header.nlmsg_seq = socket.nextSequence() + static_cast<uint32_t>(i);
    header.nlmsg_pid = 0;
    std::memcpy(messages.data() + offsets[i], &header, sizeof header);
  }
}

/** Writes the results of messages `first` to `end`; the errno of a receive that failed. */
int collect(NetlinkSocket& socket, uint32_t firstSequence, std::vector<int32_t>& results) {
  alignas(nlmsghdr) uint8_t buffer[kAnswerBytes];
  for (;;) {
    const ssize_t received = ::recv(socket.fd(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (received < 0) {
      if (errno == EAGAIN) return 0;
      if (errno == EINTR || errno == ENOBUFS) continue;  // what was lost keeps its "no answer"
      return errno;
    }
    Bytes datagram{buffer, static_cast<size_t>(received)};
    Reply reply;
    KernelError error;
    while (nextReply(datagram, reply)) {
      const uint32_t index = reply.sequence - firstSequence;
      if (reply.type != NLMSG_ERROR || index >= results.size() || !readError(reply, error)) continue;
      results[index] = error.error;
    }
  }
}

/** How many messages from `first` on can go together. */
size_t countTogether(const NetlinkSocket& socket, const Offsets& offsets, size_t first, size_t most) {
  size_t count = 1;
  while (count < most && first + count + 1 < offsets.size() &&
         offsets[first + count + 1] - offsets[first] <= socket.sendLimit()) {
    count++;
  }
  return count;
}

int sendAll(NetlinkSocket& socket, ByteBuffer& messages, const Offsets& offsets, std::vector<int32_t>& results) {
  prepare(socket, messages, offsets);
  const uint32_t firstSequence = socket.nextSequence();
  socket.useSequences(results.size());
  socket.raiseReceiveBuffer(std::min(results.size(), kMostMessages));
  const size_t most = std::min(socket.repliesThatFit(), kMostMessages);
  for (size_t first = 0; first < results.size();) {
    const size_t count = countTogether(socket, offsets, first, most);
    const size_t length = offsets[first + count] - offsets[first];
    if (::send(socket.fd(), messages.data() + offsets[first], length, 0) < 0) return errno;
    // The kernel has answered everything when send returns.
    if (const int error = collect(socket, firstSequence, results)) return error;
    first += count;
  }
  return 0;
}

}  // namespace

ByteBuffer sendMessages(NetlinkSocket& socket, ByteBuffer& messages) {
  Offsets offsets;
  std::vector<int32_t> results;
  int32_t error = EINVAL;
  if (findMessages(messages.view(), offsets)) {
    results.assign(offsets.size() - 1, kNoAnswer);
    error = sendAll(socket, messages, offsets, results);
  }
  ByteBuffer answer;
  answer.appendValue(error);
  answer.append(results.data(), results.size() * sizeof(int32_t));
  return answer;
}

}  // namespace nftlink
