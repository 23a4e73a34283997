// Elements, written straight as netlink attributes: libnftnl costs 220 ns an element, this 10 to 20. Order and
// nesting are those of nftnl_set_elems_nlmsg_build_payload.
#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "attribute_writer.h"
#include "element_columns.h"
#include "encode.h"

namespace nftlink {

namespace {

constexpr size_t kHeader = AttributeWriter::kHeader;
/** The ELEMENTS nest's length has 16 bits. */
constexpr size_t kMaxNestBytes = 65535;
/** NFT_SET_ELEM_CATCHALL, kernel 5.13: an element without a key. */
constexpr uint32_t kCatchAll = 2;
/** No timeout of its own. */
constexpr uint64_t kNoTime = ~uint64_t{0};

/** What varies in size from element to element. */
struct Variable {
  Bytes chain;
  Bytes userdata;
  Bytes object;
  /** Attributes as they go to the kernel. */
  Bytes statements;
};

Problem readName(const Column& column, uint32_t element, Bytes& name) {
  if (!column.present) return nullptr;
  if (!column.variable(element, name)) return "impossible offsets";
  return std::memchr(name.data(), 0, name.size()) == nullptr ? nullptr : "a name with a zero";
}

Problem readVariable(const ElementColumns& columns, uint32_t element, Variable& values) {
  if (const Problem problem = readName(columns.chain, element, values.chain)) return problem;
  if (const Problem problem = readName(columns.object, element, values.object)) return problem;
  if (columns.userdata.present && !columns.userdata.variable(element, values.userdata)) return "impossible offsets";
  if (!columns.statements.present) return nullptr;
  if (!columns.statements.variable(element, values.statements)) return "impossible offsets";
  return values.statements.size() % 4 == 0 ? nullptr : "statements of impossible length";
}

/** Room for everything of an element that has a fixed size: 3 nested values of 64, 3 integers, headers. */
constexpr size_t kFixedRoom = 3 * (64 + 2 * kHeader) + 12 + 2 * 12 + 2 * kHeader + 64;

size_t roomFor(const Variable& values) {
  return kFixedRoom + align4(values.chain.size() + 1) + align4(values.userdata.size()) +
         align4(values.object.size() + 1) + values.statements.size();
}

void writeVerdict(AttributeWriter& writer, uint32_t code, Bytes chain) {
  const size_t name = chain.empty() ? 0 : kHeader + align4(chain.size() + 1);
  const size_t verdict = 2 * kHeader + 4 + name;
  writer.nest(NFTA_SET_ELEM_DATA, kHeader + verdict);
  writer.nest(NFTA_DATA_VERDICT, verdict);
  writer.integer(NFTA_VERDICT_CODE, htonl(code));
  if (!chain.empty()) writer.text(NFTA_VERDICT_CHAIN, chain);
}

void writeTime(AttributeWriter& writer, const Column& column, uint32_t element, uint16_t type) {
  if (!column.present) return;
  const auto time = load<uint64_t>(column.fixed(element));
  if (time != kNoTime) writer.integer(type, htobe64(time));
}

void writeElement(AttributeWriter& writer, const ElementColumns& columns, uint32_t element, const Variable& values) {
  uint32_t flags = 0;
  if (columns.flags.present) {
    flags = load<uint32_t>(columns.flags.fixed(element));
    if (flags != 0) writer.integer(NFTA_SET_ELEM_FLAGS, htonl(flags));
  }
  const bool hasKey = columns.key.present && (flags & kCatchAll) == 0;
  if ((flags & NFT_SET_ELEM_INTERVAL_END) != 0) {
    // The end of a range: the columns hold nothing for it but its key.
    if (hasKey) writer.nestedValue(NFTA_SET_ELEM_KEY, columns.key.fixed(element), columns.key.width);
    return;
  }
  writeTime(writer, columns.timeout, element, NFTA_SET_ELEM_TIMEOUT);
  writeTime(writer, columns.expiration, element, NFTA_SET_ELEM_EXPIRATION);
  if (hasKey) writer.nestedValue(NFTA_SET_ELEM_KEY, columns.key.fixed(element), columns.key.width);
  if (columns.keyEnd.present && hasKey) {
    writer.nestedValue(NFTA_SET_ELEM_KEY_END, columns.keyEnd.fixed(element), columns.keyEnd.width);
  }
  if (columns.verdict.present) {
    writeVerdict(writer, load<uint32_t>(columns.verdict.fixed(element)), values.chain);
  }
  if (columns.data.present) writer.nestedValue(NFTA_SET_ELEM_DATA, columns.data.fixed(element), columns.data.width);
  if (!values.object.empty()) writer.text(NFTA_SET_ELEM_OBJREF, values.object);
  if (!values.userdata.empty()) {
    writer.value(NFTA_SET_ELEM_USERDATA, values.userdata.data(), values.userdata.size());
  }
  writer.attributes(values.statements);
}

/** The messages of one operation: each repeats the names and holds as many elements as fit. */
class ElementMessages {
 public:
  ElementMessages(const Operation& operation, uint32_t index, const ElementColumns& columns, Batch& batch)
      : operation_(operation), index_(index), columns_(columns), batch_(batch) {}

  Problem writeAll(bool split);

 private:
  void open();
  void openList(uint32_t firstElement);
  void closeList(uint32_t nextElement);

  const Operation& operation_;
  const uint32_t index_;
  const ElementColumns& columns_;
  Batch& batch_;
  size_t listStart_ = 0;
  uint32_t firstElement_ = 0;
};

void ElementMessages::open() {
  batch_.openMessage(operation_.message, operation_.flags, operation_.family, index_);
  ByteBuffer& buffer = batch_.buffer();
  const size_t names = align4(columns_.set.size() + 1) + align4(columns_.table.size() + 1);
  buffer.reserve(names + 4 * kHeader + 4);
  AttributeWriter writer(buffer.end());
  writer.text(NFTA_SET_ELEM_LIST_SET, columns_.set);
  if (columns_.hasSetId) writer.integer(NFTA_SET_ELEM_LIST_SET_ID, htonl(columns_.setId));
  writer.text(NFTA_SET_ELEM_LIST_TABLE, columns_.table);
  buffer.advance(static_cast<size_t>(writer.at() - buffer.end()));
}

void ElementMessages::openList(uint32_t firstElement) {
  open();
  ByteBuffer& buffer = batch_.buffer();
  listStart_ = buffer.size();
  firstElement_ = firstElement;
  buffer.reserve(kHeader);
  buffer.advance(kHeader);
}

void ElementMessages::closeList(uint32_t nextElement) {
  ByteBuffer& buffer = batch_.buffer();
  AttributeWriter(buffer.data() + listStart_).nest(NFTA_SET_ELEM_LIST_ELEMENTS, buffer.size() - listStart_);
  batch_.setElements(firstElement_, nextElement - firstElement_);
  batch_.closeMessage();
}

Problem ElementMessages::writeAll(bool split) {
  if (!columns_.hasCount) {
    open();
    batch_.closeMessage();
    return nullptr;
  }
  // An empty list deletes nothing, while a message without a list would delete everything: so no message at all.
  if (columns_.count == 0) return nullptr;
  ByteBuffer& buffer = batch_.buffer();
  openList(0);
  for (uint32_t element = 0; element < columns_.count; element++) {
    Variable values;
    if (const Problem problem = readVariable(columns_, element, values)) return problem;
    const size_t room = roomFor(values);
    if (room > kMaxNestBytes - kHeader) return "an element of more than 65535 bytes";
    buffer.reserve(room);
    uint8_t* start = buffer.end();
    AttributeWriter writer(start + kHeader);
    writeElement(writer, columns_, element, values);
    const auto length = static_cast<size_t>(writer.at() - start);
    const bool full = buffer.size() - listStart_ + length > kMaxNestBytes;
    if (element > firstElement_ && (split || full)) {
      closeList(element);
      openList(element);
      element--;  // once more, into the new message
      continue;
    }
    AttributeWriter(start).nest(NFTA_LIST_ELEM, length);
    buffer.advance(length);
  }
  closeList(columns_.count);
  return nullptr;
}

}  // namespace

Problem encodeElements(const Operation& operation, uint32_t index, bool split, Batch& batch) {
  ElementColumns columns;
  if (const Problem problem = readElementColumns(operation.fields, columns)) return problem;
  return ElementMessages(operation, index, columns, batch).writeAll(split);
}

}  // namespace nftlink
