#include "protocol/response.h"

namespace weir::protocol {

std::optional<OkPacket> decode_ok(Bytes payload, Capabilities capabilities) {
  ByteReader in(payload);
  OkPacket ok;
  ok.head = in.int1();
  ok.affected_rows = in.lenenc_int();
  ok.last_insert_id = in.lenenc_int();
  ok.status = in.int2();
  ok.warnings = in.int2();
  if (!in.ok() || (ok.head != kOkHead && ok.head != kEofHead)) return std::nullopt;
  if ((capabilities & kSessionTrack) != 0) {
    if (!in.empty()) ok.info = in.lenenc_text();
    if ((ok.status & kStatusSessionStateChanged) != 0 && !in.empty()) {
      ok.session_changes = in.lenenc_bytes();
    }
  } else if (!in.empty()) {
    // Servers write a length in front of the text here too, although the documentation says that
    // the text goes to the end of the packet.
    ok.info = in.lenenc_text();
  }
  if (!in.ok()) return std::nullopt;
  return ok;
}

std::optional<ErrPacket> decode_err(Bytes payload) {
  ByteReader in(payload);
  ErrPacket err;
  if (in.int1() != kErrHead) return std::nullopt;
  err.code = in.int2();
  if (!in.ok()) return std::nullopt;
  std::string_view rest = as_text(in.rest());
  if (rest.size() >= 6 && rest[0] == '#') {
    err.sqlstate = rest.substr(1, 5);
    rest.remove_prefix(6);
  }
  err.message = rest;
  return err;
}

std::optional<EofPacket> decode_eof(Bytes payload) {
  ByteReader in(payload);
  EofPacket eof;
  if (in.int1() != kEofHead) return std::nullopt;
  eof.warnings = in.int2();
  eof.status = in.int2();
  if (!in.complete()) return std::nullopt;
  return eof;
}

void append_ok(std::string& out, const OkPacket& ok, Capabilities capabilities) {
  ServerStatus status = ok.status;
  const bool tracks = (capabilities & kSessionTrack) != 0;
  const bool changed = tracks && !ok.session_changes.empty();
  status = static_cast<ServerStatus>(changed ? status | kStatusSessionStateChanged
                                             : status & ~kStatusSessionStateChanged);
  ByteWriter writer(out);
  writer.int1(ok.head).lenenc_int(ok.affected_rows).lenenc_int(ok.last_insert_id);
  writer.int2(status).int2(ok.warnings);
  if (changed || !ok.info.empty()) writer.lenenc_text(ok.info);
  if (changed) writer.lenenc_text(as_text(ok.session_changes));
}

void append_err(std::string& out, const ErrPacket& err) {
  ByteWriter writer(out);
  writer.int1(kErrHead).int2(err.code);
  if (!err.sqlstate.empty()) writer.text("#").text(err.sqlstate);
  writer.text(err.message);
}

void append_eof(std::string& out, const EofPacket& eof) {
  ByteWriter(out).int1(kEofHead).int2(eof.warnings).int2(eof.status);
}

std::optional<SessionChange> SessionChangeReader::next() {
  SessionChange change;
  if (entry_.empty()) {
    if (in_.empty()) return std::nullopt;
    const std::size_t before = in_.remaining();
    ByteReader look = in_;
    look.skip(1);
    look.lenenc_bytes();
    const std::size_t length = before - look.remaining();
    if (!look.ok()) {
      in_.fail();
      return std::nullopt;
    }
    raw_ = in_.bytes(length);
    ByteReader entry(raw_);
    entry.skip(1);
    entry_ = ByteReader(entry.lenenc_bytes());
  }
  change.type = raw_[0];
  change.raw = raw_;
  switch (static_cast<SessionChangeType>(change.type)) {
    case SessionChangeType::system_variables:
      change.name = entry_.lenenc_text();
      change.value = entry_.lenenc_text();
      break;
    case SessionChangeType::schema:
      change.value = entry_.lenenc_text();
      if (entry_.ok()) entry_ = ByteReader(Bytes{});
      break;
    case SessionChangeType::gtids:
      entry_.skip(1);  // the encoding of what follows; only 0, plain text, exists
      change.value = entry_.lenenc_text();
      if (entry_.ok()) entry_ = ByteReader(Bytes{});
      break;
    default:
      change.value = as_text(entry_.rest());
      break;
  }
  if (!entry_.ok()) return std::nullopt;
  return change;
}

std::string schema_change(std::string_view schema) {
  std::string out;
  if (schema.empty()) return out;
  std::string entry;
  ByteWriter(entry).lenenc_text(schema);
  ByteWriter(out).int1(static_cast<std::uint8_t>(SessionChangeType::schema)).lenenc_text(entry);
  return out;
}

}  // namespace weir::protocol
