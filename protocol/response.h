// The packets that end a reply, or a part of it: OK, ERR, EOF; and the session changes that ride in
// an OK. Payloads only, without the frame header. Protocol documentation: "OK_Packet",
// "ERR_Packet", "EOF_Packet".

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/byte_writer.h"
#include "protocol/capabilities.h"
#include "protocol/server_status.h"

namespace weir::protocol {

inline constexpr std::uint8_t kOkHead = 0x00;
inline constexpr std::uint8_t kLocalInfileHead = 0xfb;
inline constexpr std::uint8_t kEofHead = 0xfe;
inline constexpr std::uint8_t kErrHead = 0xff;

// Views point into the payload that was decoded.
struct OkPacket {
  std::uint8_t head = kOkHead;  // kEofHead when it ends a result set under CLIENT_DEPRECATE_EOF
  std::uint64_t affected_rows = 0;
  std::uint64_t last_insert_id = 0;
  ServerStatus status = 0;
  std::uint16_t warnings = 0;
  std::string_view info;  // for people, e.g. "Rows matched: 1  Changed: 1  Warnings: 0"
  Bytes session_changes;  // entries for SessionChangeReader; empty when there are none
};

struct ErrPacket {
  std::uint16_t code = 0;
  std::string_view sqlstate;  // five letters; empty in errors before the handshake
  std::string_view message;
};

struct EofPacket {
  std::uint16_t warnings = 0;
  ServerStatus status = 0;
};

// `capabilities` are those negotiated on the connection that the payload came from.
std::optional<OkPacket> decode_ok(Bytes payload, Capabilities capabilities);
std::optional<ErrPacket> decode_err(Bytes payload);
std::optional<EofPacket> decode_eof(Bytes payload);

// `capabilities` are those negotiated with the receiver: one without CLIENT_SESSION_TRACK never
// gets session changes, nor the status bit that announces them.
void append_ok(std::string& out, const OkPacket& ok, Capabilities capabilities);
void append_err(std::string& out, const ErrPacket& err);
void append_eof(std::string& out, const EofPacket& eof);

// Protocol documentation: "SESSION_TRACK_..." in enum_session_state_type.
enum class SessionChangeType : std::uint8_t {
  system_variables = 0,
  schema = 1,
  state_change = 2,
  gtids = 3,
  transaction_characteristics = 4,
  transaction_state = 5,
};

struct SessionChange {
  std::uint8_t type = 0;  // a SessionChangeType, or one that this version does not know
  std::string_view name;  // of a system variable; empty for the other types
  std::string_view
      value;  // system variable: its value; schema: its name; gtids: the set; others: raw
  Bytes raw;  // the whole entry, type byte included, for copying
};

// The entry of session_changes that reports a schema; empty when there is none.
std::string schema_change(std::string_view schema);

// Walks through OkPacket::session_changes. One entry of MariaDB can hold several variables: each is
// returned by itself, with the same `raw`.
class SessionChangeReader {
 public:
  explicit SessionChangeReader(Bytes session_changes) : in_(session_changes) {}

  // The next change; nothing at the end or when the rest is malformed, which ok() tells apart.
  std::optional<SessionChange> next();
  bool ok() const { return in_.ok() && entry_.ok(); }

 private:
  ByteReader in_;
  ByteReader entry_{Bytes{}};  // what is left of the entry of variables being read
  Bytes raw_;
};

}  // namespace weir::protocol
