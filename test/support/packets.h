// Packets as a server sends them, written one after the other.

#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "protocol/frame.h"
#include "protocol/response.h"

namespace weir::test {

inline std::string lenenc(std::string_view text) {
  std::string out;
  protocol::ByteWriter(out).lenenc_text(text);
  return out;
}

// One entry of session changes.
inline std::string change_entry(protocol::SessionChangeType type, std::string_view inside) {
  std::string out;
  protocol::ByteWriter(out).int1(static_cast<std::uint8_t>(type)).lenenc_text(inside);
  return out;
}
inline std::string variable_entry(std::string_view name, std::string_view value) {
  return change_entry(protocol::SessionChangeType::system_variables, lenenc(name) + lenenc(value));
}
inline std::string schema_entry(std::string_view name) {
  return change_entry(protocol::SessionChangeType::schema, lenenc(name));
}
inline std::string gtid_entry(std::string_view set) {
  return change_entry(protocol::SessionChangeType::gtids, '\0' + lenenc(set));
}

// The bytes of a reply, with sequence numbers as a server counts them. What ends definitions and
// rows depends on the capabilities.
class Packets {
 public:
  explicit Packets(protocol::Capabilities capabilities = 0, std::uint8_t first_sequence = 1)
      : capabilities_(capabilities), sequence_(first_sequence) {}

  const std::string& bytes() const { return bytes_; }
  std::uint8_t next_sequence() const { return sequence_; }
  bool deprecate_eof() const { return (capabilities_ & protocol::kDeprecateEof) != 0; }

  Packets& payload(std::string_view payload) {
    protocol::append_frames(bytes_, payload, sequence_);
    return *this;
  }
  // Bytes that are no packet.
  Packets& bare(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  // The next reply, whose numbers begin again.
  Packets& next_reply() {
    sequence_ = 1;
    return *this;
  }

  Packets& ok(protocol::ServerStatus status = protocol::kStatusAutocommit,
              std::string_view info = {}, std::string_view changes = {}) {
    return ok_packet(protocol::kOkHead, status, info, changes);
  }
  Packets& eof(protocol::ServerStatus status = protocol::kStatusAutocommit) {
    std::string out;
    protocol::append_eof(out, {0, status});
    return payload(out);
  }
  Packets& err(std::uint16_t code = 1064, std::string_view message = "no") {
    std::string out;
    protocol::append_err(out, {code, "42000", message});
    return payload(out);
  }
  Packets& column_count(std::uint64_t count) {
    std::string out;
    protocol::ByteWriter(out).lenenc_int(count);
    return payload(out);
  }
  Packets& definition(std::string_view name) {
    std::string out;
    protocol::ByteWriter(out)
        .lenenc_text("def")
        .lenenc_text("shop")
        .lenenc_text("t")
        .lenenc_text("t")
        .lenenc_text(name)
        .lenenc_text(name)
        .int1(12)
        .int2(255)
        .int4(80)
        .int1(0xfd)
        .int2(0)
        .int1(0)
        .zeros(2);
    return payload(out);
  }
  // A group of definitions with what ends it; nothing at all when there are none.
  Packets& definitions(int count, protocol::ServerStatus status = protocol::kStatusAutocommit) {
    for (int i = 0; i < count; ++i) definition(i % 2 == 0 ? "id" : "name");
    if (count > 0 && !deprecate_eof()) eof(status);
    return *this;
  }
  Packets& text_row(std::initializer_list<std::string_view> values) {
    std::string out;
    for (const std::string_view value : values) out += lenenc(value);
    return payload(out);
  }
  Packets& binary_row(std::string_view values) { return payload('\0' + std::string(values)); }
  Packets& end_of_rows(protocol::ServerStatus status = protocol::kStatusAutocommit,
                       std::string_view changes = {}) {
    if (!deprecate_eof()) return eof(status);
    return ok_packet(protocol::kEofHead, status, {}, changes);
  }
  Packets& prepared(std::uint32_t id, std::uint16_t columns, std::uint16_t parameters) {
    std::string out;
    protocol::ByteWriter(out).int1(0).int4(id).int2(columns).int2(parameters).int1(0).int2(0);
    return payload(out);
  }
  Packets& local_infile(std::string_view name) { return payload('\xfb' + std::string(name)); }

 private:
  Packets& ok_packet(std::uint8_t head, protocol::ServerStatus status, std::string_view info,
                     std::string_view changes) {
    protocol::OkPacket ok;
    ok.head = head;
    ok.affected_rows = head == protocol::kOkHead ? 3 : 0;
    ok.status = status;
    ok.info = info;
    ok.session_changes = protocol::as_bytes(changes);
    std::string out;
    protocol::append_ok(out, ok, capabilities_);
    return payload(out);
  }

  protocol::Capabilities capabilities_;
  std::uint8_t sequence_;
  std::string bytes_;
};

}  // namespace weir::test
