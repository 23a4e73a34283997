// Any bytes as what the kernel tells those who listen.
#include <linux/netlink.h>

#include "check.h"
#include "event_reader.h"
#include "scripted_kernel.h"

using namespace nftlink;

namespace {

/** The last message of netlink's own that was put behind the datagrams. */
int32_t lastControl(Bytes read, uint16_t type) {
  constexpr size_t length = sizeof(nlmsghdr) + sizeof(int32_t);
  require(read.size() >= length, "a control message that is cut off");
  const Bytes message = read.last(length);
  const auto header = load<nlmsghdr>(message.data());
  require(header.nlmsg_len == length && header.nlmsg_type == type, "a control message's header");
  return load<int32_t>(message.data() + sizeof(nlmsghdr));
}

}  // namespace

/** Input: the answers; in place of a datagram also what `recv` fails with. */
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  setAnswers({data, size});
  static ByteBuffer read;  // used again and again, as that of a listener
  read.clear(kEventBatchBytes);
  // What failed for good is not read from again; then nothing may follow.
  const bool goesOn = readEvents(-1, read);
  require(read.size() % 4 == 0, "a batch that is no multiple of 4");
  // Each answer is at least its own length, and a control message at most 20 bytes for three of input.
  require(read.size() <= size * 7 + 3, "more than was sent");
  if (!goesOn) require(lastControl(read.view(), NLMSG_ERROR) < 0, "an error that is no negative errno");
  return 0;
}
