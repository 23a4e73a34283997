// Any bytes as what the kernel answers, to a transaction and to requests: about nftables and about flows.
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "check.h"
#include "request.h"
#include "scripted_kernel.h"
#include "transact.h"

using namespace nftlink;

namespace {

class PackedTransaction {
 public:
  PackedTransaction() {
    words({0x314c464e, 3, 0, 0});
    // A table, and two lists of two elements: the second names its set by number too.
    operation(NFT_MSG_NEWTABLE, {field(0, 0, "t", 1)});
    for (int list = 0; list < 2; list++) {
      constexpr uint32_t count = 2;
      constexpr uint32_t keys[] = {4, 1, 2};
      operation(NFT_MSG_NEWSETELEM, {field(0, 0, "t", 1), field(1, 0, "s", 1), field(0, 4, &count, sizeof count),
                                     field(2, 2, keys, sizeof keys)});
    }
  }
  Bytes view() const { return bytes_.view(); }

 private:
  using Field = std::vector<uint8_t>;

  void words(std::initializer_list<uint32_t> values) {
    for (const uint32_t value : values) bytes_.appendValue(value);
  }

  static Field field(uint16_t id, uint16_t kind, const void* value, uint32_t length) {
    Field bytes(8 + align4(length));
    std::memcpy(bytes.data(), &id, 2);
    std::memcpy(bytes.data() + 2, &kind, 2);
    std::memcpy(bytes.data() + 4, &length, 4);
    std::memcpy(bytes.data() + 8, value, length);
    return bytes;
  }

  void operation(uint32_t message, const std::vector<Field>& fields) {
    uint32_t size = 0;
    for (const Field& bytes : fields) size += static_cast<uint32_t>(bytes.size());
    words({message, NFPROTO_IPV4, size});
    for (const Field& bytes : fields) bytes_.append(bytes.data(), bytes.size());
  }

  ByteBuffer bytes_;
};

void checkFailure(const Failure& failure) {
  require(failure.operation == kNone || failure.operation < 3, "a failure of an operation that is not there");
  require(failure.error > 0, "a failure without errno");
}

void checkTransaction(Bytes script) {
  static const PackedTransaction transaction;
  static Batch batch;
  NetlinkSocket socket;
  socket.raiseSendLimit(1 << 20);
  setAnswers(script);
  const Outcome outcome = transact(socket, batch, transaction.view());
  if (outcome.kind == OutcomeKind::committed) require(outcome.failures.empty(), "committed, with failures");
  for (const Failure& failure : outcome.failures) checkFailure(failure);
  require(packOutcome(outcome).size() % 4 == 0, "an outcome that is no multiple of 4");
}

void checkRequest(Bytes script, uint8_t subsystem, uint16_t flags) {
  NetlinkSocket socket;
  setAnswers(script);
  Request question{};
  question.subsystem = subsystem;
  question.message = NFT_MSG_GETTABLE;  // IPCTNL_MSG_CT_GET has the same number
  question.flags = flags;
  const ByteBuffer answer = request(socket, question);
  require(answer.size() >= 8 && answer.size() % 4 == 0, "an answer's length");
  require(load<int32_t>(answer.data()) >= 0, "a negative errno");
  // Frames stand side by side: that is what src/netlink/message.ts relies on.
  for (Bytes rest = answer.view().subspan(8); !rest.empty();) {
    require(rest.size() >= sizeof(nlmsghdr), "a cut-off frame");
    const size_t length = load<uint32_t>(rest.data());
    require(length >= sizeof(nlmsghdr) && align4(length) <= rest.size(), "a frame's length");
    rest = rest.subspan(align4(length));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes script{data, size};
  checkTransaction(script);
  for (const uint8_t subsystem : {uint8_t{NFNL_SUBSYS_NFTABLES}, uint8_t{NFNL_SUBSYS_CTNETLINK}}) {
    checkRequest(script, subsystem, NLM_F_DUMP);
    checkRequest(script, subsystem, 0);
  }
  return 0;
}
