// Capability flags, as both sides announce them in the handshake. Protocol documentation:
// "Capabilities Flags"; MariaDB documentation: "Connecting", "Capabilities".

#pragma once

#include <cstdint>

namespace weir::protocol {

// MariaDB's further flags are bits 32 and up. They travel only when kLongPassword is absent, which
// is how MariaDB makes itself known; MySQL has filler in their place.
using Capabilities = std::uint64_t;

inline constexpr Capabilities kLongPassword = 1u << 0;  // MariaDB: CLIENT_MYSQL
inline constexpr Capabilities kFoundRows = 1u << 1;
inline constexpr Capabilities kLongFlag = 1u << 2;
inline constexpr Capabilities kConnectWithDb = 1u << 3;
inline constexpr Capabilities kNoSchema = 1u << 4;
inline constexpr Capabilities kCompress = 1u << 5;
inline constexpr Capabilities kOdbc = 1u << 6;
inline constexpr Capabilities kLocalFiles = 1u << 7;
inline constexpr Capabilities kIgnoreSpace = 1u << 8;
inline constexpr Capabilities kProtocol41 = 1u << 9;
inline constexpr Capabilities kInteractive = 1u << 10;
inline constexpr Capabilities kSsl = 1u << 11;
inline constexpr Capabilities kIgnoreSigpipe = 1u << 12;
inline constexpr Capabilities kTransactions = 1u << 13;
inline constexpr Capabilities kReserved = 1u << 14;
inline constexpr Capabilities kSecureConnection = 1u << 15;
inline constexpr Capabilities kMultiStatements = 1u << 16;
inline constexpr Capabilities kMultiResults = 1u << 17;
inline constexpr Capabilities kPsMultiResults = 1u << 18;
inline constexpr Capabilities kPluginAuth = 1u << 19;
inline constexpr Capabilities kConnectAttrs = 1u << 20;
inline constexpr Capabilities kPluginAuthLenencData = 1u << 21;
inline constexpr Capabilities kCanHandleExpiredPasswords = 1u << 22;
inline constexpr Capabilities kSessionTrack = 1u << 23;
inline constexpr Capabilities kDeprecateEof = 1u << 24;
inline constexpr Capabilities kOptionalResultsetMetadata = 1u << 25;
inline constexpr Capabilities kZstdCompression = 1u << 26;
inline constexpr Capabilities kQueryAttributes = 1u << 27;
inline constexpr Capabilities kMultiFactorAuth = 1u << 28;
inline constexpr Capabilities kCapabilityExtension = 1u << 29;
inline constexpr Capabilities kSslVerifyServerCert = 1u << 30;
inline constexpr Capabilities kRememberOptions = 1u << 31;

inline constexpr Capabilities kMariadbProgress = 1ull << 32;  // reports in between, as ERR packets
inline constexpr Capabilities kMariadbComMulti = 1ull << 33;
inline constexpr Capabilities kMariadbBulkOperations = 1ull << 34;
inline constexpr Capabilities kMariadbExtendedMetadata = 1ull << 35;
inline constexpr Capabilities kMariadbCacheMetadata = 1ull << 36;  // definitions may be left out
inline constexpr Capabilities kMariadbBulkUnitResults = 1ull << 37;

}  // namespace weir::protocol
