// Status flags of OK and EOF packets. Protocol documentation: "SERVER_STATUS_flags_enum".

#pragma once

#include <cstdint>

namespace weir::protocol {

using ServerStatus = std::uint16_t;

inline constexpr ServerStatus kStatusInTransaction = 0x0001;
inline constexpr ServerStatus kStatusAutocommit = 0x0002;
inline constexpr ServerStatus kStatusMoreResults = 0x0008;
inline constexpr ServerStatus kStatusNoGoodIndexUsed = 0x0010;
inline constexpr ServerStatus kStatusNoIndexUsed = 0x0020;
inline constexpr ServerStatus kStatusCursorExists = 0x0040;
inline constexpr ServerStatus kStatusLastRowSent = 0x0080;
inline constexpr ServerStatus kStatusNoBackslashEscapes = 0x0200;
inline constexpr ServerStatus kStatusMetadataChanged = 0x0400;
inline constexpr ServerStatus kStatusQueryWasSlow = 0x0800;
inline constexpr ServerStatus kStatusPsOutParams = 0x1000;
inline constexpr ServerStatus kStatusInReadOnlyTransaction = 0x2000;
inline constexpr ServerStatus kStatusSessionStateChanged = 0x4000;
inline constexpr ServerStatus kStatusAnsiQuotes = 0x8000;  // MariaDB only

}  // namespace weir::protocol
