#include "attribute_schema.h"

namespace nftlink {

namespace {

/** IFNAMSIZ 16 and a bound on how many devices a chain may name: NFT_NETDEVICE_MAX is 256. */
constexpr AttributeRule kDevices{AttributeType::devices, 16 * 256};
/**
 * libnftnl 1.2.4 counts the fields up to a zero, in a table of 16: the sixteenth would make it read on.
 */
constexpr AttributeRule kFieldLengths{AttributeType::fieldLengths, 15};

constexpr AttributeRule kTable[] = {
    kText,      // NAME
    kU32,       // FAMILY
    kU32,       // FLAGS
    kRefused,   // USE
    kU64,       // HANDLE
    kUserdata,  // USERDATA
    kRefused,   // OWNER
};

constexpr AttributeRule kChain[] = {
    kText,      // NAME
    kU32,       // FAMILY
    kText,      // TABLE
    kU32,       // HOOKNUM
    kU32,       // PRIO, signed
    kU32,       // POLICY
    kRefused,   // USE
    kU64,       // BYTES
    kU64,       // PACKETS
    kU64,       // HANDLE
    kText,      // TYPE
    kText,      // DEV
    kDevices,   // DEVICES
    kU32,       // FLAGS
    kU32,       // ID
    kUserdata,  // USERDATA
};

constexpr AttributeRule kRule[] = {
    kU32,       // FAMILY
    kText,      // TABLE
    kText,      // CHAIN
    kU64,       // HANDLE
    kU32,       // COMPAT_PROTO
    kU32,       // COMPAT_FLAGS
    kU64,       // POSITION
    kUserdata,  // USERDATA
    kU32,       // ID
    kU32,       // POSITION_ID
};

constexpr AttributeRule kSet[] = {
    kText,          // TABLE
    kText,          // NAME
    kU32,           // FLAGS
    kU32,           // KEY_TYPE
    kU32,           // KEY_LEN
    kU32,           // DATA_TYPE
    kU32,           // DATA_LEN
    kU32,           // FAMILY
    kU32,           // ID
    kU32,           // POLICY
    kU32,           // DESC_SIZE
    kU64,           // TIMEOUT
    kU32,           // GC_INTERVAL
    kUserdata,      // USERDATA
    kU32,           // OBJ_TYPE
    kU64,           // HANDLE
    kFieldLengths,  // DESC_CONCAT
};

}  // namespace

const std::span<const AttributeRule> kTableSchema{kTable};
const std::span<const AttributeRule> kChainSchema{kChain};
const std::span<const AttributeRule> kRuleSchema{kRule};
const std::span<const AttributeRule> kSetSchema{kSet};

AttributeRule ruleFor(std::span<const AttributeRule> schema, uint16_t id) {
  return id < schema.size() ? schema[id] : kRefused;
}

bool fits(AttributeRule rule, Bytes value) {
  switch (rule.type) {
    case AttributeType::refused:
      return false;
    case AttributeType::u8:
    case AttributeType::u16:
    case AttributeType::u32:
    case AttributeType::u64:
      return value.size() == rule.maxLength;
    case AttributeType::text:
      return value.size() <= rule.maxLength && std::memchr(value.data(), 0, value.size()) == nullptr;
    case AttributeType::devices:
      return !value.empty() && value.size() <= rule.maxLength && value.back() == 0;
    case AttributeType::fieldLengths:
      return !value.empty() && value.size() <= rule.maxLength &&
             std::memchr(value.data(), 0, value.size()) == nullptr;
    case AttributeType::bytes:
    case AttributeType::data:
      return !value.empty() && value.size() <= rule.maxLength;
  }
  return false;
}

}  // namespace nftlink
