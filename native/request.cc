#include "request.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <cerrno>

#include "netlink_reply.h"

namespace nftlink {

namespace {

/** The kernel sizes a dump's parts by the largest buffer it has seen, up to 32 KiB (net/netlink/af_netlink.c). */
constexpr size_t kReceiveBytes = 64 << 10;
constexpr size_t kHeaderBytes = 8;
constexpr size_t kMaxRequestBytes = 65536;

/** The replies so far: errno and flags first, then frames. */
struct Answer {
  ByteBuffer frames;
  int error = 0;
  bool interrupted = false;
  bool ended = false;
};

int sendRequest(NetlinkSocket& socket, const Request& question, uint32_t sequence) {
  // A dump ends by itself; anything else is made to end with an acknowledgement.
  const bool dump = (question.flags & NLM_F_DUMP) != 0;
  const auto flags = static_cast<uint16_t>(NLM_F_REQUEST | question.flags | (dump ? 0 : NLM_F_ACK));
  const auto type = static_cast<uint16_t>(question.subsystem << 8 | question.message);
  const size_t length = sizeof(nlmsghdr) + sizeof(nfgenmsg) + question.attributes.size();
  if (length > kMaxRequestBytes) return EMSGSIZE;
  ByteBuffer message;
  message.appendValue(nlmsghdr{static_cast<uint32_t>(length), type, flags, sequence, 0});
  message.appendValue(nfgenmsg{question.family, NFNETLINK_V0, 0});
  message.append(question.attributes.data(), question.attributes.size());
  return ::send(socket.fd(), message.data(), message.size(), 0) < 0 ? errno : 0;
}

void end(Answer& answer, int error) {
  answer.ended = true;
  answer.error = error;
}

/** Takes one message; true when it is part of the answer. */
bool takeReply(const Reply& reply, Answer& answer) {
  if ((reply.flags & NLM_F_DUMP_INTR) != 0) answer.interrupted = true;
  if (reply.type == NLMSG_ERROR) {
    KernelError error;
    end(answer, readError(reply, error) ? error.error : EPROTO);
    return false;
  }
  if (reply.type == NLMSG_DONE) {
    const bool hasError = reply.bytes.size() >= sizeof(nlmsghdr) + sizeof(int32_t);
    const int32_t error = hasError ? load<int32_t>(reply.bytes.data() + sizeof(nlmsghdr)) : 0;
    end(answer, errnoOf(error));
    return false;
  }
  return reply.type >= NLMSG_MIN_TYPE;
}

/** Reads one datagram in place, behind the frames, and moves together what belongs to the answer. */
int receiveOnce(NetlinkSocket& socket, uint32_t sequence, Answer& answer) {
  ByteBuffer& frames = answer.frames;
  frames.reserve(kReceiveBytes);
  const ssize_t received = ::recv(socket.fd(), frames.end(), kReceiveBytes, MSG_DONTWAIT | MSG_TRUNC);
  if (received < 0) return errno == EINTR ? 0 : errno;
  if (static_cast<size_t>(received) > kReceiveBytes) return EMSGSIZE;
  Bytes datagram{frames.end(), static_cast<size_t>(received)};
  Reply reply;
  while (!answer.ended && nextReply(datagram, reply)) {
    if (reply.sequence != sequence || !takeReply(reply, answer)) continue;
    std::memmove(frames.end(), reply.bytes.data(), reply.bytes.size());
    frames.advance(reply.bytes.size());
    const size_t padding = align4(frames.size()) - frames.size();
    std::memset(frames.end(), 0, padding);
    frames.advance(padding);
  }
  return 0;
}

/** Throws away what is left of an answer that failed midway. */
void drain(NetlinkSocket& socket) {
  uint8_t buffer[4096];
  while (::recv(socket.fd(), buffer, sizeof buffer, MSG_DONTWAIT) >= 0 || errno == EINTR || errno == ENOBUFS) {
  }
}

}  // namespace

ByteBuffer request(NetlinkSocket& socket, const Request& question) {
  const uint32_t sequence = socket.nextSequence();
  socket.useSequences(1);
  Answer answer;
  answer.frames.appendValue(uint64_t{0});
  int error = sendRequest(socket, question, sequence);
  // The kernel answers within send and prepares the next part within receive: there is never anything to wait for, so
  // an empty queue before the end (EAGAIN) is an error like any other.
  while (error == 0 && !answer.ended) error = receiveOnce(socket, sequence, answer);
  if (error != 0) {
    answer.error = error;
    drain(socket);
  }
  const int32_t header[2] = {answer.error, answer.interrupted ? 1 : 0};
  static_assert(sizeof header == kHeaderBytes);
  std::memcpy(answer.frames.data(), header, sizeof header);
  return std::move(answer.frames);
}

}  // namespace nftlink
