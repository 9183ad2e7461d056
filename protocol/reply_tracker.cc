#include "protocol/reply_tracker.h"

#include <algorithm>

#include "protocol/response.h"

namespace weir::protocol {
namespace {

// An EOF packet is never longer; a row that begins with the same byte always is.
constexpr std::size_t kMaxEofPayload = 8;

// As many as a prepared statement can have; servers stop at 4,096.
constexpr std::uint64_t kMaxColumns = 0xffff;

// After a login every error has one, and clients rely on it.
bool has_sqlstate(Bytes payload) {
  const auto err = decode_err(payload);
  return err && !err->sqlstate.empty();
}

// What cannot be read may be anything: the session's state would not be known from then on.
bool are_readable(Bytes session_changes) {
  SessionChangeReader reader(session_changes);
  while (reader.next()) {
  }
  return reader.ok();
}

bool knows_head(Bytes bytes) {
  if (bytes.size() < kFrameHeaderSize) return false;
  return bytes.size() > kFrameHeaderSize || read_frame_header(bytes).length == 0;
}

// The first byte of the payload, which an empty packet does not have: what lies behind it is
// another's.
std::uint8_t head_byte(const FrameHeader& header, Bytes frame) {
  return header.length > 0 ? frame[kFrameHeaderSize] : std::uint8_t{0};
}

}  // namespace

ReplyTracker::ReplyTracker(ReplyShape shape, Capabilities capabilities)
    : shape_(shape), capabilities_(capabilities) {
  if (shape == ReplyShape::rows || shape == ReplyShape::definitions) state_ = State::rows;
  if (shape == ReplyShape::none) state_ = State::done;
}

FrameHeader ReplyTracker::take_header(std::span<std::uint8_t> frame) const {
  FrameHeader header = read_frame_header(frame);
  if (renumbers_) frame[kFrameHeaderSize - 1] = header.sequence = next_sequence_;
  return header;
}

ReplyTracker::Step ReplyTracker::step(std::span<std::uint8_t> in) {
  if (in.empty() || state_ == State::done) return {};
  started_ = true;
  if (!kept_.empty()) return step_kept(in);

  std::size_t at = 0;
  for (;;) {
    const std::size_t taken = std::min(frame_left_, in.size() - at);
    frame_left_ -= taken;
    at += taken;
    if (frame_left_ == 0 && ends_with_frame_ && !continued_) {
      state_ = State::done;
      return {Event::none, at, at, {}, true, false};
    }
    if (at == in.size()) return {Event::none, at, at, {}, false, false};

    const std::span<std::uint8_t> rest = in.subspan(at);
    if (!knows_head(rest)) {
      kept_.assign(as_text(rest));
      return {Event::none, at, in.size(), {}, false, false};
    }
    const FrameHeader header = take_header(rest);
    const Interest kind = interest(header, head_byte(header, rest));
    if (kind == Interest::pass) {
      begin_passed_frame(header);
      continue;
    }
    const std::size_t size = kFrameHeaderSize + header.length;
    if (kind == Interest::malformed || size > kMaxKept) {
      return {Event::malformed, at, at, {}, true, false};
    }
    if (rest.size() < size) {
      kept_.assign(as_text(rest));
      return {Event::none, at, in.size(), {}, false, false};
    }
    const Step step = show(rest.first(size), at, at + size);
    if (step.event != Event::none || step.last) return step;
    at += size;  // of no consequence to anybody: forwarded with its neighbours
  }
}

ReplyTracker::Step ReplyTracker::step_kept(Bytes in) {
  std::size_t used = 0;
  const auto fill = [&](std::size_t want) {
    if (kept_.size() < want) {
      const std::size_t taken = std::min(want - kept_.size(), in.size() - used);
      kept_.append(as_text(in.subspan(used, taken)));
      used += taken;
    }
    return kept_.size() >= want;
  };
  if (!fill(kFrameHeaderSize)) return {Event::none, 0, used, {}, false, false};
  const FrameHeader header =
      take_header({reinterpret_cast<std::uint8_t*>(kept_.data()), kFrameHeaderSize});
  if (header.length > 0 && !fill(kFrameHeaderSize + 1))
    return {Event::none, 0, used, {}, false, false};

  const std::size_t size = kFrameHeaderSize + header.length;
  const Interest kind = interest(header, head_byte(header, as_bytes(kept_)));
  if (kind == Interest::malformed || (kind == Interest::show && size > kMaxKept)) {
    return {Event::malformed, 0, used, {}, true, false};
  }
  if (kind == Interest::show && !fill(size)) return {Event::none, 0, used, {}, false, false};

  shown_.swap(kept_);
  kept_.clear();
  if (kind == Interest::show) {
    Step step = show(as_bytes(shown_), 0, used);
    step.kept = true;
    return step;
  }
  begin_passed_frame(header);
  frame_left_ -= shown_.size();
  const bool last = frame_left_ == 0 && ends_with_frame_ && !continued_;
  if (last) state_ = State::done;
  return {Event::none, 0, used, as_bytes(shown_), last, true};
}

ReplyTracker::Interest ReplyTracker::interest(const FrameHeader& header, std::uint8_t first) const {
  if (continued_) return Interest::pass;
  switch (state_) {
    case State::head:
      return header.length == 0 ? Interest::malformed : interest_in_head(first);
    case State::definitions:
      if (header.length == 0) return Interest::pass;
      return first == kErrHead || show_definitions_ ? Interest::show : Interest::pass;
    case State::definitions_eof:
      if (first == kEofHead && header.length <= kMaxEofPayload) return Interest::show;
      return first == kErrHead ? Interest::show : Interest::malformed;
    case State::rows: {
      if (header.length == 0) return Interest::pass;
      const Interest end = interest_in_rows(header, first);
      const bool shows = show_rows_ && kFrameHeaderSize + header.length <= kMaxKept;
      return end == Interest::pass && shows ? Interest::show : end;
    }
    case State::done:
      break;
  }
  return Interest::malformed;
}

ReplyTracker::Interest ReplyTracker::interest_in_head(std::uint8_t first) const {
  if (first == kErrHead || first == kOkHead) {
    return shape_ == ReplyShape::text && first == kOkHead ? Interest::pass : Interest::show;
  }
  switch (shape_) {
    case ReplyShape::text:
      return Interest::pass;
    case ReplyShape::result:
      return first == kEofHead ? Interest::malformed : Interest::show;
    case ReplyShape::ok:
      return first == kEofHead ? Interest::show : Interest::malformed;
    default:
      return Interest::malformed;
  }
}

ReplyTracker::Interest ReplyTracker::interest_in_rows(const FrameHeader& header,
                                                      std::uint8_t first) const {
  if (first == kErrHead) return Interest::show;
  if (first != kEofHead) return Interest::pass;
  // A row can begin with the same byte: as the length of a value of 16 MiB and more.
  if (deprecate_eof()) return header.continues() ? Interest::pass : Interest::show;
  return header.length <= kMaxEofPayload ? Interest::show : Interest::pass;
}

void ReplyTracker::begin_passed_frame(const FrameHeader& header) {
  next_sequence_ = static_cast<std::uint8_t>(header.sequence + 1);
  frame_left_ = kFrameHeaderSize + header.length;
  const bool begins_packet = !continued_;
  continued_ = header.continues();
  if (state_ == State::head) ends_with_frame_ = true;  // ReplyShape::text
  if (state_ == State::rows && begins_packet) ++rows_;
  if (state_ == State::definitions && begins_packet && --definitions_left_ == 0) {
    after_definitions();
  }
}

// The last definition of a group has begun; what comes after it?
void ReplyTracker::after_definitions() {
  if (!deprecate_eof()) {
    state_ = State::definitions_eof;
  } else if (shape_ == ReplyShape::result) {
    state_ = State::rows;
  } else if (columns_after_ > 0) {
    definitions_left_ = columns_after_;
    columns_after_ = 0;
  } else {
    ends_with_frame_ = true;
  }
}

ReplyTracker::Step ReplyTracker::show(Bytes packet, std::size_t pass, std::size_t consumed) {
  const Bytes payload = packet.subspan(kFrameHeaderSize);
  Event event = Event::malformed;
  if (payload[0] == kErrHead) {
    event = has_sqlstate(payload) ? on_err() : Event::malformed;
  } else if (state_ == State::head) {
    event = on_head(payload);
  } else if (state_ == State::definitions) {
    event = on_definition();
  } else if (state_ == State::rows &&
             interest_in_rows(read_frame_header(packet), payload[0]) == Interest::pass) {
    event = Event::row;
    ++rows_;
  } else {
    event = on_end(payload);
  }
  if (event == Event::malformed) return {Event::malformed, pass, pass, {}, true, false};
  next_sequence_ = static_cast<std::uint8_t>(read_frame_header(packet).sequence + 1);
  return {event, pass, consumed, packet, state_ == State::done, false};
}

ReplyTracker::Event ReplyTracker::on_err() {
  state_ = State::done;
  return Event::err;
}

ReplyTracker::Event ReplyTracker::on_definition() {
  if (--definitions_left_ == 0) {
    after_definitions();
    if (ends_with_frame_) state_ = State::done;
  }
  return Event::definition;
}

ReplyTracker::Event ReplyTracker::on_head(Bytes payload) {
  if (shape_ == ReplyShape::prepare) return on_prepared(payload);
  if (payload[0] == kLocalInfileHead && shape_ == ReplyShape::result) return Event::local_infile;
  if (payload[0] == kOkHead || payload[0] == kEofHead) return on_end(payload);
  return on_column_count(payload);
}

ReplyTracker::Event ReplyTracker::on_column_count(Bytes payload) {
  ByteReader in(payload);
  definitions_left_ = in.lenenc_int();
  if (!in.complete() || definitions_left_ == 0 || definitions_left_ > kMaxColumns)
    return Event::malformed;
  state_ = State::definitions;
  rows_ = 0;
  has_rows_ = true;
  return Event::none;
}

ReplyTracker::Event ReplyTracker::on_prepared(Bytes payload) {
  ByteReader in(payload);
  in.skip(1 + 4);  // head and statement id
  const std::uint16_t columns = in.int2();
  const std::uint16_t parameters = in.int2();
  if (!in.ok()) return Event::malformed;
  state_ = State::definitions;
  definitions_left_ = parameters > 0 ? parameters : columns;
  columns_after_ = parameters > 0 ? columns : 0;
  if (definitions_left_ == 0) state_ = State::done;
  return Event::prepared;
}

// An OK or EOF packet: the end of rows, of a group of definitions, or of the whole reply.
ReplyTracker::Event ReplyTracker::on_end(Bytes payload) {
  Event event = Event::malformed;
  if (payload[0] == kEofHead && payload.size() <= kMaxEofPayload &&
      (!deprecate_eof() || payload.size() == 5)) {
    // COM_SET_OPTION is answered with a true EOF even where those are deprecated.
    if (const auto eof = decode_eof(payload)) {
      status_ = eof->status;
      warnings_ = eof->warnings;
      event = Event::eof;
    }
  } else if (const auto ok = decode_ok(payload, capabilities_);
             ok && are_readable(ok->session_changes)) {
    status_ = ok->status;
    warnings_ = ok->warnings;
    if (ok->head == kOkHead) has_rows_ = false;
    affected_rows_ = ok->affected_rows;
    insert_id_ = ok->last_insert_id;
    event = Event::ok;
  }
  if (event == Event::malformed) return event;

  if (state_ == State::definitions_eof) {
    if (shape_ == ReplyShape::prepare) {
      state_ = columns_after_ > 0 ? State::definitions : State::done;
      definitions_left_ = columns_after_;
      columns_after_ = 0;
      return state_ == State::done ? Event::eof : Event::none;
    }
    // With an open cursor the rows come later, in answer to COM_STMT_FETCH.
    state_ = (status_ & kStatusCursorExists) != 0 ? State::done : State::rows;
    return state_ == State::done ? Event::eof : Event::none;
  }
  const bool more = shape_ == ReplyShape::result && (status_ & kStatusMoreResults) != 0;
  state_ = more ? State::head : State::done;
  return event;
}

}  // namespace weir::protocol
