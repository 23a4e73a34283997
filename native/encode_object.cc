// Tables, chains, rules and sets through libnftnl, but for their expressions; stateful objects and flowtables as the attributes that they come as.
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include <memory>

#include "attribute_schema.h"
#include "encode.h"
#include "expression_writer.h"
#include "schema_value.h"

namespace nftlink {

namespace {

// NFT_MSG_DESTROY*, kernel 6.3: the same payload as a deletion's.
constexpr uint16_t kDestroyTable = 26;
constexpr uint16_t kDestroyChain = 27;
constexpr uint16_t kDestroyRule = 28;
constexpr uint16_t kDestroySet = 29;
constexpr uint16_t kDestroyObject = 31;
constexpr uint16_t kDestroyFlowtable = 32;

/** A nest's length has 16 bits, and libnftnl does not check them. */
constexpr size_t kMaxMessageBytes = 65535;
/**
 * libnftnl writes without looking at the room there is. No attribute grows more than fourfold (a device's name of one
 * character and its zero becomes an attribute of 8), and nests add less than this.
 */
constexpr size_t kNestBytes = 1024;

/** A message of raw attributes: libnftnl's objects have no room for half of what the kernel knows. */
struct RawKind {
  struct Object {};
  static Object* alloc() { return new Object; }
  static void release(Object* object) { delete object; }
  static int set(Object*, uint16_t, const void*, uint32_t) { return -1; }
  static void build(nlmsghdr*, Object*) {}
  static std::span<const AttributeRule> schema() { return {}; }
};

struct TableKind {
  using Object = nftnl_table;
  static constexpr auto alloc = nftnl_table_alloc;
  static constexpr auto release = nftnl_table_free;
  static constexpr auto set = nftnl_table_set_data;
  static constexpr auto build = nftnl_table_nlmsg_build_payload;
  static std::span<const AttributeRule> schema() { return kTableSchema; }
};

struct ChainKind {
  using Object = nftnl_chain;
  static constexpr auto alloc = nftnl_chain_alloc;
  static constexpr auto release = nftnl_chain_free;
  static constexpr auto set = nftnl_chain_set_data;
  static constexpr auto build = nftnl_chain_nlmsg_build_payload;
  static std::span<const AttributeRule> schema() { return kChainSchema; }
};

struct RuleKind {
  using Object = nftnl_rule;
  static constexpr auto alloc = nftnl_rule_alloc;
  static constexpr auto release = nftnl_rule_free;
  static constexpr auto set = nftnl_rule_set_data;
  static constexpr auto build = nftnl_rule_nlmsg_build_payload;
  static std::span<const AttributeRule> schema() { return kRuleSchema; }
};

struct SetKind {
  using Object = nftnl_set;
  static constexpr auto alloc = nftnl_set_alloc;
  static constexpr auto release = nftnl_set_free;
  static constexpr auto set = nftnl_set_set_data;
  static constexpr auto build = nftnl_set_nlmsg_build_payload;
  static std::span<const AttributeRule> schema() { return kSetSchema; }
};

/** `names`: each ended by a zero, as the schema has checked. */
Problem setDevices(nftnl_chain* chain, Bytes names) {
  std::vector<const char*> list;
  const auto* at = reinterpret_cast<const char*>(names.data());
  const char* end = at + names.size();
  while (at < end) {
    const size_t length = std::strlen(at);
    if (length == 0) return "a device without a name";
    list.push_back(at);
    at += length + 1;
  }
  list.push_back(nullptr);
  return nftnl_chain_set_array(chain, NFTNL_CHAIN_DEVICES, list.data()) < 0 ? "libnftnl refuses the devices"
                                                                            : nullptr;
}

template <typename Kind>
Problem setAttribute(typename Kind::Object* object, const Field& field, uint32_t& seen) {
  const AttributeRule rule = ruleFor(Kind::schema(), field.id);
  if (rule.type == AttributeType::refused) return "an attribute that its object does not have";
  if (!fits(rule, field.value)) return "an attribute of impossible length";
  if ((seen & 1u << field.id) != 0) return "the same attribute twice";
  seen |= 1u << field.id;
  if constexpr (std::is_same_v<Kind, ChainKind>) {
    if (rule.type == AttributeType::devices) return setDevices(object, field.value);
  }
  const SchemaValue value(rule, field.value);
  if (Kind::set(object, field.id, value.data(), value.length()) < 0) return "libnftnl refuses an attribute";
  return nullptr;
}

/** What goes into a message behind what libnftnl writes. */
struct Additions {
  std::vector<Field> expressions;
  std::vector<Field> attributes;
};

template <typename Kind>
Problem setField(typename Kind::Object* object, const Field& field, uint32_t& seen, Additions& additions) {
  switch (field.kind) {
    case FieldKind::attribute:
      return setAttribute<Kind>(object, field, seen);
    case FieldKind::rawAttribute:
      // Its own length has 16 bits too.
      if (field.value.size() > kMaxMessageBytes - sizeof(nlattr)) return "a message of more than 65535 bytes";
      additions.attributes.push_back(field);
      return nullptr;
    case FieldKind::expression:
    case FieldKind::rawExpression:
      if constexpr (std::is_same_v<Kind, RuleKind>) {
        additions.expressions.push_back(field);
        return nullptr;
      }
      [[fallthrough]];
    default:
      return "a field that does not belong to this message";
  }
}

Problem writeExpressions(std::span<const Field> expressions, AttributeWriter& writer) {
  if (expressions.empty()) return nullptr;
  uint8_t* list = writer.open();
  for (const Field& field : expressions) {
    uint8_t* element = writer.open();
    const bool isRaw = field.kind == FieldKind::rawExpression;
    const Problem problem = isRaw ? writeRawExpression(field.value, writer) : writeExpression(field.value, writer);
    if (problem != nullptr) return problem;
    writer.close(element, NFTA_LIST_ELEM);
  }
  writer.close(list, NFTA_RULE_EXPRESSIONS);
  return nullptr;
}

void putAttributes(nlmsghdr* header, std::span<const Field> attributes) {
  for (const Field& field : attributes) mnl_attr_put(header, field.id, field.value.size(), field.value.data());
}

template <typename Kind>
Problem encode(const Operation& operation, uint32_t index, Batch& batch) {
  const auto deleter = [](typename Kind::Object* object) { Kind::release(object); };
  const std::unique_ptr<typename Kind::Object, decltype(deleter)> object(Kind::alloc(), deleter);
  if (object == nullptr) throw std::bad_alloc();
  uint32_t seen = 0;
  Additions additions;
  FieldReader fields(operation.fields);
  while (fields.more()) {
    Field field;
    if (const Problem problem = fields.read(field)) return problem;
    if (const Problem problem = setField<Kind>(object.get(), field, seen, additions)) return problem;
  }
  batch.openMessage(operation.message, operation.flags, operation.family, index);
  ByteBuffer& buffer = batch.buffer();
  const size_t room = operation.fields.size() * 4 + kNestBytes;
  buffer.reserve(room);
  // libmnl 1.0.4 leaves padding as it was: the kernel would get to see old memory, and no two batches were the same.
  std::memset(buffer.end(), 0, room);
  nlmsghdr* header = batch.openHeader();
  const uint32_t before = header->nlmsg_len;
  Kind::build(header, object.get());
  auto* tail = static_cast<uint8_t*>(mnl_nlmsg_get_payload_tail(header));
  AttributeWriter writer(tail);
  if (const Problem problem = writeExpressions(additions.expressions, writer)) return problem;
  header->nlmsg_len += static_cast<uint32_t>(writer.at() - tail);
  putAttributes(header, additions.attributes);
  if (header->nlmsg_len > kMaxMessageBytes) return "a message of more than 65535 bytes";
  buffer.advance(header->nlmsg_len - before);
  batch.closeMessage();
  return nullptr;
}

}  // namespace

Problem encodeObject(const Operation& operation, uint32_t index, Batch& batch) {
  switch (operation.message) {
    case NFT_MSG_NEWTABLE:
    case NFT_MSG_DELTABLE:
    case kDestroyTable:
      return encode<TableKind>(operation, index, batch);
    case NFT_MSG_NEWCHAIN:
    case NFT_MSG_DELCHAIN:
    case kDestroyChain:
      return encode<ChainKind>(operation, index, batch);
    case NFT_MSG_NEWRULE:
    case NFT_MSG_DELRULE:
    case kDestroyRule:
      return encode<RuleKind>(operation, index, batch);
    case NFT_MSG_NEWSET:
    case NFT_MSG_DELSET:
    case kDestroySet:
      return encode<SetKind>(operation, index, batch);
    case NFT_MSG_NEWOBJ:
    case NFT_MSG_DELOBJ:
    case kDestroyObject:
    case NFT_MSG_NEWFLOWTABLE:
    case NFT_MSG_DELFLOWTABLE:
    case kDestroyFlowtable:
      return encode<RawKind>(operation, index, batch);
    default:
      return "a message that nothing here is made or deleted by";
  }
}

}  // namespace nftlink
